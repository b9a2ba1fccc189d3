"""Draw a ramp: response time and errors against users, with where each begins to be bad."""

import math
from collections.abc import Callable
from typing import Any

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from analysis import ramp
from analysis.charts import marks
from analysis.charts.style import (
    QUIET,
    Chart,
    footer,
    frame,
    generators_of,
    line_styles,
    plain_axis,
    wide,
)  # fmt: skip
from analysis.groups import Group, counted_from
from analysis.load import LoadedCampaign
from analysis.ramp import Onset, Ramp, Step

HEIGHT = 1.7
LEFT = 0.75  # for 10,000 and the name beside it
Style = tuple[str, Any]
StepFigure = Callable[[Step], float | None]
CROSS: dict[str, Any] = {"linestyle": "none", "marker": "x", "markersize": 5}


def draw(campaign: LoadedCampaign, endpoint: str, members: list[Group]) -> Chart | None:
    """Draw the chart of one endpoint; return None where the campaign is no ramp."""
    what, found = ramp.of(campaign), ramp.ramps(campaign, endpoint)
    if what is None or not found:
        return None
    title = f"Against {what}, {endpoint}"
    styles = line_styles(campaign, [one.app for one in found])
    key = _key(found, styles, left_out=any(not s.counts and s.record.output for s in _steps(found)))
    times = f"p{found[0].percentile or '95'} of response time"
    counted = counted_from(group.first for group in members)
    picture = frame(
        title,
        f"above: {times}, milliseconds, {counted}; below: errors, percent",
        footer(campaign, generators_of(members)),
        heights=[HEIGHT, HEIGHT],
        gap=0.35,
        left=LEFT,
        key_lines=marks.key_lines(key),
    )
    above, below = picture.axes
    _times(above, found, styles)
    _errors(below, found, styles)
    below.set_xlabel(what, fontsize=8)
    for axes in (above, below):
        axes.set_xlim(0, max(size for one in found for size in one.sizes) * 1.03)
    marks.key(picture, key)
    return Chart(
        name=f"{endpoint}-ramp",
        title=title,
        caption="Each line is a trial, a cross a step whose run is invalid and does not count; a "
        f"gap is a run that failed, or whose {times} lies among requests never answered. Shaded: "
        "where slow-down (above) and errors (below) begin, from the last good step to the first "
        "bad one over all trials.",
        alt=f"Line chart. {title}. "
        + "; ".join(f"{one.label}: {ramp.onsets_text(one.trials, what)}" for one in found)
        + ".",
        figure=picture.figure,
    )


def _key(found: list[Ramp], styles: list[Style], *, left_out: bool) -> list[marks.Entry]:
    entries: list[marks.Entry] = [
        (Line2D([], [], linewidth=1.6, color=colour, linestyle=style), one.label)
        for one, (colour, style) in zip(found, styles, strict=True)
    ]
    if left_out:
        entries.append((Line2D([], [], color=QUIET, **CROSS), "does not count"))
    return [*entries, (Patch(facecolor=QUIET, alpha=0.15, linewidth=0), "begins")]


def _times(axes: Axes, found: list[Ramp], styles: list[Style]) -> None:
    for one, style in zip(found, styles, strict=True):
        for trial in one.trials:
            _line(axes, trial.steps, _milliseconds, style)
        _onset(axes, [trial.slowdown for trial in one.trials], style)
    _axes(axes, f"p{found[0].percentile or '95'}, ms", _every(found, _milliseconds))


def _errors(axes: Axes, found: list[Ramp], styles: list[Style]) -> None:
    for one, style in zip(found, styles, strict=True):
        for trial in one.trials:
            _line(axes, trial.steps, _errors_percent, style)
        _onset(axes, [trial.errors for trial in one.trials], style)
    _axes(axes, "errors, %", [])
    highest = max([5.0, *_every(found, _errors_percent)])
    axes.set_ylim(-0.03 * highest, 1.05 * highest)


def _line(axes: Axes, steps: list[Step], figure: StepFigure, style: Style) -> None:
    """Draw a line through the steps that count, and an unconnected cross at each other step."""
    colour, line = style
    sizes = [step.size for step in steps]
    values = [math.nan if (value := figure(step)) is None else value for step in steps]
    counted = [v if step.counts else math.nan for v, step in zip(values, steps, strict=True)]
    others = [math.nan if step.counts else v for v, step in zip(values, steps, strict=True)]
    axes.plot(
        sizes, counted,
        color=colour, linestyle=line, linewidth=1.2, marker="o", markersize=3,
        markerfacecolor="white", markeredgewidth=0.8, alpha=0.9,
    )  # fmt: skip
    axes.plot(sizes, others, color=colour, **CROSS)


def _onset(axes: Axes, onsets: list[Onset], style: Style) -> None:
    """Draw a band over the range in which the onset lies, and a line at its median.

    Draw nothing if most trials did not reach the onset.
    """
    found = ramp.together(onsets, "users")
    if found.at is None:
        return
    reached = [onset.at for onset in onsets if onset.at is not None]
    axes.axvspan(found.low, max(reached), color=style[0], alpha=0.15, linewidth=0, zorder=0)
    axes.axvline(found.at, color=style[0], linestyle=style[1], linewidth=0.9, zorder=1)


def _milliseconds(step: Step) -> float | None:
    if step.response is None or math.isinf(step.response.high):
        return None
    return step.response.value / 1000


def _errors_percent(step: Step) -> float | None:
    return step.errors_percent


def _steps(found: list[Ramp]) -> list[Step]:
    return [step for one in found for trial in one.trials for step in trial.steps]


def _every(found: list[Ramp], figure: StepFigure) -> list[float]:
    return [value for step in _steps(found) if (value := figure(step)) is not None]


def _axes(axes: Axes, name: str, values: list[float]) -> None:
    if wide(values):
        axes.set_yscale("log")
    elif any(value > 0 for value in values):
        axes.set_ylim(bottom=0)
    plain_axis(axes, "y")
    axes.set_ylabel(name, fontsize=8)
