"""Each setting of the two apps changes what it is said to change, and they are alike otherwise."""

import contextlib
from pathlib import Path

import pytest

from tests.unit.apps import serving
from tests.unit.apps.cluster import Cluster
from tests.unit.apps.observing import (
    REQUESTS,
    assert_closes,
    assert_ends_in_order,
    assert_refused,
    assert_under_way,
    has_uvloop,
    waiting_requests,
)
from tests.unit.apps.serving import APPS, START_PATIENCE_S, RunningApp, Serve, ask, wait_until

NAMES = ["django_sync", "django_async"]
PATHS = {name: APPS[f"pokemon/{name}"].spec.endpoints["page"] for name in NAMES}


def test_both_views_answer_the_same_page_to_the_byte(defaults: dict[str, RunningApp]) -> None:
    pages = {name: running.get(PATHS[name]) for name, running in defaults.items()}
    assert pages["django_sync"].body == pages["django_async"].body


def test_both_apps_take_the_same_code_and_have_the_same_defaults() -> None:
    sync, asynchronous = (APPS[f"pokemon/{name}"] for name in NAMES)
    assert sync.folder == asynchronous.folder
    assert sync.spec.requirements == asynchronous.spec.requirements
    shared = sync.spec.settings.keys() & asynchronous.spec.settings.keys() - {"worker_class"}
    assert "database_access" in shared
    for name in shared:
        assert sync.defaults()[name] == asynchronous.defaults()[name]
        assert sync.spec.settings[name].choices == asynchronous.spec.settings[name].choices


# --- the database ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("access", "connections"), [("connection_per_query", 2), ("connection_per_request", 1)]
)
def test_a_request_opens_a_connection_or_each_of_its_queries_does(
    serve: Serve, postgresql: Cluster, name: str, access: str, connections: int
) -> None:
    def opened() -> int:  # PostgreSQL says so once they have ended
        rows = postgresql.query("SELECT sessions FROM pg_stat_database WHERE datname = 'pokemon'")
        return int(rows[0])

    def left() -> int:  # also of psql, by which the data set was loaded
        clients = (running.database_name, "psql")
        return sum(postgresql.connections(client, "datname = 'pokemon'") for client in clients)

    with serve(name, database_access=access) as running:
        wait_until(lambda: left() == 0, "none is left")
        before = opened()
        for _ in range(REQUESTS):
            assert running.get(PATHS[name]).status == 200
        expected = before + connections * REQUESTS
        wait_until(lambda: opened() >= expected, f"{connections} connections per request")
        assert opened() == expected


@pytest.mark.parametrize("name", NAMES)
def test_the_pool_keeps_its_connection(serve: Serve, postgresql: Cluster, name: str) -> None:
    with serve(name, database_access="pool") as running:
        for _ in range(REQUESTS):
            assert running.get(PATHS[name]).status == 200
        assert postgresql.connections(running.database_name) == 1


@pytest.mark.parametrize(
    ("name", "settings", "under_way"),
    [
        ("django_sync", {}, 1),
        ("django_sync", {"worker_class": "gthread", "threads": REQUESTS, "pool_size": 3}, 3),
        ("django_async", {"pool_size": 3}, 3),
        ("django_async", {"database_access": "connection_per_request"}, REQUESTS),
        ("django_async", {"database_access": "connection_per_query"}, REQUESTS),
    ],
)
def test_a_worker_has_as_many_statements_under_way_as_its_kind_and_its_pool_allow(
    serve: Serve, creatures: Cluster, name: str, settings: dict[str, str | int], under_way: int
) -> None:
    with (
        serve(name, **settings) as running,
        waiting_requests(running, creatures, PATHS[name], "creature"),
    ):
        assert_under_way(running, creatures, under_way)


# --- how it is served -----------------------------------------------------------------------------


def test_sync_workers_close_and_gthread_s_and_uvicorn_s_keep(serve: Serve) -> None:
    for name, settings, keeps in [
        ("django_sync", {}, False),
        ("django_sync", {"worker_class": "gthread"}, True),
        ("django_async", {}, True),
        ("django_async", {"worker_class": "uvicorn_worker.UvicornH11Worker"}, True),
    ]:
        with (
            serve(name, keepalive_s=1, **settings) as running,
            contextlib.closing(running.connect()) as connection,
        ):
            answer = ask(connection, PATHS[name])
            assert ((answer.connection or "").lower() != "close") == keeps, (name, settings)
            if keeps:
                assert connection.sock.recv(1) == b""  # keepalive_s: closed when it is over


@pytest.mark.parametrize("worker_class", ["UvicornWorker", "UvicornH11Worker"])
def test_keepalive_s_of_0_closes_uvicorn_s_connections(serve: Serve, worker_class: str) -> None:
    named = f"uvicorn_worker.{worker_class}"
    with serve("django_async", keepalive_s=0, worker_class=named) as running:
        assert_closes(running, PATHS["django_async"])


def test_the_h11_worker_does_without_uvloop(serve: Serve, defaults: dict[str, RunningApp]) -> None:
    assert has_uvloop(defaults["django_async"])
    with serve("django_async", worker_class="uvicorn_worker.UvicornH11Worker") as running:
        assert not has_uvloop(running)


@pytest.mark.parametrize("name", NAMES)
def test_debug_is_django_s_debug(serve: Serve, defaults: dict[str, RunningApp], name: str) -> None:
    assert b"DEBUG = True" not in defaults[name].get("/nothing").body
    with serve(name, debug=1) as running:
        assert b"DEBUG = True" in running.get("/nothing").body
        assert running.get(PATHS[name]).body == defaults[name].get(PATHS[name]).body


@pytest.mark.parametrize("worker_class", ["UvicornWorker", "UvicornH11Worker"])
@pytest.mark.parametrize(("asyncio_debug", "answer"), [(0, b"False"), (1, b"True")])
def test_asyncio_debug_is_the_event_loop_s(
    tmp_path: Path, worker_class: str, asyncio_debug: int, answer: bytes
) -> None:
    (tmp_path / "probe.py").write_text(
        "import asyncio\n"
        "from project.asgi import lifespan\n"
        "async def application(scope, receive, send):\n"
        "    if scope['type'] == 'lifespan':\n"
        "        return await lifespan(scope, receive, send)\n"
        "    body = str(asyncio.get_running_loop().get_debug()).encode()\n"
        "    await send({'type': 'http.response.start', 'status': 200, 'headers': []})\n"
        "    await send({'type': 'http.response.body', 'body': body})\n"
    )
    app = APPS["pokemon/django_async"]
    serve = app.spec.serve.replace(
        "project.asgi:application", f"--pythonpath {tmp_path} probe:application"
    )
    probe = app.model_copy(update={"spec": app.spec.model_copy(update={"serve": serve})})
    settings: dict[str, str | int] = {
        "worker_class": f"uvicorn_worker.{worker_class}",
        "asyncio_debug": asyncio_debug,
    }
    url = {"DATABASE_URL": "postgresql://none"}
    with serving.serving(probe, url, tmp_path / "log", **settings) as running:
        assert running.get("/").body == answer


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("setting", ["database_access", "worker_class"])
def test_a_value_that_is_not_known_ends_the_app_and_is_named(
    name: str, setting: str, tmp_path: Path
) -> None:
    url = {"DATABASE_URL": "postgresql://none"}
    assert_refused(APPS[f"pokemon/{name}"], url, tmp_path / "log", **{setting: "telepathy"})


@pytest.mark.parametrize("name", NAMES)
def test_without_its_database_it_answers_500_and_says_why(name: str, tmp_path: Path) -> None:
    url = {"DATABASE_URL": "postgresql://nobody:nothing@127.0.0.1:9/none"}
    settings = {"database_access": "connection_per_request"}  # psycopg's pool tries for 30 s
    with serving.starting(APPS[f"pokemon/{name}"], url, tmp_path / "log", **settings) as running:
        wait_until(lambda: "Booting worker" in running.log(), "started", START_PATIENCE_S)
        wait_until(lambda: status(running, PATHS[name]) == 500, "status 500", START_PATIENCE_S)
        assert "Traceback" in running.log()


def status(running: RunningApp, path: str) -> int | None:
    """The answer's status; None if there is none yet."""
    try:
        return running.get(path).status
    except OSError:
        return None


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("django_sync", {"worker_class": "gthread"}),
        ("django_async", {}),
        ("django_async", {"worker_class": "uvicorn_worker.UvicornH11Worker"}),
    ],
)
def test_sigterm_ends_an_app_that_has_an_idle_client_and_a_pool(
    serve: Serve, creatures: Cluster, name: str, settings: dict[str, str | int]
) -> None:
    with serve(name, workers=2, **settings) as running:
        assert_ends_in_order(running, creatures, PATHS[name])
