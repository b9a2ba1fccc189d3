"""Draw response time by percentile on an axis where each further nine has the same width."""

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

from analysis.charts import marks
from analysis.charts.style import (
    Chart,
    footer,
    frame,
    generators_of,
    line_styles,
    plain_axis,
    wide,
)  # fmt: skip
from analysis.groups import Group, counted_from
from analysis.histogram import MIN_BEYOND, LatencyCurve
from analysis.load import LoadedCampaign, LoadedRun
from testbed.numbers import milliseconds

HIDDEN = (
    "The area below a line is what coordinated omission would have hidden: it ends at the times "
    "from when a request was sent, which a tool that waits for answers would have shown."
)
HEIGHT = 2.5
LEFT = 0.62
NINES = (0.0, 0.9, 0.99, 0.999, 0.9999, 0.99999, 0.999999)


def draw(campaign: LoadedCampaign, endpoint: str, members: list[Group]) -> Chart | None:
    """Draw the chart of one endpoint; return None where no run of it has a histogram."""
    shown = [(group, curves) for group in members if (curves := _curves(group))]
    if not shown:
        return None
    title = f"Response time by percentile, {endpoint}"
    styles = line_styles(campaign, [group.app for group, _ in shown])
    key: list[marks.Entry] = [
        (
            Line2D([], [], linewidth=1.6, color=colour, linestyle=style),
            f"{group.label}{marks.standing_note(group)}",
        )
        for (group, _), (colour, style) in zip(shown, styles, strict=True)
    ]
    counted = counted_from(group.first for group in members)
    picture = frame(
        title,
        f"milliseconds; {counted}",
        footer(campaign, generators_of([group for group, _ in shown])),
        heights=[HEIGHT],
        left=LEFT,
        key_lines=marks.key_lines(key),
    )
    axes = picture.axes[0]
    hides = False
    for (group, curves), (colour, style) in zip(shown, styles, strict=True):
        for area in filter(None, map(_hidden, _with_curves(group))):
            hides = True
            axes.fill_between(
                area.x, area.service_ms, area.response_ms, color=colour, alpha=0.15, linewidth=0
            )
        for curve in curves:
            axes.plot(
                [1 / (1 - fraction) for fraction in curve.fractions],
                [value / 1000 for value in curve.values_us],
                color=colour, linestyle=style, linewidth=1.4, alpha=0.9,
                marker="^" if group.censored else None, markevery=[-1], markersize=6,
            )  # fmt: skip
    _axes(axes, [curve for _, curves in shown for curve in curves])
    marks.key(picture, key)
    return Chart(
        name=f"{endpoint}-percentiles",
        title=title,
        caption=f"Each line is one trial, {counted}. A line ends where fewer than "
        f"{MIN_BEYOND} answers lie beyond it"
        + (
            ", or with a triangle: the other requests were not answered correctly."
            if any(group.censored for group, _ in shown)
            else "."
        )
        + (f" {HIDDEN}" if hides else ""),
        alt=f"Line chart. {title}. {'; '.join(_text(*item) for item in shown)}.",
        figure=picture.figure,
    )


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
    # Between two percentiles that the tool tells, service times are interpolated
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
    highest = max(1 / (1 - curve.fractions[-1]) for curve in curves)
    axes.set_xscale("log")
    axes.set_xlim(1, max(highest * 1.15, 10))
    ticks = [1 / (1 - nine) for nine in NINES]
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_minor_locator(NullLocator())
    plain_axis(axes, "y")
    axes.grid(axis="x", color="#eeeeee", linewidth=0.6)
    axes.xaxis.set_major_formatter(FixedFormatter([f"{100 * nine:.6g}" for nine in NINES]))
    axes.set_xlabel("percentile (% of requests answered within that time)", fontsize=8)
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
    rest = "; the other requests were not answered correctly" if group.censored else ""
    return f"{group.label}: {', '.join(ends)}{rest}"
