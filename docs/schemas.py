"""Write JSON Schemas of the YAML files that users write, for editors: docs/schema/*.json.

Those of apps, workloads, experiments and articles follow from the models that read these files;
those of an inventory from the roles' argument_specs and from what the control side reads. A schema
knows each key and each value by itself. Rules about several keys are checked only when the file is
read.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from testbed.model.article import Article, Published
from testbed.model.catalogue import App, Workload
from testbed.model.experiment import Experiment
from testbed.model.inventory import Facts, Host
from testbed.model.question import QuestionFile
from testbed.paths import ROOT

FOLDER = ROOT / "docs" / "schema"
DIALECT = GenerateJsonSchema.schema_dialect
JINJA = {"type": "string", "pattern": r"\{\{.*\}\}"}  # Ansible fills it in when it is used
# What an argument_spec's type is in JSON. Ansible turns texts into numbers and flags by itself
KINDS: dict[str, dict[str, Any]] = {
    "bool": {"type": ["boolean", "string"]},
    "dict": {"type": "object"},
    "float": {"type": ["number", "string"]},
    "int": {"type": ["integer", "string"]},
    "list": {"type": "array"},
    "path": {"type": "string"},
    "str": {"type": ["string", "number", "boolean"]},
}


class _Plain(GenerateJsonSchema):
    """Schemas without a title for each key, which would repeat the key."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Return False for every field."""
        return False


def _of_model(model: type[BaseModel], title: str) -> dict[str, Any]:
    found = model.model_json_schema(schema_generator=_Plain)
    _refuse_other_keys(found)
    return {"$schema": DIALECT, **found, "title": title}


def _refuse_other_keys(schema: Any) -> None:
    """Have every mapping whose keys have a pattern refuse keys that do not match it."""
    if isinstance(schema, list):
        for one in schema:
            _refuse_other_keys(one)
    if isinstance(schema, dict):
        if "patternProperties" in schema:
            schema.setdefault("additionalProperties", False)
        for one in schema.values():
            _refuse_other_keys(one)


def variables() -> dict[str, Any]:
    """Return the schema of an inventory's variables, as group_vars/ and host_vars/ have them."""
    known: dict[str, Any] = {}
    for model in (Facts, Host):
        for name, one in model.model_json_schema(schema_generator=_Plain)["properties"].items():
            if name.startswith(("testbed_", "bench_")):
                known[name] = {"anyOf": [*one.pop("anyOf", [one]), JINJA]}
    for file in sorted((ROOT / "roles").glob("*/meta/argument_specs.yml")):
        points = yaml.safe_load(file.read_text(encoding="utf-8"))["argument_specs"]
        for name, option in (points["main"].get("options") or {}).items():
            known.setdefault(name, _of_option(option))
    return {
        "$schema": DIALECT,
        "title": "Variables of an inventory",
        "description": "Other variables, such as Ansible's own, are taken as they are.",
        "type": ["object", "null"],
        "properties": dict(sorted(known.items())),
    }


def _of_option(option: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a role's variable, from its argument_spec."""
    one = dict(KINDS[option["type"]])
    if "choices" in option:
        one = {"enum": option["choices"]}
    if "elements" in option:
        one["items"] = KINDS[option["elements"]]
    return {"description": " ".join(option["description"].split()), "anyOf": [one, JINJA]}


def inventory() -> dict[str, Any]:
    """Return the schema of an inventory file: groups of hosts, with their variables."""
    of_variables = {key: value for key, value in variables().items() if key != "$schema"}
    return {
        "$schema": DIALECT,
        "title": "Inventory",
        "type": "object",
        "additionalProperties": {"$ref": "#/$defs/group"},
        "$defs": {
            "group": {
                "type": ["object", "null"],
                "additionalProperties": False,
                "properties": {
                    "hosts": {
                        "type": ["object", "null"],
                        "additionalProperties": {"$ref": "#/$defs/variables"},
                    },
                    "vars": {"$ref": "#/$defs/variables"},
                    "children": {
                        "type": ["object", "null"],
                        "additionalProperties": {"$ref": "#/$defs/group"},
                    },
                },
            },
            "variables": of_variables,
        },
    }


SCHEMAS: dict[str, Callable[[], dict[str, Any]]] = {
    "app": lambda: _of_model(App, "app.yml: an app"),
    "workload": lambda: _of_model(Workload, "workload.yml: a workload"),
    "experiment": lambda: _of_model(Experiment, "An experiment"),
    "article": lambda: _of_model(Article, "An article, asked again"),
    "published": lambda: _of_model(Published, "What an article published"),
    "question": lambda: _of_model(QuestionFile, "A question that somebody has to decide"),
    "inventory": inventory,
    "variables": variables,
}


def documents() -> dict[Path, str]:
    """Return the text of every schema by its path."""
    return {
        FOLDER / f"{name}.json": json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"
        for name, schema in SCHEMAS.items()
    }
