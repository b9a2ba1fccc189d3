"""Draw what several charts use: trials, intervals, doubt, and the key that explains them."""

import math
from typing import Any

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from analysis.charts.rows import BAR
from analysis.charts.style import (
    HATCH,
    INK,
    MARGIN,
    QUIET,
    STANDING_COLOUR,
    WIDTH,
    Frame,
    text_width,
)
from analysis.figures import LOWER_BOUND, Figure
from analysis.groups import Group
from analysis.intervals import CONFIDENCE
from analysis.statistics import MIN_TRIALS_FOR_INTERVAL, Summary
from analysis.trials import NOT_COUNTED, WITHOUT_FIGURES
from testbed.numbers import AT_LEAST, MISSING

Entry = tuple[Patch | Line2D, str]
DOUBT = "doubtful or invalid"
INTERVAL = f"{100 * CONFIDENCE:.0f} % interval"


def no_figure(group: Group) -> str:
    """Return the text that stands in place of a figure: the stage that failed, or a dash."""
    failure = group.first.failure
    if group.standing not in WITHOUT_FIGURES:
        return MISSING
    return f"{group.standing} at '{failure.stage}'" if failure else "failed, no figures"


def standing_note(group: Group) -> str:
    """Return the standing in brackets, or an empty text if it is valid or failed."""
    return f" ({group.standing})" if group.standing in ("doubtful", "invalid") else ""


def whisker(
    axes: Axes, summary: Summary | None, y: float, half: float = 0.05, scale: float = 1.0
) -> None:
    """Draw the interval as a line with ends; draw nothing if there is none, or it is open."""
    if summary is None or summary.interval is None or not _drawn(summary):
        return
    low, high = (end * scale for end in summary.interval)
    axes.plot([low, high], [y, y], color=INK, linewidth=1.2, zorder=4, solid_capstyle="butt")
    for end in (low, high):
        axes.plot([end, end], [y - half, y + half], color=INK, linewidth=1.2, zorder=4)


def interval_ends(members: list[Group], *keys: str) -> list[float]:
    """Return the upper ends of the intervals of these figures, which an axis must reach."""
    found = (group.summary(key) for group in members for key in keys)
    return [
        one.interval[1]
        for one in found
        if one is not None and one.interval is not None and _drawn(one)
    ]


def _drawn(summary: Summary) -> bool:
    """Return whether an interval is drawn: from three trials on, if it has an end."""
    ends = summary.interval or (math.inf,)
    return summary.trials >= MIN_TRIALS_FOR_INTERVAL and max(ends) < math.inf


def trials(axes: Axes, group: Group, figure: Figure, y: float, scale: float = 1.0) -> None:
    """Draw each trial's own figure where there are several; a cross where it does not count."""
    if len(group.records) < 2:
        return
    for number, record in enumerate(group.records):
        span = group.span(record, figure)
        if span is None:
            continue
        value = span.value
        spread = (number / (len(group.records) - 1) - 0.5) * BAR * 0.6
        if any(record is counted for counted in group.counted):
            look: Any = {"marker": "o", "markerfacecolor": "white", "markeredgecolor": INK}
        else:
            look = {"marker": "x", "markeredgecolor": STANDING_COLOUR["invalid"]}
        axes.plot(
            [value * scale], [y + spread], linestyle="none", markersize=3.6, zorder=5,
            markeredgewidth=0.8, clip_on=False, **look,
        )  # fmt: skip


def beyond(axes: Axes, x: float, y: float, colour: str) -> None:
    """Draw an arrow to the right of a mark: it says that the true figure lies in that direction."""
    axes.annotate(
        "", (x, y), xytext=(17, 0), textcoords="offset points", annotation_clip=False, zorder=2,
        arrowprops={"arrowstyle": "<|-", "color": colour, "linewidth": 1.2, "shrinkB": 4},
    )  # fmt: skip


def lower_bound_note(members: list[Group]) -> str:
    """Return what the sign '≥' and the arrows in a chart mean; an empty text if it has none."""
    if not any(group.censored for group in members):
        return ""
    return f" {AT_LEAST}and an arrow: {LOWER_BOUND}."


def key_entries(members: list[Group]) -> list[Entry]:
    """Return the entries that the chart's key needs: trials, intervals, doubt."""
    entries: list[Entry] = []
    point: Any = {"linestyle": "none", "markersize": 3.6, "markeredgewidth": 0.8}
    if any(len(group.records) > 1 for group in members):
        look: Any = {"marker": "o", "markerfacecolor": "white", "markeredgecolor": INK}
        entries.append((Line2D([], [], **point, **look), "a trial"))
    if _has_uncounted(members):
        look = {"marker": "x", "markeredgecolor": STANDING_COLOUR["invalid"]}
        entries.append((Line2D([], [], **point, **look), "not counted"))
    if _has_intervals(members):
        entries.append((Line2D([], [], color=INK, linewidth=1.2), INTERVAL))
    if any(group.standing in ("doubtful", "invalid") for group in members):
        hatched = Patch(facecolor="white", edgecolor=QUIET, hatch=HATCH, linewidth=0.6)
        entries.append((hatched, DOUBT))
    return entries


def key(picture: Frame, entries: list[Entry], above: float = 0.03) -> None:
    """Write the entries in as many lines as they need, `above` inches above the first axes."""
    if not entries:
        return
    total = picture.figure.get_figheight()
    top = picture.axes[0].get_position().y1
    picture.figure.legend(
        [handle for handle, _ in entries],
        [text for _, text in entries],
        loc="lower left",
        bbox_to_anchor=(MARGIN / WIDTH, top + above / total),
        ncols=columns(entries),
        frameon=False,
        fontsize=8,
        borderpad=0,
        borderaxespad=0,
        handlelength=1.6,
        handletextpad=0.5,
        columnspacing=1.2,
        labelspacing=0.35,
    )


def columns(entries: list[Entry]) -> int:
    """Return how many entries of the key fit beside one another."""
    widest = max(text_width(text, 8) for _, text in entries) + 0.45
    in_line = sum(text_width(text, 8) + 0.4 for _, text in entries)
    room = WIDTH - 2 * MARGIN
    return len(entries) if in_line <= room else max(1, int(room / widest))


def key_lines(entries: list[Entry]) -> int:
    """Return how many lines the key takes; 0 without entries."""
    return -(-len(entries) // columns(entries)) if entries else 0


def caption(members: list[Group], mark: str = "bar", doubted: str = "Hatched") -> str:
    """Say how to read the marks, for the words below the chart."""
    parts = []
    if any(len(group.counted) > 1 for group in members):
        parts.append(
            f"The {mark} is the mean over the trials that count; each small circle is a trial."
        )
    if _has_uncounted(members):
        parts.append("Crosses are invalid or failed trials, shown but not counted.")
    if _has_intervals(members):
        parts.append(f"Whiskers: {INTERVAL} of the mean, by Student's t.")
    if any(group.standing in ("doubtful", "invalid") for group in members):
        parts.append(f"{doubted}: doubtful or invalid; the reasons are told with the runs.")
    return " ".join(parts)


def _has_uncounted(members: list[Group]) -> bool:
    return any(
        record.standing in NOT_COUNTED and record.output is not None
        for group in members
        if len(group.records) > 1
        for record in group.records
        if not any(record is counted for counted in group.counted)
    )


def _has_intervals(members: list[Group]) -> bool:
    return any(len(group.outputs) >= MIN_TRIALS_FOR_INTERVAL for group in members)
