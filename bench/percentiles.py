"""Show by simulation how often the interval of a merged percentile holds the truth, which is known.

Response times are log-normal. Each trial is slower or faster as a whole (`trial_sd`), and so is
each second (`second_sd`), which resembles the second before it (`phi`). The truth is the percentile
of all requests of endlessly many trials. docs/method.md has the results.

    nice python bench/percentiles.py [--campaigns 200] [--seed 1] [--percent 99]
"""

import argparse
import random
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import norm

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from analysis.resampling import Sample, blocks, interval

SPREAD = 0.5  # of the logarithm of single response times
SECONDS, PER_SECOND = 60, 50
TRIALS = (1, 2, 3, 5, 10)


@dataclass(frozen=True)
class Setting:
    """How trials and seconds scatter, as standard deviations of the logarithm."""

    trial_sd: float
    second_sd: float
    phi: float  # correlation of a second with the one before it


def draw(setting: Setting, trials: int, dice: np.random.Generator) -> list[Sample]:
    """Return the answers of a campaign. Times are rounded to 1 %, as in a histogram."""
    found = []
    for _ in range(trials):
        seconds = np.empty(SECONDS)
        last = dice.normal()
        for place in range(SECONDS):
            last = setting.phi * last + (1 - setting.phi**2) ** 0.5 * dice.normal()
            seconds[place] = setting.second_sd * last
        logs = seconds[:, None] + dice.normal(0, SPREAD, (SECONDS, PER_SECOND))
        logs += dice.normal(0, setting.trial_sd)
        times, bucket = np.unique(np.exp(np.round(logs, 2)), return_inverse=True)
        answers = np.zeros((blocks(SECONDS), len(times)))
        block = np.repeat(np.arange(SECONDS) * blocks(SECONDS) // SECONDS, PER_SECOND)
        np.add.at(answers, (block, bucket.ravel()), 1)
        found.append(Sample(times, answers, due=SECONDS * PER_SECOND))
    return found


def held(
    setting: Setting, trials: int, percent: float, campaigns: int, dice: np.random.Generator
) -> int:
    """Return in how many of the campaigns the interval holds the true percentile."""
    spread = (SPREAD**2 + setting.trial_sd**2 + setting.second_sd**2) ** 0.5
    truth = float(np.exp(norm.ppf(percent / 100) * spread))
    ends = (interval(draw(setting, trials, dice), percent) for _ in range(campaigns))
    return sum(low <= truth <= high for low, high in ends)


def main() -> None:
    """Print how often the intervals of the median and of the p99 hold the truth."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--campaigns", type=int, default=200)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--percent", type=float, action="append", help="default: 50 and 99")
    asked = parser.parse_args()
    dice = np.random.default_rng(asked.seed)
    print(f"{asked.campaigns:,} campaigns each, seed {asked.seed}: held the truth, in %")
    print(
        "p    trials sd   seconds sd   phi", *(f"{count:2} trials" for count in TRIALS), sep="   "
    )
    for percent in asked.percent or (50, 99):
        for trial_sd in (0.01, 0.05, 0.2):
            for second_sd, phi in ((0.1, 0.6), (0.3, 0.8)):
                setting = Setting(trial_sd, second_sd, phi)
                shares = [
                    100 * held(setting, count, percent, asked.campaigns, dice) / asked.campaigns
                    for count in TRIALS
                ]
                figures = "   ".join(f"{share:9.1f}" for share in shares)
                what = f"{100 * trial_sd:6.0f} % {100 * second_sd:10.0f} % {phi:7.1f}"
                print(f"p{percent:g} {what} {figures}", flush=True)


if __name__ == "__main__":
    main()
