"""What every app answers, and which statements it sends: all by its default settings."""

import re

import pytest

from testbed.asked import answers, expectations, request
from testbed.model.endpoint import Endpoint, Exchange
from testbed.validity import sql
from tests.unit.apps.cluster import Cluster
from tests.unit.apps.serving import (
    APPS,
    CATALOGUE,
    DatabaseOf,
    DefaultApp,
    RunningApp,
    Serve,
)

ENDPOINTS = {
    (key, name): CATALOGUE.workload(app.workload).endpoints[name]
    for key, app in APPS.items()
    for name in app.spec.endpoints
}
MORE = [
    pytest.param(key, name, exchange, id=f"{key}-{name}-{exchange.description}")
    for (key, name), endpoint in ENDPOINTS.items()
    for exchange in endpoint.also
]
FROM_DATABASE = [which for which, endpoint in ENDPOINTS.items() if endpoint.sql]
HOUSEKEEPERS = [key for key, app in APPS.items() if app.spec.housekeeping_sql]
REQUESTS = 5
SEED = 17  # of the values that are drawn


def ask(app: RunningApp, key: str, name: str, asked: Endpoint, number: int) -> answers.Answer:
    """The app's answer to the request of that number, with the values drawn for it."""
    folder, path = CATALOGUE.folders[APPS[key].workload], APPS[key].spec.endpoints[name]
    drawn = request.drawn(asked.draw, SEED, number)
    wanted = request.of(asked, path, folder).filled(drawn)
    body = None if wanted.body is None else wanted.body.encode()
    got = app.ask(wanted.method, wanted.path, body, wanted.content_type or "")
    return answers.Answer(got.status, got.content_type, got.body, waited_s=0, drawn=drawn)


def problem(app: RunningApp, key: str, name: str, asked: Endpoint, count: int) -> str | None:
    """How so many answers differ from what is declared."""
    found = [ask(app, key, name, asked, number) for number in range(count)]
    wanted = expectations.read(CATALOGUE.folders[APPS[key].workload], asked.expect)
    return answers.compare_all(found, wanted, "before").problem


def put_back(database_of: DatabaseOf, key: str) -> Cluster:
    """The workload's database, its data as they are before a run."""
    workload = APPS[key].workload
    database = database_of(workload)
    reset = CATALOGUE.workload(workload).reset
    if reset is not None:
        database.reset(CATALOGUE.folders[workload] / reset)
    return database


@pytest.mark.parametrize(("key", "name"), ENDPOINTS)
def test_the_answer_is_the_expected_one(
    default_app: DefaultApp, database_of: DatabaseOf, key: str, name: str
) -> None:
    put_back(database_of, key)
    endpoint = ENDPOINTS[key, name]
    # the first must not stand in the way of the next
    count = request.LEAST_ANSWERS if endpoint.draw else 2
    assert problem(default_app(key), key, name, endpoint, count) is None


@pytest.mark.parametrize(("key", "name", "exchange"), MORE)
def test_further_requests_are_answered_as_declared(
    default_app: DefaultApp, database_of: DatabaseOf, key: str, name: str, exchange: Exchange
) -> None:
    put_back(database_of, key)
    asked = ENDPOINTS[key, name].exchange(exchange)
    assert problem(default_app(key), key, name, asked, 1) is None


@pytest.mark.parametrize("key", APPS)
def test_what_is_not_served_is_not_found(default_app: DefaultApp, key: str) -> None:
    assert default_app(key).get("/nothing").status == 404


@pytest.mark.parametrize(("key", "name"), FROM_DATABASE)
def test_each_request_sends_what_the_workload_declares_and_nothing_unknown(
    default_app: DefaultApp, database_of: DatabaseOf, key: str, name: str
) -> None:
    app, endpoint = default_app(key), ENDPOINTS[key, name]
    database = put_back(database_of, key)
    database.forget_statements()
    for number in range(REQUESTS):
        ask(app, key, name, endpoint, number)
    seen = sql.sorted_out(
        database.statements(), endpoint.sql, APPS[key].spec.housekeeping_sql, REQUESTS
    )
    assert [one.text for one in seen if one.kind == "unexpected"] == []
    for statement in endpoint.sql:
        texts = [sql.collapsed(text) for text in statement.texts]
        calls = sum(one.calls for one in seen if one.text in texts)
        assert calls / REQUESTS == statement.calls_per_request, statement


@pytest.mark.parametrize("key", HOUSEKEEPERS)
def test_housekeeping_that_is_declared_is_also_seen(
    run_app: Serve, database_of: DatabaseOf, key: str
) -> None:
    database = put_back(database_of, key)
    database.forget_statements()
    with run_app(key) as app:  # started anew, for what is sent on new connections
        for name in APPS[key].spec.endpoints:
            ask(app, key, name, ENDPOINTS[key, name], 0)
    sent = [sql.collapsed(text) for text, _ in database.statements()]
    for one in APPS[key].spec.housekeeping_sql:
        assert any(re.fullmatch(one.pattern, text, re.IGNORECASE) for text in sent), one
