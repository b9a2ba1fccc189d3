"""The movies workload's database and apps, by the apps' names alone."""

import pytest

from tests.unit.apps.cluster import Cluster
from tests.unit.apps.serving import CATALOGUE, DatabaseOf, DefaultApp, RunningApp, Serve


@pytest.fixture(scope="session")
def database(database_of: DatabaseOf) -> Cluster:
    """The workload's database."""
    return database_of("movies")


@pytest.fixture(scope="session")
def serve(run_app: Serve) -> Serve:
    """serve('django', worker_class='gthread') runs an app, with one worker, for a with block."""
    return lambda name, **settings: run_app(f"movies/{name}", **settings)


@pytest.fixture(scope="session")
def defaults(default_app: DefaultApp) -> dict[str, RunningApp]:
    """All apps with their default settings but for two workers, at the same time."""
    return {name: default_app(f"movies/{name}") for name in CATALOGUE.apps_of("movies")}
