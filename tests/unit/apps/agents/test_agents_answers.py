"""What the agents apps answer beyond what every workload's tests ask of its apps."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.apps import serving
from tests.unit.apps.cluster import Cluster
from tests.unit.apps.serving import CATALOGUE, RunningApp

AGENTS = CATALOGUE.apps_of("agents")
ENDPOINTS = CATALOGUE.workload("agents").endpoints


def expected(endpoint: str) -> Any:
    """The workload's answer."""
    return json.loads(
        (CATALOGUE.folders["agents"] / str(ENDPOINTS[endpoint].expect.json_file)).read_text()
    )


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


def test_the_apps_send_the_same_statement(
    defaults: dict[str, RunningApp], database: Cluster
) -> None:
    database.forget_statements()
    for app, running in defaults.items():
        running.get(path(app, "agents"))
    query = "SELECT calls FROM pg_stat_statements WHERE query LIKE '%agentfeatures.number%'"
    assert database.query(query) == [str(len(defaults))]


@pytest.mark.parametrize("app", AGENTS)
def test_the_index_does_without_the_database(app: str, tmp_path: Path) -> None:
    nowhere = {"DATABASE_URL": "postgresql://nobody:nothing@127.0.0.1:9/none"}
    with serving.serving(AGENTS[app], nowhere, tmp_path / "log") as running:
        assert running.get(path(app, "index")).status == 200
        assert running.get(path(app, "agents")).status == 500
        assert "Traceback" in running.log()  # an error reaches the journal
