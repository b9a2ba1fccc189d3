"""Write comparisons as Markdown, to be put into a comment on a pull request."""

import html
import re
from collections.abc import Iterable, Sequence

from analysis.compare.groups import by_change
from analysis.compare.rule import Cell, Comparison
from analysis.compare.show import (
    heads,
    how,
    interval_text,
    notes,
    ratio_text,
    rows,
    side_text,
    tally,
)
from testbed.numbers import MISSING
from testbed.texts import plain

SIGNS = {"better": "🟢 better", "same": "⚪ same", "worse": "🔴 worse", "undecided": "🟡 undecided"}
_SPECIAL = re.compile(r"([\\`*_\[\]|~#@])")  # @: nobody is to be notified because of an app's name


def text(comparisons: Sequence[Comparison]) -> str:
    """Return the tally and a table for each kind of change; all else is folded."""
    parts = [f"### {escaped(tally(found))}\n" for found in comparisons]
    parts.append("\n".join(f"- {escaped(line.strip())}" for line in heads(comparisons)) + "\n")
    for group in by_change(comparisons):
        if len(comparisons) > 1:
            parts.append(f"#### {escaped(group.sentence)}\n")
        parts.append(_table(group.comparisons))
    reasons = [*how(comparisons), *notes(comparisons)]
    parts.append(_folded("How sure this is, and why", (f"- {escaped(one)}\n" for one in reasons)))
    for found in comparisons:
        lines = [f"- {escaped(one.sentence)}\n" for one in found.code]
        if found.differences:
            values = (
                [one.what, *(MISSING if v is None else v for v in (one.a, one.b))]
                for one in found.differences
            )
            lines.append("\n" + table(["", "A", found.label], values))
        count = len(found.code) + len(found.differences)
        if count:
            parts.append(_folded(f"{count} things differ between A and {found.label}", lines))
        else:
            parts.append(f"Nothing that is recorded of A and {found.label} differs.\n")
    return "\n".join(parts)


def _table(comparisons: Sequence[Comparison]) -> str:
    titles = ["Endpoint", "App", "Variant", "Load", "Figure", "A (trials)"]
    for found in comparisons:
        titles += [f"{found.label} (trials)", f"{found.label}/A", "Verdict"]
    told = (
        [*names, a, *(cell for one in cells for cell in _of_cell(one))]
        for names, a, cells in rows(comparisons)
    )
    return table(titles, told)


def _of_cell(cell: Cell | None) -> list[str]:
    if cell is None:
        return [MISSING, MISSING, ""]
    ratio = f"{ratio_text(cell)} ({interval_text(cell.ratio)})" if cell.ratio else MISSING
    return [side_text(cell, cell.b), ratio, SIGNS.get(cell.verdict, cell.verdict)]


def table(titles: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """Return a table with all texts escaped."""
    written = [titles, ["---"] * len(titles)]
    text = "".join(f"| {' | '.join(line)} |\n" for line in written)
    return text + "".join(f"| {' | '.join(map(escaped, line))} |\n" for line in lines)


def escaped(value: str) -> str:
    """Return a text so that Markdown and HTML show it as it is, on one line."""
    return _SPECIAL.sub(r"\\\1", html.escape(" ".join(plain(value).split()), quote=False))


def _folded(summary: str, lines: Iterable[str]) -> str:
    return f"<details><summary>{escaped(summary)}</summary>\n\n{''.join(lines)}\n</details>\n"
