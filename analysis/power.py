"""Say which difference trials could have shown, and how many trials would show one. Pure functions.

A difference could be shown if a repetition of the campaign would tell it from none with POWER. All
that is known of how a repetition scatters are estimates of variances from few trials: they tell the
difference, and others of the kind will judge it. Both are averaged over their distribution.

bench/intervals.py and bench/noise.py show by simulation how often such differences are shown.
"""

import bisect
import functools
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import gammaincinv, ndtr, stdtrit

from analysis.intervals import Between, Floats, LogRatio, Variance, of_sides, together

POWER = 0.8  # how often a difference that could be shown is shown
MOST_TRIALS = 10_000  # more than anybody makes
TRIALS: list[int] = [*range(2, 100), *range(100, 1000, 10), *range(1000, MOST_TRIALS + 1, 100)]
PARTS = 25  # of a distribution, over which a mean is taken
DRAWS = 12 * PARTS  # of a sum of variances
SEED = 20_150_225
# Logarithms of the ratios of variances between which factors are interpolated: of the trials of
# one side to those of the other, and of the noise between campaigns to that of both sides
SIDES, BETWEEN = np.linspace(-6, 6, 7), np.linspace(-4, 4, 5)
MOST_LOG = 40.0  # of a factor
BENT = 0.02  # how far the power may be off for a factor to change more evenly from knot to knot
Freedoms = tuple[float, ...]


def could_show(found: LogRatio, chance: float) -> float:
    """Return the smallest true ratio above 1 that a repetition would tell from 1, 4 times in 5.

    The repetition has as many trials, which scatter as those did, and takes the ratio for shown if
    its p-value is `chance` or less. Return infinity if nothing is known of the ratio's scatter, or
    if it is so wide that no difference would be shown.
    """
    return _could_show(found, found, chance)


def trials_to_show(
    found: LogRatio, trials: int, ratio: float, chance: float, between: Between | None = None
) -> int | None:
    """Return how many trials a side would tell a true ratio above 1 from 1, 4 times in 5.

    `found` is the ratio of this campaign's `trials`, without the noise `between` campaigns that is
    to be added. From 100 on, the number is rounded up to two digits. Return None if MOST_TRIALS
    would not be enough.
    """

    def shows(number: int) -> bool:
        times = number / trials
        judging = found.repeated(times, trials)
        # its scatter is known no better than from the trials that were made
        shrunk = (part.value / times for part in found.pieces)
        parts = tuple(map(Variance, shrunk, (part.freedom for part in found.pieces)))
        told = LogRatio(judging.centre, judging.error, found.freedom, parts, found.sides)
        if between is not None:
            judging, told = judging.apart(between), told.apart(between)
        return _could_show(told, judging, chance) <= ratio

    if not shows(MOST_TRIALS):
        return None
    place: int = bisect.bisect_left(TRIALS, True, key=shows)
    return TRIALS[place]


def _could_show(told: LogRatio, judging: LogRatio, chance: float) -> float:
    """Return the ratio that a campaign shows, whose scatter `told` only estimates."""
    if not np.isfinite(told.centre):
        return math.inf
    freedoms = _freedoms(told), _freedoms(judging)
    factors = _factors(*freedoms, told.sides, chance, _noise(told))
    at = _ratios([np.array([float(part.value)]) for part in told.pieces], freedoms[0], told.sides)
    errors = math.exp(float((_hats(at, told.sides) @ factors)[0]))
    with np.errstate(over="ignore"):
        return float(np.exp(told.error * errors))


def _freedoms(found: LogRatio) -> Freedoms:
    """Return the degrees of freedom, rounded: what is nearly the same is computed once."""
    return tuple(float(f"{min(float(part.freedom), 1e6):.3g}") for part in found.pieces)


def _noise(told: LogRatio) -> float:
    """Return the standard error without what is counted twice, as a share of the whole; rounded."""
    whole = float(told.error) ** 2
    own = max(1 - float(told.twice) / whole, 0.25) if whole else 1.0
    return round(math.sqrt(own), 1)


@dataclass(frozen=True)
class Case:
    """Campaigns whose variances have the same true shares. The sum of these variances is 1."""

    hats: Floats  # by campaign and knot: which factors it takes, by the shares that it estimates
    errors: Floats  # of each campaign, as it estimates its standard error
    reaches: Floats  # parts of the distribution of how far intervals of a repetition reach
    noise: float  # the true standard error

    def power(self, logarithms: Floats) -> float:
        """Return how often the differences are shown that these factors name."""
        return float(ndtr(self._beyond(logarithms)).mean())

    def slope(self, logarithms: Floats) -> Floats:
        """Return by how much the power grows with the logarithm of each factor."""
        steep = np.exp(-(np.minimum(np.abs(self._beyond(logarithms)), 40) ** 2) / 2).mean(axis=1)
        grows = steep * self._differences(logarithms) / self.noise / math.sqrt(2 * math.pi)
        return np.asarray(grows @ self.hats / len(grows))

    def begin(self) -> float:
        """Return the logarithm of the one factor for all campaigns that has POWER."""
        from scipy.optimize import brentq  # slow to import, which only this question is worth

        places = len(self.hats.T)

        def lacks(logarithm: float) -> float:
            return self.power(np.full(places, logarithm)) - POWER

        return float(brentq(lacks, -5, MOST_LOG, xtol=1e-3))

    def _beyond(self, logarithms: Floats) -> Floats:
        """Return by how many true standard errors the differences exceed the reaches."""
        return np.asarray((self._differences(logarithms)[:, None] - self.reaches) / self.noise)

    def _differences(self, logarithms: Floats) -> Floats:
        return np.asarray(np.exp(np.minimum(self.hats @ logarithms, MOST_LOG)) * self.errors)


@functools.cache
def _factors(told: Freedoms, judged: Freedoms, sides: bool, chance: float, noise: float) -> Floats:
    """Return how many estimated standard errors a difference needs to be shown with POWER.

    It is returned as a logarithm for each of the knots. Few trials say little of how the variance
    of a ratio is shared out: the shares of sides that scatter alike mostly seem unlike. If they
    were taken for the true ones, such differences would be shown in up to 90 of 100 repetitions. So
    these factors are those with which the power is as near to it as it can be, whatever the true
    shares are.
    """
    from scipy.optimize import least_squares

    dice = np.random.default_rng(SEED)
    knots = _knots(len(told), sides)
    cases = []
    for true in itertools.product(*knots):
        shares = _shares(true, told, sides)
        parts = _estimates(shares, told, dice)
        errors = np.sqrt(_sum(parts, sides).value)
        reaches = _reaches(_sum(_estimates(shares, judged, dice), sides), chance)
        ratios = _ratios([np.asarray(part.value) for part in parts], told, sides)
        cases.append(Case(_hats(ratios, sides), errors, reaches, noise))
    begin = np.array([case.begin() for case in cases])
    if not knots:
        return begin
    bent = BENT * _bends([len(one) for one in knots])

    def lacks(logarithms: Floats) -> Floats:
        powers = np.array([case.power(logarithms) for case in cases])
        return np.concatenate([powers - POWER, bent @ logarithms])

    def slopes(logarithms: Floats) -> Floats:
        return np.concatenate([[case.slope(logarithms) for case in cases], bent])

    return np.asarray(least_squares(lacks, begin, slopes, xtol=1e-3, ftol=1e-3).x)


def _bends(shape: Sequence[int]) -> Floats:
    """Return the matrix that takes the values of a grid to their second differences."""
    count = math.prod(shape)
    each = np.eye(count).reshape(count, *shape)
    bends = [np.diff(each, 2, axis=axis + 1).reshape(count, -1) for axis in range(len(shape))]
    return np.asarray(np.concatenate(bends, axis=1).T)


def _knots(parts: int, sides: bool) -> list[Floats]:
    """Return the knots of each ratio of so many variances."""
    return [*([SIDES] if sides else []), *([BETWEEN] if parts > 1 + sides else [])]


def _ratios(parts: Sequence[Floats], freedoms: Freedoms, sides: bool) -> list[Floats]:
    """Return the logarithms of the ratios of variances, as the knots have them."""
    found, own = [], parts[: 1 + sides]
    with np.errstate(divide="ignore", invalid="ignore"):
        if sides:
            of, to = own[0] * (freedoms[0] + 1), own[1] * (freedoms[1] + 1)
            found.append(np.log(of / to))
        if len(parts) > len(own):
            found.append(np.log(parts[-1] / sum(own)))
    return [np.nan_to_num(one) for one in found]  # of nothing to nothing: alike


def _shares(ratios: Sequence[float], freedoms: Freedoms, sides: bool) -> list[float]:
    """Return the shares of variances that have these ratios."""
    shares = [1.0]
    if sides:
        shares = [math.exp(ratios[0]) / (freedoms[0] + 1), 1 / (freedoms[1] + 1)]
    if len(ratios) > sides:
        shares.append(math.exp(ratios[-1]) * sum(shares))
    return [share / sum(shares) for share in shares]


def _hats(ratios: Sequence[Floats], sides: bool) -> Floats:
    """Return the weights of all knots, a row for each place, to interpolate between them."""
    found = np.ones((len(ratios[0]) if ratios else 1, 1))
    for at, knots in zip(ratios, _knots(len(ratios) + 1, sides), strict=True):
        row = np.stack([np.interp(at, knots, one) for one in np.eye(len(knots))], axis=-1)
        found = (found[:, :, None] * row[:, None, :]).reshape(len(found), -1)
    return found


def _reaches(variance: Variance, chance: float) -> Floats:
    """Return how far intervals reach, as the means of PARTS equal parts of the distribution."""
    reaches = stdtrit(variance.freedom, 1 - chance / 2) * np.sqrt(variance.value)
    return np.asarray(np.sort(reaches).reshape(PARTS, -1).mean(axis=1))


def _sum(parts: Sequence[Variance], sides: bool) -> Variance:
    """Return the variance of a ratio that consists of these."""
    return together([of_sides(parts[:2]), *parts[2:]] if sides else parts)


def _estimates(
    values: Sequence[float], freedoms: Freedoms, dice: np.random.Generator
) -> list[Variance]:
    """Return DRAWS estimates of each of several variances.

    They are evenly spread over their distribution, chi-squared's. Their order is drawn by lot.
    """
    evenly = (np.arange(DRAWS) + 0.5) / DRAWS
    return [
        Variance(value * 2 * gammaincinv(freedom / 2, dice.permutation(evenly)) / freedom, freedom)
        for value, freedom in zip(values, freedoms, strict=True)
    ]
