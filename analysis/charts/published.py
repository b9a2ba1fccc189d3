"""Draw published ratios against measured ones: a row for each claim, a strip for each mode.

The y axis counts inches from the top, so that a row is as high as its text needs.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from analysis.charts import marks
from analysis.charts.rows import ROOM
from analysis.charts.style import (
    INK,
    LINE,
    QUIET,
    Chart,
    frame,
    log_axis,
    plain_axis,
    text_width,
    wrap,
)
from analysis.ratio import number

STRIP = 0.15  # inches, of one mode
GAP = 0.2  # between rows
ACCEPTED = "#e7e7e4"
# Each mode has a colour and a shape. Verdicts have neither: a mark is hollow where the claim is
# undecided, and filled where it has a verdict
LOOKS = (("#332288", "o"), ("#aa4499", "s"))
# An interval may reach so many times as far as the outermost figure; beyond it is cut
MOST_BEYOND = 5


@dataclass(frozen=True)
class Measured:
    """What was measured of a claim in one mode. `low` and `high` are None if one trial was made."""

    mode: str
    value: float | None
    low: float | None
    high: float | None  # may be infinite
    undecided: bool
    text: str  # the figure with its interval and its verdict


@dataclass(frozen=True)
class Row:
    """A claim: what the article says, what is accepted, and what was measured in each mode."""

    label: str
    notes: Sequence[str]  # the figures that the ratio is of, each on one line; may be empty
    published: float | None  # None: lost
    published_text: str
    least: float  # 0 without a limit
    most: float  # infinite without one
    measured: Sequence[Measured]


@dataclass(frozen=True)
class Words:
    """What a chart is called and what stands around it."""

    name: str
    title: str
    subtitle: str
    x_label: str
    source: str
    remark: str  # below the chart; may be empty


@dataclass(frozen=True)
class _Place:
    """Where a row lies, in inches from the top of the axes."""

    row: Row
    top: float
    label: list[str]
    note: list[str]

    @property
    def strips(self) -> float:
        """Where its first strip begins."""
        return self.top + LINE * (len(self.label) + len(self.note)) + 0.03

    @property
    def end(self) -> float:
        """Where its last strip ends."""
        return self.strips + STRIP * len(self.row.measured)


def draw(
    words: Words,
    rows: Sequence[Row],
    modes: Sequence[str],
    reach: tuple[float, float],
    *,
    ratios: bool,
) -> Chart:
    """Draw the rows. There must be at least one, each measured in at least one mode.

    `modes` are all that may occur, in the order of their looks. The axis goes from end to end of
    `reach`, and is logarithmic for ratios.
    """
    shown = [mode for mode in modes if any(m.mode == mode for row in rows for m in row.measured)]
    looks = dict(zip(modes, LOOKS, strict=False))
    key = _key(rows, {mode: looks[mode] for mode in shown})
    places = _lay_out(rows)
    picture = frame(
        words.title, words.subtitle, words.source,
        heights=[places[-1].end + GAP / 2], key_lines=marks.key_lines(key),
    )  # fmt: skip
    axes = picture.axes[0]
    if ratios:
        log_axis(axes, *reach)
    else:
        axes.set_xlim(*reach)
        plain_axis(axes)
    axes.set_ylim(places[-1].end + GAP / 2, 0)
    axes.yaxis.set_visible(False)
    axes.set_xlabel(words.x_label, fontsize=8)
    for place in places:
        _write(axes, place)
        _accepted(axes, place)
        for strip, measured in enumerate(place.row.measured):
            y = place.strips + STRIP * (strip + 0.5)
            _measured(axes, measured, y, *looks[measured.mode])
        _published(axes, place)
    marks.key(picture, key)
    return Chart(words.name, words.title, _caption(rows, words), _alt(rows, words), picture.figure)


def _lay_out(rows: Sequence[Row]) -> list[_Place]:
    places: list[_Place] = []
    for row in rows:
        top = places[-1].end + GAP if places else 0.04
        places.append(_Place(row, top, wrap(row.label, ROOM), _lines(row.notes)))
    return places


def _lines(notes: Sequence[str]) -> list[str]:
    """Return the notes, as many on a line as fit beside one another."""
    lines: list[str] = []
    for note in notes:
        longer = f"{lines[-1]}; {note}" if lines else note
        if lines and text_width(longer, 8) <= ROOM:
            lines[-1] = longer
        else:
            lines.append(note)
    return lines


def reach_of_ratios(rows: Sequence[Row]) -> tuple[float, float]:
    """Return the ends of a logarithmic axis: room for all figures, and for intervals if not far."""
    measured = [one for row in rows for one in row.measured]
    values = [1.0, *(one.value for one in measured), *(row.published for row in rows)]
    known = [value for value in values if value and math.isfinite(value)]
    least, most = min(known), max(known)
    ends = [end for one in measured for end in (one.low, one.high) if end and math.isfinite(end)]
    low = max(min([least, *ends]), least / MOST_BEYOND)
    high = min(max([most, *ends]), most * MOST_BEYOND)
    room = max((high / low) ** 0.04, 1.05)
    return low / room, high * room


def reach_of_shares(rows: Sequence[Row]) -> tuple[float, float]:
    """Return the ends of an axis of percents, which has room for all figures and for zero."""
    measured = [one for row in rows for one in row.measured]
    ends = [one.value for one in measured] + [one.high for one in measured]
    known = [end for end in [*ends, *(row.published for row in rows)] if end is not None]
    most = max(1.0, *(end for end in known if math.isfinite(end)))
    return -0.03 * most, 1.06 * most


def _write(axes: Axes, place: _Place) -> None:
    """Write label and note on white, so that the grid is beside the marks only."""
    across, y = axes.get_yaxis_transform(), place.top
    behind = place.strips - 0.03 - (y - GAP / 2)
    axes.add_patch(
        Rectangle(
            (-0.01, y - GAP / 2), 1.02, behind, transform=across, facecolor="white", linewidth=0,
            clip_on=False, zorder=2.5,
        )
    )  # fmt: skip
    for lines, colour, points in ((place.label, INK, 9), (place.note, QUIET, 8)):
        for line in lines:
            axes.text(
                0, y, line, transform=across, va="top", color=colour, fontsize=points, zorder=3,
                parse_math=False,
            )  # fmt: skip
            y += LINE


def _accepted(axes: Axes, place: _Place) -> None:
    low, high = axes.get_xlim()
    begin, end = max(place.row.least, low), min(place.row.most, high)
    if begin < end:
        height = place.end - place.strips
        axes.add_patch(
            Rectangle((begin, place.strips), end - begin, height, facecolor=ACCEPTED, linewidth=0)
        )


def _published(axes: Axes, place: _Place) -> None:
    """Draw what the article says as a bar across all modes."""
    value = place.row.published
    if value is not None:
        x, beyond = _within(axes, value)
        ends = [place.strips - 0.01, place.end + 0.01]
        axes.plot([x, x], ends, color=INK, linewidth=2, solid_capstyle="butt", zorder=4)
        if beyond:
            _tell(axes, value, x, sum(ends) / 2)


def _measured(axes: Axes, one: Measured, y: float, colour: str, marker: str) -> None:
    """Draw the interval, with an arrow where it goes on beyond the axis, and the figure."""
    if one.low is not None and one.high is not None:
        ends = [_within(axes, end) for end in (one.low, one.high)]
        axes.plot([x for x, _ in ends], [y, y], color=colour, linewidth=1.3, zorder=5)
        for x, arrow in ends:
            axes.plot(
                [x], [y], marker=arrow or "|", markersize=4, color=colour, zorder=5, clip_on=False
            )
    if one.value is not None:
        x, beyond = _within(axes, one.value)
        if beyond:
            _tell(axes, one.value, x, y)
        inside = "white" if one.undecided else colour
        axes.plot(
            [x], [y], marker=marker, markersize=5, color=colour, markerfacecolor=inside,
            markeredgewidth=1.2, zorder=6, clip_on=False,
        )  # fmt: skip


def _tell(axes: Axes, value: float, x: float, y: float) -> None:
    """Write a figure that has no place on the axis, such as 0 times, beside the end of the axis."""
    left = value < x
    axes.annotate(
        number(value), (x, y), xytext=(6 if left else -6, 0), textcoords="offset points",
        ha="left" if left else "right", va="center", fontsize=8, color=INK, zorder=6,
    )  # fmt: skip


def _within(axes: Axes, value: float) -> tuple[float, str]:
    """Return where a figure is drawn, and an arrow if it really lies beyond that end of the axis.

    The arrow is an empty text if it lies on the axis.
    """
    low, high = axes.get_xlim()
    return min(max(value, low), high), "<" if value < low else ">" if value > high else ""


def _key(rows: Sequence[Row], looks: dict[str, tuple[str, str]]) -> list[marks.Entry]:
    key: list[marks.Entry] = []
    if any(row.published is not None for row in rows):
        bar = Line2D([], [], color=INK, linestyle="none", marker="|", markersize=8)
        bar.set_markeredgewidth(2)
        key.append((bar, "the article"))
    for mode, (colour, marker) in looks.items():
        key.append((Line2D([], [], color=colour, marker=marker, markersize=5), mode))
    if any(one.undecided for row in rows for one in row.measured):
        hollow = Line2D([], [], color=QUIET, linestyle="none", marker="o", markersize=5)
        hollow.set_markerfacecolor("white")
        key.append((hollow, "undecided"))
    key.append((Patch(facecolor=ACCEPTED, linewidth=0), "accepted as reproduced"))
    return key


def _caption(rows: Sequence[Row], words: Words) -> str:
    told = "Each mark is what was measured, with its " + marks.INTERVAL
    if any(one.low is None for row in rows for one in row.measured):
        told += " (none: one trial)"
    return f"{told}; an arrow: it goes on beyond the axis. {words.remark}".strip()


def _alt(rows: Sequence[Row], words: Words) -> str:
    told = []
    for row in rows:
        found = ", ".join(f"{one.mode} {one.text}" for one in row.measured)
        told.append(f"{row.label} The article: {row.published_text}; {found}.")
    return f"Chart. {words.title}. {' '.join(told)}"
