"""Draw response times over time as a heat map: how many answers of each while took how long."""

import math
from dataclasses import dataclass

import numpy as np

from analysis.histogram import Histogram
from analysis.timelines.panel import PER_SECOND, Box, Tick, box, ticks

MOST_WHILES = 50  # side by side
ROWS_PER_DECADE = 6
FEWEST_WHILES = 5  # of fewer, a heat map shows nothing over time
# Shares of a while's answers, in percent, from which a field is darker.
LEVELS = (0.0, 1.0, 3.0, 10.0, 30.0)


@dataclass(frozen=True)
class Level:
    """All fields of one darkness."""

    text: str
    number: int  # 1: the lightest
    path: str


@dataclass(frozen=True)
class HeatMap:
    """Fields as strokes of the width of a row, whose lower edge is y; x in tenths of a second."""

    levels: list[Level]
    box: Box
    ticks: list[Tick]  # milliseconds
    each_s: float  # how long a while is


def heat_map(
    histogram: Histogram, duration_s: float, span_s: tuple[float, float]
) -> HeatMap | None:
    """Return the heat map of a run's answers; None if its histogram has too few intervals."""
    if histogram.intervals < FEWEST_WHILES or duration_s <= 0:
        return None
    together = math.ceil(histogram.intervals / MOST_WHILES)
    column = histogram.interval // together
    row = np.floor(np.log10(np.maximum(histogram.times_us, 1.0)) * ROWS_PER_DECADE).astype(int)
    lowest = int(row.min())
    fields = np.zeros((int(row.max()) - lowest + 1, int(column.max()) + 1))
    np.add.at(fields, (row[histogram.bucket] - lowest, column), histogram.answers)
    percent = 100 * fields / np.maximum(fields.sum(axis=0), 1)
    each_s = duration_s * together / histogram.intervals
    high = lowest + len(fields)
    decades = range(math.ceil(lowest / ROWS_PER_DECADE), high // ROWS_PER_DECADE + 1)
    return HeatMap(
        levels=[
            Level(_told(number), number + 1, _path(_level(percent) == number, lowest, each_s))
            for number in range(len(LEVELS))
        ],
        box=box(span_s, lowest, high),
        ticks=ticks(
            [10.0**decade / 1000 for decade in decades],
            [decade * ROWS_PER_DECADE for decade in decades],
            lowest,
            high,
        ),
        each_s=each_s,
    )


def _level(percent: np.ndarray) -> np.ndarray:
    """Return the number of each field's level; -1 where no answer fell."""
    found = np.digitize(percent, LEVELS) - 1
    return np.where(percent > 0, found, -1)


def _told(number: int) -> str:
    low = LEVELS[number]
    if number + 1 == len(LEVELS):
        return f"{low:g} % and more"
    return f"{low:g} to {LEVELS[number + 1]:g} %" if low else f"under {LEVELS[1]:g} %"


def _path(chosen: np.ndarray, lowest: int, each_s: float) -> str:
    """Return a stroke along each row of fields that stand side by side."""
    parts = []
    for number, row in enumerate(chosen):
        edges = np.flatnonzero(np.diff(np.concatenate(([0], row.astype(int), [0]))))
        for start, end in zip(edges[::2], edges[1::2], strict=True):
            x, width = round(start * each_s * PER_SECOND), (end - start) * each_s * PER_SECOND
            parts.append(f"M{x} {lowest + number}h{round(width)}")
    return "".join(parts)
