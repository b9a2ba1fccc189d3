"""Show the checks of both hosts as a table, on a terminal of any width."""

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from testbed.host_roles import HostRole
from testbed.model.campaign import Fitness, FitnessLevel, fitness_summary

STYLES: dict[FitnessLevel, str] = {
    "ok": "green",
    "note": "",
    "outer": "dim",
    "warn": "yellow",
    "fail": "bold red",
}
OUTER = "outer: what the machine around a host decides, and cannot be changed from inside"


def table(found: dict[HostRole, list[Fitness]], *, quiet: bool = False) -> RenderableType:
    """Return a table for each host, then the reasons and how to mend what is not fit.

    With `quiet`, only warnings and failures are shown.
    """
    parts: list[RenderableType] = []
    for role, rows in found.items():
        shown = [row for row in rows if not quiet or row.level in ("warn", "fail")]
        parts.append(Text(f"{role} host: {fitness_summary(rows)}", style="bold"))
        if shown:
            parts.append(Padding(_rows(shown), (0, 0, 1, 0)))
    notable: dict[tuple[str, str, str], list[str]] = {}
    for role, rows in found.items():
        for row in rows:
            if row.level in (("warn", "fail") if quiet else ("note", "warn", "fail")):
                notable.setdefault((row.title, row.why, row.mend), []).append(role)
    if notable:
        parts.append(Text("Why, and how to mend", style="bold"))
        grid = Table.grid(padding=(0, 1))
        grid.add_column(no_wrap=True)
        grid.add_column()
        for (title, why, mend), roles in notable.items():
            grid.add_row(Text(title), Text(f"{why} ({', '.join(roles)})\n-> {mend}"))
        parts.append(grid)
    if not quiet and any(row.level == "outer" for rows in found.values() for row in rows):
        parts.append(Text(OUTER, style="dim"))
    return Group(*parts)


def _rows(rows: list[Fitness]) -> Table:
    grid = Table(box=None, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    grid.add_column("level", no_wrap=True)
    grid.add_column("what", no_wrap=True)
    grid.add_column("found", ratio=3, overflow="fold")
    grid.add_column("wanted", ratio=2, overflow="fold")
    for row in rows:
        wanted = "" if row.level == "ok" else row.wanted
        grid.add_row(
            Text(row.level, style=STYLES[row.level]), Text(row.title), Text(row.found), Text(wanted)
        )
    return grid
