"""Print comparisons as tables on the terminal, judged by analysis/compare/rule.py."""

import math
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from analysis.compare.differences import folded
from analysis.compare.groups import by_change
from analysis.compare.rule import Cell, CellVerdict, Comparison
from analysis.folders import lacks
from analysis.in_one import FEW
from analysis.intervals import CONFIDENCE, Between
from analysis.power import MOST_TRIALS
from analysis.ratio import Estimate, difference_text
from analysis.statistics import MIN_TRIALS_FOR_INTERVAL
from analysis.text_table import text_table
from analysis.trials import CellTrials
from testbed.called import as_called
from testbed.numbers import AT_LEAST, MISSING, rough, written_out

STYLES: dict[CellVerdict, str] = {
    "better": "bold green",
    "same": "green",
    "worse": "bold red",
    "undecided": "yellow",
    "no data": "dim",
    "not comparable": "dim",
}
INTERVALS = f"Intervals are {100 * CONFIDENCE:.0f} %, by Student's t"
APART = (
    f"{INTERVALS} and without pairs, for they were measured apart: whatever changed between them, "
    "on purpose or not, counts as a difference."
)
MANY_SIDES = (
    "The p-values of all cells of all campaigns are corrected together (Holm): the more there are, "
    "the further away from the tolerance an interval has to be."
)
TOGETHER = f"{INTERVALS}, in pairs of trials, for A and B were measured in one campaign, in turn."


SMALLEST = "smallest difference that 4 of 5 such comparisons show"


def show(comparisons: Sequence[Comparison], console: Console, *, packages: bool = False) -> None:
    """Print the tally, the table, the reasons of verdicts that need one, and what differs.

    Many packages that differ are folded into one line unless `packages` asks for all.
    """
    for line in heads(comparisons):
        console.print(Text(line, style="yellow" if line.startswith(" ") else ""))
    console.print()
    for found in comparisons:
        console.print(Text(tally(found), style="bold"))
    if len(comparisons) == 1:
        console.print(_table(comparisons[0]))
    else:
        for group in by_change(comparisons):
            console.print(Text(f"\n{group.sentence}", style="bold"))
            console.print(_wide_table(group.comparisons))
    for line in how(comparisons):
        console.print(Text(line, style="yellow"))
    for line in notes(comparisons):
        console.print(Text(line))
    for found in comparisons:
        _show_differences(found, console, packages=packages)


def heads(comparisons: Sequence[Comparison]) -> list[str]:
    """Return a line for each campaign, and one, indented, for each that is not complete."""
    first = comparisons[0]
    lines = []
    for label, campaign, found in [
        ("A", first.a, first),
        *((one.label, one.b, one) for one in comparisons),
    ]:
        about = campaign.campaign
        lines.append(f"{label}: {about.campaign}: {_title(found, label)} ({about.place})")
        if missing := lacks(campaign):
            partly = "not complete: " if campaign.not_measured else ""
            lines.append(f"   {partly}{missing}")
    return lines


def how(comparisons: Sequence[Comparison]) -> list[str]:
    """Return sentences on the intervals and on what is corrected; none if nothing is compared."""
    comparable = [found for found in comparisons if found.obstacle is None]
    lines = [TOGETHER if found.together else APART for found in comparable]
    return [*dict.fromkeys(lines), *([MANY_SIDES] if len(comparable) > 1 else [])]


def notes(comparisons: Sequence[Comparison]) -> list[str]:
    """Return the lines on noise, on what could be shown, and the reasons, each campaign's own."""
    lines = []
    for found in comparisons:
        for line in map(as_called, (*noise(found), *could_show(found), *reasons(found))):
            named = len(comparisons) == 1 or line.startswith(f"{found.label}, ")
            lines.append(line if named else f"{found.label}: {line}")
    return lines


def _title(found: Comparison, side: str) -> str:
    """Return what A or another one is: a campaign's title, or the version of an app."""
    about = found.a.campaign if side == "A" else found.b.campaign
    if not found.together or about.versions is None:
        return about.title
    version = about.versions.old if side == "A" else about.versions.new
    commit = f", commit {version.commit[:12]}" if version.commit else ""
    return f"{about.versions.app}, {'old' if side == 'A' else 'new'}: {version.source}{commit}"


def tally(found: Comparison) -> str:
    """Say how many cells have each verdict: '3 better, 1 worse (tolerance 5 %)'."""
    counts = ", ".join(f"{found.verdicts[w]} {w}" for w in STYLES if found.verdicts[w])
    return f"{found.label} against A: {counts} (tolerance {written_out(found.tolerance_percent)} %)"


def noise(found: Comparison) -> list[str]:
    """Return a line for each figure: how much campaigns vary, as far as it is known."""
    lines = []
    for cell in found.cells:
        if cell.noise is not None:
            lines.append(
                f"{cell.metric.title}: campaigns vary by {_percent(cell.noise.between)} (standard "
                f"deviation, {cell.noise.basis})."
            )
    return list(dict.fromkeys(lines))


def could_show(found: Comparison) -> list[str]:
    """Return lines for each figure: which differences these trials could have shown, and what
    number of trials would show the wanted one.

    Of cells that do not tell them, such as those of two trials, the line says why.
    """
    lines = []
    for metric in dict.fromkeys(cell.metric for cell in found.cells):
        cells = [cell for cell in found.cells if cell.metric is metric]
        known = sorted(cell.could_show for cell in cells if cell.could_show is not None)
        sentences = _not_known(found, cells)
        if known:
            least, most = difference_text(known[0]), difference_text(known[-1])
            span = least if least == most else f"{least} to {most}, depending on the cell"
            sentences = [f"{SMALLEST}: {span}.", _trials_wanted(found, cells), *sentences]
        if sentences:
            lines.append(f"{metric.title}: {' '.join(sentences)}")
    return lines


def _not_known(found: Comparison, cells: list[Cell]) -> list[str]:
    """Return sentences on why cells do not tell what they could have shown; each with its cells.

    Cells that are not compared are left out: the reason of their verdict says why.
    """
    why: dict[str, int] = {}
    for cell in cells:
        if cell.ratio is not None and cell.could_show is None:
            reason = _why_not_known(found, cell, cell.ratio)
            why[reason] = why.get(reason, 0) + 1
    return [
        f"{SMALLEST} is not known"
        + ("" if count == len(cells) else f" of {count} of {len(cells)} cells")
        + f": {reason}."
        for reason, count in why.items()
    ]


def _why_not_known(found: Comparison, cell: Cell, ratio: Estimate) -> str:
    trials = min(ratio.trials)
    if trials < MIN_TRIALS_FOR_INTERVAL:
        return f"that takes {MIN_TRIALS_FOR_INTERVAL} trials a side, and there are {trials}"
    if ratio.value is None:
        return "there is no ratio of figures that are zero, or lower bounds on both sides"
    if ratio.bounds_only:
        return "of the figures only bounds are known, which more trials do not make narrower"
    if not found.together and cell.noise is None:
        return "no number of trials tells how much campaigns vary here"
    return "the trials scatter too much"


def _trials_wanted(found: Comparison, cells: list[Cell]) -> str:
    """Return the sentence on how many trials a side would show the wanted difference."""
    wanted = f"To show one of {written_out(found.wanted_percent)} % in every cell"
    told = [cell for cell in cells if cell.could_show is not None]
    numbers = [cell.trials_wanted for cell in told if cell.trials_wanted is not None]
    if len(numbers) == len(told):
        return f"{wanted} would take {max(numbers)} trials a side."
    if found.together:
        return f"{wanted} would take more than {MOST_TRIALS:,} trials a side."
    return (
        f"{wanted} no number of trials is enough; `fab run-ab` is free of noise between campaigns."
    )


def _percent(between: Between) -> str:
    return f"{rough(100 * math.expm1(between.variance**0.5))} %"


def reasons(found: Comparison) -> list[str]:
    """Return why cells are neither better nor the same, and the remarks; each once, with its cells.

    So one reason that holds for all cells is one line.
    """
    if found.obstacle:
        return [f"Nothing can be compared. {found.obstacle}"]
    why: dict[str, list[str]] = {}
    remarks: dict[str, list[str]] = {}
    for cell in found.cells:
        if cell.verdict not in ("better", "same"):
            metric = "" if cell.ratio is None else f", {cell.metric.title}"
            why.setdefault(cell.reason, []).append(f"{cell_name(cell)}{metric}")
        if cell.remarks:
            remarks.setdefault(" ".join(cell.remarks), []).append(cell_name(cell))
    return [
        f"{_in_words(list(dict.fromkeys(cells)), of, what)}: {text}"
        for each, of, what in (
            (why, len(found.cells), "figures"),
            (remarks, len({cell_name(cell) for cell in found.cells}), "cells"),
        )
        for text, cells in each.items()
    ]


def _in_words(cells: Sequence[str], of: int, what: str) -> str:
    """Return what a line is about: all of them, or the first few with how many follow."""
    if len(cells) == of > 1:
        return f"all {of} {what}" if of > 2 else f"both {what}"
    named = cells if len(cells) <= FEW else cells[: FEW - 1]
    more = [f"{len(cells) - len(named)} more {what}"] if len(cells) > len(named) else []
    return "; ".join([*named, *more])


def cell_name(cell: Cell) -> str:
    """Return endpoint, app, variant and load of a cell in words."""
    where = cell.where
    return f"{where.endpoint}, {cell.app_title}, {where.variant}, {cell.load.text}"


def _table(found: Comparison) -> Table:
    table = text_table()
    for title in ("Endpoint", "App", "Variant", "Load", "Figure"):
        table.add_column(title)
    for title in ("A (trials)", "B (trials)", "B/A", "Interval"):
        table.add_column(title, justify="right")
    table.add_column("Verdict", no_wrap=True)
    for cell in found.cells:
        where = cell.where
        names = (where.endpoint, cell.app_title, where.variant, cell.load.text, cell.metric.title)
        figures = (
            side_text(cell, cell.a), side_text(cell, cell.b), ratio_text(cell),
            interval_text(cell.ratio),
        )  # fmt: skip
        verdict = Text(cell.verdict, style=STYLES[cell.verdict])
        table.add_row(*map(Text, (*names, *figures)), verdict)
    return table


def _wide_table(comparisons: Sequence[Comparison]) -> Table:
    """Return a table with a column for each campaign, of its ratios to the baseline."""
    table = text_table()
    for title in ("Endpoint", "App", "Variant", "Load", "Figure"):
        table.add_column(title)
    table.add_column("A (trials)", justify="right")
    for found in comparisons:
        table.add_column(f"{found.label}/A", justify="right")
        table.add_column(f"{found.label}'s verdict")
    for names, a, cells in rows(comparisons):
        row = [*map(Text, (*names, a))]
        for cell in cells:
            if cell is None:
                row += [Text(MISSING), Text("")]
            else:
                told = (
                    f"{ratio_text(cell)} ({interval_text(cell.ratio)})" if cell.ratio else MISSING
                )
                row += [Text(told), Text(cell.verdict, style=STYLES[cell.verdict])]
        table.add_row(*row)
    return table


def rows(
    comparisons: Sequence[Comparison],
) -> Iterable[tuple[tuple[str, ...], str, list[Cell | None]]]:
    """Yield the names of each cell and figure, the baseline's figure, and each campaign's cell.

    In place of the cell of a campaign that lacks it stands None.
    """
    by_key = [
        {(cell.where, cell.load, cell.metric.key): cell for cell in found.cells}
        for found in comparisons
    ]
    for key in dict.fromkeys(key for cells in by_key for key in cells):
        found = [cells.get(key) for cells in by_key]
        cell = next(one for one in found if one is not None)
        where = cell.where
        names = (
            where.endpoint, cell.app_title, where.variant, cell.load.text, cell.metric.title,
        )  # fmt: skip
        yield names, side_text(cell, cell.a), found


def side_text(cell: Cell, side: CellTrials) -> str:
    """Return the mean of the trials that count and their number, or a dash if no trial counts."""
    bound = AT_LEAST if side.lower_bound else ""
    if side.mean is None:
        return MISSING
    of = "" if len(side.spans) == side.planned else f" of {side.planned}"
    return f"{bound}{cell.metric.write(side.mean)} ({len(side.spans)}{of})"


def ratio_text(cell: Cell) -> str:
    """Return the ratio to the baseline, or a dash."""
    return cell.ratio.text if cell.ratio else MISSING


def interval_text(found: Estimate | None) -> str:
    """Return the interval of a ratio, or a dash."""
    if found is None:
        return MISSING
    return found.interval()


def _show_differences(found: Comparison, console: Console, *, packages: bool) -> None:
    named = found.a.campaign.versions
    if found.together and named is not None and named.differences:
        console.print(Text("\nWhat differs between the versions", style="bold"))
        for line in named.differences:
            console.print(Text(f"  {line}"))
    listed = [*found.code, *found.differences]
    if found.together and not listed:
        return
    if not listed:
        of = "the two campaigns" if found.label == "B" else f"A and {found.label}"
        console.print(Text(f"\nNothing that is recorded of {of} differs."))
        return
    which = "" if found.label == "B" else f": A and {found.label}"
    console.print(Text(f"\nWhat differs between the campaigns{which}", style="bold"))
    for changed in found.code:
        console.print(Text(changed.sentence))
    if not found.differences:
        return
    table = text_table()
    for title in ("", "A", found.label):
        table.add_column(title, overflow="fold")
    listed_singly, many = folded(found.differences, few=math.inf if packages else None)
    for one in listed_singly:
        table.add_row(*(Text(MISSING if v is None else v) for v in (one.what, one.a, one.b)))
    console.print(table)
    for of_host in many:
        console.print(Text(f"{of_host.sentence} --packages lists them."))
