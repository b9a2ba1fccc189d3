"""Each setting that the movies' apps declare changes what it is said to change."""

import contextlib
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
    assert_ends_in_order,
    assert_keeps,
    assert_kept,
    assert_listening,
    assert_pool_grows,
    assert_refused,
    assert_under_way,
    waiting_requests,
)
from tests.unit.apps.serving import (
    CATALOGUE,
    PATIENCE_S,
    RunningApp,
    Serve,
    assert_workers,
    wait_until,
)

MOVIES = CATALOGUE.apps_of("movies")
TABLE = "movies_movie"
Settings = dict[str, str | int]
WAYS: list[tuple[str, Settings]] = [
    ("django", {"worker_class": "gthread"}),
    ("aiohttp_orm", {"orm": "thread"}),
    ("aiohttp_orm", {"orm": "async"}),
]


def path(app: str) -> str:
    """Where the app lists the movies."""
    return MOVIES[app].spec.endpoints["movies"]


# --- defaults are the article's -------------------------------------------------------------------


def test_defaults_are_the_article_s() -> None:
    django, aiohttp = MOVIES["django"].defaults(), MOVIES["aiohttp_orm"].defaults()
    assert (django["workers"], django["worker_class"]) == (3, "sync")
    assert (aiohttp["workers"], aiohttp["orm"]) == (1, "thread")
    assert django["database_access"] == aiohttp["database_access"] == "connection_per_request"


def test_by_default_gunicorn_s_sync_workers_close_and_aiohttp_keeps(
    defaults: dict[str, RunningApp],
) -> None:
    assert "Using worker: sync\n" in defaults["django"].log()
    assert_closes(defaults["django"], path("django"))
    assert_keeps(defaults["aiohttp_orm"], path("aiohttp_orm"))


def test_by_default_a_sync_worker_serves_one_request_with_a_database_connection_of_its_own(
    defaults: dict[str, RunningApp], database: Cluster
) -> None:
    running = defaults["django"]
    with waiting_requests(running, database, path("django"), TABLE):
        assert_under_way(running, database, len(running.workers()))
    assert_kept(running, database, 0)


# --- workers and threads --------------------------------------------------------------------------


@pytest.mark.parametrize("app", MOVIES)
def test_workers_and_reuse_port(serve: Serve, defaults: dict[str, RunningApp], app: str) -> None:
    assert_workers(defaults[app], 2)
    assert_listening(defaults[app].port, 1)
    assert_a_socket_for_each_worker(serve, app, path(app))


def test_one_aiohttp_process_serves_by_itself_and_more_of_them_under_gunicorn(
    serve: Serve, defaults: dict[str, RunningApp]
) -> None:
    assert "Using worker: aiohttp.GunicornWebWorker\n" in defaults["aiohttp_orm"].log()
    with serve("aiohttp_orm") as running:
        assert running.workers() == []
        assert running.log() == ""


@pytest.mark.parametrize(("app", "settings"), WAYS)
def test_threads_are_how_many_requests_are_under_way_in_a_process(
    serve: Serve, database: Cluster, app: str, settings: Settings
) -> None:
    with serve(app, threads=4, **settings) as running:
        with waiting_requests(running, database, path(app), TABLE):
            assert_under_way(running, database, 4)
        assert_kept(running, database, 0)  # a connection per request


# --- connections to clients -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("app", "settings"),
    [
        ("django", {"worker_class": "gthread"}),
        ("aiohttp_orm", {}),
        ("aiohttp_orm", {"workers": 2}),
    ],
)
def test_keepalive_s(serve: Serve, app: str, settings: Settings) -> None:
    with serve(app, keepalive_s=1, **settings) as running:
        assert_keeps(running, path(app), keepalive_s=1)
        assert_ends_idle(running, path(app))
    with serve(app, keepalive_s=0, **settings) as running:
        assert_closes(running, path(app))


# --- connections to the database ------------------------------------------------------------------


@pytest.mark.parametrize(("app", "settings"), WAYS)
def test_a_pool_opens_as_many_connections_as_are_needed_up_to_pool_size_and_keeps_them(
    serve: Serve, database: Cluster, app: str, settings: Settings
) -> None:
    more: Settings = {"database_access": "pool", "pool_size": 3, "threads": REQUESTS}
    with serve(app, **more, **settings) as running:
        # it has answered once, to show that it does
        assert_pool_grows(running, database, path(app), TABLE)


@pytest.mark.parametrize(("app", "settings"), WAYS)
def test_persistent_connections_are_one_for_each_thread_that_has_served(
    serve: Serve, database: Cluster, app: str, settings: Settings
) -> None:
    with serve(app, database_access="persistent", threads=3, **settings) as running:
        with waiting_requests(running, database, path(app), TABLE):
            assert_under_way(running, database, 3)
        assert_kept(running, database, 3)
        for _ in range(3):
            assert running.get(path(app)).status == 200
        assert_kept(running, database, 3)


@pytest.mark.parametrize("orm", ["thread", "async"])
def test_a_connection_that_the_database_has_ended_harms_at_most_the_request_that_finds_it(
    serve: Serve, database: Cluster, orm: str
) -> None:
    with serve("aiohttp_orm", orm=orm, threads=1, database_access="persistent") as running:
        assert_kept(running, database, 1)
        ended = f"FROM pg_stat_activity WHERE application_name = '{running.database_name}'"
        assert database.query(f"SELECT pg_terminate_backend(pid) {ended}") == ["t"]
        assert running.get(path("aiohttp_orm")).status == 500
        assert running.get(path("aiohttp_orm")).status == 200


@pytest.mark.parametrize("orm", ["thread", "async"])
def test_both_ways_to_the_orm_send_one_statement_per_request(
    serve: Serve, database: Cluster, orm: str
) -> None:
    with serve("aiohttp_orm", orm=orm, database_access="pool") as running:
        database.forget_statements()
        for _ in range(4):
            assert running.get(path("aiohttp_orm")).status == 200
        ((text, calls),) = database.statements()
        assert calls == 4
        (declared,) = CATALOGUE.workload("movies").endpoints["movies"].sql
        assert text in declared.texts


# --- debug ----------------------------------------------------------------------------------------


def test_debug_is_django_s_debug(serve: Serve) -> None:
    assert_django_debug(serve, "django", path("django"))


def test_debug_of_aiohttp_is_django_s_and_asyncio_s() -> None:
    app = MOVIES["aiohttp_orm"]
    code = (
        "import asyncio\n"
        "from api import create_app\n"
        "from django.conf import settings\n"
        "async def main():\n"
        "    await create_app()\n"
        "    print(settings.DEBUG, asyncio.get_running_loop().get_debug())\n"
        "asyncio.run(main())\n"
    )
    for debug, seen in ((0, "False False\n"), (1, "True True\n")):
        url = {"DATABASE_URL": "postgresql://u:p@127.0.0.1:9/none"}
        environment = url | serving.settings_environment(app, {"debug": debug})
        assert serving.printed_in(app, code, environment) == seen


# --- what is wrong --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("app", "settings"),
    [
        *((app, {"database_access": "telepathy"}) for app in MOVIES),
        ("django", {"worker_class": "artisan"}),
        ("aiohttp_orm", {"orm": "oracle"}),
        ("aiohttp_orm", {"orm": "oracle", "workers": 2}),
    ],
)
def test_a_value_that_is_not_known_ends_the_app_and_is_named(
    app: str, settings: Settings, tmp_path: Path, database: Cluster
) -> None:
    assert_refused(MOVIES[app], {"DATABASE_URL": database.url}, tmp_path / "log", **settings)


# --- the end --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("app", "settings"),
    [
        ("django", {"workers": 2}),
        ("django", {"workers": 2, "worker_class": "gthread", "database_access": "pool"}),
        *(
            ("aiohttp_orm", {"workers": workers, "orm": orm, "database_access": access})
            for workers in (1, 2)
            for orm, access in (("thread", "persistent"), ("thread", "pool"), ("async", "pool"))
        ),
        ("aiohttp_orm", {"orm": "async", "database_access": "persistent"}),
    ],
)
def test_sigterm_ends_an_app_that_has_an_idle_client_and_used_its_database(
    serve: Serve, database: Cluster, app: str, settings: Settings
) -> None:
    before = set(Path(MOVIES[app].folder).rglob("*"))
    with serve(app, **settings) as running:
        assert_ends_in_order(running, database, path(app))
        for trouble in ("Warning", "couldn't stop"):
            assert trouble not in running.log()
    assert set(Path(MOVIES[app].folder).rglob("*")) == before  # it wrote nothing in its folder


@pytest.mark.parametrize("settings", [{}, {"orm": "async"}, {"workers": 2}])
def test_aiohttp_finishes_the_requests_in_hand(
    serve: Serve, database: Cluster, settings: Settings
) -> None:
    with (
        serve("aiohttp_orm", **settings) as running,
        contextlib.closing(running.connect()) as client,
    ):
        with database.locked(TABLE):
            client.request("GET", path("aiohttp_orm"))
            wait_until(
                lambda: database.connections(running.database_name, "wait_event_type = 'Lock'") > 0,
                "a statement under way",
            )
            running.process.terminate()
        assert client.getresponse().status == 200
        assert running.process.wait(PATIENCE_S) == 0
