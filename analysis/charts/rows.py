"""Charts that have one row per group: its name and its figure above, the drawing below.

The y axis of such a chart counts inches from its top, so a row is as high as its text needs.
"""

from dataclasses import dataclass

from matplotlib.axes import Axes

from analysis.charts.style import INK, LINE, MARGIN, QUIET, STANDING_COLOUR, WIDTH, text_width, wrap
from analysis.groups import WITHOUT_FIGURES, Group, standing

BAR = 0.19
GAP = 0.17
BESIDE = 0.15  # between a label and a value on one line
ROOM = WIDTH - 2 * MARGIN


@dataclass(frozen=True)
class Row:
    """One group's row. `value` and `notes` are told beside and below its name."""

    group: Group
    value: str
    notes: list[str]
    top: float
    label_lines: list[str]
    value_below: bool

    @property
    def text_height(self) -> float:
        """Height of all its text, inches."""
        return LINE * (len(self.label_lines) + self.value_below + len(self.notes))

    @property
    def middle(self) -> float:
        """Where its bar's middle lies, inches from the axes' top."""
        return self.top + self.text_height + 0.03 + BAR / 2

    @property
    def bottom(self) -> float:
        """Where the next row begins."""
        return self.middle + BAR / 2 + GAP


def lay_out(contents: list[tuple[Group, str, list[str]]]) -> list[Row]:
    """Rows below one another for (group, value, notes); says what failed and what is in doubt."""
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


def height_of(rows: list[Row]) -> float:
    """Height of the axes that hold these rows, inches."""
    return rows[-1].bottom - GAP / 2


def doubt(group: Group) -> str:
    """The word for a standing other than valid."""
    return "" if group.standing in ("valid", *WITHOUT_FIGURES) else group.standing


def trials_note(group: Group) -> list[str]:
    """Which trials the figure is of, where it is not simply all of them."""
    if group.standing in WITHOUT_FIGURES:
        return []
    out = [
        f"{sum(1 for record in group.records if standing(record) == word)} {word}"
        for word in ("interrupted", "failed", "invalid")
        if any(standing(record) == word for record in group.records)
    ]
    if not out or len(group.counted) == len(group.records):
        return []
    return [f"{len(group.counted)} of {len(group.records)} trials ({', '.join(out)})"]


def write_rows(axes: Axes, rows: list[Row]) -> None:
    """The rows' text; sets the y axis to inches and hides it."""
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
