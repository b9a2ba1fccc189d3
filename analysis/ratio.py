"""Compute the ratio of two cells, or the share of one, with its interval over the trials.

The ratio is that of the means over the trials. Its interval is a two-sample bootstrap: the trials
of each cell are resampled with replacement, each cell by itself, and the 2.5th and the 97.5th
percentile of the ratios of their means are taken (Efron and Tibshirani, An Introduction to the
Bootstrap, 1993, chapters 8 and 13). With fewer than three trials on either side, the interval is
the range of all ratios of one trial to another. With one trial on each side it is the ratio itself,
which says nothing about spread.

Of some trials only the bounds of a figure are known (a Span). Such figures make the interval wider:
its lower end is computed from the lower bounds of one side and the upper bounds of the other, its
upper end the other way round. All functions are pure.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from analysis.statistics import CONFIDENCE, MIN_TRIALS_FOR_INTERVAL, RESAMPLES, SEED

How = Literal["bootstrap", "range", "one trial"]
Place = Literal["within", "below", "above", "across"]
DIGITS = 9  # figures are compared to so many digits: a ratio of 2 is 2, however it was divided
Floats = npt.NDArray[np.float64]

METHOD: dict[How, str] = {
    "bootstrap": f"{100 * CONFIDENCE:.0f} % interval",
    "range": "range of the trials (too few for an interval)",
    "one trial": "figure of one trial (nothing is known of spread)",
}


@dataclass(frozen=True)
class Span:
    """A figure of one trial. The true value lies from `low` to `high`; `value` is the printed one.

    `high` is infinite if the figure is only a lower bound.
    """

    value: float
    low: float
    high: float

    @classmethod
    def exact(cls, value: float) -> "Span":
        """Return a figure that is known exactly."""
        return cls(value, value, value)

    @classmethod
    def at_least(cls, value: float) -> "Span":
        """Return a figure that is only a lower bound."""
        return cls(value, value, math.inf)

    @property
    def known(self) -> bool:
        """Whether both bounds are the same figure."""
        return self.low == self.high

    @property
    def open(self) -> bool:
        """Whether the figure is only a lower bound."""
        return math.isinf(self.high)


@dataclass(frozen=True)
class Estimate:
    """A ratio (or the mean of one cell) with its interval; `high` may be infinite.

    `value` is None if both sides are only lower bounds, or if both are zero.
    """

    value: float | None
    low: float
    high: float
    how: How

    def lies(self, least: float, most: float) -> Place:
        """Return where the whole interval lies relative to the range from `least` to `most`.

        'across' means that one part lies within the range and one part outside, or that nothing is
        known about the ratio.
        """
        low, high = rounded(self.low), rounded(self.high)
        if self.value is None and low == 0 and math.isinf(high):
            return (
                "across"  # nothing is known about the ratio, so it lies neither within nor outside
            )
        if least <= low and high <= most:
            return "within"
        if high < least:
            return "below"
        return "above" if low > most else "across"

    def document(self) -> dict[str, Any]:
        """Return the estimate for JSON. JSON has no infinity, so an open end is None."""
        return {
            "value": finite(self.value),
            "low": finite(self.low),
            "high": finite(self.high),
            "interval_is": METHOD[self.how],
        }


def estimate(of: Sequence[Span], to: Sequence[Span] | None = None) -> Estimate:
    """Return the ratio of the means of two cells, or the mean of one if `to` is None.

    Each side must have at least one trial.
    """
    if to is None:
        to = [Span.exact(1.0)]
        fewest = len(of)
    else:
        fewest = min(len(of), len(to))
    low, high = _of_means(of, to) if fewest >= MIN_TRIALS_FOR_INTERVAL else _of_trials(of, to)
    how: How = "bootstrap" if fewest >= MIN_TRIALS_FOR_INTERVAL else "range"
    if len(of) == len(to) == 1:
        how = "one trial"
    return Estimate(_middle(of, to), low, high, how)


def change(a: Sequence[Span], b: Sequence[Span]) -> Estimate:
    """Return B/A with its interval, which is exactly the reciprocal of that of A/B.

    For this, the resamples must not depend on which side is called A, so the sides are sorted
    first.
    """
    if [(span.low, span.high) for span in a] <= [(span.low, span.high) for span in b]:
        return estimate(b, a)
    found = estimate(a, b)
    value = None if found.value is None else _reciprocal(found.value)
    return Estimate(value, _reciprocal(found.high), _reciprocal(found.low), found.how)


def _of_means(of: Sequence[Span], to: Sequence[Span]) -> tuple[float, float]:
    """Return the bootstrap interval of the ratio of means, from the bounds of both sides."""
    dice = np.random.default_rng(SEED)
    of_picks, to_picks = (dice.integers(0, len(side), (RESAMPLES, len(side))) for side in (of, to))
    of_low, of_high = _bounds(of)
    to_low, to_high = _bounds(to)
    lows = _ratios(of_low[of_picks].mean(axis=1), to_high[to_picks].mean(axis=1), undefined=0.0)
    highs = _ratios(of_high[of_picks].mean(axis=1), to_low[to_picks].mean(axis=1))
    # scipy.stats.bootstrap would interpolate, and between a figure and infinity there is nothing:
    # the ends are picked from among the ratios.
    beyond = math.floor((1 - CONFIDENCE) / 2 * RESAMPLES)
    return float(np.sort(lows)[beyond]), float(np.sort(highs)[-1 - beyond])


def _of_trials(of: Sequence[Span], to: Sequence[Span]) -> tuple[float, float]:
    """Return the range of the ratios of every trial to every other."""
    of_low, of_high = _bounds(of)
    to_low, to_high = _bounds(to)
    lows = _ratios(of_low[:, None], to_high[None, :], undefined=0.0)
    highs = _ratios(of_high[:, None], to_low[None, :])
    return float(lows.min()), float(highs.max())


def _bounds(side: Sequence[Span]) -> tuple[Floats, Floats]:
    return np.array([span.low for span in side]), np.array([span.high for span in side])


def _ratios(of: Floats, to: Floats, undefined: float = math.inf) -> Floats:
    """Return the quotients. A positive number divided by zero is infinite.

    `undefined` is returned for zero divided by zero and for infinity divided by infinity.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        quotients: Floats = np.asarray(of / to)
    return np.where(np.isnan(quotients), undefined, quotients)


def _middle(of: Sequence[Span], to: Sequence[Span]) -> float | None:
    """Return the ratio of the means as printed.

    Return None if both sides are only lower bounds, or if both are zero.
    """
    if all(any(span.open for span in side) for side in (of, to)):
        return None
    over, under = mean(of), mean(to)
    if under == 0:
        return math.inf if over else None
    return over / under


def mean(side: Sequence[Span]) -> float:
    """Return the mean of the printed values. If they are lower bounds, so is their mean."""
    return math.fsum(span.value for span in side) / len(side)


def _reciprocal(value: float) -> float:
    return math.inf if value == 0 else 1 / value


def rounded(value: float) -> float:
    """Return the figure rounded to as many digits as are compared."""
    return value if math.isinf(value) else float(f"{value:.{DIGITS}g}")


def finite(value: float | None) -> float | None:
    """Return the figure for JSON, or None if it is None or infinite."""
    return None if value is None or not math.isfinite(value) else value


def interval_text(low: float, high: float, unit: str = "") -> str:
    """Return an interval in words. An interval with an open end is written as a bound."""
    if math.isinf(low):
        return "infinitely many times (the other side is zero)"
    if math.isinf(high):
        return f"at least {number(low)}{unit}" if low else "any ratio at all"
    if number(low) == number(high):
        return f"{number(low)}{unit}"
    return f"{number(low)} to {number(high)}{unit}"


def number(value: float) -> str:
    """Return a ratio with three significant digits, written out without an exponent."""
    if value == 0 or math.isinf(value):
        return "0" if value == 0 else "\N{INFINITY}"
    decimals = 2 - math.floor(math.log10(abs(value)))
    return f"{value:,.{max(0, decimals)}f}"
