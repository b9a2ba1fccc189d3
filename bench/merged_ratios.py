"""Show by simulation how often the interval of a ratio of merged p99s holds the truth.

The p99 of two cells, whose trials were made in the same blocks, is that of all trials merged. The
width of its interval comes from the p99 of each trial. It can lie around the ratio of the merged
p99s, as analysis/ratio.py has it, or around that of the trials' mean p99s, widened to hold the
other. Response times are log-normal. Each trial is slower or faster as a whole, and has a tail of
its own; each cell scatters in its own way. docs/method.md has the results.

    nice python bench/merged_ratios.py [--campaigns 2000] [--seed 1]
"""

import argparse
import math
import random
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.special import ndtr, ndtri

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from analysis.intervals import Floats
from analysis.ratio import Estimate, Span, estimate

SPREAD = 0.7  # of the logarithm of single response times
SHARE = 0.99
TRIALS = (2, 3, 5, 10)
MANY = 40_000  # trials that tell the truth


@dataclass(frozen=True)
class Setting:
    """How trials scatter, as standard deviations of logarithms: of both cells, and of blocks."""

    sides: tuple[float, float]
    tails: tuple[float, float]
    blocks: float


SETTINGS = (
    Setting((0.05, 0.05), (0.0, 0.0), 0.1),
    Setting((0.2, 0.2), (0.1, 0.1), 0.0),
    Setting((0.2, 0.02), (0.1, 0.0), 0.1),
    Setting((0.4, 0.4), (0.3, 0.3), 0.0),
    Setting((0.4, 0.05), (0.3, 0.05), 0.1),
)


def drawn(setting: Setting, shape: tuple[int, ...], dice: np.random.Generator) -> list[Floats]:
    """Return median and spread of the logarithm of each trial's times, of one side, then both."""
    block = dice.normal(0, setting.blocks, shape)
    found = []
    for side, tail in zip(setting.sides, setting.tails, strict=True):
        found += [block + dice.normal(0, side, shape), SPREAD * np.exp(dice.normal(0, tail, shape))]
    return found


def merged(middles: Floats, spreads: Floats) -> Floats:
    """Return the logarithm of the p99 of all trials together, which are on the last axis."""
    low, high = middles.min(axis=-1), (middles + 6 * spreads).max(axis=-1)
    for _ in range(50):
        half = (low + high) / 2
        beyond = ndtr((half[..., None] - middles) / spreads).mean(axis=-1) > SHARE
        low, high = np.where(beyond, low, half), np.where(beyond, half, high)
    return np.asarray(high)


def both_ways(of: Floats, to: Floats, ratio: float) -> tuple[Estimate, tuple[float, float]]:
    """Return the estimate around the ratio of merged p99s, and the interval around the mean's."""
    sides = [[Span.exact(float(one)) for one in side] for side in (of, to)]
    around = estimate(*sides, paired=True, merged=(Span.exact(ratio), Span.exact(1.0)))
    other = estimate(*sides, paired=True)
    return around, (min(other.low, ratio), max(other.high, ratio))


def main() -> None:
    """Print a row for each setting and number of trials."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--campaigns", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    given = parser.parse_args()
    dice = np.random.default_rng(given.seed)
    print(f"seed {given.seed}, {given.campaigns} campaigns each; held the truth in so many of 100")
    print(f"{'trials':>6} {'around the merged':>18} {'around the mean':>16}  setting")
    for setting in SETTINGS:
        a, b, c, d = drawn(setting, (MANY,), dice)
        truth = math.exp(float(merged(a, b) - merged(c, d)))
        for trials in TRIALS:
            a, b, c, d = drawn(setting, (given.campaigns, trials), dice)
            ratios = np.exp(merged(a, b) - merged(c, d))
            own = np.exp(a + ndtri(SHARE) * b), np.exp(c + ndtri(SHARE) * d)
            held = np.zeros(2)
            for of, to, ratio in zip(*own, ratios, strict=True):
                found, (low, high) = both_ways(of, to, float(ratio))
                held += (found.low <= truth <= found.high, low <= truth <= high)
            share = 100 * held / given.campaigns
            print(f"{trials:6} {share[0]:18.1f} {share[1]:16.1f}  {setting}", flush=True)


if __name__ == "__main__":
    main()
