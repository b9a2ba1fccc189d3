"""Each setting that an app declares changes what it is said to change."""

from pathlib import Path

import pytest

from tests.unit.apps import serving
from tests.unit.apps.cluster import Cluster
from tests.unit.apps.observing import (
    REQUESTS,
    assert_a_socket_for_each_worker,
    assert_closes,
    assert_django_debug,
    assert_ends_idle,
    assert_keeps,
    assert_kept,
    assert_listening,
    assert_persistent,
    assert_pool_grows,
    assert_refused,
    assert_under_way,
    has_uvloop,
    waiting_requests,
)
from tests.unit.apps.serving import (
    CATALOGUE,
    RunningApp,
    Serve,
    assert_workers,
)

AGENTS = CATALOGUE.apps_of("agents")
AGENTS_TABLE = ("/agents", "agentfeatures")
GUNICORN_APPS = ["django", "flask"]
Settings = dict[str, str | int]


# --- defaults are the article's -------------------------------------------------------------------


@pytest.mark.parametrize("app", AGENTS)
def test_defaults_are_the_article_s(app: str) -> None:
    defaults = AGENTS[app].defaults()
    pooled = app == "aiohttp_api_hour"
    assert defaults["workers"] == 16
    assert defaults["database_access"] == ("pool" if pooled else "connection_per_request")
    assert defaults["pool_size"] == AGENTS[app].spec.database_connections_per_worker == 30


def test_by_default_gunicorn_s_sync_workers_close_and_api_hour_s_keep(
    defaults: dict[str, RunningApp],
) -> None:
    for app in GUNICORN_APPS:
        assert "Using worker: sync\n" in defaults[app].log()
        assert_closes(defaults[app], "/index")
    assert_keeps(defaults["aiohttp_api_hour"], "/index")


@pytest.mark.parametrize("app", GUNICORN_APPS)
def test_by_default_a_worker_serves_one_request_and_its_database_connection_ends_with_it(
    defaults: dict[str, RunningApp], database: Cluster, app: str
) -> None:
    before = database.connections(defaults[app].database_name)  # Flask's pool may have some
    with waiting_requests(defaults[app], database, *AGENTS_TABLE):
        assert_under_way(defaults[app], database, len(defaults[app].workers()))
    assert_kept(defaults[app], database, before)


# --- workers --------------------------------------------------------------------------------------


@pytest.mark.parametrize("app", AGENTS)
def test_workers_and_reuse_port(serve: Serve, defaults: dict[str, RunningApp], app: str) -> None:
    assert_workers(defaults[app], 2)
    assert_listening(defaults[app].port, 1)
    assert_a_socket_for_each_worker(serve, app, "/index")


@pytest.mark.parametrize("app", GUNICORN_APPS)
@pytest.mark.parametrize(
    ("worker_class", "threads", "under_way"), [("gthread", 4, 4), ("gevent", 1, REQUESTS)]
)
def test_worker_class_threads_and_keepalive_s(
    serve: Serve, database: Cluster, app: str, worker_class: str, threads: int, under_way: int
) -> None:
    with serve(app, worker_class=worker_class, threads=threads, keepalive_s=1) as running:
        assert f"Using worker: {worker_class}\n" in running.log()
        with waiting_requests(running, database, *AGENTS_TABLE):
            assert_under_way(running, database, under_way)
        assert_keeps(running, "/agents", keepalive_s=1)
        assert_ends_idle(running, "/index")


def test_keepalive_s_of_api_hour(serve: Serve) -> None:
    with serve("aiohttp_api_hour", keepalive_s=1) as running:
        assert_ends_idle(running, "/index")


@pytest.mark.parametrize(
    ("app", "settings"),
    [
        ("django", {"worker_class": "gthread"}),
        ("flask", {"worker_class": "gevent"}),
        ("aiohttp_api_hour", {}),
    ],
)
def test_keepalive_s_of_0_closes(serve: Serve, app: str, settings: Settings) -> None:
    with serve(app, keepalive_s=0, **settings) as running:
        assert_closes(running, "/index")


# --- connections to the database ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("app", "settings"),
    [
        ("django", {"worker_class": "gthread", "threads": REQUESTS}),
        ("flask", {"worker_class": "gthread", "threads": REQUESTS}),
        ("aiohttp_api_hour", {}),
    ],
)
def test_a_pool_opens_as_many_connections_as_are_needed_up_to_pool_size_and_keeps_them(
    serve: Serve, database: Cluster, app: str, settings: Settings
) -> None:
    with serve(app, database_access="pool", pool_size=3, **settings) as running:
        assert_kept(running, database, 0)
        assert running.get("/agents").status == 200
        assert_pool_grows(running, database, *AGENTS_TABLE)


def test_django_s_persistent_connections_stay_open(serve: Serve, database: Cluster) -> None:
    assert_persistent(serve, database, "django", "/agents")


def test_api_hour_with_a_connection_per_request(serve: Serve, database: Cluster) -> None:
    settings = {"database_access": "connection_per_request", "pool_size": 3}
    with serve("aiohttp_api_hour", **settings) as running:
        with waiting_requests(running, database, *AGENTS_TABLE):
            assert_under_way(running, database, REQUESTS)
        assert_kept(running, database, 0)


def test_flask_s_pool_endpoint_takes_the_pool_whatever_the_setting(
    serve: Serve, database: Cluster
) -> None:
    settings = {"worker_class": "gthread", "threads": REQUESTS, "pool_size": 2}
    with serve("flask", **settings) as running:
        with waiting_requests(running, database, "/agents_with_pool", "agentfeatures"):
            assert_under_way(running, database, 2)
        with waiting_requests(running, database, *AGENTS_TABLE):
            assert_under_way(running, database, REQUESTS)


# --- event loop and debug -------------------------------------------------------------------------


def test_event_loop(serve: Serve, defaults: dict[str, RunningApp]) -> None:
    assert not has_uvloop(defaults["aiohttp_api_hour"])
    with serve("aiohttp_api_hour", event_loop="uvloop") as running:
        assert has_uvloop(running)
        assert_keeps(running, "/agents")


@pytest.mark.parametrize("event_loop", ["asyncio", "uvloop"])
def test_debug_is_asyncio_s_debug_mode(event_loop: str) -> None:
    app = AGENTS["aiohttp_api_hour"]
    code = (
        "from agents import Container\n"
        "for debug in '01':\n"
        f"    loop = Container.make_event_loop({{'event_loop': '{event_loop}', 'debug': debug}})\n"
        "    print(loop.get_debug())\n"
        "    loop.close()\n"
    )
    assert serving.printed_in(app, code).split() == ["False", "True"]


def test_debug_is_django_s_debug(serve: Serve) -> None:
    assert_django_debug(serve, "django", "/agents")


# --- what is wrong --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("app", "setting", "value"),
    [
        *((app, "database_access", "telepathy") for app in AGENTS),
        ("aiohttp_api_hour", "event_loop", "perpetual"),
        *((app, "worker_class", "artisan") for app in GUNICORN_APPS),
    ],
)
def test_a_value_that_is_not_known_ends_the_app_and_is_named(
    app: str, setting: str, value: str, tmp_path: Path, database: Cluster
) -> None:
    services = {"DATABASE_URL": database.url}
    assert_refused(AGENTS[app], services, tmp_path / "log", **{setting: value})
