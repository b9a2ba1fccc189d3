"""Draw what a ratio is made of: each factor's share as a step from 1 to the ratio."""

from collections.abc import Sequence
from dataclasses import dataclass

from analysis.charts.style import (
    INK,
    MARGIN,
    QUIET,
    WIDTH,
    Chart,
    footer,
    frame,
    log_axis,
    text_width,
)
from analysis.load import LoadedCampaign

ROW = 0.34  # inches, a step with its label
BAR = 0.6  # of a row
RAISES, LOWERS, NOISE, WHOLE = "#0072b2", "#d55e00", "#999999", "#332288"
CAPTION = (
    "Each bar is the share of one factor (Shapley value): it begins where the one above ends, and "
    "all together lead from 1 to the ratio. The axis is logarithmic, so that equal factors are "
    "equally long. Blue raises the ratio, orange lowers it, grey cannot be told from noise; the "
    "thin line is the 95 % interval of the share."
)


@dataclass(frozen=True)
class Step:
    """One bar of the chart: a factor with its interval."""

    label: str
    value: float
    low: float  # of the factor; zero if not known
    high: float  # infinite if not known
    told: bool  # whether the interval leaves 1 out


def draw(
    name: str,
    title: str,
    subtitle: str,
    campaign: LoadedCampaign,
    generators: str,
    steps: Sequence[Step],
    whole: Step,
) -> Chart:
    """Draw the steps from 1 to the ratio, and the ratio itself as the last bar."""
    rows = [*steps, whole]
    left = MARGIN + max(text_width(row.label) for row in rows) + 0.1
    picture = frame(
        title, subtitle, footer(campaign, generators), heights=[ROW * len(rows)],
        left=min(left, WIDTH / 2), below=0.5,
    )  # fmt: skip
    axes = picture.axes[0]
    axes.set_xscale("log")
    axes.set_ylim(len(rows) - 0.5, -0.5)
    begin, ends = 1.0, [1.0]
    for y, row in enumerate(rows):
        begin = 1.0 if row is whole else begin
        end = begin * row.value
        colour = WHOLE if row is whole else _colour(row)
        axes.barh(y, end - begin, BAR, left=begin, color=colour, linewidth=0)
        known = [begin * one for one in (row.low, row.high) if 0 < one < float("inf")]
        if len(known) == 2:
            axes.plot(known, [y, y], color=INK, linewidth=1.2, solid_capstyle="butt")
            ends += known
        if row is not whole:
            axes.plot([end, end], [y + BAR / 2, y + 1 - BAR / 2], color=QUIET, linewidth=0.6)
        ends.append(end)
        begin = end
    # room beyond the ends of what is drawn
    room = (max(ends) / min(ends)) ** 0.05 if max(ends) > min(ends) else 1.1
    log_axis(axes, min(ends) / room, max(ends) * room)
    axes.tick_params(axis="y", length=0)
    axes.set_yticks(range(len(rows)), [row.label for row in rows], fontsize=9, color=INK)
    axes.set_xlabel("times")
    words = "; ".join(f"{row.label}" for row in rows)
    return Chart(name, title, CAPTION, f"Waterfall chart. {title}. {words}.", picture.figure)


def _colour(step: Step) -> str:
    if not step.told:
        return NOISE
    return RAISES if step.value >= 1 else LOWERS
