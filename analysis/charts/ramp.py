"""A ramp: response time and share of errors against users, with where each begins to be bad."""

import math
from collections.abc import Callable
from typing import Any

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from analysis import ramp
from analysis.charts import marks
from analysis.charts.latency import counted_from
from analysis.charts.style import (
    LINE_STYLES,
    QUIET,
    Chart,
    colours,
    frame,
    generators_of,
    plain_axis,
)  # fmt: skip
from analysis.groups import Group
from analysis.load import LoadedCampaign
from analysis.ramp import Onset, Ramp, Step

HEIGHT = 1.7
LEFT = 0.75  # for 10,000 and the name beside it
LOG_FROM_SPAN = 30
Style = tuple[str, Any]
Figure = Callable[[Step], float | None]
CROSS: dict[str, Any] = {"linestyle": "none", "marker": "x", "markersize": 5}


def draw(campaign: LoadedCampaign, endpoint: str, members: list[Group]) -> Chart | None:
    """The chart of one endpoint; None if the campaign is no ramp."""
    what, found = ramp.of(campaign), ramp.ramps(campaign, endpoint)
    if what is None or not found:
        return None
    title = f"Against {what}, {endpoint}"
    styles = _styles(campaign, found)
    key = _key(found, styles, left_out=any(not s.counts and s.record.output for s in _steps(found)))
    times = f"p{found[0].percentile or '95'} of response time"
    picture = frame(
        title,
        f"above: {times}, milliseconds, {counted_from(members)}; below: errors, percent",
        campaign,
        generators_of(members),
        heights=[HEIGHT, HEIGHT],
        gap=0.35,
        left=LEFT,
        key_lines=marks.key_lines(key),
    )
    above, below = picture.axes
    for one, style in zip(found, styles, strict=True):
        for trial in one.trials:
            _line(above, trial.steps, _milliseconds, style)
            _line(below, trial.steps, lambda step: step.errors_percent, style)
        _onset(above, [trial.slowdown for trial in one.trials], style)
        _onset(below, [trial.errors for trial in one.trials], style)
    _axes(above, f"p{found[0].percentile or '95'}, ms", _every(found, _milliseconds))
    _axes(below, "errors, %", [])
    highest = max([5.0, *_every(found, lambda step: step.errors_percent)])
    below.set_ylim(-0.03 * highest, 1.05 * highest)
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


def _styles(campaign: LoadedCampaign, found: list[Ramp]) -> list[Style]:
    """The app's colour; another line for each of its variants."""
    palette, used = colours(campaign), dict.fromkeys(colours(campaign).values(), 0)
    result = []
    for one in found:
        colour = palette[one.app]
        result.append((colour, LINE_STYLES[used[colour] % len(LINE_STYLES)]))
        used[colour] += 1
    return result


def _key(found: list[Ramp], styles: list[Style], *, left_out: bool) -> list[marks.Entry]:
    entries: list[marks.Entry] = [
        (Line2D([], [], linewidth=1.6, color=colour, linestyle=style), one.label)
        for one, (colour, style) in zip(found, styles, strict=True)
    ]
    if left_out:
        entries.append((Line2D([], [], color=QUIET, **CROSS), "does not count"))
    return [*entries, (Patch(facecolor=QUIET, alpha=0.15, linewidth=0), "begins")]


def _line(axes: Axes, steps: list[Step], figure: Figure, style: Style) -> None:
    """A line through the steps that count; crosses, joined to nothing, where the others are."""
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
    """A band over where it may lie, and a line at the median; nothing where it was not reached."""
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


def _steps(found: list[Ramp]) -> list[Step]:
    return [step for one in found for trial in one.trials for step in trial.steps]


def _every(found: list[Ramp], figure: Figure) -> list[float]:
    return [value for step in _steps(found) if (value := figure(step)) is not None]


def _axes(axes: Axes, name: str, values: list[float]) -> None:
    positive = [value for value in values if value > 0]
    if positive and max(positive) / min(positive) > LOG_FROM_SPAN:
        axes.set_yscale("log")
    elif positive:
        axes.set_ylim(bottom=0)
    plain_axis(axes, "y")
    axes.set_ylabel(name, fontsize=8)
