"""`verdicts`: what became of a published comparison's claims, on the terminal and as JSON."""

import json
import math
from argparse import ArgumentParser, Namespace
from collections import Counter
from pathlib import Path
from typing import Any, get_args

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from analysis.claims import (
    METHOD,
    Evidence,
    Judgement,
    Verdict,
    accept_text,
    interval_text,
    number,
)  # fmt: skip
from analysis.figures import AT_LEAST, MISSING, milliseconds, percent, rate
from analysis.series import SMALL, LoadedSeries, judgements, load_series
from testbed.model.article import Metric, Mode

STYLES: dict[Verdict, str] = {
    "reproduced": "bold green",
    "not reproduced": "bold red",
    "not comparable": "yellow",
}
MODES: dict[Mode, str] = {"as_published": "As published", "fair": "Fair"}


def add_arguments(parser: ArgumentParser) -> None:
    """Arguments of `verdicts`."""
    parser.add_argument("folder", type=Path, metavar="results/SERIES", help="a series' folder")
    parser.add_argument("--json", action="store_true", help="as JSON, for other programs")


def command(arguments: Namespace, console: Console) -> None:
    """Print the verdicts of a series. Raises TestbedError."""
    loaded = load_series(arguments.folder)
    if arguments.json:
        console.print(Text(as_json(loaded)), soft_wrap=True)
    else:
        print_verdicts(loaded, console)


def print_verdicts(loaded: LoadedSeries, console: Console) -> None:
    """One table per mode, with the reason of every verdict below it."""
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
    table = Table(box=box.SIMPLE, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
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
    """What holds for every verdict of the series."""
    found = [SMALL] if loaded.small else []
    places = {part.campaign.campaign.place for part in loaded.parts if part.campaign}
    if "lab" in places:
        found.append("Lab: two hosts on one machine. Ratios and orders may differ on real hosts.")
    if loaded.lacks:
        found.append(f"Not complete: {'; '.join(loaded.lacks)}.")
    return found


def tally(judged: list[Judgement]) -> str:
    """How many of each verdict: '5 reproduced, 1 not comparable'."""
    found = Counter(one.verdict for one in judged)
    words: tuple[Verdict, ...] = get_args(Verdict)
    text = ", ".join(f"{found[w]} {w}" for w in words if found[w]) or "no claim"
    unmeasured = sum(not all(side.measured for side in _sides(one) if side) for one in judged)
    return f"{text} ({unmeasured} of them not measured)" if unmeasured else text


def unit(one: Judgement) -> str:
    """A share is in percent; a ratio has no unit."""
    return " %" if one.to is None else ""


def published_text(one: Judgement) -> str:
    """The ratio or share that the article's figures give."""
    if one.claim.published is None:
        return "lost"
    value = one.claim.published
    return f"{number(value) if 0 < value < 0.001 else f'{value:,g}'}{unit(one)}"


def estimate_text(one: Judgement) -> str:
    """The ratio or share measured, as far as it is known."""
    found = one.estimate
    if found is None or found.value is None:
        return MISSING
    return f"{_bound(one)}{number(found.value)}{unit(one)}"


def _bound(one: Judgement) -> str:
    """The sign of a ratio that is a bound, as one side's figures are lower bounds."""
    sides = [any(math.isinf(s.high) for s in side.spans) if side else False for side in _sides(one)]
    return {(True, False): AT_LEAST, (False, True): "\N{LESS-THAN OR EQUAL TO} "}.get(
        (sides[0], sides[1]), ""
    )


def _sides(one: Judgement) -> tuple[Evidence, Evidence | None]:
    return one.of, one.to


def interval_of(one: Judgement) -> str:
    """The interval measured."""
    found = one.estimate
    return MISSING if found is None else interval_text(found.low, found.high, unit(one))


def figure_text(metric: Metric, value: float | None, bound: bool = False) -> str:
    """A figure of a metric with its unit; the dash where there is none."""
    if value is None:
        return MISSING
    match metric:
        case "throughput_rps" | "goodput_rps":
            text = f"{rate(value)}/s"
        case "errors_percent":
            text = percent(value)
        case "slowdown_users" | "errors_users":
            text = f"{value:,.0f} users"
        case _:
            text = f"{milliseconds(value)} ms"
    return f"{AT_LEAST if bound else ''}{text}"


def cell_text(metric: Metric, cell: Evidence) -> str:
    """A cell's mean."""
    return figure_text(metric, cell.mean, any(math.isinf(span.high) for span in cell.spans))


def as_json(loaded: LoadedSeries) -> str:
    """The verdicts for other programs. An infinite end of an interval is null."""
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


def _as_dict(one: Judgement, scale: str) -> dict[str, Any]:
    found = one.estimate
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
        "measured": found
        and {
            "value": _finite(found.value),
            "low": _finite(found.low),
            "high": _finite(found.high),
            "interval_is": METHOD[found.how],
        },
        "accept": one.claim.accept.model_dump(),
        "rule": one.claim.rule,
        "of": _cell(one.of),
        "to": one.to and _cell(one.to),
    }


def _cell(cell: Evidence) -> dict[str, Any]:
    return {
        "cell": cell.label,
        "mean": _finite(cell.mean),
        "trials": [_finite(span.value) for span in cell.spans],
        "lower_bound": any(math.isinf(span.high) for span in cell.spans),
        "trials_planned": cell.planned,
        "doubtful": bool(cell.doubtful),
        "calibration": cell.calibration,
    }


def _finite(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else value
