"""Summarise the figures of several trials of the same run. Pure functions."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from analysis.intervals import CONFIDENCE

# Of two trials the interval is 18 times as wide as their distance, which says less than they do.
MIN_TRIALS_FOR_INTERVAL = 3


@dataclass(frozen=True)
class Summary:
    """A figure over the trials that have it, in the figure's own unit."""

    trials: int
    mean: float
    median: float
    low: float
    high: float
    # Of the mean; None with fewer than 3 trials. Of a percentile, the mean and the median are the
    # percentile of all trials merged, and the interval is its own.
    interval: tuple[float, float] | None
    interval_is: str = ""  # how the interval came about
    bounds: tuple[float, float] | None = None  # of a percentile that is known only by its bounds


def summarise(values: Sequence[float | None]) -> Summary | None:
    """Summarise the figures that were obtained; return None if there is none."""
    known = [value for value in values if value is not None]
    if not known:
        return None
    return Summary(
        trials=len(known),
        mean=float(np.mean(known)),
        median=float(np.median(known)),
        low=min(known),
        high=max(known),
        interval=interval_of_mean(known),
        interval_is=f"{100 * CONFIDENCE:.0f} % interval of the mean (t, {len(known)} trials)",
    )


def interval_of_mean(values: Sequence[float]) -> tuple[float, float] | None:
    """Return the 95 % interval of the mean by Student's t; None with fewer than 3 values.

    Figures are not negative, so the interval does not go below zero.
    """
    return t_interval(values) if len(values) >= MIN_TRIALS_FOR_INTERVAL else None


def t_interval(values: Sequence[float]) -> tuple[float, float]:
    """Return the 95 % interval by Student's t of the mean of at least two values, from zero on.

    An infinite value makes both ends infinite.
    """
    if min(values) == max(values) or max(values) == math.inf:
        return (float(np.mean(values)), float(np.mean(values)))
    mean, reach = float(np.mean(values)), _reach(values)
    return (max(0.0, mean - reach), mean + reach)


def log_t_interval(values: Sequence[float]) -> tuple[float, float]:
    """Return the 95 % interval by Student's t of the geometric mean of at least two values.

    It reaches from zero if a value is zero, and to infinity if a value is infinite.
    """
    if min(values) <= 0 or max(values) == math.inf:
        return (0.0 if min(values) <= 0 else min(values), math.inf)
    logs = np.log(values)
    reach = _reach(logs)
    return (float(np.exp(logs.mean() - reach)), float(np.exp(logs.mean() + reach)))


def _reach(values: Sequence[float] | npt.NDArray[np.float64]) -> float:
    """Return how far Student's 95 % interval reaches from the mean of at least two values."""
    count = np.size(values)
    error = np.std(values, ddof=1) / count**0.5
    return float(stdtrit(count - 1, (1 + CONFIDENCE) / 2) * error)
