"""Schemas for editors take what the testbed takes, and know its keys."""

import copy
import functools
import json

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from docs import schemas
from testbed.model.article import Article, Published
from testbed.model.catalogue import App, Workload
from testbed.model.experiment import Experiment
from testbed.paths import ROOT

FILES = {
    "app": (App, "apps/*/*/app.yml"),
    "workload": (Workload, "apps/*/workload.yml"),
    "experiment": (Experiment, "experiments/*.yml"),
    "article": (Article, "experiments/articles/*.yml"),
    "published": (Published, "experiments/published/*.yml"),
    "inventory": (None, "inventory/*/hosts.yml"),
    "variables": (None, "group_vars/*.yml"),
}
SCHEMAS = {path.stem: json.loads(text) for path, text in schemas.documents().items()}
CHECKS = {name: Draft202012Validator(schema) for name, schema in SCHEMAS.items()}
PLACED = [(name, path) for name, (_, found) in FILES.items() for path in sorted(ROOT.glob(found))]


@functools.cache
def read(path):
    return yaml.safe_load(path.read_text())


def leaves(document, place=()):
    """The places of all values of a document, its mappings and lists among them."""
    yield place
    inner = document.items() if isinstance(document, dict) else ()
    inner = enumerate(document) if isinstance(document, list) else inner
    for key, value in inner:
        yield from leaves(value, (*place, key))


def put(document, place, value):
    changed = copy.deepcopy(document)
    at = changed
    for key in place[:-1]:
        at = at[key]
    at[place[-1]] = value
    return changed


@pytest.mark.parametrize("name", FILES)
def test_a_schema_is_one_and_has_files(name):
    Draft202012Validator.check_schema(SCHEMAS[name])
    assert [path for kind, path in PLACED if kind == name]


@pytest.mark.parametrize(("name", "path"), PLACED, ids=lambda one: getattr(one, "name", one))
def test_a_file_of_the_project_fits(name, path):
    assert [error.message for error in CHECKS[name].iter_errors(read(path))] == []


@given(
    st.sampled_from([one for one in PLACED if FILES[one[0]][0]]),
    st.data(),
    st.one_of(
        st.none(), st.booleans(), st.integers(-2, 100_000), st.floats(0, 1000),
        st.text("ab_A1/.{}-", max_size=20), st.just([]), st.just({}), st.just("2 per cpu"),
    ),
)  # fmt: skip
@settings(max_examples=40)
def test_what_the_testbed_takes_an_editor_does_not_mark(one, data, value):
    name, path = one
    document = read(path)
    place = data.draw(st.sampled_from([found for found in leaves(document) if found]))
    changed = put(document, place, value)
    try:
        FILES[name][0].model_validate(changed)
    except (ValidationError, ValueError):
        return
    assert [error.message for error in CHECKS[name].iter_errors(changed)] == [], (place, value)


@pytest.mark.parametrize(
    ("name", "path", "place"),
    [
        ("app", "apps/agents/django/app.yml", ("settings", "workers", "defualt")),
        ("app", "apps/agents/django/app.yml", ("settings", "Not a name")),
        ("workload", "apps/agents/workload.yml", ("endpoints", "agents", "expct")),
        ("experiment", "experiments/round2.yml", ("load", "rate")),
        ("inventory", "inventory/baremetal/hosts.yml", ("all", "childs")),
    ],
)
def test_a_slip_in_a_key_is_marked(name, path, place):
    changed = put(read(ROOT / path), place, 1)
    assert not CHECKS[name].is_valid(changed)


def test_a_variable_may_be_a_template_but_not_anything():
    known = CHECKS["variables"]
    assert known.is_valid({"testbed_app_port": "{{ port }}", "ansible_user": "me"})
    assert not known.is_valid({"testbed_app_port": [1]})
    assert not known.is_valid({"host_fitness_allow": "all of it"})


def test_a_text_stands_for_a_mapping_where_the_testbed_takes_it():
    endpoint = {"description": "d", "expect": {"text": "hello"}}
    document = {
        "schema_version": 1, "title": "t", "description": "d", "endpoints": {"hello": endpoint},
    }  # fmt: skip
    assert CHECKS["workload"].is_valid(document)
    Workload.model_validate(document)
    endpoint["expect"] = {"text": {"pattern": "h.*"}}
    assert CHECKS["workload"].is_valid(document)
    endpoint["expect"] = {"text": 5}
    assert not CHECKS["workload"].is_valid(document)
