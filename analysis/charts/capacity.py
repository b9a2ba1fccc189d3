"""Draw a capacity search: response times and errors against rate, with the answer marked."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from analysis import capacities
from analysis.capacities import SearchAnswer, Searches
from analysis.charts import marks
from analysis.charts.style import (
    KEY_LINE,
    MARGIN,
    QUIET,
    WIDTH,
    Chart,
    colours,
    footer,
    frame,
    generators_of,
    plain_axis,
    wide,
    wrap,
)  # fmt: skip
from analysis.groups import Group, counted_from
from analysis.knee import knee
from analysis.load import LoadedCampaign
from analysis.measured import errors_percent, percentile
from analysis.trials import counts_in_search
from testbed.model.experiment import Capacity
from testbed.model.results import RunRecord
from testbed.numbers import rate as rate_text
from testbed.tools import due

TIMES, ERRORS = 1.5, 0.55  # heights of the two axes of a search
GAP = 0.42  # for the ticks of one and the title of the next
LEFT = 0.75  # for 10,000 and the name beside it
BAND = 0.15
PERCENTILES = {99.0: ("o", "p99"), 50.0: ("D", "p50")}
KNEE_OF = 99.0  # percentile
KNEE: dict[str, Any] = {"linewidth": 1.1, "linestyle": (0, (1, 1.5))}
KNEE_TEXT = (
    " The dotted line is the knee: the rate at which rate / p99 is greatest, of those that were "
    "tried; beyond it, p99 grows faster than the rate."
)
NO_KNEE_TEXT = (
    " No knee is marked: rate / p99 is greatest at the lowest or the highest rate that was tried, "
    "or too few were."
)
Reading = Callable[[RunRecord], float | None]


def draw(campaign: LoadedCampaign, endpoint: str, members: list[Group]) -> Chart | None:
    """Draw the chart of one endpoint; return None where no search has an answer."""
    found = [row for row in capacities.rows(campaign) if row.endpoint == endpoint]
    if not found:
        return None
    title = f"Against the rate, {endpoint}"
    asked = capacities.asked(campaign)
    knees = [_knee(row) for row in found]
    marked = any(bend is not None for bend in knees)
    answers = [
        f"{row.label}: {_answer_text(row, bend)}" for row, bend in zip(found, knees, strict=True)
    ]
    titles = [wrap(text, WIDTH - LEFT - MARGIN, 8) for text in answers]
    more = max(map(len, titles)) - 1  # lines of a title beyond the first
    key = _key(found, objective=asked is not None, knee_marked=marked)
    picture = frame(
        title,
        f"above: response time, milliseconds, {counted_from(group.first for group in members)}; "
        "below: errors, percent of the requests due",
        footer(campaign, generators_of(members)),
        heights=[height for _ in found for height in (TIMES, ERRORS)],
        gap=GAP + KEY_LINE * more,
        left=LEFT,
        key_lines=marks.key_lines(key) + 1 + more,  # and the title of the first axes
    )
    palette = colours(campaign)
    for number, (row, bend) in enumerate(zip(found, knees, strict=True)):
        above, below = picture.axes[2 * number : 2 * number + 2]
        _search(above, below, row, palette[row.app], asked, bend)
        above.set_title("\n".join(titles[number]), loc="left", fontsize=8)
    picture.axes[-1].set_xlabel("requests due per second", fontsize=8)
    marks.key(picture, key, above=KEY_LINE * (1 + more) + 0.08)
    return Chart(
        name=f"{endpoint}-capacity",
        title=title,
        caption="Each point is a probe, a run at one rate; all trials are in one picture. A "
        "triangle is a lower bound: so many requests were not answered that the percentile lies "
        "among them. A cross is an invalid probe, which does not count. The line is the capacity, "
        "where a typical run just meets the objective, and shaded is its 95 % interval; of a "
        "search by bisection there is the bracket alone. Each trial has its own."
        + (KNEE_TEXT if marked else NO_KNEE_TEXT),
        alt=f"Point chart. {title}. {'; '.join(answers)}.",
        figure=picture.figure,
    )


def _key(found: list[Searches], *, objective: bool, knee_marked: bool) -> list[marks.Entry]:
    look: dict[str, Any] = {"color": QUIET, "markersize": 4}
    probes = [record for row in found for record in _probes(row)]
    entries: list[marks.Entry] = [
        (Line2D([], [], marker=marker, linewidth=0.8, **look, **_fill(percent)), name)
        for percent, (marker, name) in PERCENTILES.items()
    ]
    if any(_is_bound(record, percent) for record in probes for percent in PERCENTILES):
        entries.append((Line2D([], [], marker="^", linestyle="none", **look), "lower bound"))
    if not all(map(counts_in_search, probes)):
        entries.append((Line2D([], [], marker="x", linestyle="none", **look), "does not count"))
    if objective:
        entries.append((Line2D([], [], color=QUIET, linestyle=(0, (4, 2))), "objective"))
    if any(one.result.capacity_rps is not None for row in found for one in row.answers):
        entries.append((Line2D([], [], color=QUIET, linewidth=1.4), "capacity"))
    if knee_marked:
        entries.append((Line2D([], [], color=QUIET, **KNEE), "knee"))
    fitted = any(one.fitted for row in found for one in row.answers)
    word = marks.INTERVAL if fitted else "bracket"
    return [*entries, (Patch(facecolor=QUIET, alpha=BAND, linewidth=0), word)]


def _search(
    above: Axes, below: Axes, row: Searches, colour: str, asked: Capacity | None, bend: float | None
) -> None:
    """Draw one search: times above and errors below, each with its objective, answers and knee."""
    _times(above, row, colour, asked.p99_ms if asked else None)
    _errors(below, row, colour)
    if asked:
        above.axhline(asked.p99_ms, color=QUIET, linewidth=0.9, linestyle=(0, (4, 2)))
        below.axhline(asked.errors_percent, color=QUIET, linewidth=0.9, linestyle=(0, (4, 2)))
    for axes in (above, below):
        _answers(axes, row.answers, colour)
        _across(axes, _probes(row))
        if bend is not None:
            axes.axvline(bend, color=colour, **KNEE)


def _times(axes: Axes, row: Searches, colour: str, objective_ms: float | None) -> None:
    drawn: list[float] = []
    for percent, (marker, _) in PERCENTILES.items():
        milliseconds = partial(_milliseconds, percent=percent)
        look: dict[str, Any] = {"color": colour, **_fill(percent)}
        drawn += _points(axes, row, milliseconds, marker, look)
        bounds = [record for record in _probes(row) if _is_bound(record, percent)]
        _plot(axes, bounds, milliseconds, {"marker": "^", "markersize": 5, "color": colour})
    drawn += [objective_ms] if objective_ms else []
    if wide(drawn):
        axes.set_yscale("log")
        axes.set_ylim(min(drawn) / 1.5, max(drawn) * 1.5)
    else:
        axes.set_ylim(0, 1.15 * max(drawn, default=1))
    plain_axis(axes, "y")
    axes.set_ylabel("ms", fontsize=8)


def _milliseconds(record: RunRecord, percent: float) -> float | None:
    """Return a percentile as the search judged it, so that a point lies on its side of the goal.

    Return None if the probe has no such percentile.
    """
    span, output = percentile(record, percent), record.output
    if span is None or output is None:
        return None
    return (span.low if span.open else due.likely(record.load, output, percent)) / 1000


def _knee(row: Searches) -> float | None:
    """Return the rate at the knee of the p99 over all trials; None if the probes show none."""
    counted = [record for record in _probes(row) if counts_in_search(record)]
    told = [(record.load.rate_rps or 0, _milliseconds(record, KNEE_OF)) for record in counted]
    return knee((rate, time) for rate, time in told if time is not None)


def _answer_text(row: Searches, bend: float | None) -> str:
    return row.answer_text + ("" if bend is None else f"; knee at about {rate_text(bend)}/s")


def _errors(axes: Axes, row: Searches, colour: str) -> None:
    drawn = _points(axes, row, errors_percent, "o", {"color": colour})
    highest = max([1.0, *drawn])
    axes.set_ylim(-0.08 * highest, 1.1 * highest)
    plain_axis(axes, "y")
    axes.set_ylabel("errors, %", fontsize=8)


def _points(
    axes: Axes, row: Searches, reading: Reading, marker: str, look: dict[str, Any]
) -> list[float]:
    """Draw the probes; a line joins those of a trial that count. Return the values drawn."""
    values = []
    for trial in row.answers:
        counted = [record for record in _by_rate([trial]) if counts_in_search(record)]
        line = {"linestyle": "-", "linewidth": 0.6}
        values += _plot(
            axes, counted, reading, {"marker": marker, "markersize": 3.5, **look, **line}
        )
    others = [record for record in _probes(row) if not counts_in_search(record)]
    cross = {"marker": "x", "markersize": 5, "color": look["color"]}
    return [*values, *_plot(axes, others, reading, cross)]


def _plot(
    axes: Axes, probes: list[RunRecord], reading: Reading, look: dict[str, Any]
) -> list[float]:
    told = [(record, value) for record in probes if (value := reading(record)) is not None]
    rates = [record.load.rate_rps or 0 for record, _ in told]
    values = [value for _, value in told]
    style: dict[str, Any] = {"linestyle": "none", "markeredgewidth": 0.8, **look}
    axes.plot(rates, values, **style)
    return values


def _answers(axes: Axes, answers: list[SearchAnswer], colour: str) -> None:
    """Shade each trial's interval, to the edge where an end was not found, and draw its answer."""
    for answer in answers:
        result = answer.result
        rates = [record.load.rate_rps or 0 for record in answer.probes]
        low = min(rates) / 2 if result.at_least_rps is None else result.at_least_rps
        high = max(rates) * 2 if result.below_rps is None else result.below_rps
        axes.axvspan(low, high, color=colour, alpha=BAND, linewidth=0, zorder=0)
        if result.capacity_rps is not None:
            axes.axvline(result.capacity_rps, color=colour, linewidth=1.4, zorder=1)


def _across(axes: Axes, probes: list[RunRecord]) -> None:
    """Set the axis of rates, so that every probe has room."""
    rates = [record.load.rate_rps or 0 for record in probes]
    if wide(rates):
        axes.set_xscale("log")
        axes.set_xlim(min(rates) / 1.3, max(rates) * 1.3)
    else:
        room = 0.06 * max(rates)  # one rate alone has some to both sides
        axes.set_xlim(max(min(rates) - room, 0), max(rates) + room)
    axes.xaxis.set_major_formatter(axes.yaxis.get_major_formatter())
    axes.minorticks_off()


def _probes(row: Searches) -> list[RunRecord]:
    return _by_rate(row.answers)


def _by_rate(answers: list[SearchAnswer]) -> list[RunRecord]:
    """Return the probes with figures, in the order of their rates."""
    every = [record for answer in answers for record in answer.probes if record.output]
    return sorted(every, key=lambda record: record.load.rate_rps or 0)


def _is_bound(record: RunRecord, percent: float) -> bool:
    span = percentile(record, percent)
    return span is not None and math.isinf(span.high)


def _fill(percent: float) -> dict[str, Any]:
    return {"markerfacecolor": "white"} if percent == min(PERCENTILES) else {}
