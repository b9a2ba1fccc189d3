"""`compare`: two campaigns side by side, by the rule of analysis/comparison.py."""

import json
import math
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any, get_args

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from analysis.claims import METHOD, Estimate, Evidence, interval_text, number
from analysis.comparison import (
    DEFAULT_METRICS,
    DEFAULT_TOLERANCE_PERCENT,
    METRICS,
    Cell,
    Comparison,
    Verdict,
    compare,
)  # fmt: skip
from analysis.figures import AT_LEAST, MISSING
from analysis.load import LoadedCampaign
from analysis.series import load_one
from testbed.errors import Exit

STYLES: dict[Verdict, str] = {
    "better": "bold green",
    "same": "green",
    "worse": "bold red",
    "unclear": "yellow",
    "not comparable": "dim",
}
FEW = "With one trial each the ratio alone decides, and nothing is known of spread."
RANGE = "With fewer than three trials the interval is the range of their ratios."


def add_arguments(parser: ArgumentParser) -> None:
    """Arguments of `compare`."""
    parser.add_argument("a", type=Path, metavar="A", help="a campaign's folder: what was")
    parser.add_argument("b", type=Path, metavar="B", help="another's: what is compared with it")
    parser.add_argument(
        "--metric", action="append", default=[], metavar="KEY",
        help=f"may be repeated; of {', '.join(METRICS)} "
        f"(default: {' and '.join(DEFAULT_METRICS)}, of capacity searches capacity_rps)",
    )  # fmt: skip
    parser.add_argument(
        "--tolerance", type=float, default=DEFAULT_TOLERANCE_PERCENT, metavar="PERCENT",
        help=f"up to which both are the same (default: {DEFAULT_TOLERANCE_PERCENT:g})",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="as JSON, for other programs")


def command(arguments: Namespace, console: Console) -> int:
    """Print the comparison; returns its exit code. Raises TestbedError."""
    a, b = load_one(arguments.a), load_one(arguments.b)
    found = compare(a, b, arguments.metric, arguments.tolerance)
    if arguments.json:
        console.print(Text(as_json(found)), soft_wrap=True)
    else:
        show(found, console)
    return exit_code(found)


def exit_code(found: Comparison) -> int:
    """0: no cell is worse; WORSE: at least one is; NOT_VALID: there is nothing to compare."""
    if found.verdicts["worse"]:
        return Exit.WORSE
    nothing = found.verdicts["not comparable"] == len(found.cells)
    return Exit.NOT_VALID if nothing else 0


def show(found: Comparison, console: Console) -> None:
    """The tally, a table, the reasons of what is not plain, and what differs."""
    for side, campaign in (("A", found.a), ("B", found.b)):
        about = campaign.campaign
        console.print(Text(f"{side}: {about.campaign}: {about.title} ({about.place})"))
        if caution := _lacks(campaign):
            console.print(Text(f"   {caution}", style="yellow"))
    console.print(Text(f"\n{tally(found)}", style="bold"))
    console.print(_table(found))
    hows = {cell.ratio.how for cell in found.cells if cell.ratio}
    for how, sentence in (("one trial", FEW), ("range", RANGE)):
        if how in hows:
            console.print(Text(sentence, style="yellow"))
    for line in reasons(found):
        console.print(Text(line))
    _show_differences(found, console)


def tally(found: Comparison) -> str:
    """How many of each verdict: '3 better, 1 worse (tolerance 5 %)'."""
    words: tuple[Verdict, ...] = get_args(Verdict)
    counts = ", ".join(f"{found.verdicts[w]} {w}" for w in words if found.verdicts[w])
    return f"B against A: {counts} (tolerance {found.tolerance_percent:g} %)"


def reasons(found: Comparison) -> list[str]:
    """A line for every cell that is worse, unclear or not comparable, and for every reserve."""
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
    return f"{where.endpoint}, {cell.app_title}, {where.variant}, {cell.asked.text}"


def _lacks(campaign: LoadedCampaign) -> str:
    missing = len(campaign.not_measured)
    if missing:
        return f"not complete: {missing} of {len(campaign.campaign.runs)} runs not measured"
    return "" if campaign.campaign.ended_at else "not ended"


def _table(found: Comparison) -> Table:
    table = Table(box=box.SIMPLE, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    for title in ("Endpoint", "App", "Variant", "Load", "Figure"):
        table.add_column(title)
    for title in ("A (trials)", "B (trials)", "B/A", "Interval"):
        table.add_column(title, justify="right")
    table.add_column("Verdict", no_wrap=True)
    for cell in found.cells:
        where = cell.where
        names = (where.endpoint, cell.app_title, where.variant, cell.asked.text, cell.metric.title)
        figures = (_side(cell, cell.a), _side(cell, cell.b), _ratio(cell), _interval(cell.ratio))
        verdict = Text(cell.verdict, style=STYLES[cell.verdict])
        table.add_row(*map(Text, (*names, *figures)), verdict)
    return table


def _side(cell: Cell, side: Evidence) -> str:
    """The mean of the trials that count, and how many these are."""
    bound = AT_LEAST if any(math.isinf(span.high) for span in side.spans) else ""
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
    return "unknown" if found.how == "one trial" else interval_text(found.low, found.high)


def _show_differences(found: Comparison, console: Console) -> None:
    if not found.differences:
        console.print(Text("\nNothing that is recorded of the two campaigns differs."))
        return
    console.print(Text("\nWhat differs between the campaigns", style="bold"))
    table = Table(box=box.SIMPLE, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    for title in ("", "A", "B"):
        table.add_column(title, overflow="fold")
    for one in found.differences:
        table.add_row(*(Text(MISSING if v is None else v) for v in (one.what, one.a, one.b)))
    console.print(table)


def as_json(found: Comparison) -> str:
    """The comparison for other programs. An infinite end of an interval is null."""
    document = {
        "schema_version": 1,
        "a": _campaign(found.a),
        "b": _campaign(found.b),
        "tolerance_percent": found.tolerance_percent,
        "verdicts": {word: found.verdicts[word] for word in get_args(Verdict)},
        "cells": [_as_dict(cell) for cell in found.cells],
        "differences": [{"what": d.what, "a": d.a, "b": d.b} for d in found.differences],
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
    found = cell.ratio
    return {
        "endpoint": cell.where.endpoint,
        "app": cell.where.app,
        "variant": cell.where.variant,
        "load": cell.asked.load.model_dump(),
        "search": cell.asked.search and cell.asked.search.model_dump(),
        "metric": cell.metric.key,
        "verdict": cell.verdict,
        "reason": cell.reason,
        "remarks": cell.remarks,
        "a": _evidence(cell.a),
        "b": _evidence(cell.b),
        "ratio": found
        and {
            "value": _finite(found.value),
            "low": _finite(found.low),
            "high": _finite(found.high),
            "interval_is": METHOD[found.how],
        },
    }


def _evidence(side: Evidence) -> dict[str, Any]:
    return {
        "mean": _finite(side.mean),
        "trials": [_finite(span.value) for span in side.spans],
        "lower_bound": any(math.isinf(span.high) for span in side.spans),
        "trials_planned": side.planned,
        "calibration": side.calibration,
    }


def _finite(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else value
