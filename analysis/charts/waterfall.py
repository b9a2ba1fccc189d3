"""Draw what a ratio is made of: each factor's share as a step from 1 to the ratio."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from analysis.charts.style import (
    GRID,
    INK,
    MARGIN,
    QUIET,
    WIDTH,
    Chart,
    frame,
    plain_number,
    text_width,
)  # fmt: skip
from analysis.load import LoadedCampaign

ROW = 0.34  # inches, a step with its label
BAR = 0.6  # of a row
RAISES, LOWERS, NOISE, WHOLE = "#0072b2", "#d55e00", "#999999", "#332288"
# Below a span of this, an axis has numbers at 1, 1.2, 1.4 and so on, above it at 1, 2, 5, 10
NARROW = 8
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
        title, subtitle, campaign, generators, heights=[ROW * len(rows)],
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
    _axis(axes, min(ends), max(ends))
    axes.set_yticks(range(len(rows)), [row.label for row in rows], fontsize=9, color=INK)
    axes.set_xlabel("times")
    words = "; ".join(f"{row.label}" for row in rows)
    return Chart(name, title, CAPTION, f"Waterfall chart. {title}. {words}.", picture.figure)


def _colour(step: Step) -> str:
    if not step.told:
        return NOISE
    return RAISES if step.value >= 1 else LOWERS


def _axis(axes: Axes, low: float, high: float) -> None:
    """Give the axis plain numbers, and room beyond the ends of what is drawn."""
    room = (high / low) ** 0.05 if high > low else 1.1
    axes.set_xlim(low / room, high * room)
    subs = (1, 2, 5) if high / low > NARROW else tuple(one / 10 for one in range(10, 100, 2))
    axes.xaxis.set_major_locator(LogLocator(subs=subs, numticks=7))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: plain_number(value)))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.tick_params(axis="y", length=0)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.axvline(1, color=QUIET, linewidth=0.6)
    axes.grid(axis="x", color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
