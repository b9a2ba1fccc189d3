"""Tell whether a figure rose or fell over a run, or only scattered. Pure functions.

Each second of a run resembles the one before it: a queue that is long now will be long in a second.
Figures of such seconds wander, and a test that takes them for independent finds trends where there
are none. The test here compares a trend with the other slow movements of the same run. It splits
the figures, as ranks, into a straight line and into curves that bend once, twice and so on
(Legendre's polynomials). Figures that only wander have about as much of the one as of the others;
figures with a trend have far more of the line. The line divided by the root mean square of the
curves, each in units of what wandering figures have of it, follows Student's t distribution
(Phillips 2005; Sun 2011; Müller 2014). Because of the ranks, a single bad second decides nothing.
The size of a trend is Theil and Sen's slope (Sen 1968).

bench/trend.py shows by simulation what this test and others are worth, and docs/method.md has the
result.
"""

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
import numpy.typing as npt

# Two figures of a run are tested at LEVEL, and the p99 of its seconds at another one, so that a
# steady run is doubted in at most 5.5 of 100 cases. A tail that grows is far beyond either.
LEVEL, TAIL_LEVEL = 0.025, 0.005
SHORTEST_S = 10  # fewer seconds may stand in a line by chance, however the test is made
# One curve for so many seconds. More of them tell a step in the middle from wandering figures, and
# fewer let these wander faster.
SECONDS_PER_CURVE = 10
CURVES = (4, 16)  # the fewest and the most
# What a wandering figure is: the correlation of a second with the next one. The test keeps its
# level up to this, and nearly up to 0.9.
LIKENESS = 0.85
PARTS = 300  # a run twice as long is cut into so many parts: the work grows with their square


@dataclass(frozen=True)
class Trend:
    """How a figure changed over a run."""

    change_percent: float  # over all seconds, of the median; negative: it fell
    chance: float  # that figures without a trend look like this (the p-value, two-sided)


def drift_percent(
    values: Sequence[float], least_percent: float, level: float = LEVEL
) -> float | None:
    """Return by how much a figure changed over a run, in percent of its median; negative: it fell.

    `values` has a value for each second, in order. Return 0 if there is no trend. Return None if
    that is not known, because the run is too short, or because its seconds scatter so much that
    they seem to have changed by `least_percent` or more without a trend. `level` is the share of
    runs without a trend that may be taken for ones with it.
    """
    found = trend(values)
    if found is None:
        return None
    if found.chance <= level:
        return found.change_percent
    return 0.0 if abs(found.change_percent) < least_percent else None


def trend(values: Sequence[float]) -> Trend | None:
    """Return how a figure changed; None if there are fewer than SHORTEST_S values."""
    if len(values) < SHORTEST_S:
        return None
    from scipy.stats import rankdata, theilslopes  # a second, for which short runs need not wait

    if len(values) > 2 * PARTS:
        values = [float(np.median(part)) for part in np.array_split(values, PARTS)]
    change = float(theilslopes(values).slope) * len(values)
    return Trend(_percent(change, float(median(values))), _chance(rankdata(values)))


def _percent(change: float, middle: float) -> float:
    """Return a change in percent of the median; 100 or -100 if that is 0."""
    if middle:
        return 100 * change / middle
    return math.copysign(100, change) if change else 0.0


def _chance(ranks: npt.NDArray[np.float64]) -> float:
    """Return the p-value of the line in these ranks."""
    from scipy.special import stdtr

    if np.ptp(ranks) == 0:
        return 1.0
    basis, expected = _movements(len(ranks))
    line, *curves = ((ranks - ranks.mean()) @ basis) ** 2 / expected
    with np.errstate(divide="ignore"):  # ranks that make an exact line have nothing of the curves
        ratio = np.sqrt(line / np.mean(curves))
    return float(2 * stdtr(len(curves), -ratio))  # Student's t distribution, both tails


@functools.lru_cache(maxsize=128)
def _movements(count: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the line and the curves of so many figures, and what wandering ones have of each."""
    from scipy.linalg import toeplitz

    curved = min(max(count // SECONDS_PER_CURVE, CURVES[0]), CURVES[1])
    polynomials = np.polynomial.legendre.legvander(np.linspace(-1, 1, count), curved + 1)
    basis = np.linalg.qr(polynomials).Q[:, 1:]  # orthonormal, without the constant
    wandering = toeplitz(LIKENESS ** np.arange(count))
    return basis, np.einsum("ic,ij,jc->c", basis, wandering, basis, optimize=True)
