"""Make the tables of pages that follow from what models declare: keys, settings and columns."""

import typing
from collections.abc import Iterator
from functools import cache

from pydantic import BaseModel

from analysis.export import rows as export_rows
from docs.markdown import table
from testbed.asked import catalogue
from testbed.model import database, question
from testbed.model.catalogue import App
from testbed.model.endpoint import Endpoint, Exchange
from testbed.model.expected import ExpectedAnswer, Rule, Selection
from testbed.model.request import Body, Draw


def app_keys() -> str:
    """Return the keys of app.yml, from the model's field descriptions."""
    return table(("key", "needed", "what"), _keys(App, ""))


def _keys(model: type[BaseModel], prefix: str) -> Iterator[tuple[str, str, str]]:
    """Yield the rows of a model's keys; a key whose value is a model is followed by its keys."""
    for name, field in model.model_fields.items():
        needed = "yes" if field.is_required() else ""
        yield f"`{prefix}{name}`", needed, field.description or ""
        for inner in typing.get_args(field.annotation):
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                yield from _keys(inner, f"{name}: ")


def endpoint_keys() -> str:
    """Return the keys of a workload's endpoints, from the models' field descriptions."""
    return _keys_of(
        ("", Endpoint),
        ("draw: ", Draw),
        ("send: ", Body),
        ("expect: ", ExpectedAnswer),
        ("html: ", Selection),
        ("rules: ", Rule),
        ("also: ", Exchange),
    )


def question_keys() -> str:
    """Return the keys of a question's file, from the models' field descriptions."""
    return _keys_of(
        ("", question.QuestionFile),
        ("sweep: ", question.Sweep),
        ("objective: ", question.Objective),
        ("search: ", question.Search),
        ("stacks: ", question.Stack),
        ("follows: ", question.Follows),
        ("rule: ", question.LatencyRule),
        ("scales: ", question.ScaleOf),
    )


def _keys_of(*models: tuple[str, type[BaseModel]]) -> str:
    """Return the table of the keys of several models, each with what stands before its keys."""
    rows = [
        (
            f"`{prefix}{field.alias or name}`",
            "yes" if field.is_required() else "",
            field.description or "",
        )
        for prefix, model in models
        for name, field in model.model_fields.items()
    ]
    return table(("key", "needed", "what"), rows)


def settings(workload: str) -> str:
    """Return the settings of a workload's apps, as each app.yml declares them.

    Apps that declare a setting in the same way share a row.
    """
    apps = apps_folder().apps_of(workload)
    alike: dict[str, dict[tuple[str, str, str], list[str]]] = {}
    for app in apps.values():
        for name, one in app.spec.settings.items():
            if name in database.SETTINGS:  # which all have, and their own table shows
                continue
            row = (f"{one.default}", one.others, one.description)
            alike.setdefault(name, {}).setdefault(row, []).append(app.name)
    rows = [
        (f"`{name}`", "all" if len(names) == len(apps) else ", ".join(names), *row)
        for name, by_row in alike.items()
        for row, names in by_row.items()
    ]
    return table(("setting", "apps", "default", "other values", "what"), rows)


def database_settings() -> str:
    """Return the settings that every app of a workload with PostgreSQL has."""
    rows = [
        (
            f"`{name}`",
            f"{one.default}",
            ", ".join(map(str, (one.choices or [])[1:])),
            one.description,
        )
        for name, one in database.SETTINGS.items()
    ]
    return table(("setting", "default", "other values", "what"), rows)


def export_table(name: str) -> str:
    """Return the columns of a table of `export`, from its model's field descriptions."""
    model = export_rows.TABLES[name]
    types = {str: "text", int: "whole number", float: "number", bool: "true or false"}
    rows = []
    for column, field in model.model_fields.items():
        kinds = typing.get_args(field.annotation) or (field.annotation,)
        kind = next(types[one] for one in kinds if one in types)
        missing = ", or missing" if type(None) in kinds else ""
        rows.append((f"`{column}`", f"{kind}{missing}", field.description or ""))
    return table(("column", "type", "what"), rows)


@cache
def apps_folder() -> catalogue.Catalogue:
    """Return the apps folder as it is read for a campaign."""
    return catalogue.load()
