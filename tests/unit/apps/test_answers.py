"""What the apps answer, and which statements they send: all by their default settings."""

import json
from pathlib import Path
from typing import Any

import pytest

from testbed import catalogue
from tests.unit.apps import serving
from tests.unit.apps.cluster import Cluster
from tests.unit.apps.conftest import AGENTS, WORKLOAD
from tests.unit.apps.serving import RunningApp

ENDPOINTS = catalogue.load().workload("agents").endpoints
SERVED = [(app, endpoint) for app in AGENTS for endpoint in AGENTS[app].spec.endpoints]
FROM_DATABASE = [(app, endpoint) for app, endpoint in SERVED if endpoint != "index"]

# What asyncpg sends when a connection goes back to its pool.
ASYNCPG_RESET = {"CLOSE ALL", "RESET ALL", "SELECT pg_advisory_unlock_all()", "UNLISTEN *"}


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


@pytest.mark.parametrize(("app", "endpoint"), FROM_DATABASE)
def test_each_request_sends_its_statement_once(
    defaults: dict[str, RunningApp], database: Cluster, app: str, endpoint: str
) -> None:
    database.query("SELECT pg_stat_statements_reset()")
    for _ in range(5):
        defaults[app].get(path(app, endpoint))

    rows = database.query(
        "SELECT calls, rows, regexp_replace(query, E'\\\\s+', ' ', 'g') FROM pg_stat_statements "
        "JOIN pg_roles ON pg_roles.oid = userid WHERE rolname = 'testbed'"
    )
    statements = {text: (int(calls), int(n)) for calls, n, text in (r.split("|", 2) for r in rows)}
    reset = {text: statements.pop(text) for text in ASYNCPG_RESET & statements.keys()}

    assert list(statements.values()) == [(5, 250)], statements
    (text,) = statements
    assert "agentfeatures" in text
    assert "LEFT OUTER JOIN" in text or "LEFT JOIN" in text
    assert {calls for calls, _ in reset.values()} == ({5} if app == "aiohttp_api_hour" else set())


def test_the_apps_send_the_same_statement(
    defaults: dict[str, RunningApp], database: Cluster
) -> None:
    database.query("SELECT pg_stat_statements_reset()")
    for app, running in defaults.items():
        running.get(path(app, "agents"))
    sql = "SELECT calls FROM pg_stat_statements WHERE query LIKE '%agentfeatures.number%'"
    assert database.query(sql) == [str(len(defaults))]


@pytest.mark.parametrize("app", AGENTS)
def test_the_index_does_without_the_database(app: str, tmp_path: Path) -> None:
    nowhere = "postgresql://nobody:nothing@127.0.0.1:9/none"
    with serving.serving(AGENTS[app], nowhere, tmp_path / "log") as running:
        assert running.get(path(app, "index")).status == 200
        assert running.get(path(app, "agents")).status == 500
        assert "Traceback" in running.log()  # an error reaches the journal
