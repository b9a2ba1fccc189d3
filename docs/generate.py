"""Write what the docs repeat from data: tables in pages, and schemas for editors: script/docs.

A table stands in its page between `<!-- generated: name -->` and `<!-- end: name -->`; the name is
that of a function in TABLES. A table of a role's README is a function of the role.
"""

import argparse
import pkgutil
import re
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import typer
from typer.testing import CliRunner

from analysis.__main__ import COMMANDS
from analysis.export import rows as export_rows
from command import main as testbed
from docs import declared, roles, schemas, website
from docs.markdown import table
from testbed import called
from testbed.arguments import Arguments
from testbed.errors import TestbedError
from testbed.fitness import table as fitness
from testbed.model.gave_out import MEANINGS
from testbed.paths import ROOT
from testbed.validity.limits import Limit, explained, limits

GENERATED = re.compile(r"(?s)(<!-- generated: (\w+) -->\n).*?(<!-- end: \2 -->)")
HELP_COLUMNS = 80
MACHINE = " ᵐ"  # marks a check of the machine around a container


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
    with called.by(called.TESTBED):
        told = [(call, _help_of(call)) for call in [(), *calls]]
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
    return called.as_called(parser.format_help())


TABLES: dict[str, Callable[[], str]] = {
    function.__name__: function
    for function in (
        roles.changes,
        roles.sysctls,
        declared.app_keys,
        declared.endpoint_keys,
        declared.question_keys,
        declared.database_settings,
        gave_out,
        validity,
        checks,
        commands,
    )
}
TABLES |= {
    f"settings_{name}": partial(declared.settings, name)
    for name in declared.apps_folder().workloads
}
TABLES |= {f"export_{name}": partial(declared.export_table, name) for name in export_rows.TABLES}
ROLE_TABLES: dict[str, Callable[[str], str]] = {
    function.__name__: function for function in (roles.variables, roles.use)
}


def pages() -> list[Path]:
    """Return the pages that hold tables."""
    return [*sorted((ROOT / "docs").glob("*.md")), *sorted(roles.ROLES.glob("*/README.md"))]


def written(page: Path) -> str:
    """Return a page's text with its tables as the data have it now.

    Raises KeyError if the page names a table that no function makes.
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
    parser = Arguments(prog="script/docs", description=__doc__)
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
    try:
        given = parser.read(sys.argv[1:])
    except TestbedError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
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
