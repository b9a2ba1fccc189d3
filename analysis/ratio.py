"""Compute the ratio of two cells, or the share of one, with its interval over the trials.

The ratio is that of the means over the trials, or of the percentiles of all trials merged
(analysis/merged.py), as a mean of percentiles is no percentile. Its interval is Student's t on the
logarithm (analysis/intervals.py), as wide as the trials' own figures make it: paired where the
trials of both cells were interleaved in one campaign, so that trial k of both is one block, and
unpaired otherwise. It lies around the ratio that is told, also around one of merged percentiles,
which the slowest trials decide. (Around the ratio of the trials' mean percentiles it would hold the
truth less often: bench/merged_ratios.py.) For campaigns that were measured apart, the noise between
campaigns is added, where it is known. One trial says nothing of spread. With one trial on a side
there is a ratio, but no interval, and nothing is decided.

Of some trials only the bounds of a figure are known (a Span). Such figures make the interval wider:
its lower end is computed from the lower bounds of one side and the upper bounds of the other, its
upper end the other way round. All functions are pure.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from analysis import intervals, power
from analysis.intervals import CONFIDENCE, Between, Floats, LogRatio
from analysis.statistics import MIN_TRIALS_FOR_INTERVAL, t_interval
from testbed.numbers import MISSING, rough

How = Literal["paired", "unpaired", "apart", "blocks", "points", "one cell", "one trial"]
Bound = Literal["value", "low", "high"]
Fits = tuple[LogRatio, LogRatio, LogRatio]  # of the printed figures, of the least and the most
Place = Literal["within", "below", "above", "across"]
DIGITS = 9  # figures are compared to so many digits: a ratio of 2 is 2, however it was divided
# Significant digits of a ratio and its interval: as many as let both ends of the interval differ
A_FACTOR = "a factor of "  # with which large differences are told
DIGITS_SHOWN = range(3, 7)
ONE_TRIAL = "One trial tells nothing of spread, so nothing is decided."


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

    `value` is None if both sides are only lower bounds, or if both are zero. With one trial on a
    side, the interval is everything from zero to infinity.
    """

    value: float | None
    low: float
    high: float
    how: How
    trials: tuple[int, int] = (0, 0)  # of both sides; the second is 0 for the mean of one cell
    at_least: tuple[LogRatio, ...] = field(default=(), compare=False, repr=False)
    at_most: tuple[LogRatio, ...] = field(default=(), compare=False, repr=False)
    # The ratio of the printed figures without the noise between campaigns, and that noise
    within: LogRatio | None = field(default=None, compare=False, repr=False)
    between: Between | None = field(default=None, compare=False, repr=False)
    first: int | None = None  # trials whose scatter counts, if that decided on their number

    @property
    def label(self) -> str:
        """How the interval came about, in words: '95 % interval (t, 5 pairs of trials)'."""
        of, to = self.trials
        match self.how:
            case "one trial":
                return "interval is not known (one trial tells nothing of spread)"
            case "paired":
                basis = f"{of} pairs of trials"
            case "unpaired":
                basis = f"{of} trials against {to}, unpaired"
            case "apart":
                basis = f"{of} trials against {to}, unpaired, and the noise between campaigns"
            case "blocks":
                basis = f"{of} blocks of trials"
            case "points":
                basis = f"{of} pairs of trials at all points"
            case "one cell":
                basis = f"{of} trials"
        told = "" if self.first is None else f", scatter of the first {self.first}"
        return f"{100 * CONFIDENCE:.0f} % interval (t, {basis}{told})"

    @property
    def text(self) -> str:
        """The value with as many digits as its interval is written with; a dash if not known."""
        return MISSING if self.value is None else number(self.value, digits_of(self.low, self.high))

    @property
    def has_interval(self) -> bool:
        """Whether it is a number with an interval: no bound, and of more than one trial."""
        known = self.value is not None and math.isfinite(self.value)
        return known and self.how != "one trial"

    def interval(self, unit: str = "") -> str:
        """Return the interval in words."""
        if self.how == "one trial":
            return "not known (one trial)"
        return interval_text(self.low, self.high, unit)

    def lies(self, least: float, most: float) -> Place:
        """Return where the whole interval lies relative to the range from `least` to `most`.

        'across' means that one part lies within the range and one part outside, or that nothing is
        known about the ratio.
        """
        low, high = rounded(self.low), rounded(self.high)
        if self.how == "one trial" or (self.value is None and low == 0 and math.isinf(high)):
            return (
                "across"  # nothing is known about the ratio, so it lies neither within nor outside
            )
        if least <= low and high <= most:
            return "within"
        if high < least:
            return "below"
        return "above" if low > most else "across"

    def chance_outside(self, least: float, most: float) -> float:
        """Return the two-sided p-value of the ratio's lying outside the range.

        It is 1 if nothing is known about the ratio.
        """
        above = max((float(fit.chance_above(most)) for fit in self.at_least), default=1.0)
        below = max((float(fit.chance_below(least)) for fit in self.at_most), default=1.0)
        return min(above, below)

    def could_show(self, chance: float) -> float | None:
        """Return the smallest true ratio above 1 that such trials would mostly tell from 1.

        analysis/power.py says how it is found. Return None if figures are known by their bounds
        only, or if a side has fewer than MIN_TRIALS_FOR_INTERVAL trials: two say too little.
        """
        if not self._tells_scatter:
            return None
        return finite(power.could_show(self.at_least[0], chance))

    def trials_to_show(self, ratio: float, chance: float) -> int | None:
        """Return how many trials a side would mostly tell a true ratio above 1 from 1.

        Return None if no number of trials would, or for what `could_show` returns None for.
        """
        if self.within is None or not self._tells_scatter or not ratio > 1:
            return None
        trials = min(self.trials)
        return power.trials_to_show(self.within, trials, ratio, chance, self.between)

    @property
    def _tells_scatter(self) -> bool:
        """Whether there are trials enough, whose figures are no bounds."""
        enough = min(self.trials) >= MIN_TRIALS_FOR_INTERVAL and bool(self.at_least)
        return enough and not self.bounds_only

    @property
    def bounds_only(self) -> bool:
        """Whether figures of a side are known by their bounds only."""
        if not self.at_least:
            return False
        printed, least = self.at_least
        return bool(least.centre != printed.centre)

    def document(self) -> dict[str, Any]:
        """Return the estimate for JSON. JSON has no infinity, so an open end is None.

        With one trial on a side, both ends are None.
        """
        return {
            "value": finite(self.value),
            "low": None if self.how == "one trial" else finite(self.low),
            "high": finite(self.high),
            "interval_is": self.label,
        }


def estimate(
    of: Sequence[Span],
    to: Sequence[Span],
    *,
    paired: bool = False,
    merged: tuple[Span, Span] | None = None,
    between: Between | None = None,
    first: tuple[int | None, int | None] = (None, None),
) -> Estimate:
    """Return the ratio of the means of two cells, or of two figures merged over their trials.

    The interval is as wide as that of the trials' own figures, and lies around the ratio. Each side
    must have at least one trial. With `paired`, the trials of both sides with the same index were
    made in the same block, so both sides have equally many. `between` is the noise between
    campaigns, for sides that belong to two. `first` says for each side how many of its trials show
    its scatter, if that of the first ones decided on the number of all.
    """
    trials = (len(of), len(to))
    value = _middle(of, to) if merged is None else _middle(merged[:1], merged[1:])
    if min(trials) < 2:
        return Estimate(value, 0.0, math.inf, "one trial", trials)
    how: How = "paired" if paired else "unpaired" if between is None else "apart"

    def within(of_which: Bound, to_which: Bound) -> LogRatio:
        sides = (_column(of, of_which), _column(to, to_which))
        return intervals.paired(*sides, first[0]) if paired else intervals.unpaired(*sides, first)

    def fit(of_which: Bound, to_which: Bound) -> LogRatio:
        found = within(of_which, to_which)
        return found if between is None else found.apart(between)

    fits = fit("value", "value"), fit("low", "high"), fit("high", "low")
    found = _around(value, fits if merged is None else _moved(fits, value), how, trials)
    return replace(found, within=within("value", "value"), between=between, first=first[0])


def contrast(
    cells: Sequence[Sequence[Span]],
    weights: Sequence[float],
    merged: Sequence[Span] | None = None,
) -> Estimate:
    """Return the product of the means of cells, each to the power of its weight.

    Trial k of all cells was made in the same block. `merged` has each cell's figure over all its
    trials, if that is not their mean. If a mean is zero, nothing is known of the product.
    """
    trials = (len(cells[0]), len(cells[0]))
    means = [mean(one) for one in cells] if merged is None else [one.value for one in merged]
    how: How = "blocks" if trials[0] > 1 else "one trial"
    if not all(0 < one < math.inf for one in means):
        return Estimate(None, 0.0, math.inf, how, trials)
    logs = (weight * math.log(one) for weight, one in zip(weights, means, strict=True))
    value = math.exp(math.fsum(logs))
    if how == "one trial":
        return Estimate(value, 0.0, math.inf, how, trials)

    def fit(above: Bound, below: Bound) -> LogRatio:
        """Return the product of one bound of what multiplies and another of what divides."""
        sides = (above if weight > 0 else below for weight in weights)
        columns = [_column(one, which) for one, which in zip(cells, sides, strict=True)]
        return intervals.contrast(columns, weights)

    fits = fit("value", "value"), fit("low", "high"), fit("high", "low")
    return _around(value, fits if merged is None else _moved(fits, value), how, trials)


def mean_ratio(ratios: Sequence[Estimate]) -> Estimate:
    """Return the geometric mean of ratios, none of whose trials are in two of them.

    Nothing is known of it if nothing is known of one of them.
    """
    trials = (sum(one.trials[0] for one in ratios), sum(one.trials[1] for one in ratios))
    values = [one.value for one in ratios]
    value = None
    if all(one is not None and 0 < one < math.inf for one in values):
        value = math.exp(math.fsum(math.log(one) for one in values if one) / len(values))
    how: How = "one trial" if any(one.how == "one trial" for one in ratios) else "points"
    if value is None or how == "one trial":
        return Estimate(value, 0.0, math.inf, how, trials)
    at_least, at_most = (
        tuple(map(intervals.mean_of, zip(*(getattr(one, end) for one in ratios), strict=True)))
        for end in ("at_least", "at_most")
    )
    return _between(value, at_least, at_most, how, trials)


def share(of: Sequence[Span]) -> Estimate:
    """Return the mean of one cell's figure, a share in percent, over at least one trial."""
    trials = (len(of), 0)
    if len(of) < 2:
        return Estimate(mean(of), 0.0, math.inf, "one trial", trials)
    low = min(t_interval([getattr(span, end) for span in of])[0] for end in ("value", "low"))
    high = max(t_interval([getattr(span, end) for span in of])[1] for end in ("value", "high"))
    return Estimate(mean(of), low, min(high, 100.0), "one cell", trials)


def _moved(fits: Fits, value: float | None) -> Fits:
    """Return the fits moved such that the first, of the printed figures, lies around the value."""
    printed, least, most = fits
    by = math.log(value) - float(printed.centre) if value and math.isfinite(value) else math.nan
    return (printed.moved(by), least.moved(by), most.moved(by)) if math.isfinite(by) else fits


def _around(value: float | None, fits: Fits, how: How, trials: tuple[int, int]) -> Estimate:
    printed, least, most = fits
    return _between(value, (printed, least), (printed, most), how, trials)


def _between(
    value: float | None,
    at_least: tuple[LogRatio, ...],
    at_most: tuple[LogRatio, ...],
    how: How,
    trials: tuple[int, int],
) -> Estimate:
    """Return the estimate whose interval holds those of the printed figures and of their bounds."""
    middle = [] if value is None else [value]
    low = min([*middle, *(float(fit.low()) for fit in at_least)])
    high = max([*middle, *(float(fit.high()) for fit in at_most)])
    return Estimate(value, low, high, how, trials, at_least, at_most)


def _column(side: Sequence[Span], which: Bound) -> Floats:
    return np.array([getattr(span, which) for span in side], dtype=float)


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
    digits = digits_of(low, high)
    return f"{number(low, digits)} to {number(high, digits)}{unit}"


def digits_of(low: float, high: float) -> int:
    """Return with how many significant digits to write an interval, and the figure that it is of.

    They are three or, if both ends would then look the same, as many as let them differ. If they
    hardly differ at all, they are three again, and the ends look the same.
    """
    apart = (digits for digits in DIGITS_SHOWN if number(low, digits) != number(high, digits))
    return next(apart, DIGITS_SHOWN[0])


def difference_text(ratio: float) -> str:
    """Return a ratio above 1 as a difference: in percent, or as a factor from about 2 on."""
    percent = 100 * (ratio - 1)
    return f"{rough(percent)} %" if percent < 99 else f"{A_FACTOR}{number(ratio)}"


def number(value: float, digits: int = DIGITS_SHOWN[0]) -> str:
    """Return a ratio with so many significant digits, written out without an exponent."""
    if value == 0 or math.isinf(value):
        return "0" if value == 0 else "\N{INFINITY}"
    rounded_to = float(f"{value:.{digits}g}")  # 0.9997 becomes 1.00, not 1.000
    decimals = digits - 1 - math.floor(math.log10(abs(rounded_to)))
    return f"{value:,.{max(0, decimals)}f}"
