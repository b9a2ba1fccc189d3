"""Draw a question's answer: capacity and CPU time per answer against what was swept."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from analysis.charts import marks
from analysis.charts.style import QUIET, Chart, footer, frame, line_styles, plain_axis, wide
from analysis.load import LoadedCampaign
from testbed.model.question import point_text
from testbed.numbers import digits

HEIGHT = 1.7
LEFT = 0.75  # for 10,000 and the name beside it
BAND = 0.15
MARKERS = "osD^vP*X"
Interval = tuple[float, float]
Style = tuple[str, Any]  # colour and dashes


@dataclass(frozen=True)
class Line:
    """One stack: a value and an interval at each point; None where there is none."""

    label: str
    app: str
    values: list[float | None]
    intervals: list[Interval | None]


@dataclass(frozen=True)
class Panel:
    """One figure of all stacks."""

    title: str
    lines: list[Line]


def draw(
    name: str,
    title: str,
    campaign: LoadedCampaign,
    generators: str,
    panels: Sequence[Panel],
    points: Sequence[float | str],
    swept: str,
) -> Chart:
    """Draw the panels below one another, over the same points.

    Numbers lie by the logarithm of 1 plus their number, so that 0 has a place; texts lie equally
    far from each other and are not joined by lines.
    """
    first = panels[0].lines
    styles = line_styles(campaign, [line.app for line in first])
    key = _key(first, styles)
    picture = frame(
        title,
        "; ".join(f"{place}: {panel.title}" for place, panel in _places(panels)),
        footer(campaign, generators),
        heights=[HEIGHT] * len(panels),
        gap=0.35,
        left=LEFT,
        key_lines=marks.key_lines(key),
    )
    for axes, panel in zip(picture.axes, panels, strict=True):
        _panel(axes, panel, styles, points)
    picture.axes[-1].set_xlabel(swept, fontsize=8)
    marks.key(picture, key)
    return Chart(
        name=name,
        title=title,
        caption="Each mark is the mean of the trials that count, and shaded around it is its "
        f"{marks.INTERVAL}. Lines only lead the eye: between the marks nothing was measured. "
        "Above, more is better; below, less.",
        alt=f"Line chart. {title}. {_alt(panels, points)}",
        figure=picture.figure,
    )


def _key(lines: Sequence[Line], styles: Sequence[Style]) -> list[marks.Entry]:
    """Return the key's entries: each stack's line, and what is shaded."""
    entries: list[marks.Entry] = [
        (
            Line2D(
                [], [], linewidth=1.4, color=colour, linestyle=style,
                marker=MARKERS[number % len(MARKERS)], markersize=4,
            ),
            line.label,
        )
        for number, (line, (colour, style)) in enumerate(zip(lines, styles, strict=True))
    ]  # fmt: skip
    return [*entries, (Patch(facecolor=QUIET, alpha=BAND, linewidth=0), marks.INTERVAL)]


def _panel(
    axes: Axes, panel: Panel, styles: Sequence[Style], points: Sequence[float | str]
) -> None:
    """Draw one figure of all stacks."""
    at = [_at(number, point) for number, point in enumerate(points)]
    joined = not any(isinstance(point, str) for point in points)
    for number, (line, style) in enumerate(zip(panel.lines, styles, strict=True)):
        # beside one another where they lie at the same place, so that each can be seen
        shift = 0 if joined else 0.12 * (number - (len(styles) - 1) / 2)
        marker = MARKERS[number % len(MARKERS)]
        _line(axes, [x + shift for x in at], line, style, marker, joined)
    _axes(axes, panel, at, points)


def _places(panels: Sequence[Panel]) -> list[tuple[str, Panel]]:
    return list(zip(("above", "below"), panels, strict=False))


def _at(number: int, point: float | str) -> float:
    return number if isinstance(point, str) else math.log1p(point)


def _line(
    axes: Axes, at: Sequence[float], line: Line, style: Style, marker: str, joined: bool
) -> None:
    colour, dashes = style
    values = [math.nan if value is None else value for value in line.values]
    axes.plot(
        at, values, color=colour, linestyle=dashes if joined else "none", linewidth=1.4,
        marker=marker, markersize=4, markerfacecolor="white", markeredgewidth=0.9, zorder=3,
    )  # fmt: skip
    known = [(x, ends) for x, ends in zip(at, line.intervals, strict=True) if ends is not None]
    if joined and len(known) > 1:
        lows, highs = ([ends[side] for _, ends in known] for side in (0, 1))
        axes.fill_between(
            [x for x, _ in known], lows, highs, color=colour, alpha=BAND, linewidth=0, zorder=1
        )
    for x, (low, high) in known:
        axes.plot([x, x], [low, high], color=colour, linewidth=0.9, zorder=2)


def _axes(axes: Axes, panel: Panel, at: Sequence[float], points: Sequence[float | str]) -> None:
    """Scale by the values; of an interval that reaches far beyond all of them, the end is cut."""
    values = [value for line in panel.lines for value in line.values if value]
    ends = [end for line in panel.lines for both in line.intervals if both for end in both]
    if values:
        most, least = max(values), min(values)
        high = min(max([most, *ends]), 2 * most)
        if wide(values):
            axes.set_yscale("log")
            axes.set_ylim(max(min([least, *ends]), least / 2) / 1.15, high * 1.15)
        else:
            axes.set_ylim(0, high * 1.08)
    plain_axis(axes, "y")
    axes.set_ylabel(panel.title.rpartition(", ")[2], fontsize=8)
    room = 0.06 * (at[-1] - at[0]) or 0.5
    axes.set_xlim(at[0] - room, at[-1] + room)
    axes.set_xticks(at, list(map(point_text, points)))
    axes.minorticks_off()


def _alt(panels: Sequence[Panel], points: Sequence[float | str]) -> str:
    names = list(map(point_text, points))
    told = []
    for panel in panels:
        for line in panel.lines:
            values = ", ".join(
                f"{name}: {'none' if value is None else digits(value)}"
                for name, value in zip(names, line.values, strict=True)
            )
            told.append(f"{panel.title}, {line.label}: {values}")
    return "; ".join(told) + "."
