"""Estimate the rate at which a typical run just meets an objective, from few noisy probes. Pure.

This is the psychometric function of the study of the senses, where a rate is a stimulus and a probe
is an answer (A. B. Watson, QUEST+, Journal of Vision 17, 2017; L. L. Kontsevich and C. W. Tyler,
Vision Research 39, 1999; N. Prins, Journal of Vision 13, 2013). Each run has a threshold of its
own, which scatters about that of the typical run on the scale of logarithms. Bayes' rule weighs
every threshold, scatter and shape of the curve by the probes:

- A probe says more than met or missed: it belongs to one of GRADES, by how far its p99 was from
  the objective. How far apart in rate the grades lie is not known, so no law of queueing is
  assumed. Some servers slow down gently, others show nothing until they are overloaded.
- A pause of the host (hiccup) makes a run miss at any rate, so a probe that missed is doubted a
  little more than one that met. But a pause makes few requests late. If most were, the server was
  overloaded, or slow throughout the run. Then the threshold may be above the rate of the probe by
  such a factor as a host may be slower for so long, and hardly by more. And where response times
  hardly depend on the rate, it lies well below that rate.

The priors were set by simulation: bench/capacity.py, which also shows how often intervals hold the
truth.
"""

import functools
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from testbed.asked.probe import Probe

Floats = npt.NDArray[np.float64]

# Of the belief that the interval holds: so much, for the interval to hold the truth in 95 of 100
# searches of any server, not of the mean of all servers that the priors allow
HELD = 0.985
STEP = 0.01  # between thresholds that are weighed, on the scale of logarithms
# How much the thresholds of single runs scatter, as a share of the rate, with prior weights
SCATTERS = np.array([0.01, 0.02, 0.035, 0.06, 0.1, 0.16, 0.25, 0.4, 0.63, 1])
SCATTER_WEIGHTS = np.array([0.2, 0.4, 0.7, 1.0, 1.1, 0.9, 0.8, 0.7, 0.6, 0.5])
GRADES = (0.15, 0.45)  # ends of the grades: log(p99 / objective), on both sides
# How far from the threshold, in log rate, the ends of the grades may lie: first 0 and last infinity
# for the innermost and the outermost end, and all pairs of these for those between
REACHES = np.array([0, 0.01, 0.03, 0.08, 0.2, 0.5, 1, math.inf])
PAIRS = np.array(list(itertools.combinations_with_replacement(range(1, len(REACHES)), len(GRADES))))
ENDS = np.column_stack([np.zeros(len(PAIRS), int), PAIRS, np.full(len(PAIRS), len(REACHES) - 1)])
# Hosts differ by a few percent from run to run. Thresholds scatter by more than STEADY only where
# response times hardly depend on the rate, so that the first grade reaches far, too: at least a
# GENTLE-th of the scatter. Each scatter's weight is shared out among the ends that go with it
STEADY, GENTLE = 0.16, 3
_GO_TOGETHER = (SCATTERS[:, None] <= STEADY) | (GENTLE * REACHES[PAIRS[:, 0]] >= SCATTERS[:, None])
END_WEIGHTS = _GO_TOGETHER / _GO_TOGETHER.sum(axis=1, keepdims=True)
HICCUP = 0.06  # share of runs that miss because of a pause
FAR = 0.8  # share of these that miss by far
SLOWED = 0.4  # of probes mostly late: the mean logarithm of how many times slower a bad run is
# How far above the threshold, in log rate, most requests become late where scatter is not STEADY
GRADUAL = 0.3
SLIP = 0.01  # share of probes that are of any grade, whatever the rate: no model is perfect
SLIP_IF_LATE = 0.002  # the same of those that were mostly late


@dataclass(frozen=True)
class Belief:
    """What is known of the threshold after some probes."""

    thresholds: Floats  # logarithms of rates
    # How likely the probes that met are, by threshold, scatter and ends of the grades on their side
    met: Floats
    missed: Floats  # likewise the probes that missed

    @classmethod
    def between(cls, lowest_rps: float, highest_rps: float) -> "Belief":
        """Return the belief before any probe: every threshold between the two is as likely."""
        thresholds = np.arange(math.log(lowest_rps), math.log(highest_rps) + STEP, STEP)
        everything = np.ones((len(thresholds), len(SCATTERS), len(ENDS)))
        return cls(thresholds, everything, everything)

    def after(self, probe: Probe) -> "Belief":
        """Return the belief after one more probe."""
        side = self._likelihood(probe)
        side *= self.met if probe.met else self.missed
        side /= side.max()  # only ratios matter, and products of many would vanish
        if probe.met:
            return Belief(self.thresholds, side, self.missed)
        return Belief(self.thresholds, self.met, side)

    def quantiles(self, shares: Sequence[float]) -> list[float]:
        """Return the rates below which the threshold lies with these probabilities."""
        weights = self._weights.sum(axis=1)
        below = np.cumsum(weights) - weights / 2
        return [float(rate) for rate in np.exp(np.interp(shares, below, self.thresholds))]

    def interval(self) -> tuple[float, float, float]:
        """Return the lower end, the median and the upper end."""
        tail = (1 - HELD) / 2
        low, median, high = self.quantiles([tail, 0.5, 1 - tail])
        return low, median, high

    def most_telling(self, rates: Sequence[float]) -> float:
        """Return the rate of whose probe most is expected to be learnt of the threshold.

        That is the rate with the least entropy of the threshold after its probe, in the mean of the
        two ways in which the probe may end.
        """
        weights = self._weights
        kept = weights.sum(axis=1) > 1e-6 * weights.sum(axis=1).max()
        weights, thresholds = weights[kept], self.thresholds[kept]
        logs = np.log(rates)[:, None, None]
        chance = (1 - HICCUP) * ndtr((thresholds[:, None] - logs) / SCATTERS)
        left = [_entropy((weights * one).sum(axis=2)) for one in (chance, 1 - chance)]
        return rates[int(np.argmin(left[0] + left[1]))]

    @functools.cached_property
    def _weights(self) -> Floats:
        """The probability of each threshold and scatter."""
        met, missed = (
            np.einsum("tse,se->ts", side, END_WEIGHTS) for side in (self.met, self.missed)
        )
        weights = met * missed * SCATTER_WEIGHTS
        return np.asarray(weights / weights.sum())

    def _likelihood(self, probe: Probe) -> Floats:
        """Return how likely the probe's grade is."""
        grade = int(np.searchsorted(GRADES, abs(probe.margin)))
        above = math.log(probe.rate_rps) - self.thresholds[:, None, None]
        beyond = -above if probe.met else above  # how far on its side of the threshold
        below = ndtr((REACHES - beyond) / SCATTERS[:, None])
        likely = below.take(ENDS[:, grade + 1], axis=2)
        likely -= below.take(ENDS[:, grade], axis=2)
        likely *= 1 - HICCUP
        if probe.mostly_late:
            overloaded = ndtr((above - GRADUAL) / SCATTERS[:, None])
            likely *= np.where(SCATTERS[:, None] > STEADY, overloaded, 1)
        if not probe.met:
            pauses = HICCUP * (FAR if grade == len(GRADES) else (1 - FAR) / len(GRADES))
            likely += pauses * (np.exp(np.minimum(above, 0) / SLOWED) if probe.mostly_late else 1)
        slip = SLIP_IF_LATE if probe.mostly_late else SLIP
        likely *= 1 - slip
        likely += slip / (2 * len(GRADES) + 2)
        return np.asarray(likely)


def _entropy(joint: Floats) -> Floats:
    """Return the entropy of each row of weights, times the row's sum."""
    whole = joint.sum(axis=1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(-np.nansum(joint * np.log(joint / whole), axis=1))
