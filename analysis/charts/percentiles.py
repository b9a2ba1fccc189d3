"""Draw response time by percentile on an axis where each further nine has the same width."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

from analysis.charts import marks
from analysis.charts.style import (
    MARGIN,
    WIDTH,
    Chart,
    Frame,
    colours,
    footer,
    frame,
    generators_of,
    line_styles,
    plain_axis,
    wide,
    wrap,
)  # fmt: skip
from analysis.groups import Group, counted_from
from analysis.histogram import MIN_BEYOND, LatencyCurve
from analysis.load import LoadedCampaign, LoadedRun
from testbed.numbers import milliseconds

HIDDEN = (
    "The area below a line is what coordinated omission would have hidden: it ends at the times "
    "from when a request was sent, which a tool that waits for answers would have shown."
)
APART = "In each panel, grey lines are the first trials of the others; all panels have one scale."
X_LABEL = "percentile (% of requests answered within that time)"
HEIGHT = 2.5
LEFT = 0.62
MOST_TOGETHER = 5  # groups in one pair of axes: more of them hide each other
TWO_ACROSS = 8  # groups, up to which two panels stand beside one another; then three
PANEL, BETWEEN = 1.05, 0.18  # inches: a panel's height, and the room between two
CROWDED = 2000  # requests to one beyond the last percentile, from which a panel has fewer ticks
GREY, GREY_POINTS = "#c4c4c4", 25
NINES = (0.0, 0.9, 0.99, 0.999, 0.9999, 0.99999, 0.999999)


Shown = list[tuple[Group, list[LatencyCurve]]]


def draw(campaign: LoadedCampaign, endpoint: str, members: list[Group]) -> Chart | None:
    """Draw the chart of one endpoint; return None where no run of it has a histogram.

    Few groups share one pair of axes. Of many, each has a panel of its own, all with one scale.
    """
    shown = [(group, curves) for group in members if (curves := _curves(group))]
    if not shown:
        return None
    title = f"Response time by percentile, {endpoint}"
    counted = counted_from(group.first for group in members)
    picture = (_together if len(shown) <= MOST_TOGETHER else _apart)(
        campaign, title, f"milliseconds; {counted}", shown
    )
    words = [
        f"Each line is one trial, {counted}. A line ends where fewer than {MIN_BEYOND} answers lie "
        "beyond it"
        + (
            ", or with a triangle: the other requests were not answered correctly, or not timed."
            if any(group.censored for group, _ in shown)
            else "."
        )
    ]
    words += [APART] if len(shown) > MOST_TOGETHER else []
    words += (
        [HIDDEN] if any(_hidden(run) for group, _ in shown for run in _with_curves(group)) else []
    )
    return Chart(
        name=f"{endpoint}-percentiles",
        title=title,
        caption=" ".join(words),
        alt=f"Line chart. {title}. {'; '.join(_text(*item) for item in shown)}.",
        figure=picture.figure,
    )


def _together(campaign: LoadedCampaign, title: str, subtitle: str, shown: Shown) -> Frame:
    """Draw all groups into one pair of axes, with a key."""
    styles = line_styles(campaign, [group.app for group, _ in shown])
    key: list[marks.Entry] = [
        (Line2D([], [], linewidth=1.6, color=colour, linestyle=style), _label(group))
        for (group, _), (colour, style) in zip(shown, styles, strict=True)
    ]
    picture = frame(
        title, subtitle, footer(campaign, generators_of([group for group, _ in shown])),
        heights=[HEIGHT], left=LEFT, key_lines=marks.key_lines(key),
    )  # fmt: skip
    axes = picture.axes[0]
    for (group, curves), (colour, style) in zip(shown, styles, strict=True):
        _group(axes, group, curves, colour, style)
    _axes(axes, [curve for _, curves in shown for curve in curves])
    axes.set_xlabel(X_LABEL, fontsize=8)
    marks.key(picture, key)
    return picture


def _apart(campaign: LoadedCampaign, title: str, subtitle: str, shown: Shown) -> Frame:
    """Draw a panel for each group; a trial of each other group is grey in it."""
    across = 2 if len(shown) <= TWO_ACROSS else 3
    width = (WIDTH - LEFT - MARGIN - BETWEEN * (across - 1)) / across
    labels = [wrap(_label(group), width, 8) for group, _ in shown]
    above = 0.13 * max(map(len, labels)) + 0.07  # inches
    picture = frame(
        title, subtitle, footer(campaign, generators_of([group for group, _ in shown])),
        heights=[PANEL] * -(-len(shown) // across), gap=above + 0.17, left=LEFT,
        top_room=above,
    )  # fmt: skip
    panels = _panels(picture, across, len(shown))
    every = [curve for _, curves in shown for curve in curves]
    palette = colours(campaign)
    for place, (axes, label, (group, curves)) in enumerate(zip(panels, labels, shown, strict=True)):
        for other, (first, *_) in shown:
            if other is not group:
                _grey(axes, first)
        _group(axes, group, curves, palette[group.app], "-")
        _axes(axes, every)
        axes.set_title("\n".join(label), fontsize=8, loc="left", pad=3)
        axes.tick_params(labelsize=7)
        axes.tick_params(labelleft=place % across == 0, labelbottom=place + across >= len(shown))
    panels[(len(shown) - 1) // across * across].set_xlabel(X_LABEL, fontsize=8, loc="left")
    _share_heights(panels)
    return picture


def _panels(picture: Frame, across: int, number: int) -> list[Axes]:
    """Divide each row of axes into `across` of them, and return the first `number`."""
    found = []
    for axes in picture.axes:
        box = axes.get_position()
        step = (box.width + BETWEEN / WIDTH) / across
        axes.set_position((box.x0, box.y0, step - BETWEEN / WIDTH, box.height))
        found.append(axes)
        for place in range(1, across):
            where = (box.x0 + place * step, box.y0, step - BETWEEN / WIDTH, box.height)
            found.append(picture.figure.add_axes(where))
    for spare in found[number:]:
        spare.remove()
    return found[:number]


def _share_heights(panels: list[Axes]) -> None:
    """Give all panels the y axis that holds what each of them shows."""
    ends = [axes.get_ylim() for axes in panels]
    for axes in panels:
        axes.set_ylim(min(low for low, _ in ends), max(high for _, high in ends))


def _label(group: Group) -> str:
    return f"{group.label}{marks.standing_note(group)}"


def _group(axes: Axes, group: Group, curves: list[LatencyCurve], colour: str, style: Any) -> None:
    """Draw the trials of a group, and below each what would have been hidden."""
    for area in filter(None, map(_hidden, _with_curves(group))):
        axes.fill_between(
            area.x, area.service_ms, area.response_ms, color=colour, alpha=0.15, linewidth=0
        )
    for curve in curves:
        axes.plot(
            [_x(fraction) for fraction in curve.fractions],
            [value / 1000 for value in curve.values_us],
            color=colour, linestyle=style, linewidth=1.4, alpha=0.9,
            marker="^" if group.censored else None, markevery=[-1], markersize=6,
        )  # fmt: skip


def _grey(axes: Axes, curve: LatencyCurve) -> None:
    """Draw a curve that others are to be seen against, with few points."""
    x = np.array([_x(fraction) for fraction in curve.fractions])
    few = np.unique(np.searchsorted(x, np.geomspace(x[0], x[-1], GREY_POINTS)))
    few = few[few < len(x)]
    axes.plot(x[few], np.array(curve.values_us)[few] / 1000, color=GREY, linewidth=0.7, zorder=1)


def _with_curves(group: Group) -> list[LoadedRun]:
    return [run for run in group.runs if run.latency and run.latency.fractions]


def _curves(group: Group) -> list[LatencyCurve]:
    return [
        run.latency.of_due(run.record.load, run.record.output)
        for run in _with_curves(group)
        if run.latency
    ]


@dataclass(frozen=True)
class Hidden:
    """The waiting that coordinated omission would have hidden, at some percentiles."""

    x: list[float]  # as the axis has it
    service_ms: list[float]
    response_ms: list[float]


def _hidden(run: LoadedRun) -> Hidden | None:
    """Return what lies between service and response times of a run.

    Return None for a closed loop, which has no requests due, and if service times are not known at
    several percentiles.
    """
    output, curve = run.record.output, run.latency
    if output is None or output.service_us is None or curve is None or output.rate_rps is None:
        return None
    curve = curve.of_due(run.record.load, output)
    percentiles = sorted(
        (float(key) / 100, us) for key, us in output.service_us.percentiles.items()
    )
    known = [(_x(share), us) for share, us in percentiles if share < 1]
    if len(known) < 2:
        return None
    drawn = [
        (_x(share), us)
        for share, us in zip(curve.fractions, curve.values_us, strict=True)
        if known[0][0] <= _x(share) <= known[-1][0]
    ]
    # Between two percentiles that the tool reports, service times are interpolated
    service_us = np.interp([x for x, _ in drawn], [x for x, _ in known], [us for _, us in known])
    return Hidden(
        x=[x for x, _ in drawn],
        service_ms=[
            min(float(one), us) / 1000 for one, (_, us) in zip(service_us, drawn, strict=True)
        ],
        response_ms=[us / 1000 for _, us in drawn],
    )


def _x(share: float) -> float:
    return 1 / (1 - share)


def _axes(axes: Axes, curves: list[LatencyCurve]) -> None:
    highest = max(_x(curve.fractions[-1]) for curve in curves)
    axes.set_xscale("log")
    axes.set_xlim(1, max(highest * 1.15, 10))
    nines = NINES if axes.get_position().width > 0.5 or highest < CROWDED else NINES[::2]
    axes.xaxis.set_major_locator(FixedLocator([_x(nine) for nine in nines]))
    axes.xaxis.set_minor_locator(NullLocator())
    plain_axis(axes, "y")
    axes.grid(axis="x", color="#eeeeee", linewidth=0.6)
    axes.xaxis.set_major_formatter(FixedFormatter([f"{100 * nine:.6g}" for nine in nines]))
    if wide(value for curve in curves for value in curve.values_us):
        axes.set_yscale("log")
        plain_axis(axes, "y")
    else:
        axes.set_ylim(bottom=0)


def _text(group: Group, curves: list[LatencyCurve]) -> str:
    ends = [
        f"{milliseconds(curve.values_us[-1])} ms at {100 * curve.fractions[-1]:.4g} %"
        for curve in curves
    ]
    rest = (
        "; the other requests were not answered correctly, or not timed" if group.censored else ""
    )
    return f"{group.label}: {', '.join(ends)}{rest}"
