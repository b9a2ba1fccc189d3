"""Run `compare`: show two campaigns side by side, judged by analysis/compare/rule.py."""

import json
import math
from argparse import ArgumentParser, Namespace
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from analysis.compare import versions
from analysis.compare.cells import COMPARABLE
from analysis.compare.noise import Known, NoiseOf, measured, said
from analysis.compare.rule import (
    DEFAULT_KEYS,
    DEFAULT_TOLERANCE_PERCENT,
    WANTED_BEYOND_PERCENT,
    Cell,
    CellVerdict,
    Comparison,
    check,
    compare,
)  # fmt: skip
from analysis.folders import lacks, load_one
from analysis.intervals import CONFIDENCE, MOST_TRIALS, Between
from analysis.load import LoadedCampaign
from analysis.ratio import Estimate, finite, number
from analysis.text_table import text_table
from analysis.trials import CellTrials
from testbed import files
from testbed.arguments import Arguments
from testbed.errors import Exit, TestbedError
from testbed.numbers import AT_LEAST, MISSING

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
    f"{INTERVALS} and without pairs, for A and B were measured apart: whatever changed between "
    "them, on purpose or not, counts as a difference."
)
TOGETHER = f"{INTERVALS}, in pairs of trials, for A and B were measured in one campaign, in turn."


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of `compare`."""
    parser.add_argument(
        "a", type=files.named, metavar="A",
        help="folder of the campaign to compare with; or, without B, of one of two versions of an "
        "app, whose new one is judged",
    )  # fmt: skip
    parser.add_argument(
        "b", type=files.named, metavar="B", nargs="?", help="folder of the campaign to judge"
    )
    parser.add_argument(
        "--metric", action="append", default=[], metavar="KEY",
        help=f"figure to compare, may be repeated; one of {', '.join(COMPARABLE)} "
        f"(default: {' and '.join(DEFAULT_KEYS)}; for capacity searches capacity_rps)",
    )  # fmt: skip
    parser.add_argument(
        "--tolerance", type=float, default=DEFAULT_TOLERANCE_PERCENT, metavar="PERCENT",
        help=f"difference up to which both are the same (default: {DEFAULT_TOLERANCE_PERCENT:g})",
    )  # fmt: skip
    parser.add_argument(
        "--between", type=float, metavar="PERCENT",
        help="standard deviation of campaigns that measure the same, instead of what fab run-aa "
        "measured; 0 claims that nothing ever changes between campaigns",
    )  # fmt: skip
    parser.add_argument(
        "--wanted", type=float, metavar="PERCENT",
        help="a difference that you want to be shown: says how many trials that takes (default: "
        f"{WANTED_BEYOND_PERCENT:g} more than the tolerance)",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="as JSON, for other programs")


def command(arguments: Namespace, console: Console) -> int:
    """Print the comparison and return its exit code. Raises TestbedError."""
    a, b, noise = _sides(arguments)
    found = compare(a, b, arguments.metric, arguments.tolerance, noise, arguments.wanted)
    if arguments.json:
        console.print(Text(as_json(found)), soft_wrap=True)
    else:
        show(found, console)
    return exit_code(found)


def check_options(given: list[str]) -> None:
    """Raise TestbedError for options that `compare` would refuse, before there are results."""
    parser = Arguments(prog="compare")
    add_arguments(parser)
    arguments = parser.read([".", *given])
    check(arguments.metric, arguments.tolerance, arguments.wanted)


def _sides(arguments: Namespace) -> tuple[LoadedCampaign, LoadedCampaign, NoiseOf | None]:
    """Return both sides, and the noise between them; None if they belong to one campaign."""
    if arguments.b is None:
        if arguments.between is not None:
            raise TestbedError(
                "--between is for two campaigns; two versions in one campaign were measured in turn"
            )
        return *versions.sides(load_one(arguments.a)), None
    a, b = load_one(arguments.a), load_one(arguments.b)
    if arguments.between is not None:
        return a, b, said(arguments.between)
    return a, b, measured([a.folder, b.folder], a.campaign, b.campaign)


def exit_code(found: Comparison) -> int:
    """Return WORSE if any cell is worse, NOT_VALID if no cell can be judged, and 0 otherwise.

    A cell with one trial on a side cannot be judged.
    """
    if found.verdicts["worse"]:
        return Exit.WORSE
    judged = any(cell.chance is not None for cell in found.cells)
    return 0 if judged else Exit.NOT_VALID


def show(found: Comparison, console: Console) -> None:
    """Print the tally, the table, the reasons of verdicts that need one, and what differs."""
    for side, campaign in (("A", found.a), ("B", found.b)):
        about = campaign.campaign
        console.print(Text(f"{side}: {about.campaign}: {_title(found, side)} ({about.place})"))
        if missing := lacks(campaign):
            partly = "not complete: " if campaign.not_measured else ""
            console.print(Text(f"   {partly}{missing}", style="yellow"))
    console.print(Text(f"\n{tally(found)}", style="bold"))
    console.print(_table(found))
    if found.obstacle is None:
        console.print(Text(TOGETHER if found.together else APART, style="yellow"))
    for line in [*noise(found), *could_show(found), *reasons(found)]:
        console.print(Text(line))
    _show_differences(found, console)


def _title(found: Comparison, side: str) -> str:
    """Return what A or B is: a campaign's title, or the version of an app."""
    about = found.a.campaign if side == "A" else found.b.campaign
    if not found.together or about.versions is None:
        return about.title
    version = about.versions.old if side == "A" else about.versions.new
    commit = f", commit {version.commit[:12]}" if version.commit else ""
    return f"{about.versions.app}, {'old' if side == 'A' else 'new'}: {version.source}{commit}"


def tally(found: Comparison) -> str:
    """Say how many cells have each verdict: '3 better, 1 worse (tolerance 5 %)'."""
    counts = ", ".join(f"{found.verdicts[w]} {w}" for w in STYLES if found.verdicts[w])
    return f"B against A: {counts} (tolerance {found.tolerance_percent:g} %)"


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

    Cells of fewer than three trials, or known by bounds only, are left out.
    """
    lines = []
    for metric in dict.fromkeys(cell.metric for cell in found.cells):
        cells = [cell for cell in found.cells if cell.metric is metric]
        known = sorted(cell.could_show for cell in cells if cell.could_show is not None)
        if known:
            least, most = _difference(known[0]), _difference(known[-1])
            span = least if least == most else f"{least} to {most}, depending on the cell"
            lines.append(
                f"{metric.title}: smallest difference that 4 of 5 such comparisons show: {span}. "
                f"{_trials_wanted(found, cells)}"
            )
    return lines


def _trials_wanted(found: Comparison, cells: list[Cell]) -> str:
    """Return the sentence on how many trials a side would show the wanted difference."""
    wanted = f"To show one of {found.wanted_percent:g} % in every cell"
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
    return f"{100 * math.expm1(between.variance**0.5):.2g} %"


def _difference(ratio: float) -> str:
    """Return a ratio above 1 as a difference: in percent, or as a factor from 2 on."""
    return f"{100 * (ratio - 1):.2g} %" if ratio < 2 else f"a factor of {ratio:,.3g}"


def reasons(found: Comparison) -> list[str]:
    """Return a line for each cell that is neither better nor the same, and for each remark."""
    if found.obstacle:
        return [f"Nothing can be compared. {found.obstacle}"]
    lines = []
    for cell in found.cells:
        if cell.verdict not in ("better", "same"):
            metric = "" if cell.ratio is None else f", {cell.metric.title}"
            lines.append(f"{_name(cell)}{metric}: {cell.reason}")
        if cell.remarks:
            lines.append(f"{_name(cell)}: {' '.join(cell.remarks)}")
    return list(dict.fromkeys(lines))


def _name(cell: Cell) -> str:
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
        figures = (_side(cell, cell.a), _side(cell, cell.b), _ratio(cell), _interval(cell.ratio))
        verdict = Text(cell.verdict, style=STYLES[cell.verdict])
        table.add_row(*map(Text, (*names, *figures)), verdict)
    return table


def _side(cell: Cell, side: CellTrials) -> str:
    """Return the mean of the trials that count and their number, or a dash if no trial counts."""
    bound = AT_LEAST if side.lower_bound else ""
    if side.mean is None:
        return MISSING
    of = "" if len(side.spans) == side.planned else f" of {side.planned}"
    return f"{bound}{cell.metric.write(side.mean)} ({len(side.spans)}{of})"


def _ratio(cell: Cell) -> str:
    value = cell.ratio.value if cell.ratio else None
    return MISSING if value is None else number(value)


def _interval(found: Estimate | None) -> str:
    if found is None:
        return MISSING
    return found.interval()


def _show_differences(found: Comparison, console: Console) -> None:
    named = found.a.campaign.versions
    if found.together and named is not None and named.differences:
        console.print(Text("\nWhat differs between the versions", style="bold"))
        for line in named.differences:
            console.print(Text(f"  {line}"))
    listed = [*found.code, *found.differences]
    if found.together and not listed:
        return
    if not listed:
        console.print(Text("\nNothing that is recorded of the two campaigns differs."))
        return
    console.print(Text("\nWhat differs between the campaigns", style="bold"))
    for changed in found.code:
        console.print(Text(changed.sentence))
    if not found.differences:
        return
    table = text_table()
    for title in ("", "A", "B"):
        table.add_column(title, overflow="fold")
    for one in found.differences:
        table.add_row(*(Text(MISSING if v is None else v) for v in (one.what, one.a, one.b)))
    console.print(table)


def as_json(found: Comparison) -> str:
    """Return the comparison as JSON for other programs; an infinite end of an interval is null."""
    named = found.a.campaign.versions if found.together else None
    document = {
        "schema_version": 1,
        "a": _campaign(found.a),
        "b": _campaign(found.b),
        "together": found.together,
        "tolerance_percent": found.tolerance_percent,
        "wanted_percent": found.wanted_percent,
        "verdicts": {word: found.verdicts[word] for word in STYLES},
        "cells": [_as_dict(cell) for cell in found.cells],
        "versions": named and named.model_dump(mode="json"),
        "differences": [*map(asdict, found.code), *map(asdict, found.differences)],
    }
    return json.dumps(document, indent=1, ensure_ascii=False)


def _campaign(loaded: LoadedCampaign) -> dict[str, Any]:
    about = loaded.campaign
    return {
        "campaign": about.campaign,
        "experiment": about.experiment,
        "place": about.place,
        "not_measured": loaded.not_measured,
    }


def _as_dict(cell: Cell) -> dict[str, Any]:
    return {
        "endpoint": cell.where.endpoint,
        "app": cell.where.app,
        "variant": cell.where.variant,
        "load": cell.load.load.model_dump(),
        "search": cell.load.search and cell.load.search.model_dump(),
        "metric": cell.metric.key,
        "verdict": cell.verdict,
        "reason": cell.reason,
        "p_value": cell.chance,
        "p_value_holm": cell.chance_of_all,
        "could_show_ratio": cell.could_show,
        "trials_wanted": cell.trials_wanted,
        "noise_between": cell.noise and _noise_as_dict(cell.noise),
        "remarks": cell.remarks,
        "a": cell.a.document(),
        "b": cell.b.document(),
        "ratio": cell.ratio and cell.ratio.document(),
    }


def _noise_as_dict(known: Known) -> dict[str, Any]:
    return {
        "sd_percent": 100 * math.expm1(known.between.variance**0.5),
        "freedom": finite(known.between.freedom),
        "basis": known.basis,
    }
