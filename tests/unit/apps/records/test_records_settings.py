"""Each setting that the records apps declare changes what it is said to change."""

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
    assert_persistent,
    assert_pool_grows,
    assert_refused,
    assert_under_way,
    waiting_requests,
)
from tests.unit.apps.serving import (
    CATALOGUE,
    START_PATIENCE_S,
    RunningApp,
    Serve,
    assert_workers,
    wait_until,
)

APPS = CATALOGUE.apps_of("records")
GUNICORN_APPS = ["django", "flask"]
PATH = "/records"
Settings = dict[str, str | int]


# --- processes ------------------------------------------------------------------------------------


def test_by_default_aiohttp_is_one_process_with_its_own_runner(serve: Serve) -> None:
    assert APPS["aiohttp"].defaults()["workers"] == 1
    with serve("aiohttp") as running:
        assert running.workers() == []
        assert "Gunicorn" not in running.log()
        assert_keeps(running, PATH)


def test_aiohttp_with_more_workers_runs_under_gunicorn_with_its_worker(serve: Serve) -> None:
    with serve("aiohttp", workers=2) as running:
        assert_workers(running, 2)
        assert "Using worker: aiohttp.GunicornWebWorker\n" in running.log()
        assert_keeps(running, PATH)


@pytest.mark.parametrize("app", APPS)
def test_workers_and_reuse_port(serve: Serve, app: str) -> None:
    assert_a_socket_for_each_worker(serve, app, PATH)


@pytest.mark.parametrize("app", GUNICORN_APPS)
@pytest.mark.parametrize(
    ("worker_class", "threads", "under_way"),
    [("sync", 1, 1), ("gthread", 4, 4), ("gevent", 1, REQUESTS)],
)
def test_worker_class_and_threads(
    serve: Serve, database: Cluster, app: str, worker_class: str, threads: int, under_way: int
) -> None:
    settings = {"worker_class": worker_class, "threads": threads, "pool_size": REQUESTS}
    with serve(app, **settings) as running:
        assert f"Using worker: {worker_class}\n" in running.log()
        with waiting_requests(running, database, PATH, "record"):
            assert_under_way(running, database, under_way)
        if worker_class == "sync":
            assert_closes(running, PATH)
        else:
            assert_keeps(running, PATH)


@pytest.mark.parametrize(
    ("app", "settings"),
    [
        ("django", {"worker_class": "gthread"}),
        ("flask", {"worker_class": "gthread"}),
        ("aiohttp", {}),
        ("aiohttp", {"workers": 2}),
    ],
)
def test_keepalive_s(serve: Serve, app: str, settings: Settings) -> None:
    with serve(app, keepalive_s=0, **settings) as running:
        assert_closes(running, PATH)
    with serve(app, keepalive_s=1, **settings) as running:
        assert_ends_idle(running, PATH)


# --- connections to the database ------------------------------------------------------------------

MANY_AT_ONCE: list[tuple[str, Settings]] = [
    ("django", {"worker_class": "gthread", "threads": REQUESTS}),
    ("flask", {"worker_class": "gthread", "threads": REQUESTS}),
    ("aiohttp", {}),
]


@pytest.mark.parametrize(("app", "settings"), MANY_AT_ONCE)
def test_a_pool_opens_as_many_connections_as_are_needed_up_to_pool_size_and_keeps_them(
    serve: Serve, database: Cluster, app: str, settings: Settings
) -> None:
    with serve(app, database_access="pool", pool_size=3, **settings) as running:
        assert running.get(PATH).status == 200
        assert_pool_grows(running, database, PATH, "record")


@pytest.mark.parametrize(("app", "settings"), MANY_AT_ONCE)
def test_a_connection_per_request_ends_with_it(
    serve: Serve, database: Cluster, app: str, settings: Settings
) -> None:
    access = "connection_per_request"
    with serve(app, database_access=access, pool_size=3, **settings) as running:
        with waiting_requests(running, database, PATH, "record"):
            assert_under_way(running, database, REQUESTS)
        assert_kept(running, database, 0)


def test_django_s_persistent_connections_stay_open(serve: Serve, database: Cluster) -> None:
    assert_persistent(serve, database, "django", PATH)


@pytest.mark.parametrize(("autocommit", "transactions"), [(0, 3), (1, 0)])
def test_autocommit_of_flask_leaves_the_transaction_out(
    serve: Serve, database: Cluster, autocommit: int, transactions: int
) -> None:
    with serve("flask", autocommit=autocommit) as running:
        database.forget_statements()
        for _ in range(3):
            assert running.get(PATH).status == 200
        sent = dict(database.statements())
    assert sent.get("BEGIN", 0) == transactions


# --- middleware and debug -------------------------------------------------------------------------


def test_middleware_of_django(serve: Serve) -> None:
    def framed(running: RunningApp) -> str | None:
        with contextlib.closing(running.connect()) as connection:
            connection.request("GET", PATH)
            response = connection.getresponse()
            assert response.status == 200
            return response.getheader("X-Frame-Options")

    with serve("django") as running:
        assert framed(running) == "DENY"
    with serve("django", middleware="needed") as running:
        assert framed(running) is None


def test_debug_of_django_is_its_debug(serve: Serve) -> None:
    assert_django_debug(serve, "django", PATH)


def said_without_and_with_debug(app: str, code: str, database: Cluster) -> list[str]:
    """What code that sees the app's package prints, with debug 0 and 1."""
    said = []
    for debug in (0, 1):
        url = {"DATABASE_URL": database.url}
        environment = url | serving.settings_environment(APPS[app], {"debug": debug})
        said.append(serving.printed_in(APPS[app], f"import records\n{code}", environment).strip())
    return said


@pytest.mark.parametrize(
    ("app", "code"),
    [
        ("flask", "print(records.create_app().debug)"),
        (
            "aiohttp",
            "import asyncio\n"
            "from aiohttp import web\n"
            "async def main():\n"
            "    runner = web.AppRunner(records.create_app())\n"
            "    await runner.setup()\n"
            "    print(asyncio.get_running_loop().get_debug())\n"
            "    await runner.cleanup()\n"
            "asyncio.run(main())\n",
        ),
    ],
)
def test_debug_is_flask_s_and_asyncio_s_debug_mode(database: Cluster, app: str, code: str) -> None:
    assert said_without_and_with_debug(app, code, database) == ["False", "True"]


@pytest.mark.parametrize(
    ("app", "code"),
    [
        ("flask", "print(records.create_app().jinja_env.auto_reload)"),
        (
            "aiohttp",
            "import aiohttp_jinja2\n"
            "print(aiohttp_jinja2.get_env(records.create_app()).auto_reload)",
        ),
    ],
)
def test_templates_are_looked_for_again_with_debug_only(
    database: Cluster, app: str, code: str
) -> None:
    assert said_without_and_with_debug(app, code, database) == ["False", "True"]


# --- what is wrong --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("app", "setting", "value"),
    [
        *((app, "database_access", "telepathy") for app in APPS),
        *((app, "worker_class", "artisan") for app in GUNICORN_APPS),
        ("django", "middleware", "everything"),
    ],
)
def test_a_value_that_is_not_known_ends_the_app_and_is_named(
    app: str, setting: str, value: str, tmp_path: Path, database: Cluster
) -> None:
    services = {"DATABASE_URL": database.url}
    assert_refused(APPS[app], services, tmp_path / "log", **{setting: value})


@pytest.mark.parametrize("app", APPS)
def test_an_error_reaches_the_journal(app: str, tmp_path: Path) -> None:
    services = {"DATABASE_URL": "postgresql://nobody:nothing@127.0.0.1:9/none"}
    with serving.starting(APPS[app], services, tmp_path / "log") as running:

        def answers() -> bool:
            with contextlib.suppress(OSError):
                return running.get(PATH).status == 500
            return False

        wait_until(answers, f"{app} answers", START_PATIENCE_S)
        assert "Traceback" in running.log()


# --- the end --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("app", "settings"),
    [*((app, {"workers": 2}) for app in APPS), ("aiohttp", {"workers": 1})],
)
def test_sigterm_ends_an_app_that_has_an_idle_client_and_used_its_database(
    serve: Serve, database: Cluster, app: str, settings: Settings
) -> None:
    with serve(app, **settings) as running:
        assert_ends_in_order(running, database, PATH)
