"""Give the percentile of several trials together an interval, by resampling (cluster bootstrap).

Percentiles of few trials have no simple formula for their error: answers of the same second share
its fate, and those of the same trial share the trial's. So the trials are drawn anew many times,
with replacement, and the percentile is taken of each such campaign. How much its logarithm scatters
is the standard error. Few trials drawn anew scatter less than new trials would, by a factor of
sqrt((n - 1) / n), which is made good; and their scatter is itself known badly, which Student's t
allows for. The trials' scatter includes that of their seconds, so the seconds are not drawn again
on top (A. C. Davison and D. V. Hinkley, Bootstrap Methods and their Application, 1997, section
3.8).

By themselves they are drawn, too, as blocks of successive seconds within each trial (section 8.2).
If that scatter is the larger, as it may be where few trials agree by chance, it decides.

bench/percentiles.py shows by simulation how often the interval holds the truth. All functions are
pure, and draw the same lots each time.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri, stdtrit

from analysis.intervals import CONFIDENCE, Floats

REPLICATES = 200
RESOLUTION = 0.002  # of times: finer ones would take time, and intervals are wider
MOST_BLOCKS = 60  # of a trial; more do not show more, and take time
SEED = 20_150_225
ROUNDING = 1e-6  # of sums of floats that are meant to be whole numbers


@dataclass(frozen=True)
class Sample:
    """The answers of one trial: how many took which time, in each block of seconds."""

    times_us: Floats  # rising
    answers: Floats  # blocks x times
    due: float  # requests
    wrong: float = 0  # at most so many of the answers were wrong, it is not known which


def blocks(intervals: int) -> int:
    """Return into how many blocks to divide so many seconds.

    Their length grows with the cube root of the number of seconds (P. Hall, J. L. Horowitz and
    B.-Y. Jing, On Blocking Rules for the Bootstrap with Dependent Data, Biometrika 82, 1995).
    """
    return max(1, min(round(float(intervals ** (2 / 3))), MOST_BLOCKS))


def interval(trials: Sequence[Sample], percent: float) -> tuple[float, float]:
    """Return the 95 % interval of a percentile over the requests due of all trials.

    Of one trial it says how far the seconds scatter, and nothing of how trials differ. The upper
    end is infinite if the percentile may lie among requests without a correct answer.
    """
    dice = np.random.default_rng(SEED)
    trials = [_coarser(one) for one in trials]
    known = np.unique(np.concatenate([one.times_us for one in trials]))
    count, trust = len(trials), (1 + CONFIDENCE) / 2
    sizes = [len(one.answers) for one in trials]
    by_second = [dice.multinomial(size, np.full(size, 1 / size), REPLICATES) for size in sizes]
    drawn = [_percentiles(trials, percent, known, by_second)]
    factors = [ndtri(trust)]
    if count > 1:
        times = dice.multinomial(count, np.full(count, 1 / count), REPLICATES).T
        drawn.append(_percentiles(trials, percent, known, [often[:, None] for often in times]))
        factors.append(stdtrit(count - 1, trust) * (count / (count - 1)) ** 0.5)
    ((low,), (high,)) = _percentiles(trials, percent, known, [np.ones((1, 1))] * count)
    reaches = [
        max(factor * _scatter(one[end]) for factor, one in zip(factors, drawn, strict=True))
        for end in (0, 1)
    ]
    least = low * np.exp(-reaches[0]) if reaches[0] < np.inf else _least(drawn)
    return float(least), float(high * np.exp(reaches[1]))


def _coarser(trial: Sample) -> Sample:
    """Return the sample with its times rounded to RESOLUTION of themselves."""
    rounded = np.exp(np.round(np.log(trial.times_us) / RESOLUTION) * RESOLUTION)
    times_us, place = np.unique(rounded, return_inverse=True)
    answers = np.zeros((len(trial.answers), len(times_us)))
    np.add.at(answers.T, place, trial.answers.T)
    return replace(trial, times_us=times_us, answers=answers)


def _percentiles(
    trials: Sequence[Sample], percent: float, known: Floats, times: Sequence[npt.NDArray[Any]]
) -> tuple[Floats, Floats]:
    """Return the percentile in each replicate, if wrong answers were the slowest, or the fastest.

    `times` says for each trial how often its blocks are in each replicate (replicates x blocks).
    """
    answers = np.zeros((len(times[0]), len(known)))
    due, wrong = np.zeros(len(times[0])), np.zeros(len(times[0]))
    for trial, often in zip(trials, times, strict=True):
        found = np.broadcast_to(often, (len(often), len(trial.answers))) @ trial.answers
        answers[:, np.searchsorted(known, trial.times_us)] += found
        share = found.sum(axis=1) / trial.answers.sum()
        due, wrong = due + share * trial.due, wrong + share * trial.wrong
    ranks = np.maximum(1, np.ceil(due * percent / 100 - ROUNDING))
    return _at(known, answers, ranks), _at(known, answers, ranks + wrong)


def _scatter(found: Floats) -> float:
    """Return the standard deviation of the logarithm; infinite if a value is infinite."""
    return float(np.log(found).std(ddof=1)) if np.isfinite(found).all() else np.inf


def _least(drawn: Sequence[tuple[Floats, Floats]]) -> float:
    """Return the lower end if some replicates lie among the requests without a correct answer."""
    both = np.concatenate([low for low, _ in drawn])
    return float(np.quantile(both, (1 - CONFIDENCE) / 2, method="lower"))


def _at(known: Floats, answers: Floats, ranks: Floats) -> Floats:
    """Return the time at a rank in each replicate; infinite beyond the last answer."""
    place = (np.cumsum(answers, axis=1) < ranks[:, None] - ROUNDING).sum(axis=1)
    return np.asarray(np.append(known, np.inf)[place])
