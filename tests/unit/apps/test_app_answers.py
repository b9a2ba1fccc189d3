"""What the apps answer, and which statements they send: all by their default settings."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from testbed import catalogue, sql
from tests.unit.apps import serving
from tests.unit.apps.cluster import Cluster
from tests.unit.apps.serving import AGENTS, WORKLOAD, RunningApp

ENDPOINTS = catalogue.load().workload("agents").endpoints
SERVED = [(app, endpoint) for app in AGENTS for endpoint in AGENTS[app].spec.endpoints]
FROM_DATABASE = [(app, endpoint) for app, endpoint in SERVED if endpoint != "index"]


def expected(endpoint: str) -> Any:
    """The workload's answer."""
    return json.loads((WORKLOAD / ENDPOINTS[endpoint].expect.json_file).read_text())


def path(app: str, endpoint: str) -> str:
    """Where the app serves the endpoint."""
    return AGENTS[app].spec.endpoints[endpoint]


def test_the_workload_has_its_three_apps_and_all_serve_both_endpoints_of_the_article() -> None:
    assert set(AGENTS) == {"aiohttp_api_hour", "django", "flask"}
    assert all({"index", "agents"} <= set(app.spec.endpoints) for app in AGENTS.values())


def test_the_agents_document_is_as_large_as_in_the_article() -> None:
    smallest = json.dumps(expected("agents"), separators=(",", ":"))
    assert 6_400 <= len(smallest) <= 6_600
    assert len(expected("agents")) == 50


@pytest.mark.parametrize(("app", "endpoint"), SERVED)
def test_the_answer_is_the_expected_one(
    defaults: dict[str, RunningApp], app: str, endpoint: str
) -> None:
    answer = defaults[app].get(path(app, endpoint))
    assert answer.status == ENDPOINTS[endpoint].expect.status
    assert answer.content_type == ENDPOINTS[endpoint].expect.content_type
    assert answer.json() == expected(endpoint)


@pytest.mark.parametrize("endpoint", ["index", "agents"])
def test_all_apps_answer_the_same_document_to_the_order_of_its_keys(
    defaults: dict[str, RunningApp], endpoint: str
) -> None:
    documents = {
        json.dumps(running.get(path(app, endpoint)).json()) for app, running in defaults.items()
    }
    assert documents == {json.dumps(expected(endpoint))}


@pytest.mark.parametrize("app", AGENTS)
def test_an_agent_who_is_logged_in_shows_with_the_columns_of_both_tables(
    defaults: dict[str, RunningApp], database: Cluster, app: str
) -> None:
    database.query("INSERT INTO agent_login_status VALUES (2, '21', 'sales', 'SIP/a', 'SIP/b')")
    try:
        for endpoint in AGENTS[app].spec.endpoints.keys() - {"index"}:
            document = defaults[app].get(path(app, endpoint)).json()
            want = expected(endpoint)
            want[1] |= {"extension": "21", "context": "sales", "state_interface": "SIP/b"}
            assert document == want
    finally:
        database.query("DELETE FROM agent_login_status")


@pytest.mark.parametrize("app", AGENTS)
def test_what_is_not_served_is_not_found(defaults: dict[str, RunningApp], app: str) -> None:
    assert defaults[app].get("/nothing").status == 404


def statements_sent(database: Cluster) -> list[tuple[str, int]]:
    """The apps' statements since pg_stat_statements_reset(), with their calls."""
    (row,) = database.query(
        "SELECT json_agg(json_build_array(query, calls)) FROM pg_stat_statements "
        "JOIN pg_roles ON pg_roles.oid = userid WHERE rolname = current_database()"
    )
    return [(query, calls) for query, calls in json.loads(row)]


@pytest.mark.parametrize(("app", "endpoint"), FROM_DATABASE)
def test_each_request_sends_what_the_workload_declares_once_and_nothing_unknown(
    defaults: dict[str, RunningApp], database: Cluster, app: str, endpoint: str
) -> None:
    database.query("SELECT pg_stat_statements_reset()")
    for _ in range(5):
        defaults[app].get(path(app, endpoint))
    declared = ENDPOINTS[endpoint].sql
    housekeeping = AGENTS[app].spec.housekeeping_sql
    seen = sql.sorted_out(statements_sent(database), declared, housekeeping, requests=5)
    assert [one.text for one in seen if one.kind == "unexpected"] == []
    calls = [one.calls_per_request for one in seen if one.kind == "declared"]
    assert calls == [statement.calls_per_request for statement in declared] == [1]


@pytest.mark.parametrize("app", ["aiohttp_api_hour", "django"])
def test_housekeeping_that_is_declared_is_also_seen(
    defaults: dict[str, RunningApp], database: Cluster, app: str
) -> None:
    database.query("SELECT pg_stat_statements_reset()")
    defaults[app].get(path(app, "agents"))
    sent = [sql.collapsed(text) for text, _ in statements_sent(database)]
    for one in AGENTS[app].spec.housekeeping_sql:
        assert any(re.fullmatch(one.pattern, text, re.IGNORECASE) for text in sent), one


def test_the_apps_send_the_same_statement(
    defaults: dict[str, RunningApp], database: Cluster
) -> None:
    database.query("SELECT pg_stat_statements_reset()")
    for app, running in defaults.items():
        running.get(path(app, "agents"))
    query = "SELECT calls FROM pg_stat_statements WHERE query LIKE '%agentfeatures.number%'"
    assert database.query(query) == [str(len(defaults))]


@pytest.mark.parametrize("app", AGENTS)
def test_the_index_does_without_the_database(app: str, tmp_path: Path) -> None:
    nowhere = "postgresql://nobody:nothing@127.0.0.1:9/none"
    with serving.serving(AGENTS[app], nowhere, tmp_path / "log") as running:
        assert running.get(path(app, "index")).status == 200
        assert running.get(path(app, "agents")).status == 500
        assert "Traceback" in running.log()  # an error reaches the journal
