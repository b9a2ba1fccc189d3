"""Write what the docs repeat from data: tables in pages, and schemas for editors: script/docs.

A table stands in its page between `<!-- generated: name -->` and `<!-- end: name -->`; the name is
that of a function here. A table of a role's README is a function of the role.
"""

import argparse
import pkgutil
import re
import sys
import typing
from collections.abc import Callable, Iterable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

import typer
import yaml
from pydantic import BaseModel
from typer.testing import CliRunner

from analysis.__main__ import COMMANDS
from analysis.export import rows as export_rows
from command import main as testbed
from docs import schemas, website
from testbed.asked import catalogue
from testbed.fitness import table as fitness
from testbed.model import database, question
from testbed.model.catalogue import App
from testbed.model.endpoint import Endpoint, Exchange
from testbed.model.expected import ExpectedAnswer, Rule, Selection
from testbed.model.gave_out import MEANINGS
from testbed.model.request import Body, Draw
from testbed.paths import ROOT
from testbed.validity.limits import Limit, explained, limits

ROLES = ROOT / "roles"
PLAYBOOKS = ("hosts", "server", "client", "fit")  # in the order in which a host meets them
GENERATED = re.compile(r"(?s)(<!-- generated: (\w+) -->\n).*?(<!-- end: \2 -->)")
BAR = "\\|"  # how a cell of a Markdown table writes |
HELP_COLUMNS = 80
MACHINE = " ᵐ"  # marks a check of the machine around a container


def table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a Markdown table; a cell's bars are escaped, and its text is put on one line."""

    def line(cells: Iterable[str]) -> str:
        return f"| {' | '.join(' '.join(cell.split()).replace('|', BAR) for cell in cells)} |\n"

    heads = tuple(heads)
    return line(heads) + "|" + "---|" * len(heads) + "\n" + "".join(map(line, rows))


@cache
def read(path: Path) -> Any:
    """Return the content of a YAML file; None if there is no such file."""
    return yaml.safe_load(path.read_text(encoding="utf-8")) if path.is_file() else None


def role_names() -> list[str]:
    """Return the names of all roles."""
    return sorted(path.parent.parent.name for path in ROLES.glob("*/tasks/main.yml"))


def plays_of(role: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the hosts of each play that has the role, and the role's tags in that play.

    A role that another role imports is in the plays of that other role.
    """
    for name in PLAYBOOKS:
        for play in read(ROOT / "playbooks" / f"{name}.yml"):
            for entry in play.get("roles", []):
                if entry["role"] == role:
                    tags = entry["tags"]
                    yield play["hosts"], [tags] if isinstance(tags, str) else tags
            if _imports(play.get("tasks", []), role):
                yield play["hosts"], []
    for other in role_names():
        if _imports(read(ROLES / other / "tasks" / "main.yml"), role):
            yield from plays_of(other)


def _imports(tasks: list[dict[str, Any]], role: str) -> bool:
    """Return whether one of the tasks imports the role."""
    return any(task.get("ansible.builtin.import_role", {}).get("name") == role for task in tasks)


def places_of(role: str) -> str:
    """Return on which hosts a role works: server, client or both."""
    hosts = {place for places, _ in plays_of(role) for place in places.split(":")}
    return "both" if len(hosts) == 2 else hosts.pop()


def packages_of(role: str) -> list[str]:
    """Return the Debian packages that a role's `<role>_packages` and its tasks name."""
    found = list((read(ROLES / role / "defaults" / "main.yml") or {}).get(f"{role}_packages", []))
    for file in sorted((ROLES / role / "tasks").glob("*.yml")):
        for task in read(file):
            name = task.get("ansible.builtin.apt", {}).get("name", "")
            if name and not name.startswith("{{"):
                found.append(re.sub(r"\{\{.*?\}\}", "<version>", name))
    return found


# --- roles/*/README.md ----------------------------------------------------------------------------


def variables(role: str) -> str:
    """Return the table of a role's variables, from its argument_specs."""
    options = read(ROLES / role / "meta" / "argument_specs.yml")["argument_specs"]["main"][
        "options"
    ]
    rows = [
        (f"`{name}`", _kind(item), _default(item), item["description"])
        for name, item in options.items()
    ]
    return table(("variable", "kind", "default", "what"), rows) if rows else "None.\n"


def _kind(item: dict[str, Any]) -> str:
    """Return which values a variable may have: its type, that of its elements, and its choices."""
    kind = f"{item['type']} of {item['elements']}" if "elements" in item else item["type"]
    return kind + (f": {', '.join(item['choices'])}" if "choices" in item else "")


def _default(item: dict[str, Any]) -> str:
    """Return a variable's default as YAML writes it on one line."""
    if item.get("required"):
        return "required"
    if "default" not in item:
        return "`defaults/main.yml`"
    value = item["default"]
    if isinstance(value, str) and value:
        return f"`{value}`"
    flow = yaml.safe_dump(value, default_flow_style=True, width=10_000, allow_unicode=True)
    return f"`{flow.removesuffix('...' + chr(10)).strip()}`"


def use(role: str) -> str:
    """Return on which hosts a role works, its tags, and its further entry points."""
    tags = dict.fromkeys(tag for _, tags in plays_of(role) for tag in tags)
    points = read(ROLES / role / "meta" / "argument_specs.yml")["argument_specs"]
    lines = [f"- on: {places_of(role)}"]
    lines.append(f"- tags: {', '.join(f'`{tag}`' for tag in tags) or 'none'}")
    lines += [
        f"- `tasks_from: {name}`: {point['short_description'][0].lower()}"
        f"{point['short_description'][1:]}"
        for name, point in points.items()
        if name != "main"
    ]
    return "\n".join(lines) + "\n"


# --- docs/ ----------------------------------------------------------------------------------------


def changes() -> str:
    """Return what is changed on a host: each role's packages, and its meta/changes.yml."""
    roles = sorted(role_names(), key=_order)
    rows = [
        ("Debian packages", " ".join(f"`{name}`" for name in packages_of(role)), role)
        for role in roles
        if packages_of(role)
    ] + [
        (item["what"], ", ".join(f"`{place}`" for place in item["where"]), role)
        for role in roles
        for item in read(ROLES / role / "meta" / "changes.yml") or []
    ]
    return table(
        ("what", "where", "on", "by role"),
        [
            (what, where, places_of(role), f"[{role}](../roles/{role}/README.md)")
            for what, where, role in rows
        ],
    )


def _order(role: str) -> int:
    """Return the position at which a role first occurs in the playbooks, or else the last."""
    listed = [
        entry["role"]
        for name in PLAYBOOKS
        for play in read(ROOT / "playbooks" / f"{name}.yml")
        for entry in play.get("roles", [])
    ]
    return listed.index(role) if role in listed else len(listed)


def gave_out() -> str:
    """Return what may have held a run back, and what each means: testbed/model/gave_out.py."""
    rows = [(what.replace("_", " "), meaning) for what, meaning in MEANINGS.items()]
    return table(("gave out first", "when"), rows)


def validity() -> str:
    """Return the checks of a run with their limits: testbed/validity/checks.yml and limits.yml."""
    rows = [
        (
            f"`{name}`",
            check.finds,
            "; ".join(_bounds(limits()[limit]) for limit in check.limits),
            check.measured_by,
        )
        for name, check in explained().items()
    ]
    return table(("check", "finds", "limits", "measured by"), rows)


def _bounds(limit: Limit) -> str:
    """Return a limit in words: its unit, and each bound that it has."""
    bounds = {"remark": limit.remark, "doubtful": limit.doubtful, "invalid": limit.invalid}
    told = ", ".join(f"{word} {bound:g}" for word, bound in bounds.items() if bound is not None)
    return f"{told} ({limit.unit.replace(';', ',')})"


def checks() -> str:
    """Return the checks of hosts: testbed/fitness/checks.yml."""
    rows = [
        (
            one.title + (MACHINE if one.of == "machine" else ""),
            one.wanted,
            one.why,
            one.mend.replace("<", "&lt;"),
        )
        for one in fitness.checks().values()
    ]
    return table(("what", "wanted", "why", "how to mend"), rows)


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
    models: tuple[tuple[str, type[BaseModel]], ...] = (
        ("", Endpoint),
        ("draw: ", Draw),
        ("send: ", Body),
        ("expect: ", ExpectedAnswer),
        ("html: ", Selection),
        ("rules: ", Rule),
        ("also: ", Exchange),
    )
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


def question_keys() -> str:
    """Return the keys of a question's file, from the models' field descriptions."""
    models: tuple[tuple[str, type[BaseModel]], ...] = (
        ("", question.QuestionFile),
        ("sweep: ", question.Sweep),
        ("objective: ", question.Objective),
        ("search: ", question.Search),
        ("stacks: ", question.Stack),
        ("follows: ", question.Follows),
        ("rule: ", question.Rule),
        ("scales: ", question.ScaleOf),
    )
    rows = [
        (f"`{prefix}{name}`", "yes" if field.is_required() else "", field.description or "")
        for prefix, model in models
        for name, field in model.model_fields.items()
    ]
    return table(("key", "needed", "what"), rows)


def sysctls() -> str:
    """Return the kernel's settings with their reasons, from roles/kernel_tuning/defaults."""
    listed = read(ROLES / "kernel_tuning" / "defaults" / "main.yml")["kernel_tuning_sysctls"]
    rows = []
    for one in listed:
        value = re.sub(r"\{\{ (.*?) \}\}", r"`\1`", str(one["value"]))
        least = "at least " if one.get("at_least") else ""
        rows.append((f"`{one['name']}`", f"{least}{value}", one["reason"]))
    return table(("setting", "value", "why"), rows)


def commands() -> str:
    """Return the help of every command of `testbed`, as the program itself prints it."""
    group: Any = typer.main.get_command(testbed.app)
    calls: list[tuple[str, ...]] = [
        (name,) for name, one in group.commands.items() if not hasattr(one, "commands")
    ]
    calls += [
        (name, inner)
        for name, one in group.commands.items()
        for inner in getattr(one, "commands", ())
    ]
    told = [((), _help_of(())), *((call, _help_of(call)) for call in calls)]
    return "\n".join(
        f"## {' '.join(('testbed', *call))}\n```text\n{text.rstrip()}\n```\n" for call, text in told
    )


def _help_of(call: tuple[str, ...]) -> str:
    reads = next((one for one in COMMANDS if (one.name,) == call), None)
    if reads is None:
        shown = CliRunner().invoke(
            testbed.app, [*call, "--help"], prog_name=testbed.NAME, terminal_width=HELP_COLUMNS
        )
        return "\n".join(line.rstrip() for line in shown.output.splitlines())
    parser = argparse.ArgumentParser(
        description=reads.help,
        usage=argparse.SUPPRESS,
        formatter_class=partial(argparse.HelpFormatter, width=HELP_COLUMNS),
    )
    pkgutil.resolve_name(reads.add_arguments)(parser)
    return parser.format_help()


def settings(workload: str) -> str:
    """Return the settings of a workload's apps, as each app.yml declares them.

    Apps that declare a setting in the same way share a row.
    """
    apps = apps_folder().apps_of(workload)
    alike: dict[str, dict[tuple[str, str, str], list[str]]] = {}
    for app in apps.values():
        for name, one in app.spec.settings.items():
            if name in database.SETTINGS:  # which all have, and their own table tells
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


TABLES: dict[str, Callable[[], str]] = {
    function.__name__: function
    for function in (
        changes,
        gave_out,
        validity,
        checks,
        app_keys,
        endpoint_keys,
        question_keys,
        database_settings,
        sysctls,
        commands,
    )
}
TABLES |= {f"settings_{name}": partial(settings, name) for name in apps_folder().workloads}
TABLES |= {f"export_{name}": partial(export_table, name) for name in export_rows.TABLES}
ROLE_TABLES: dict[str, Callable[[str], str]] = {
    function.__name__: function for function in (variables, use)
}


def pages() -> list[Path]:
    """Return the pages that hold tables."""
    return [*sorted((ROOT / "docs").glob("*.md")), *sorted(ROLES.glob("*/README.md"))]


def written(page: Path) -> str:
    """Return a page's text with its tables as the data have it now.

    Raises KeyError if the page names a table that no function here makes.
    """

    def filled(found: re.Match[str]) -> str:
        name = found[2]
        text = ROLE_TABLES[name](page.parent.name) if name in ROLE_TABLES else TABLES[name]()
        return found[1] + text + found[3]

    return GENERATED.sub(filled, page.read_text(encoding="utf-8"))


def texts() -> dict[Path, str]:
    """Return the text of every generated file as it should be now, by path."""
    return {page: written(page) for page in pages()} | schemas.documents()


def main() -> int:
    """Write all files that differ; with --check, name them and return 1; with --site, the site."""
    parser = argparse.ArgumentParser(prog="script/docs", description=__doc__)
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument("--check", action="store_true", help="name what differs, write nothing")
    instead.add_argument(
        "--site",
        nargs="?",
        type=Path,
        const=website.FOLDER,
        metavar="FOLDER",
        help="build the site of these pages instead (default: .cache/site in the checkout)",
    )
    given = parser.parse_args()
    if given.site:
        return website.build(given.site)
    check = given.check
    differing = {path: text for path, text in texts().items() if _now(path) != text}
    for path, text in differing.items():
        name = path.relative_to(ROOT)
        if check:
            sys.stderr.write(f"{name} is not what its data say -> run script/docs\n")
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            sys.stdout.write(f"{name}: written\n")
    return int(check and bool(differing))


def _now(path: Path) -> str | None:
    """Return what the file has now; None if there is none."""
    return path.read_text(encoding="utf-8") if path.is_file() else None


if __name__ == "__main__":
    sys.exit(main())
