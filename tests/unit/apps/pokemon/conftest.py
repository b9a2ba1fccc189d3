"""The pokemon workload's database and apps, by the apps' names alone."""

import pytest

from tests.unit.apps.cluster import Cluster
from tests.unit.apps.serving import CATALOGUE, DatabaseOf, DefaultApp, RunningApp, Serve


@pytest.fixture(scope="session")
def creatures(database_of: DatabaseOf) -> Cluster:
    """The workload's database."""
    return database_of("pokemon")


@pytest.fixture(scope="session")
def serve(run_app: Serve) -> Serve:
    """serve('django_sync', worker_class='gthread') runs an app, with one worker."""
    return lambda name, **settings: run_app(f"pokemon/{name}", **settings)


@pytest.fixture(scope="session")
def defaults(default_app: DefaultApp) -> dict[str, RunningApp]:
    """Both apps with their default settings but for two workers, at the same time."""
    return {name: default_app(f"pokemon/{name}") for name in CATALOGUE.apps_of("pokemon")}
