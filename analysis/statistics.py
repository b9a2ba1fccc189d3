"""Summarise the figures of several trials of the same run. Pure functions."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.stats

# With fewer trials, their range says more about spread than an interval would.
MIN_TRIALS_FOR_INTERVAL = 3
CONFIDENCE = 0.95
RESAMPLES = 9999
SEED = 20150225  # any fixed number: the same trials must always give the same interval


@dataclass(frozen=True)
class Summary:
    """A figure over the trials that have it, in the figure's own unit."""

    trials: int
    mean: float
    median: float
    low: float
    high: float
    interval: tuple[float, float] | None  # of the mean; None with fewer than 3 trials


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
    )


def interval_of_mean(values: Sequence[float]) -> tuple[float, float] | None:
    """Return the 95 % percentile-bootstrap interval of the mean; None with fewer than 3 values.

    The trials are resampled with replacement, and the 2.5th and 97.5th percentile of the resampled
    means are taken (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13), by
    scipy.stats.bootstrap. With 3 or 4 trials the interval is about the range of the trials and too
    narrow (docs/articles.md says how much). The bias-corrected variant would need more trials than
    a campaign has.
    """
    if len(values) < MIN_TRIALS_FOR_INTERVAL:
        return None
    if min(values) == max(values):
        return (values[0], values[0])
    result = scipy.stats.bootstrap(
        (np.asarray(values, dtype=float),),
        np.mean,
        n_resamples=RESAMPLES,
        confidence_level=CONFIDENCE,
        method="percentile",
        rng=np.random.default_rng(SEED),
    )
    return (float(result.confidence_interval.low), float(result.confidence_interval.high))
