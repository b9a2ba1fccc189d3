"""Every workload's data set may be loaded at any time, and its reset puts the rows back."""

import pytest

from tests.unit.apps.cluster import Cluster
from tests.unit.apps.serving import CATALOGUE, DatabaseOf

WITH_DATA = [name for name, workload in CATALOGUE.workloads.items() if workload.dataset]
WITH_RESET = [name for name in WITH_DATA if CATALOGUE.workloads[name].reset]


def rows(database: Cluster) -> dict[str, list[str]]:
    """All rows of all tables, with the transactions that wrote them."""
    tables = database.query(
        "SELECT oid::regclass FROM pg_class WHERE relkind = 'r' AND "
        "relnamespace = 'public'::regnamespace"
    )
    return {
        table: sorted(database.query(f"SELECT xmin, * FROM {table}"))  # noqa: S608
        for table in tables
    }


@pytest.mark.parametrize("workload", WITH_DATA)
def test_loading_again_changes_nothing_and_says_so(database_of: DatabaseOf, workload: str) -> None:
    database = database_of(workload)
    dataset = CATALOGUE.folders[workload] / str(CATALOGUE.workloads[workload].dataset)
    database.load(dataset)  # what other tests wrote is gone
    before = rows(database)
    assert any(before.values())
    assert database.load(dataset) == "unchanged\n"
    assert rows(database) == before


@pytest.mark.parametrize("workload", WITH_RESET)
def test_a_reset_leaves_the_data_set_s_rows(database_of: DatabaseOf, workload: str) -> None:
    database = database_of(workload)
    folder, declared = CATALOGUE.folders[workload], CATALOGUE.workloads[workload]
    database.reset(folder / str(declared.reset))
    assert database.load(folder / str(declared.dataset)) == "unchanged\n"
