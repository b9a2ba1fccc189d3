"""What the settings of the counter apps do."""

from pathlib import Path

import pytest

from tests.unit.apps import serving
from tests.unit.apps.cluster import Cluster
from tests.unit.apps.serving import APPS, START_PATIENCE_S, Serve

COUNTER = {app.name: app for app in APPS.values() if app.workload == "counter"}
HITS = "SELECT hits FROM counter WHERE id = 1"


@pytest.mark.parametrize(
    ("app", "settings", "kept"),
    [
        ("django_sync", {"database_access": "connection_per_request"}, 0),
        ("django_sync", {"database_access": "pool"}, 1),
        ("django_async", {}, 0),
        ("fastapi", {"database_access": "connection_per_request"}, 0),
        ("fastapi", {"database_access": "pool", "pool_size": 2, "overflow": 0}, 1),
    ],
)
def test_an_update_adds_one_and_connections_are_kept_or_not(
    serve: Serve, counters: Cluster, app: str, settings: dict[str, str | int], kept: int
) -> None:
    with serve(app, **settings) as running:
        (before,) = counters.query(HITS)
        for _ in range(3):
            assert running.ask("POST", "/update").status == 200
        assert counters.query(HITS) == [str(int(before) + 3)]
        serving.wait_until(
            lambda: counters.connections(running.database_name) == kept,
            f"{kept} connections",
            START_PATIENCE_S,
        )


@pytest.mark.parametrize("app", COUNTER)
def test_a_value_that_is_not_known_ends_the_app_and_is_named(
    counters: Cluster, tmp_path: Path, app: str
) -> None:
    services = {"DATABASE_URL": counters.url}
    wrong = {"database_access": "telepathy"}
    with serving.starting(COUNTER[app], services, tmp_path / "log", **wrong) as running:
        serving.wait_until(lambda: "telepathy" in running.log(), "it says why", START_PATIENCE_S)
