"""Lay out charts with a row for each group: its name and figure above, the drawing below.

The y axis of such a chart counts inches from its top, so a row is as high as its text needs.
"""

from dataclasses import dataclass

from matplotlib.axes import Axes

from analysis.charts.style import (
    INK,
    LINE,
    MARGIN,
    QUIET,
    STANDING_COLOUR,
    WIDTH,
    Frame,
    footer,
    frame,
    generators_of,
    text_width,
    wrap,
)
from analysis.groups import Group
from analysis.load import LoadedCampaign
from analysis.trials import WITHOUT_FIGURES

BAR = 0.19
GAP = 0.17
BESIDE = 0.15  # between a label and a value on one line
ROOM = WIDTH - 2 * MARGIN


@dataclass(frozen=True)
class Row:
    """One group's row. `value` stands beside the group's name, `notes` stand below it."""

    group: Group
    value: str
    notes: list[str]
    top: float
    label_lines: list[str]
    value_below: bool

    @property
    def text_height(self) -> float:
        """The height of all its text, in inches."""
        return LINE * (len(self.label_lines) + self.value_below + len(self.notes))

    @property
    def middle(self) -> float:
        """Where the middle of its bar lies, in inches from the axes' top."""
        return self.top + self.text_height + 0.03 + BAR / 2

    @property
    def bottom(self) -> float:
        """Where the next row begins, in inches from the axes' top."""
        return self.middle + BAR / 2 + GAP


def lay_out(contents: list[tuple[Group, str, list[str]]]) -> list[Row]:
    """Return a row for each group, one below another; doubtful and invalid groups are marked."""
    rows: list[Row] = []
    for group, value, notes in contents:
        shown = " · ".join(filter(None, [value, doubt(group)]))
        beside = ROOM - text_width(shown) - BESIDE
        value_below = beside < 0.4 * ROOM
        label_lines = wrap(group.label, ROOM if value_below else beside)
        small = [line for note in notes for line in wrap(note, ROOM, 8)]
        top = rows[-1].bottom if rows else 0.04
        rows.append(Row(group, shown, small, top, label_lines, value_below))
    return rows


def rows_frame(
    title: str,
    subtitle: str,
    campaign: LoadedCampaign,
    rows: list[Row],
    *,
    key_lines: int,
    x_label: str,
) -> Frame:
    """Return a picture with axes as high as the rows need, and the rows' text in them."""
    picture = frame(
        title,
        subtitle,
        footer(campaign, generators_of([row.group for row in rows])),
        heights=[height_of(rows)],
        key_lines=key_lines,
    )
    axes = picture.axes[0]
    write_rows(axes, rows)
    axes.set_xlabel(x_label, fontsize=8)
    return picture


def height_of(rows: list[Row]) -> float:
    """Return the height of the axes that hold these rows, in inches."""
    return rows[-1].bottom - GAP / 2


def doubt(group: Group) -> str:
    """Return 'doubtful' or 'invalid' if the group is one of these, otherwise an empty text."""
    return "" if group.standing in ("valid", *WITHOUT_FIGURES) else group.standing


def trials_note(group: Group) -> list[str]:
    """Return how many trials the figure is from; an empty list if it is from all of them."""
    if group.standing in WITHOUT_FIGURES:
        return []
    out = [
        f"{sum(1 for record in group.records if record.standing == word)} {word}"
        for word in ("interrupted", "failed", "invalid")
        if any(record.standing == word for record in group.records)
    ]
    if not out or len(group.counted) == len(group.records):
        return []
    return [f"{len(group.counted)} of {len(group.records)} trials ({', '.join(out)})"]


def write_rows(axes: Axes, rows: list[Row]) -> None:
    """Write the rows' text into the axes, set the y axis to inches, and hide it."""
    axes.set_ylim(height_of(rows), 0)
    axes.yaxis.set_visible(False)
    across = axes.get_yaxis_transform()
    for row in rows:
        y = row.top
        colour = STANDING_COLOUR[row.group.standing]
        for number, line in enumerate(row.label_lines):
            axes.text(0, y, line, transform=across, va="top", color=INK)
            if number == 0 and not row.value_below:
                axes.text(
                    1,
                    y,
                    row.value,
                    transform=across,
                    va="top",
                    ha="right",
                    color=colour,
                    bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
                )
            y += LINE
        if row.value_below:
            axes.text(0, y, row.value, transform=across, va="top", color=colour)
            y += LINE
        for note in row.notes:
            axes.text(0, y, note, transform=across, va="top", color=QUIET, fontsize=8)
            y += LINE
