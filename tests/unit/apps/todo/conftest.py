"""The todo workload's database and apps, by the apps' names alone."""

import pytest

from tests.unit.apps import of_workload
from tests.unit.apps.cluster import Cluster
from tests.unit.apps.serving import CATALOGUE

database, serve, defaults = of_workload.fixtures("todo")


@pytest.fixture
def fresh(database: Cluster) -> Cluster:
    """The workload's database, with the rows that every run begins with."""
    database.reset(CATALOGUE.folders["todo"] / "reset.sql")
    return database
