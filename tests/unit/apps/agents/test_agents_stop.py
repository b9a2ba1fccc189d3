"""How the apps end. That all workers end by themselves, `serving` checks after every test."""

import contextlib
from pathlib import Path

import pytest

from tests.unit.apps.cluster import Cluster
from tests.unit.apps.serving import CATALOGUE, Serve, ask, wait_until

AGENTS = CATALOGUE.apps_of("agents")


@pytest.mark.parametrize(
    ("app", "settings"),
    [
        *((app, {}) for app in AGENTS),
        ("aiohttp_api_hour", {"event_loop": "uvloop"}),
        ("django", {"worker_class": "gthread", "database_access": "pool"}),
        ("flask", {"worker_class": "gthread", "database_access": "pool"}),
    ],
)
def test_sigterm_ends_an_app_that_has_an_idle_client_and_used_its_database(
    serve: Serve, database: Cluster, app: str, settings: dict[str, str | int]
) -> None:
    before = set(Path(AGENTS[app].folder).rglob("*"))
    with (
        serve(app, workers=2, **settings) as running,
        contextlib.closing(running.connect()) as idle,
    ):
        assert ask(idle, "/agents").status == 200
        running.stop()
        assert "Traceback" not in running.log()
        assert "[ERROR]" not in running.log()
        wait_until(
            lambda: database.connections(running.database_name) == 0, "no database connection left"
        )
    assert set(Path(AGENTS[app].folder).rglob("*")) == before  # it wrote nothing in its folder


def test_api_hour_finishes_the_requests_in_hand(serve: Serve, database: Cluster) -> None:
    with serve("aiohttp_api_hour") as running, contextlib.closing(running.connect()) as client:
        with database.locked("agentfeatures"):
            client.request("GET", "/agents")
            wait_until(
                lambda: database.connections(running.database_name, "wait_event_type = 'Lock'") > 0,
                "a statement under way",
            )
            (worker,) = running.workers()
            running.process.terminate()
            wait_until(
                lambda: not any(c.status == "LISTEN" for c in worker.net_connections()),
                "the worker has begun to stop",
            )
        assert client.getresponse().status == 200
        assert running.process.wait() == 0
