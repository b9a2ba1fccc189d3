"""How many database connections apps may open, and campaigns that are refused for it."""

import pytest
from pydantic import ValidationError

from testbed.asked import catalogue, database_connections, experiments
from testbed.asked.database_connections import needed, of_worker, threads
from testbed.asked.plan import plan
from testbed.errors import TestbedError
from testbed.model.catalogue import App

CATALOGUE = catalogue.load()
AGENTS = CATALOGUE.apps_of("agents")


def of(app, requests=400, **settings):
    return needed(AGENTS[app].spec, AGENTS[app].defaults() | settings, requests)


@pytest.mark.parametrize(
    ("app", "settings", "connections"),
    [
        ("aiohttp_api_hour", {}, 16 * 30),
        ("aiohttp_api_hour", {"workers": 4, "pool_size": 7}, 4 * 7),
        ("aiohttp_api_hour", {"database_access": "connection_per_request"}, 400),
        ("flask", {}, 16),
        ("flask", {"worker_class": "gthread", "threads": 50}, 16 * 50),
        ("flask", {"database_access": "pool"}, 16),  # of one thread each
        ("flask", {"database_access": "pool", "threads": 50}, 16 * 30),
        ("django", {"worker_class": "gevent"}, 400),
        ("django", {"worker_class": "gevent", "database_access": "pool"}, 16 * 30),
        ("django", {"database_access": "persistent", "workers": 3}, 3),
    ],
)
def test_connections_follow_the_settings(app, settings, connections):
    assert of(app, **settings) == connections


def test_without_rules_each_worker_opens_what_is_declared():
    spec = AGENTS["flask"].spec.model_copy(update={"database_connections": []})
    assert needed(spec, {"workers": 5, "pool_size": 99}, 400) == 5 * 30
    assert needed(spec, {}, 400) == 30


def test_a_worker_s_pool_is_what_the_settings_say():
    api_hour, django = AGENTS["aiohttp_api_hour"].spec, AGENTS["django"].spec
    assert of_worker(api_hour, {"database_access": "pool", "pool_size": 7}) == 7
    assert of_worker(api_hour, {"database_access": "connection_per_request"}) is None
    assert of_worker(django, {"database_access": "pool", "threads": 9, "pool_size": 4}) == 4
    # each thread has a connection of its own, for which no request waits
    assert of_worker(django, {"database_access": "pool", "threads": 4, "pool_size": 9}) == 0
    assert of_worker(django, {"database_access": "persistent", "threads": 4}) == 0
    assert of_worker(django.model_copy(update={"database_connections": []}), {}) is None


def test_as_many_threads_work_as_the_rule_of_the_settings_counts():
    api_hour, django = AGENTS["aiohttp_api_hour"].spec, AGENTS["django"].spec
    pool = {"database_access": "pool", "threads": 9, "pool_size": 4}
    assert threads(django, pool | {"workers": 3}) == 27
    assert threads(django, {"database_access": "persistent", "threads": 4}) == 4
    assert threads(django, pool | {"worker_class": "gevent"}) is None
    assert threads(api_hour, {"database_access": "pool", "pool_size": 7}) is None


def test_behind_a_pooler_threads_may_wait_for_its_sessions():
    flask = CATALOGUE.apps_of("lookup")["flask"].spec
    settings = {"pooler": "pgbouncer", "worker_class": "sync", "threads": 1, "workers": 6}
    assert threads(flask, settings) == needed(flask, settings, 100) == 6
    assert of_worker(flask, settings) is None
    assert threads(flask, settings | {"worker_class": "gevent"}) is None


def planned(variants=None):
    experiment = experiments.load(experiments.find("round2"))
    changes = {"variants": variants} if variants else {}
    data = experiment.model_dump() | changes
    return plan(type(experiment).model_validate(data), CATALOGUE, 1)


def test_round_2_as_provisioned_is_not_refused():
    database_connections.check(planned(), AGENTS, {"max_connections": "500"})


def test_more_than_postgresql_takes_is_refused_with_a_remedy():
    runs = planned({"wide": {"apps": ["aiohttp_api_hour"], "settings": {"workers": 17}}})
    with pytest.raises(TestbedError) as caught:
        database_connections.check(runs, AGENTS, {"max_connections": "500"})
    assert "aiohttp_api_hour, variant 'wide': its 17 workers may open 510" in caught.value.message
    assert "PostgreSQL takes 500" in caught.value.message
    assert "postgresql_app_connections to 510" in caught.value.remedy


def test_the_reserve_is_kept():
    database_connections.check(planned(), AGENTS, {"max_connections": "490"})
    with pytest.raises(TestbedError):
        database_connections.check(planned(), AGENTS, {"max_connections": "489"})


def test_where_nothing_is_set_postgresql_takes_its_default():
    with pytest.raises(TestbedError, match="PostgreSQL takes 100, 10 of them not for apps"):
        database_connections.check(planned(), AGENTS, {})


def test_rules_name_settings_that_the_app_has():
    data = AGENTS["flask"].spec.model_dump()
    data["database_connections"] = [{"per_worker": ["poolsize"]}]
    with pytest.raises(ValidationError, match="'poolsize' is none of the settings"):
        App.model_validate(data)
