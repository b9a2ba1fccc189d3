"""Show by simulation that to go on until an interval is narrow keeps what it promises.

Trials are log-normal and made in blocks, as in bench/intervals.py. The first ones decide how many
are made in all (analysis/intervals.py, trials_needed); with several cells, the one that needs most.
Prints how often the interval of the first cell holds the true ratio; how often it would if all
trials showed the scatter, and if one had looked after each trial and stopped when it was narrow
enough; how often two equal versions of six cells are called worse; how wide intervals came out; and
how many trials were made. tests/unit/report/test_until.py asks the same of settings drawn anew.

    nice python bench/until.py [--campaigns 20000] [--seed 1]
"""

import argparse
import random
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from analysis.intervals import CONFIDENCE, Floats, LogRatio, holm, paired, trials_needed

CELLS = 6


@dataclass(frozen=True)
class Setting:
    """How trials scatter, and what is asked for."""

    first: int  # trials that decide how many are made
    most: int
    percent: float  # how far the interval may reach
    sd: float
    block_sd: float


@dataclass(frozen=True)
class Found:
    """What campaigns of several cells came to. The true ratio is 1 in all of them."""

    trials: Floats  # of each campaign
    ratios: LogRatio  # campaigns by cells, with the scatter of the first trials
    naive: LogRatio  # with that of all trials
    of: Floats  # campaigns by cells by trials, as many as the most
    to: Floats


def stopped(setting: Setting, cells: int, count: int, dice: np.random.Generator) -> Found:
    """Return `count` campaigns, each stopped by the rule."""
    shape = (count, cells, setting.most)
    block = dice.normal(0, setting.block_sd, (count, 1, setting.most))
    of, to = (np.exp(block + dice.normal(0, setting.sd, shape)) for _ in range(2))
    first = (of[..., : setting.first], to[..., : setting.first])
    wanted = trials_needed(*first, setting.percent).max(axis=-1)
    trials = np.clip(wanted, setting.first, setting.most).astype(int)
    parts = np.empty((2, 3, count, cells))
    for number in np.unique(trials):
        at = trials == number
        for kind, told in enumerate((setting.first, None)):
            fit = paired(of[at][..., :number], to[at][..., :number], told)
            parts[kind, 0, at], parts[kind, 1, at] = fit.centre, fit.error
            parts[kind, 2, at] = fit.freedom
    return Found(trials, LogRatio(*parts[0]), LogRatio(*parts[1]), of, to)


def held(found: LogRatio) -> int:
    """Return in how many campaigns the interval of the first cell holds the true ratio."""
    return int(np.sum((found.low()[:, 0] <= 1) & (found.high()[:, 0] >= 1)))


def called_worse(found: LogRatio) -> int:
    """Return how many campaigns have a worse cell, after Holm's correction."""
    below, above = found.chance_below(1), found.chance_above(1)
    corrected = np.array([holm(list(row)) for row in np.minimum(below, above)])
    return int(np.sum(np.any((below <= above) & (corrected <= 1 - CONFIDENCE), axis=1)))


def held_if_peeked(setting: Setting, found: Found) -> int:
    """Return how often the first cell's interval holds the truth if one stops once it is narrow."""
    count = len(found.trials)
    open_still, holds = np.ones(count, dtype=bool), 0
    for number in range(2, setting.most + 1):
        fit = paired(found.of[:, 0, :number], found.to[:, 0, :number])
        narrow = fit.high() / np.exp(fit.centre) <= 1 + setting.percent / 100
        ends = open_still & (narrow | (number == setting.most))
        holds += int(np.sum(ends & (fit.low() <= 1) & (fit.high() >= 1)))
        open_still &= ~ends
    return holds


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--campaigns", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    asked = parser.parse_args()
    dice = np.random.default_rng(asked.seed)
    print(f"{asked.campaigns:,} campaigns each, seed {asked.seed}; in % of campaigns")
    titles = ("held", "all trials", "peeking", "worse of 6", "narrow", "trials")
    print(" first  most  until   sd  blocks " + "".join(f"{title:>12}" for title in titles))
    for first in (6, 10):
        for sd, percent in ((0.01, 3), (0.03, 3), (0.05, 3), (0.1, 10), (0.2, 10), (0.2, 3)):
            setting = Setting(first, 40, percent, sd, dice.choice([0.0, 0.05, 0.15]))
            one = stopped(setting, 1, asked.campaigns, dice)
            many = stopped(setting, CELLS, asked.campaigns // 4, dice)
            reach = one.ratios.high() / np.exp(one.ratios.centre) - 1
            shares = (
                100 * held(one.ratios) / asked.campaigns,
                100 * held(one.naive) / asked.campaigns,
                100 * held_if_peeked(setting, one) / asked.campaigns,
                100 * called_worse(many.ratios) / (asked.campaigns // 4),
                100 * float(np.mean(reach <= percent / 100 + 1e-9)),
                float(one.trials.mean()),
            )
            print(
                f"{first:6} {setting.most:5} {percent:4} % {100 * sd:3.0f} % "
                f"{100 * setting.block_sd:4.0f} % " + "".join(f"{share:12.1f}" for share in shares)
            )


if __name__ == "__main__":
    main()
