"""Turn curves into the paths of an SVG whose coordinates are the figures, as whole numbers.

So a curve takes a few bytes for each point, is seen without a script, and a script can read the
figures from it again. x is in tenths of a second. y is a figure times a power of ten on a linear
scale, and a thousand times its decimal logarithm on a logarithmic one.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from matplotlib.ticker import MaxNLocator

from analysis.charts.style import wide
from testbed.numbers import written_out

MOST_POINTS = 100  # of a curve: more could not be told apart in the width of a page
PER_SECOND = 10
PER_DECADE = 1000
STEPS = 1000  # a linear scale has this many for its highest figure, or up to ten times as many
HEADROOM = 1.08
TICKS = 4
WITHIN_DECADE = (1, 2, 5)  # where a logarithmic scale of few decades has ticks
MOST_DECADES = 2.5  # from this on, only whole decades have ticks

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Line:
    """One curve: x in seconds since the measured part began, y in the unit of its panel.

    Points of a long run are brought together: their mean stands for them, or their highest.
    """

    text: str
    look: str  # a class of the style sheet
    x_s: Numbers
    y: Numbers
    highest: bool = False


@dataclass(frozen=True)
class Curve:
    """A line as it stands in the page."""

    text: str
    look: str
    path: str


@dataclass(frozen=True)
class Tick:
    """A labelled place on an axis: `at` in the axis's whole numbers, `percent` from its start."""

    text: str
    at: int
    percent: float


@dataclass(frozen=True)
class Box:
    """The edges of a panel, in the whole numbers of its axes."""

    left: int
    right: int
    low: int
    high: int

    @property
    def view(self) -> str:
        """The viewBox. SVG counts downwards: each y stands in it with the other sign."""
        return f"{self.left} {-self.high} {self.right - self.left} {self.high - self.low}"

    def grid(self, shown: "list[Tick]") -> str:
        """Return a path with a line across for each tick."""
        return "".join(f"M{self.left} {tick.at}H{self.right}" for tick in shown)


@dataclass(frozen=True)
class Panel:
    """Curves that share both axes, with what is needed to draw them and to read them again."""

    title: str
    curves: list[Curve]
    box: "Box"
    ticks: list[Tick]
    scale: str  # by what a figure was multiplied, or 'log'


@dataclass(frozen=True)
class Scale:
    """How figures become whole numbers between `low` and `high`."""

    low: int
    high: int
    factor: float | None  # None: logarithmic

    def places(self, y: Numbers) -> list[int | None]:
        """Return the whole number of each figure; None where there is none to draw."""
        with np.errstate(divide="ignore", invalid="ignore"):
            told = np.log10(y) * PER_DECADE if self.factor is None else y * self.factor
        return [round(float(one)) if math.isfinite(one) else None for one in told]

    def ticks(self) -> list[Tick]:
        """Return some round figures of the scale, the lowest first."""
        if self.factor is None:
            figures = _log_figures(self.low / PER_DECADE, self.high / PER_DECADE)
        else:
            top = self.high / self.factor
            found = MaxNLocator(TICKS, steps=[1, 2, 2.5, 5, 10]).tick_values(0, top)
            figures = [float(one) for one in found if 0 <= one <= top * 1.0001]
        return ticks(figures, self.places(np.array(figures)), self.low, self.high)


def panel(
    title: str,
    lines: Sequence[Line],
    span_s: tuple[float, float],
    *,
    may_be_log: bool = False,
    top: float | None = None,
) -> Panel:
    """Return a panel of these lines over `span_s`; `top` is a highest figure that is known."""
    few = [_thinned(line) for line in lines]
    scale = _scale(few, may_be_log, top)
    return Panel(
        title=title,
        curves=[Curve(line.text, line.look, _path(line, scale)) for line in few],
        box=box(span_s, scale.low, scale.high),
        ticks=scale.ticks() if few else [],
        scale="log" if scale.factor is None else f"{scale.factor:g}",
    )


def box(span_s: tuple[float, float], low: int, high: int) -> Box:
    """Return the edges of a panel over `span_s`."""
    return Box(round(span_s[0] * PER_SECOND), round(span_s[1] * PER_SECOND), low, high)


def ticks(
    figures: Sequence[float], places: Sequence[int | None], low: int, high: int
) -> list[Tick]:
    """Return labelled places, those between `low` and `high`."""
    return [
        Tick(written_out(figure, ","), place, round(100 * (place - low) / (high - low), 2))
        for figure, place in zip(figures, places, strict=True)
        if place is not None and low <= place <= high
    ]


def _scale(lines: Sequence[Line], may_be_log: bool, top: float | None) -> Scale:
    every = np.concatenate([line.y for line in lines]) if lines else np.array([])
    positive = every[np.isfinite(every) & (every > 0)]
    if may_be_log and wide(positive.tolist()):
        low, high = math.log10(positive.min()), math.log10(positive.max())
        edge = 0.05 * (high - low)
        return Scale(round((low - edge) * PER_DECADE), round((high + edge) * PER_DECADE), None)
    highest = top or (float(positive.max()) * HEADROOM if len(positive) else 1.0)
    factor = 10.0 ** math.ceil(math.log10(STEPS / highest))
    return Scale(0, max(1, round(highest * factor)), factor)


def _log_figures(low: float, high: float) -> list[float]:
    within = (1,) if high - low > MOST_DECADES else WITHIN_DECADE
    decades = range(math.floor(low), math.ceil(high) + 1)
    return [step * 10.0**decade for decade in decades for step in within]


def _thinned(line: Line) -> Line:
    """Return the line with at most MOST_POINTS points, each of as many of its own."""
    each = math.ceil(len(line.x_s) / MOST_POINTS)
    if each <= 1:
        return line
    starts = np.arange(0, len(line.x_s), each)
    sizes = np.diff([*starts, len(line.x_s)])
    x_s = np.add.reduceat(line.x_s, starts) / sizes
    known = np.isfinite(line.y)
    if line.highest:
        y = np.maximum.reduceat(np.where(known, line.y, -np.inf), starts)
    else:
        counted = np.add.reduceat(known.astype(float), starts)
        with np.errstate(invalid="ignore", divide="ignore"):
            y = np.add.reduceat(np.where(known, line.y, 0.0), starts) / counted
    return Line(line.text, line.look, x_s, np.where(np.isinf(y), np.nan, y), line.highest)


def _path(line: Line, scale: Scale) -> str:
    """Return the line as moves from one point to the next; a figure that is missing is a gap."""
    parts: list[str] = []
    before: tuple[int, int] | None = None
    for x_s, y in zip(line.x_s, scale.places(line.y), strict=True):
        if y is None or not math.isfinite(x_s):
            before = None
            continue
        point = (round(float(x_s) * PER_SECOND), y)
        if before is None:
            # The move to itself makes a point that stands alone visible
            parts.append(f"M{point[0]} {point[1]}l0 0 ")
        else:
            parts.append(f"{point[0] - before[0]} {point[1] - before[1]} ")
        before = point
    return "".join(parts).replace(" -", "-").replace(" M", "M").strip()
