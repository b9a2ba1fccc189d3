"""The servers that service apps may have, and nginx: how they keep connections, and end."""

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.unit.apps import serving, upstream_server
from tests.unit.apps.cluster import Cluster
from tests.unit.apps.observing import REQUESTS, assert_closes, assert_ends_idle, assert_keeps
from tests.unit.apps.serving import (
    CATALOGUE,
    PATIENCE_S,
    START_PATIENCE_S,
    RunningApp,
    Serve,
    ask,
    wait_until,
)

APPS = CATALOGUE.apps_of("service")
FOLDER = CATALOGUE.folders["service"]
PATH = "/items/7"
ASYNC = ("quart", "litestar", "fastapi")
Settings = dict[str, str | int]

# litestar and fastapi start their servers as quart does: see the last tests. fastapi's state comes
# by way of the server.
KEEPING: list[tuple[str, Settings]] = [
    ("quart", {"server": "uvicorn"}),
    ("quart", {"server": "granian"}),
    ("quart", {"server": "hypercorn"}),
    ("fastapi", {"server": "granian"}),
    ("fastapi", {"server": "hypercorn"}),
    ("aiohttp", {}),
    ("aiohttp", {"worker_class": "aiohttp.GunicornWebWorker"}),
    ("granian", {}),
    ("flask", {"server": "granian"}),
    ("flask", {}),
    ("flask", {"worker_class": "gevent"}),
    ("django_wsgi", {}),
    ("django_wsgi", {"worker_class": "gevent"}),
    ("django_asgi", {}),
]


def programs(running: RunningApp) -> set[str]:
    """Return which of the servers the app's processes are."""
    own = psutil.Process(running.process.pid)
    words = [word for one in (own, *own.children()) for word in one.cmdline()]
    known = {name for app in APPS.values() for name in choices(app.name, "server")} | {"nginx"}
    return known & {Path(word.split(":")[0].split()[0]).name for word in words if word.strip()}


def choices(app: str, setting: str) -> list[str]:
    """Return what a setting of an app may be; nothing if it has none of that name."""
    declared = APPS[app].spec.settings.get(setting)
    return [] if declared is None else [str(one) for one in declared.choices or []]


@pytest.mark.parametrize(("app", "settings"), KEEPING)
def test_each_server_keeps_connections_and_ends_in_order(
    serve: Serve, items: Cluster, app: str, settings: Settings
) -> None:
    with serve(app, workers=2, **settings) as running:
        if "server" in settings:
            assert programs(running) == {settings["server"]}
        assert_keeps(running, PATH)
        with contextlib.closing(running.connect()) as idle:
            assert ask(idle, PATH).status == 200
            if settings.get("worker_class") == "gevent":  # it ends when idle clients have gone
                idle.close()
            running.stop()
        assert "Traceback" not in running.log()
        wait_until(
            lambda: items.connections(running.database_name) == 0, "no database connection left"
        )


@pytest.mark.parametrize(("app", "settings"), KEEPING)
def test_keepalive_s(serve: Serve, app: str, settings: Settings) -> None:
    with serve(app, keepalive_s=0, **settings) as running:
        assert_closes(running, PATH)
    with serve(app, keepalive_s=1, **settings) as running:
        assert_ends_idle(running, PATH)


def test_gunicorn_s_sync_workers_close(serve: Serve) -> None:
    with serve("flask", worker_class="sync", threads=1) as running:
        assert_closes(running, PATH)


def test_nginx_keeps_the_connections_that_sync_workers_close(
    items: Cluster, tmp_path: Path
) -> None:
    services = {"DATABASE_URL": items.url, "UPSTREAM_URL": "http://127.0.0.1:9"}
    settings: Settings = {"proxy": "nginx", "worker_class": "sync", "threads": 1}
    with serving.starting(APPS["flask"], services, tmp_path / "log", **settings) as running:
        wait_until(lambda: answers(running), "flask answers behind nginx", START_PATIENCE_S)
        assert programs(running) == {"gunicorn", "nginx"}
        assert_keeps(running, PATH)
        own = psutil.Process(running.process.pid)
        everything = own.children(recursive=True)
        assert len(own.children()) == 2
        running.process.terminate()
        assert running.process.wait(PATIENCE_S) == 0
        assert psutil.wait_procs(everything, PATIENCE_S)[1] == []


def test_when_nginx_ends_the_app_ends(items: Cluster, tmp_path: Path) -> None:
    services = {"DATABASE_URL": items.url, "UPSTREAM_URL": "http://127.0.0.1:9"}
    with serving.starting(APPS["flask"], services, tmp_path / "log", proxy="nginx") as running:
        wait_until(lambda: answers(running), "flask answers behind nginx", START_PATIENCE_S)
        children = psutil.Process(running.process.pid).children()
        (nginx,) = [one for one in children if "nginx" in " ".join(one.cmdline())]
        nginx.terminate()
        assert running.process.wait(PATIENCE_S) == 1
        assert psutil.wait_procs(children, PATIENCE_S)[1] == []
        assert "has ended" in running.log()


def answers(running: RunningApp) -> bool:
    """Return whether the app answers already. Fails if it has ended."""
    assert running.process.poll() is None, running.log()
    with contextlib.suppress(OSError):
        return running.get("/json").status == 200
    return False


@pytest.mark.parametrize(
    ("app", "setting"),
    [
        *((app, "database_access") for app in ("flask", *ASYNC, "aiohttp", "granian")),
        *((app, "server") for app in ("flask", *ASYNC)),
        ("flask", "proxy"),
        ("flask", "worker_class"),
        ("aiohttp", "worker_class"),
    ],
)
def test_a_value_that_is_not_known_ends_the_app_and_is_named(
    app: str, setting: str, tmp_path: Path
) -> None:
    services = {"DATABASE_URL": "postgresql://none", "UPSTREAM_URL": "http://none"}
    wrong: Settings = {"workers": 2, setting: "telepathy"}
    with serving.starting(APPS[app], services, tmp_path / "log", **wrong) as running:
        assert running.process.wait(START_PATIENCE_S) != 0
        assert "telepathy" in running.log()


@pytest.fixture
def together() -> Iterator[str]:
    """The URL of the other service, which answers nobody before REQUESTS have asked."""
    everybody = threading.Barrier(REQUESTS)

    def are_there() -> bool:
        with contextlib.suppress(threading.BrokenBarrierError):
            everybody.wait(PATIENCE_S)
            return True
        return False

    with upstream_server.held(are_there) as url:
        yield url


@pytest.mark.parametrize(
    ("app", "settings"),
    [
        *((app, {}) for app in (*ASYNC, "aiohttp", "granian")),
        ("flask", {"threads": REQUESTS}),
        ("flask", {"threads": REQUESTS, "server": "granian"}),
        ("flask", {"worker_class": "gevent"}),
        ("django_wsgi", {"threads": REQUESTS, "http_client": "urllib3"}),
        ("django_asgi", {"http_client": "aiohttp"}),
        ("fastapi", {"http_client": "aiohttp"}),
    ],
)
def test_a_worker_asks_the_other_service_for_several_requests_at_once_and_holds_no_connection(
    items: Cluster, together: str, tmp_path: Path, app: str, settings: Settings
) -> None:
    """With a pool of one database connection, which nobody may hold while he waits."""
    services = {"DATABASE_URL": items.url, "UPSTREAM_URL": together}
    log = tmp_path / "log"
    with serving.serving(APPS[app], services, log, pool_size=1, **settings) as running:
        found: list[int] = []
        threads = [
            threading.Thread(target=lambda: found.append(running.get("/upstream/7").status))
            for _ in range(REQUESTS)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(2 * PATIENCE_S)
        assert found == [200] * REQUESTS, running.log()


@pytest.mark.parametrize(
    ("file", "apps"),
    [
        ("serve.py", ASYNC),
        ("hypercorn.conf.py", ASYNC),
        ("service/database.py", ("quart", "litestar", "aiohttp", "granian")),
        ("service/upstream.py", ("quart", "litestar", "granian")),
        ("service/queries.py", ("flask", "quart", "litestar", "aiohttp", "granian")),
        ("service/work.py", ("flask", "quart", "litestar", "aiohttp", "granian")),
        ("service/templates/page.html", ("flask", "quart", "litestar", "aiohttp", "granian")),
    ],
)
def test_what_several_apps_have_is_the_same_in_all(file: str, apps: tuple[str, ...]) -> None:
    """Each app is one folder, as it is deployed, so that they cannot share files."""
    assert len({(FOLDER / app / file).read_text() for app in apps}) == 1


def test_settings_of_one_name_have_one_default() -> None:
    ours = {name: app for name, app in APPS.items() if not name.startswith("django")}
    for setting in ("workers", "keepalive_s", "database_access", "pool_size"):
        values = {app.defaults()[setting] for app in ours.values()}
        assert len(values) == 1, setting
