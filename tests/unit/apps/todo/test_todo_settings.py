"""Each setting that a todo app declares changes what it is said to change; and how apps end."""

import contextlib
from pathlib import Path

import pytest

from tests.unit.apps import redis_server, serving
from tests.unit.apps.cluster import Cluster
from tests.unit.apps.observing import (
    REQUESTS,
    assert_a_socket_for_each_worker,
    assert_closes,
    assert_django_debug,
    assert_ends_in_order,
    assert_keeps,
    assert_kept,
    assert_listening,
    assert_persistent,
    assert_refused,
    assert_under_way,
    has_uvloop,
    waiting_requests,
)
from tests.unit.apps.serving import (
    CATALOGUE,
    RunningApp,
    Serve,
    ask,
    assert_workers,
    wait_until,
)

TODO = CATALOGUE.apps_of("todo")
Settings = dict[str, str | int]


def redis_connections(url: str) -> int:
    """Clients of Redis besides the one that asks."""
    listing = redis_server.command(url, "client", "list", "type", "normal").splitlines()
    return len([line for line in listing if "cmd=client|list" not in line])


def test_defaults_are_the_article_s() -> None:
    django, aiohttp = TODO["django"].defaults(), TODO["aiohttp"].defaults()
    assert (django["workers"], django["worker_class"], django["threads"]) == (2, "sync", 1)
    assert django["database_access"] == "connection_per_request"
    assert (aiohttp["workers"], aiohttp["database_access"]) == (1, "pool")
    assert django["debug"] == aiohttp["debug"] == 0


def test_by_default_django_closes_and_aiohttp_keeps(defaults: dict[str, RunningApp]) -> None:
    assert_closes(defaults["django"], "/")
    assert_keeps(defaults["aiohttp"], "/")


@pytest.mark.parametrize("app", TODO)
def test_workers_and_reuse_port(serve: Serve, defaults: dict[str, RunningApp], app: str) -> None:
    assert_workers(defaults[app], 2)
    assert_listening(defaults[app].port, 1)
    assert_a_socket_for_each_worker(serve, app, "/")


@pytest.mark.parametrize(
    ("app", "settings"),
    [("django", {"worker_class": "gthread"}), ("aiohttp", {}), ("aiohttp", {"workers": 2})],
)
def test_keepalive_s(serve: Serve, app: str, settings: Settings) -> None:
    with (
        serve(app, keepalive_s=1, **settings) as running,
        contextlib.closing(running.connect()) as idle,
    ):
        assert_keeps(running, "/", keepalive_s=1)
        assert ask(idle, "/").status == 200
        assert idle.sock.recv(1) == b""  # with the default, the socket's timeout strikes
    with serve(app, keepalive_s=0, **settings) as running:
        assert_closes(running, "/")


@pytest.mark.parametrize(
    ("app", "settings"),
    [("django", {"worker_class": "gthread", "threads": REQUESTS}), ("aiohttp", {})],
)
@pytest.mark.parametrize(("access", "under_way"), [("pool", 3), ("connection_per_request", 6)])
def test_database_access_and_pool_size(
    serve: Serve, database: Cluster, app: str, settings: Settings, access: str, under_way: int
) -> None:
    with serve(app, database_access=access, pool_size=3, **settings) as running:
        with waiting_requests(running, database, "/", "item"):
            assert_under_way(running, database, under_way)
        assert_kept(running, database, 3 if access == "pool" else 0)


def test_django_s_persistent_connections_stay_open(serve: Serve, database: Cluster) -> None:
    assert_persistent(serve, database, "django", "/")


@pytest.mark.parametrize("app", TODO)
def test_redis_is_reached_by_a_kept_connection(serve: Serve, redis_url: str, app: str) -> None:
    before = redis_connections(redis_url)
    with serve(app) as running:
        for _ in range(4):
            assert running.get("/").status == 200
        assert redis_connections(redis_url) == before + 1
    wait_until(lambda: redis_connections(redis_url) == before, "Redis' connection is closed")


def test_event_loop(serve: Serve, defaults: dict[str, RunningApp]) -> None:
    assert not has_uvloop(defaults["aiohttp"])
    with serve("aiohttp", event_loop="uvloop") as running:
        assert has_uvloop(running)
        assert_keeps(running, "/")


def test_debug_is_django_s_debug(serve: Serve) -> None:
    assert_django_debug(serve, "django", "/")


def test_debug_is_asyncio_s_debug_mode() -> None:
    app = TODO["aiohttp"]
    code = (
        "import asyncio\n"
        "from todo import create_app\n"
        "async def debug():\n"
        "    await create_app()\n"
        "    return asyncio.get_running_loop().get_debug()\n"
        "print(asyncio.run(debug()))\n"
    )
    for value, expected in (("0", "False\n"), ("1", "True\n")):
        environment = {"DEBUG": value, "KEEPALIVE_S": "75"}
        assert serving.printed_in(app, code, environment) == expected


@pytest.mark.parametrize("app", TODO)
def test_without_its_services_a_page_is_an_error_that_reaches_the_journal(
    app: str, tmp_path: Path
) -> None:
    nowhere = {
        "DATABASE_URL": "postgresql://nobody:nothing@127.0.0.1:9/none",
        "REDIS_URL": "redis://default:nothing@127.0.0.1:9/0",
    }
    with serving.starting(TODO[app], nowhere, tmp_path / "log") as running:
        wait_until(lambda: answers(running), "an answer")
        assert running.get("/").status == 500
        assert "Traceback" in running.log()


def answers(running: RunningApp) -> bool:
    """Whether the app answers at all."""
    try:
        return running.get("/nothing").status == 404
    except OSError:
        return False


@pytest.mark.parametrize(
    ("app", "setting", "value"),
    [
        *((app, "database_access", "telepathy") for app in TODO),
        ("django", "worker_class", "artisan"),
        ("aiohttp", "event_loop", "perpetual"),
    ],
)
def test_a_value_that_is_not_known_ends_the_app_and_is_named(
    app: str, setting: str, value: str, tmp_path: Path, database: Cluster, redis_url: str
) -> None:
    services = {"DATABASE_URL": database.url, "REDIS_URL": redis_url}
    assert_refused(TODO[app], services, tmp_path / "log", **{setting: value})


@pytest.mark.parametrize(
    ("app", "settings"),
    [
        ("django", {}),
        ("django", {"worker_class": "gthread", "database_access": "pool"}),
        ("aiohttp", {}),
        # uvloop loses a signal that comes before it runs: the one that answers must be the only one
        ("aiohttp", {"event_loop": "uvloop", "workers": 1}),
    ],
)
def test_sigterm_ends_an_app_that_has_an_idle_client_and_used_its_services(
    serve: Serve, database: Cluster, app: str, settings: Settings
) -> None:
    before = set(Path(TODO[app].folder).rglob("*"))
    with serve(app, **{"workers": 2, **settings}) as running:
        assert_ends_in_order(running, database, "/")
    assert set(Path(TODO[app].folder).rglob("*")) == before  # it wrote nothing in its folder
