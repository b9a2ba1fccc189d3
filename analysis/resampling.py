"""Give the percentile of several trials together an interval, by resampling (cluster bootstrap).

Percentiles of few trials have no simple formula for their error: answers of the same second share
its fate, and those of the same trial share the trial's. So the trials are drawn anew many times,
with replacement, as are within each the blocks of successive seconds, and the percentile is taken
of each such campaign. How much its logarithm scatters is the standard error (A. C. Davison and D.
V. Hinkley, Bootstrap Methods and their Application, 1997, sections 3.8 and 8.2).

Few trials drawn anew scatter less than new trials would: by a factor of sqrt((n - 1) / n), which is
made good, and their scatter is itself known badly, which Student's t allows for.
bench/percentiles.py shows by simulation how often the interval holds the truth. All functions are
pure, and draw the same lots each time.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm
from scipy.stats import t as student

from analysis.intervals import CONFIDENCE, Floats

REPLICATES = 400
MOST_BLOCKS = 60  # of a trial; more do not tell more, and take time
SEED = 20_150_225


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

    Of one trial it says how far the seconds scatter, and nothing of how trials differ.
    """
    dice = np.random.default_rng(SEED)
    known = np.unique(np.concatenate([one.times_us for one in trials]))
    drawn = dice.multinomial(len(trials), np.full(len(trials), 1 / len(trials)), REPLICATES)
    drawn[0] = 1  # the first replicate is what was measured
    answers = np.zeros((REPLICATES, len(known)))
    due, wrong = np.zeros(REPLICATES), np.zeros(REPLICATES)
    for trial, times in zip(trials, drawn.T, strict=True):
        count = len(trial.answers)
        chosen = dice.multinomial(times * count, np.full(count, 1 / count))
        chosen[0] = 1
        found = chosen @ trial.answers
        answers[:, np.searchsorted(known, trial.times_us)] += found
        share = found.sum(axis=1) / max(trial.answers.sum(), 1)
        due, wrong = due + share * trial.due, wrong + share * trial.wrong
    ranks = np.maximum(1, np.ceil(due * percent / 100))
    low = _end(_at(known, answers, ranks), len(trials), -1)
    high = _end(_at(known, answers, ranks + wrong), len(trials), 1)
    return low, high


def _at(known: Floats, answers: Floats, ranks: Floats) -> Floats:
    """Return the time at a rank in each replicate; infinite beyond the last answer."""
    place = (np.cumsum(answers, axis=1) < ranks[:, None] - 1e-6).sum(axis=1)
    return np.asarray(np.append(known, np.inf)[place])


def _end(found: Floats, trials: int, side: int) -> float:
    """Return the lower (-1) or upper (1) end of the interval, from the replicates."""
    measured, finite = found[0], found[np.isfinite(found)]
    if len(finite) < len(found) and (side > 0 or not np.isfinite(measured)):
        # Some replicates lie among the requests without a correct answer
        return (
            float(np.quantile(found, (1 - CONFIDENCE) / 2, method="lower")) if side < 0 else np.inf
        )
    error = np.log(finite).std(ddof=1)
    reach = norm.ppf((1 + CONFIDENCE) / 2) * error
    if trials > 1:
        widened = error * (trials / (trials - 1)) ** 0.5
        reach = student.ppf((1 + CONFIDENCE) / 2, trials - 1) * widened
    return float(measured * np.exp(side * reach))
