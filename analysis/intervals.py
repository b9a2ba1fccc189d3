"""Compute intervals of the ratio of two means from few trials. Pure functions on arrays.

The model is that of a logarithm: the trials of a cell scatter by so many percent, not by so many
requests, so the logarithm of the ratio of two means is given an interval by Student's t (L. V.
Hedges, J. Gurevitch and P. S. Curtis, The Meta-Analysis of Response Ratios in Experimental Ecology,
Ecology 80, 1999). Its standard error comes from the trials as shares of their mean, so that a
single zero among them does no harm.

- Paired: trial k of one side and trial k of the other were measured in the same block, and what the
  block did to both cancels. The standard error is that of the differences of the shares.
- Unpaired: the variances of both sides are kept apart, as B. L. Welch does (The Generalization of
  'Student's' Problem when Several Different Population Variances are Involved, Biometrika 34,
  1947).

What differs from campaign to campaign without a cause is in no trial of one campaign. It is a
variance of its own (Between), added to that of the trials; the degrees of freedom of the sum are
F. E. Satterthwaite's (An Approximate Distribution of Estimates of Variance Components, Biometrics
Bulletin 2, 1946).

All arrays have the trials on their last axis; other axes are campaigns of a simulation.
Distributions are scipy.special's, as it takes a third of a second to import scipy.stats.
bench/intervals.py shows by simulation how often the intervals hold the true ratio.
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import stdtr, stdtrit

CONFIDENCE = 0.95
Floats = npt.NDArray[np.float64]


class Variance(NamedTuple):
    """An estimated variance, with its degrees of freedom, which say how well it is known."""

    value: Floats | float
    freedom: Floats | float


@dataclass(frozen=True)
class Between:
    """How much the logarithm of a campaign's mean varies between campaigns that measure the same.

    `freedom` says how well that is known: its degrees of freedom. `by_trials` is the part of the
    variance that the few trials of each campaign left to chance, as far as it is known.
    """

    variance: float
    freedom: float
    by_trials: float = 0.0


@dataclass(frozen=True)
class LogRatio:
    """The logarithm of a ratio of two means, its standard error and its degrees of freedom.

    `centre` is infinite if one mean is zero, and not a number if both are. If it is infinite,
    `error` is the relative standard error of the mean that is not zero: the ratio is taken to be
    zero or infinite only if that mean is surely above zero. `parts` are the variances that make up
    that of `error`; if there are none, it is of one piece. If it has `sides`, the first two are
    those of two sides that were measured in different blocks. `twice` is what the variance of
    `error` has twice: what trials leave to chance is in the noise between campaigns, too.
    """

    centre: Floats
    error: Floats
    freedom: Floats
    parts: tuple[Variance, ...] = ()
    sides: bool = False
    twice: Floats | float = 0.0

    def low(self, confidence: float = CONFIDENCE) -> Floats:
        """Return the lower end of the interval of the ratio."""
        reach = self._reach(confidence)
        with np.errstate(invalid="ignore"):
            ends = np.exp(self.centre - reach)
        ends = np.where(np.isinf(self.centre), np.where(reach < 1, np.exp(self.centre), 0.0), ends)
        return np.where(np.isnan(self.centre), 0.0, ends)

    def high(self, confidence: float = CONFIDENCE) -> Floats:
        """Return the upper end of the interval of the ratio."""
        with np.errstate(divide="ignore"):
            return np.asarray(1 / self.inverse().low(confidence))

    def apart(self, between: Between) -> "LogRatio":
        """Return the ratio with the noise of two campaigns that were measured apart."""
        more = Variance(2 * between.variance, between.freedom)
        whole = together([Variance(self.error**2, self.freedom), more])
        parts = (*self.pieces, more)
        freedom = np.asarray(whole.freedom)
        error, twice = np.sqrt(whole.value), 2 * between.by_trials
        return LogRatio(self.centre, error, freedom, parts, self.sides, twice)

    def repeated(self, times: float, trials: int) -> "LogRatio":
        """Return the ratio as it would be with `times` as many trials as the present `trials`."""
        grown = (times * trials - 1) / (trials - 1)
        parts = tuple(Variance(one.value / times, one.freedom * grown) for one in self.parts)
        error = self.error / times**0.5
        return LogRatio(self.centre, error, self.freedom * grown, parts, self.sides)

    def moved(self, by: float) -> "LogRatio":
        """Return the ratio with a logarithm that is larger by so much, and the same scatter."""
        return replace(self, centre=self.centre + by)

    def inverse(self) -> "LogRatio":
        """Return the reciprocal ratio."""
        return replace(self, centre=-self.centre)

    @property
    def pieces(self) -> tuple[Variance, ...]:
        """The variances that make up that of `error`, at least one."""
        return self.parts or (Variance(self.error**2, self.freedom),)

    def chance_above(self, limit: float) -> Floats:
        """Return the two-sided p-value of the ratio's being above the limit.

        It is 1 minus the highest confidence at which the interval still lies above the limit, and 1
        if there is none.
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            far = np.where(
                np.isposinf(self.centre), 1 / self.error, (self.centre - np.log(limit)) / self.error
            )
        found = np.minimum(1.0, 2 * stdtr(self.freedom, -far))
        return np.where(np.isnan(found), 1.0, found)

    def chance_below(self, limit: float) -> Floats:
        """Return the two-sided p-value of the ratio's being below the limit, which is above 0."""
        return self.inverse().chance_above(1 / limit)

    def _reach(self, confidence: float) -> Floats:
        return np.asarray(stdtrit(self.freedom, (1 + confidence) / 2) * self.error)


def paired(of: npt.ArrayLike, to: npt.ArrayLike, first: int | None = None) -> LogRatio:
    """Return the ratio of the means of trials that were made in the same blocks, in their order.

    If the number of trials was decided on by how the `first` ones scattered, their scatter alone
    counts (trials_needed says why).
    """
    centre, of_shares, to_shares = _shares(of, to, (first, first))
    error = (of_shares - to_shares).std(axis=-1, ddof=1) / np.shape(of)[-1] ** 0.5
    return LogRatio(centre, error, np.full_like(error, of_shares.shape[-1] - 1))


def unpaired(
    of: npt.ArrayLike,
    to: npt.ArrayLike,
    first: tuple[int | None, int | None] = (None, None),
) -> LogRatio:
    """Return the ratio of the means of trials that were made in different blocks.

    The degrees of freedom are Satterthwaite's, which grow if the side with many trials seems to
    scatter more. That may be chance, so of n trials on each side they are at most n² - 1, and
    n² / 3 if the other side has more. These bounds were found by simulation (bench/intervals.py):
    with them, few trials that happen to scatter little do not decide among many cells, where
    Holm's correction needs p-values far out in the tail. Of two trials on each side,
    Satterthwaite's estimate is far too low and Welch's own of 1947 too high, so the middle of both
    is taken. `first` is for each side what it is in `paired`.
    """
    centre, of_shares, to_shares = _shares(of, to, first)
    n, m = of_shares.shape[-1], to_shares.shape[-1]
    sides = (
        Variance(of_shares.var(axis=-1, ddof=1) / np.shape(of)[-1], n - 1),
        Variance(to_shares.var(axis=-1, ddof=1) / np.shape(to)[-1], m - 1),
    )
    whole = of_sides(sides)
    freedom = whole.freedom
    if n == m == 2:
        by_welch = together([Variance(side.value, side.freedom + 2) for side in sides]).freedom - 2
        freedom = np.where(whole.value > 0, (freedom + by_welch) / 2, freedom)
    return LogRatio(centre, np.sqrt(whole.value), np.asarray(freedom), sides, sides=True)


def contrast(cells: Sequence[npt.ArrayLike], weights: Sequence[float]) -> LogRatio:
    """Return the product of the means of cells, each to the power of its weight.

    Trial k of all cells was made in the same block. With the weights 1 and -1 of two cells, it is
    what `paired` returns.
    """
    centre, scatter = np.asarray(0.0), np.asarray(0.0)
    for cell, weight in zip(cells, weights, strict=True):
        told = np.asarray(cell, dtype=float)
        with np.errstate(divide="ignore", invalid="ignore"):
            centre = centre + weight * np.log(told.mean(axis=-1))
        scatter = scatter + weight * _of_their_mean(told)
    trials = scatter.shape[-1]
    error = scatter.std(axis=-1, ddof=1) / trials**0.5
    return LogRatio(centre, error, np.full_like(error, trials - 1))


def mean_of(ratios: Sequence[LogRatio]) -> LogRatio:
    """Return the geometric mean of ratios, none of whose trials are in two of them.

    How much each of them scatters is its own, so the degrees of freedom are Satterthwaite's.
    """
    count = len(ratios)
    whole = together([Variance(one.error**2, one.freedom) for one in ratios])
    centre = np.asarray(sum(one.centre for one in ratios) / count)
    return LogRatio(centre, np.sqrt(whole.value) / count, np.asarray(whole.freedom))


def together(parts: Sequence[Variance]) -> Variance:
    """Return the sum of variances, with Satterthwaite's degrees of freedom.

    Where all are zero, the degrees of freedom are those of the least known one.
    """
    values = [np.asarray(part.value) for part in parts]
    whole = sum(values)
    with np.errstate(divide="ignore", invalid="ignore"):
        freedom = whole**2 / sum(v**2 / part.freedom for v, part in zip(values, parts, strict=True))
    least = functools.reduce(np.minimum, [part.freedom for part in parts])
    return Variance(whole, np.where(whole > 0, freedom, least))


def of_sides(sides: Sequence[Variance]) -> Variance:
    """Return the sum of the variances of two sides; `unpaired` says how well it is known."""
    whole = together(sides)
    fewest = min(side.freedom for side in sides) + 1
    alike = np.equal(sides[0].freedom, sides[1].freedom)
    most = np.where(alike, fewest**2 - 1, fewest**2 / 3)
    return Variance(whole.value, np.minimum(whole.freedom, most))


def trials_needed(of: npt.ArrayLike, to: npt.ArrayLike, percent: float) -> Floats:
    """Return how many trials let the interval of a ratio reach `percent` to either side.

    This is C. Stein's rule (A Two-Sample Test for a Linear Hypothesis whose Power is Independent of
    the Variance, Annals of Mathematical Statistics 16, 1945): the first trials, made in the same
    blocks, show how much a ratio scatters, and therefore how many are needed in all. Their mean
    says nothing of their scatter, so the mean of all trials, with the scatter of the first ones
    only, has an interval that holds the truth as often as if the number had been fixed beforehand.
    To look at the interval after each trial, and to stop when it happens to be narrow, would not.
    """
    first = paired(of, to)
    trials = np.asarray(of).shape[-1]
    reach = stdtrit(trials - 1, (1 + CONFIDENCE) / 2) * first.error * trials**0.5
    return np.asarray(np.ceil((reach / np.log1p(percent / 100)) ** 2))


def _shares(
    of: npt.ArrayLike, to: npt.ArrayLike, first: tuple[int | None, int | None]
) -> tuple[Floats, Floats, Floats]:
    """Return the logarithm of the ratio of the means, and each side's first trials by their mean.

    None stands for all trials.
    """
    sides = [np.asarray(side, dtype=float) for side in (of, to)]
    with np.errstate(divide="ignore", invalid="ignore"):
        centre = np.log(sides[0].mean(axis=-1) / sides[1].mean(axis=-1))
        shares = []
        for side, count in zip(sides, first, strict=True):
            shares.append(_of_their_mean(side[..., :count]))
    return centre, shares[0], shares[1]


def _of_their_mean(trials: Floats) -> Floats:
    """Return the trials as shares of their mean; all are 1 if that is zero or infinite."""
    mean = trials.mean(axis=-1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(np.isfinite(mean) & (mean > 0), trials / mean, 1.0)


def holm(chances: Sequence[float]) -> list[float]:
    """Return p-values corrected for their number by Holm's method, in the order given.

    If no difference is real, at most 5 of 100 comparisons have any corrected value of 0.05 or less
    (S. Holm, A Simple Sequentially Rejective Multiple Test Procedure, Scandinavian Journal of
    Statistics 6, 1979), however the figures depend on each other.
    """
    order = np.argsort(chances, kind="stable")
    left = len(chances) - np.arange(len(chances))  # how many are not yet decided at each step
    stepwise = np.maximum.accumulate(np.asarray(chances, dtype=float)[order] * left)
    corrected = np.empty(len(chances))
    corrected[order] = np.minimum(1.0, stepwise)
    return [float(value) for value in corrected]
