"""Make the fixtures by which the tests of one workload name its database and its apps."""

from typing import Any

import pytest

from tests.unit.apps.cluster import Cluster
from tests.unit.apps.serving import CATALOGUE, DatabaseOf, DefaultApp, RunningApp, Serve


def fixtures(workload: str) -> tuple[Any, Any, Any]:
    """Return the workload's fixtures `database`, `serve` and `defaults`, for its conftest.py."""

    @pytest.fixture(scope="session")
    def database(database_of: DatabaseOf) -> Cluster:
        """The workload's database."""
        return database_of(workload)

    @pytest.fixture(scope="session")
    def serve(run_app: Serve) -> Serve:
        """serve('django', worker_class='gthread') runs an app with one worker for a with block."""
        return lambda name, **settings: run_app(f"{workload}/{name}", **settings)

    @pytest.fixture(scope="session")
    def defaults(default_app: DefaultApp) -> dict[str, RunningApp]:
        """All apps with their default settings but for two workers, at the same time."""
        return {name: default_app(f"{workload}/{name}") for name in CATALOGUE.apps_of(workload)}

    return database, serve, defaults
