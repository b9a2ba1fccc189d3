"""Show what was found of apps that were tried, as a table on a terminal of any width."""

from collections import Counter
from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from testbed.run.trying import Level, Tried

STYLES: dict[Level, str] = {"ok": "green", "note": "yellow", "fail": "bold red"}


def table(found: Sequence[Tried], *, quiet: bool = False) -> RenderableType:
    """Return the table and how many findings there are; with `quiet`, only what is not right."""
    grid = Table(box=None, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    for column in ("level", "app", "endpoint"):
        grid.add_column(column, no_wrap=True)
    grid.add_column("answer", overflow="fold")
    grid.add_column("SQL", no_wrap=True)
    grid.add_column("remark", ratio=1, overflow="fold")
    shown = [one for one in found if not quiet or one.level != "ok"]
    for one in shown:
        cells = (one.app, one.endpoint, one.answer, one.sql, one.remark)
        grid.add_row(Text(one.level, style=STYLES[one.level]), *map(Text, cells))
    return Group(*([grid] if shown else []), Text(summary(found), style="bold"))


def summary(found: Sequence[Tried]) -> str:
    """Return how many apps were tried, and how many findings have each level."""
    levels = Counter(one.level for one in found)
    told = ", ".join(f"{levels[level]} {level}" for level in STYLES if levels[level])
    return f"{len({one.app for one in found})} apps: {told}"
