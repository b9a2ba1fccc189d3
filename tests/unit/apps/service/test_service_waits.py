"""Each app of the service waits for the other service, and holds no database connection then."""

import threading
from pathlib import Path

import pytest

from tests.unit.apps import serving, upstream_server
from tests.unit.apps.cluster import Cluster
from tests.unit.apps.serving import CATALOGUE, PATIENCE_S, DatabaseOf, DefaultApp, wait_until

APPS = CATALOGUE.apps_of("service")
HELD_S = 40  # until then the app has closed what it does not hold, and the client still waits
NOBODY = "http://127.0.0.1:9"  # discard: nobody listens


@pytest.mark.parametrize("name", APPS)
@pytest.mark.parametrize("path", ["/items/0", "/items/1001", "/upstream/1001", "/items/x"])
def test_a_row_that_is_not_there_is_not_found(
    default_app: DefaultApp, name: str, path: str
) -> None:
    answer = default_app(f"service/{name}").get(path)
    # FastAPI's and Litestar's own answer to a text that is no number
    assert answer.status in ((404, 400, 422) if path.endswith("x") else (404,))


@pytest.mark.parametrize("name", APPS)
def test_without_the_other_service_one_endpoint_fails_and_says_why(
    database_of: DatabaseOf, name: str, tmp_path: Path
) -> None:
    services = {"DATABASE_URL": database_of("service").url, "UPSTREAM_URL": NOBODY}
    with serving.serving(APPS[name], services, tmp_path / "log") as running:
        assert running.get("/upstream/17").status == 500
        assert running.get("/items/17").status == 200
        wait_until(lambda: "Traceback" in running.log(), "the log says why")


@pytest.mark.parametrize("name", APPS)
def test_no_database_connection_is_held_while_the_other_service_is_waited_for(
    postgresql: Cluster, database_of: DatabaseOf, name: str, tmp_path: Path
) -> None:
    url = f"{database_of('service').url}?application_name={name}"
    asked, looked = threading.Event(), threading.Event()

    def may_answer() -> bool:
        asked.set()
        return looked.wait(2 * PATIENCE_S)

    def nothing_is_held() -> bool:
        return postgresql.connections(name) == 0

    with upstream_server.held(may_answer) as upstream_url:
        services = {"DATABASE_URL": url, "UPSTREAM_URL": upstream_url}
        settings = {"database_access": "connection_per_request"}
        with serving.serving(APPS[name], services, tmp_path / "log", **settings) as running:
            wait_until(nothing_is_held, "what the first answers used is closed")
            statuses: list[int] = []
            asking = threading.Thread(
                target=lambda: statuses.append(running.get("/upstream/17").status)
            )
            asking.start()
            assert asked.wait(PATIENCE_S)
            try:
                wait_until(nothing_is_held, "no connection is held while the app waits", HELD_S)
            finally:
                looked.set()
                asking.join(PATIENCE_S)
            assert statuses == [200]


@pytest.mark.parametrize("name", APPS)
def test_a_way_to_the_database_that_is_not_known_ends_the_app_and_is_named(
    name: str, tmp_path: Path
) -> None:
    services = {"DATABASE_URL": "postgresql://none:none@127.0.0.1:9/none", "UPSTREAM_URL": NOBODY}
    told = {"database_access": "telepathy"}
    with serving.starting(APPS[name], services, tmp_path / "log", **told) as running:
        wait_until(lambda: "telepathy" in running.log(), "the log names it", 120)
        assert running.process.wait(120) != 0
