"""Make the tables of pages that follow from roles and playbooks."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from docs.markdown import table
from testbed.paths import ROOT

ROLES = ROOT / "roles"
PLAYBOOKS = ("hosts", "server", "client", "fit")  # in the order in which a host meets them


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


def sysctls() -> str:
    """Return the kernel's settings with their reasons, from roles/kernel_tuning/defaults."""
    listed = read(ROLES / "kernel_tuning" / "defaults" / "main.yml")["kernel_tuning_sysctls"]
    rows = []
    for one in listed:
        value = re.sub(r"\{\{ (.*?) \}\}", r"`\1`", str(one["value"]))
        least = "at least " if one.get("at_least") else ""
        rows.append((f"`{one['name']}`", f"{least}{value}", one["reason"]))
    return table(("setting", "value", "why"), rows)
