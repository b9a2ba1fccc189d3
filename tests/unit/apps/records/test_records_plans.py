"""Each framework words the question in its own way; PostgreSQL must do the same for all of them."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from testbed.validity import sql
from tests.unit.apps.cluster import USER, Cluster
from tests.unit.apps.serving import CATALOGUE, Serve

APPS = list(CATALOGUE.apps_of("records"))
STATEMENTS = CATALOGUE.workload("records").endpoints["records"].sql
# psycopg prepares a statement when it has been sent five times, and PostgreSQL may plan a prepared
# one for all parameters alike when it has been executed five times.
REQUESTS = 16
POOL = {"database_access": "pool"}  # else a connection does not live to see that
TOLD_APART = ("Node Type", "Strategy", "Join Type", "Relation Name", "Index Name", "Plans")
AUTO_EXPLAIN = {  # logs the plan of every statement that apps send on new connections
    "session_preload_libraries": "auto_explain",
    "auto_explain.log_min_duration": "0",
    "auto_explain.log_format": "json",
    "lc_messages": "C",
}


@pytest.fixture(autouse=True)
def explained(database: Cluster) -> Iterator[None]:
    """PostgreSQL logs each statement's plan."""
    role = f"ALTER ROLE {USER} IN DATABASE {database.database}"
    for name, value in AUTO_EXPLAIN.items():
        database.query(f"{role} SET {name} = '{value}'")
    yield
    database.query(f"{role} RESET ALL")


def plans(log: str) -> list[tuple[str, Any]]:
    """The text and the plan of each declared statement in a log, in the order executed."""
    texts = {sql.collapsed(text) for statement in STATEMENTS for text in statement.texts}
    documents = [
        json.loads(found.replace("\n\t", "\n"))
        for found in re.findall(r"plan:\n((?:\t.*\n)+)", log)
    ]
    explained = [(sql.collapsed(one["Query Text"]), shape(one["Plan"])) for one in documents]
    return [(text, plan) for text, plan in explained if text in texts]


def shape(node: dict[str, Any]) -> dict[str, Any]:
    """What a plan does, without what it costs and how aliases are spelled."""
    told: dict[str, Any] = {key: node[key] for key in TOLD_APART if key in node}
    told["Plans"] = [shape(child) for child in node.get("Plans", [])]
    return told


def logged(database: Cluster) -> str:
    """All that PostgreSQL has logged so far."""
    return (database.folder / "log").read_text()


def plans_of(app: str, serve: Serve, database: Cluster, **settings: str) -> list[tuple[str, Any]]:
    """What PostgreSQL did for REQUESTS of one app."""
    before = len(logged(database))
    with serve(app, **settings) as running:  # which asks once, to see whether it answers
        for _ in range(REQUESTS - 1):
            assert running.get("/records").status == 200
    return plans(logged(database)[before:])


def test_all_apps_cause_the_same_plan_however_often_they_ask(
    serve: Serve, database: Cluster
) -> None:
    found = {app: plans_of(app, serve, database, **POOL) for app in APPS}
    assert {app: len(one) for app, one in found.items()} == dict.fromkeys(APPS, REQUESTS)
    (text, reference), *_ = found["aiohttp"]
    for app in APPS:
        for number, (_, plan) in enumerate(found[app], 1):
            assert plan == reference, f"{app}, request {number}"
    assert {text for text, _ in found["aiohttp"]} == {text}
    kinds = json.dumps(reference)
    assert "WindowAgg" in kinds
    assert '"Index Name": "record_parent_id_status"' in kinds


def test_plans_that_differ_are_told_apart(database: Cluster) -> None:
    """So that the test above can fail."""
    text = STATEMENTS[0].texts[-1]
    one, other = (
        json.loads("".join(database.query(f"{first}EXPLAIN (FORMAT json) {text}")))[0]["Plan"]
        for first in ("", "SET enable_hashjoin = off; ")
    )
    assert shape(one) != shape(other)
    assert shape(one) == shape(one | {"Total Cost": 0.5, "Alias": "another"})
