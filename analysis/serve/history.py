"""Follow a figure over the campaigns that asked the same question at the same place."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from matplotlib.ticker import MaxNLocator

from analysis.compare.cells import COMPARABLE, CellLoad, Where, trials_of
from analysis.figures import Figure
from analysis.load import load
from analysis.ratio import finite
from analysis.serve.index import Entry, Remembered, Stamp, stamp_of
from analysis.trials import CellTrials
from testbed.errors import TestbedError

MOST_CAMPAIGNS = 50  # the latest ones
LEAST_REACH = 0.1  # an axis reaches so far to both sides of the middle: noise is to look small
WIDTH, HEIGHT = 440, 190  # of a chart, in the units of its drawing
LEFT, RIGHT, TOP, BOTTOM = 62, 14, 10, 24  # margins
MOST_TICKS = 4


@dataclass(frozen=True)
class Point:
    """A figure of one cell in one campaign."""

    entry: Entry
    cell: CellTrials

    @property
    def value(self) -> float | None:
        """The mean of the trials, or the percentile of all together; None if none counts."""
        return finite(self.cell.mean)

    @property
    def range(self) -> tuple[float, float] | None:
        """The least and the greatest trial, with the value between; None without a value."""
        if self.value is None:
            return None
        values = [one.value for one in self.cell.spans if math.isfinite(one.value)]
        return min([self.value, *values]), max([self.value, *values])


@dataclass(frozen=True)
class Line:
    """The history of one cell: the figure in all campaigns that have the cell."""

    where: Where
    load: CellLoad
    points: list[Point]  # the oldest first


@dataclass(frozen=True)
class Dot:
    """A point of a chart, in its drawing."""

    point: Point
    x: float
    y: float
    low: float
    high: float


@dataclass(frozen=True)
class Drawing:
    """A line as a chart: dots, and ticks of the axis with their texts."""

    dots: list[Dot]
    ticks: list[tuple[float, str]]

    @property
    def path(self) -> str:
        """Return the points of the line from dot to dot, as SVG has them."""
        return " ".join(f"{one.x:.1f},{one.y:.1f}" for one in self.dots)


class Histories:
    """The figures of campaigns, read once for as long as their files stay as they are."""

    def __init__(self) -> None:
        self._cells: Remembered[dict[tuple[Where, CellLoad], CellTrials]] = Remembered()

    def lines(self, entries: Iterable[Entry], figure: Figure) -> tuple[list[Line], dict[str, str]]:
        """Return the history of each cell, and why campaigns are left out, by their names."""
        lines: dict[tuple[Where, CellLoad], list[Point]] = {}
        left_out = {}
        for entry in sorted(entries, key=lambda one: one.began):
            try:
                for key, cell in self._of(entry, figure).items():
                    lines.setdefault(key, []).append(Point(entry, cell))
            except TestbedError as error:
                left_out[entry.name] = error.message
        found = [Line(*key, points) for key, points in lines.items()]
        order = sorted(
            found, key=lambda one: (one.where.endpoint, one.where.app, one.where.variant)
        )
        return order, left_out

    def _of(self, entry: Entry, figure: Figure) -> dict[tuple[Where, CellLoad], CellTrials]:
        key, stamp = (entry.name, figure.key), _stamp(entry)
        known = self._cells.get(key, stamp)
        if known is not None:
            return known
        by_place = trials_of(load(entry.folder), figure, "")
        cells = {
            (where, asked): _without_runs(cell)
            for where, by_load in by_place.items()
            for asked, cell in by_load.items()
        }
        return self._cells.put(key, stamp, cells)


def _without_runs(cell: CellTrials) -> CellTrials:
    """Return the cell with its mean worked out, so that its runs need not stay in memory."""
    spans, merged = cell.spans, cell.merged(cell.numbers)
    return CellTrials(
        label=cell.label,
        spans=spans,
        planned=cell.planned,
        left_out=cell.left_out,
        doubtful=cell.doubtful,
        calibration=cell.calibration,
        numbers=cell.numbers,
        merge=None if merged is None else (lambda numbers: merged),
        bounds=cell.bounds,
    )


def _stamp(entry: Entry) -> Stamp:
    """Return the stamp of all files that the figures come from: the newest, how many, how large."""
    found = [stamp for one in entry.folder.glob("[!.]*/*") if (stamp := stamp_of(one))]
    own = stamp_of(entry.folder / "campaign.json") or ()
    return (*own, len(found), sum(one[0] for one in found), sum(one[1] for one in found))


def drawing(line: Line, figure: Figure) -> Drawing | None:
    """Return the line as a chart; None if fewer than two campaigns have the figure."""
    known = [one for one in line.points if one.range is not None]
    if len(known) < 2:
        return None
    ticks = _ticks([bound for one in known for bound in one.range or ()])
    low, high = ticks[0], ticks[-1]

    def y(value: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (high - value) / (high - low)

    step = (WIDTH - LEFT - RIGHT - 20) / (len(known) - 1)
    dots = []
    for number, one in enumerate(known):
        least, most = one.range or (0, 0)
        dots.append(Dot(one, LEFT + 10 + number * step, y(one.value or 0), y(least), y(most)))
    return Drawing(dots, [(y(tick), figure.write(tick)) for tick in ticks])


def _ticks(values: Sequence[float]) -> list[float]:
    """Return ticks from below the least to above the greatest value, and never too close."""
    low, high = min(values), max(values)
    middle = (low + high) / 2
    low, high = min(low, middle * (1 - LEAST_REACH)), max(high, middle * (1 + LEAST_REACH))
    if low == high:  # all are zero
        high = low + 1
    found = MaxNLocator(MOST_TICKS).tick_values(low, high)
    return [float(one) for one in found]


def figure_of(key: str) -> Figure:
    """Return the figure with this key. Raises TestbedError if there is none."""
    if key not in COMPARABLE:
        raise TestbedError(f"{key!r} is no figure; it is one of {', '.join(COMPARABLE)}")
    return COMPARABLE[key]
