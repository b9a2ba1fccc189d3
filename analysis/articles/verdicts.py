"""Run `verdicts`: print the verdict on each claim of an article, as a table or as JSON."""

import json
from argparse import ArgumentParser, Namespace
from collections import Counter
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from analysis.articles.claims import ClaimVerdict, Judgement, accept_text
from analysis.articles.series import SMALL, LoadedSeries, judgements, load_series
from analysis.text_table import text_table
from analysis.trials import CellTrials
from testbed import files
from testbed.model.article import Metric, Mode
from testbed.numbers import AT_LEAST, MISSING, digits, milliseconds, percent, rate, written_out

STYLES: dict[ClaimVerdict, str] = {
    "reproduced": "bold green",
    "not reproduced": "bold red",
    "undecided": "yellow",
    "no data": "dim",
    "not comparable": "dim",
}
MODES: dict[Mode, str] = {"as_published": "As published", "fair": "Fair"}


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of `verdicts`."""
    parser.add_argument(
        "folder", type=files.named, metavar="results/SERIES", help="a series' folder"
    )
    parser.add_argument("--json", action="store_true", help="as JSON, for other programs")


def command(arguments: Namespace, console: Console) -> None:
    """Print the verdicts of a series. Raises TestbedError."""
    loaded = load_series(arguments.folder)
    if arguments.json:
        console.print(Text(as_json(loaded)), soft_wrap=True)
    else:
        print_verdicts(loaded, console)


def print_verdicts(loaded: LoadedSeries, console: Console) -> None:
    """Print a table for each mode, with the reason of every verdict below it."""
    console.print(Text(f"{loaded.series.series}: {loaded.series.published.title}", style="bold"))
    for line in cautions(loaded):
        console.print(Text(line, style="yellow"))
    for mode in loaded.modes:
        judged = judgements(loaded, mode)
        console.print(Text(f"\n{MODES[mode]}: {tally(judged)}", style="bold"))
        console.print(_table(judged))
        for one in judged:
            console.print(Text(f"{one.name}: {' '.join([one.reason, *one.remarks])}"))


def _table(judged: list[Judgement]) -> Table:
    table = text_table()
    table.add_column("Claim", ratio=1)
    for title in ("Article", "Here", "Interval", "Counts"):
        table.add_column(title, justify="right")
    table.add_column("Verdict")
    for one in judged:
        table.add_row(
            Text(f"{one.name}: {one.claim.text}"),
            Text(published_text(one)),
            Text(estimate_text(one)),
            Text(interval_of(one)),
            Text(accept_text(one.claim.accept, unit(one))),
            Text(one.verdict, style=STYLES[one.verdict]),
        )
    return table


def cautions(loaded: LoadedSeries) -> list[str]:
    """Return the cautions that apply to every verdict of the series; often an empty list."""
    found = [SMALL] if loaded.small else []
    places = {part.campaign.campaign.place for part in loaded.parts if part.campaign}
    if "lab" in places:
        found.append("Lab: two hosts on one machine. Ratios and orders may differ on real hosts.")
    if loaded.lacks:
        found.append(f"Not complete: {'; '.join(loaded.lacks)}.")
    return found


def tally(judged: list[Judgement]) -> str:
    """Say how many claims have each verdict: '5 reproduced, 1 undecided'."""
    found = Counter(one.verdict for one in judged)
    text = ", ".join(f"{found[w]} {w}" for w in STYLES if found[w]) or "no claim"
    unmeasured = sum(not all(side.measured for side in one.sides) for one in judged)
    return f"{text} ({unmeasured} of them not measured)" if unmeasured else text


def unit(one: Judgement) -> str:
    """Return the unit of the claim's figure: a share is in percent, a ratio has none."""
    return " %" if one.to is None else ""


def published_text(one: Judgement) -> str:
    """Return the ratio or share that the article states, or 'lost' if its figures are lost."""
    if one.claim.published is None:
        return "lost"
    return f"{written_out(one.claim.published, ',')}{unit(one)}"


def estimate_text(one: Judgement) -> str:
    """Return the measured ratio or share as text, or a dash if it is not known."""
    found = one.estimate
    if found is None or found.value is None:
        return MISSING
    return f"{_bound(one)}{found.text}{unit(one)}"


def _bound(one: Judgement) -> str:
    """Return '≤' or '≥' for a ratio that is a bound because one side's figures are lower bounds.

    Return an empty text if the figures of neither side, or of both sides, are lower bounds.
    """
    below = one.to is not None and one.to.lower_bound
    if one.of.lower_bound == below:
        return ""
    return "\N{LESS-THAN OR EQUAL TO} " if below else AT_LEAST


def interval_of(one: Judgement) -> str:
    """Return the measured interval as text, or a dash if there is none."""
    found = one.estimate
    return MISSING if found is None else found.interval(unit(one))


def figure_text(metric: Metric, value: float | None, bound: bool = False) -> str:
    """Return a figure of a metric with its unit, or a dash if there is none."""
    if value is None:
        return MISSING
    match metric:
        case "throughput_rps" | "goodput_rps":
            text = f"{rate(value)}/s"
        case "errors_percent":
            text = percent(value)
        case "slowdown_users" | "errors_users":
            text = f"{value:,.0f} users"
        case "cpu_ms_per_answer":
            text = f"{digits(value)} ms"
        case "memory_peak_mb":
            text = f"{digits(value)} MB"
        case _:
            text = f"{milliseconds(value)} ms"
    return f"{AT_LEAST if bound else ''}{text}"


def cell_text(metric: Metric, cell: CellTrials) -> str:
    """Return a cell's mean with its unit, or a dash if no trial counts.

    Of a percentile of all trials merged that is known by two bounds only, return both.
    """
    together = cell.merged(cell.numbers)
    if together is None or together.known or together.open:
        return figure_text(metric, cell.mean, cell.lower_bound)
    return f"{figure_text(metric, together.low)} to {figure_text(metric, together.high)}"


def as_json(loaded: LoadedSeries) -> str:
    """Return the verdicts as JSON, for other programs; an infinite end of an interval is null."""
    series = loaded.series
    document = {
        "schema_version": 1,
        "series": series.series,
        "article": series.article_name,
        "scale": series.scale,
        "complete": not loaded.lacks,
        "lacks": loaded.lacks,
        "verdicts": [
            _as_dict(one, series.scale) for mode in loaded.modes for one in judgements(loaded, mode)
        ],
    }
    return json.dumps(document, indent=1, ensure_ascii=False)


def _cell(cell: CellTrials) -> dict[str, Any]:
    return {"cell": cell.label, **cell.document(), "doubtful": bool(cell.doubtful)}


def _as_dict(one: Judgement, scale: str) -> dict[str, Any]:
    return {
        "mode": one.mode,
        "claim": one.name,
        "text": one.claim.text,
        "metric": one.claim.metric,
        "verdict": one.verdict,
        "scale": scale,
        "reason": one.reason,
        "remarks": one.remarks,
        "published": one.claim.published,
        "measured": one.estimate and one.estimate.document(),
        "accept": one.claim.accept.model_dump(),
        "rule": one.claim.rule,
        "of": _cell(one.of),
        "to": one.to and _cell(one.to),
    }
