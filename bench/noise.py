"""Show by simulation what comparisons of campaigns measured apart are worth. The truth is known.

Campaigns that measure the same differ by `between_sd`. Its size is not known to the rule, but
estimated from a few campaigns of an app against itself, as `fab run-aa` makes them. Prints how
often the interval holds the true ratio, with this noise and without it; how often campaigns of the
same app are called worse, of six cells; and how often a repetition shows the smallest difference
that is named, of one cell and of thirty. tests/unit/report/test_noise.py asks the same of
settings drawn anew each time.

    nice python bench/noise.py [--campaigns 20000] [--seed 1]
"""

import argparse
import random
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from analysis.intervals import (
    CONFIDENCE,
    Between,
    Floats,
    LogRatio,
    holm,
    unpaired,
)
from analysis.power import could_show, trials_to_show
from bench.intervals import each_of

CELLS, MANY = 6, 30


@dataclass(frozen=True)
class Place:
    """How figures scatter at a place. Spreads are standard deviations of the logarithm."""

    trials: int  # of each cell, in each campaign
    sd: float
    block_sd: float
    between_sd: float
    repeats: int  # campaigns from which the noise between campaigns is estimated


def campaigns(place: Place, shape: tuple[int, ...], dice: np.random.Generator) -> Floats:
    """Return the trials of as many cells as `shape` says, each in a campaign of its own."""
    whole = dice.normal(0, place.between_sd, (*shape, 1))
    block = dice.normal(0, place.block_sd, (*shape, place.trials))
    return np.asarray(np.exp(whole + block + dice.normal(0, place.sd, block.shape)))


def estimated(place: Place, shape: tuple[int, ...], dice: np.random.Generator) -> Between:
    """Return the noise between campaigns as `fab run-aa` estimates it, a value for each cell."""
    common = campaigns(replace(place, sd=0.0), (*shape, place.repeats), dice)[..., None]
    trials = common * np.exp(dice.normal(0, place.sd, (*common.shape[:-1], 2)))
    logarithms = np.log(trials.mean(axis=(-1, -2)))
    blocks = np.log(trials).mean(axis=-1).var(axis=-1, ddof=1)
    by_trials = blocks.mean(axis=-1) / place.trials
    return Between(logarithms.var(axis=-1, ddof=1), place.repeats - 1, by_trials)


def apart(place: Place, shape: tuple[int, ...], dice: np.random.Generator) -> LogRatio:
    """Return the ratios of campaigns measured apart, whose truth is 1, with the noise added."""
    sides = [campaigns(place, shape, dice) for _ in range(2)]
    return unpaired(*sides).apart(estimated(place, shape, dice))


def held(place: Place, count: int, dice: np.random.Generator, *, noise: bool = True) -> int:
    """Return in how many of `count` comparisons the interval holds the true ratio."""
    sides = [campaigns(place, (count,), dice) for _ in range(2)]
    found = unpaired(*sides)
    if noise:
        found = found.apart(estimated(place, (count,), dice))
    return int(np.sum((found.low() <= 1) & (found.high() >= 1)))


def called_worse(place: Place, cells: int, count: int, dice: np.random.Generator) -> int:
    """Return how many comparisons of an app with itself find a worse cell, after Holm."""
    found = apart(place, (count, cells), dice)
    below, above = found.chance_below(1), found.chance_above(1)
    corrected = np.array([holm(list(row)) for row in np.minimum(below, above)])
    return int(np.sum(np.any((below <= above) & (corrected <= 1 - CONFIDENCE), axis=1)))


def shown(place: Place, chance: float, count: int, dice: np.random.Generator) -> int:
    """Return how often a repetition shows what a comparison says that it could show."""
    said = apart(place, (count,), dice)
    ratios = np.array([could_show(one, chance) for one in each_of(said)])
    again = apart(place, (count,), dice)
    with np.errstate(over="ignore"):
        return int(np.sum(again.chance_above(1 / ratios) <= chance))


def planned(
    place: Place, ratio: float, chance: float, count: int, dice: np.random.Generator
) -> tuple[int, int, float]:
    """Return how often as many trials as a comparison asks for show the ratio `ratio`.

    The second number is of how many comparisons: those that ask for more trials than they had. The
    third is how many trials were asked for, on average. Without noise between campaigns.
    """
    shows, asked = 0, []
    for _ in range(count):
        sides = [campaigns(place, (), dice) for _ in range(2)]
        trials = trials_to_show(unpaired(*sides), place.trials, ratio, chance)
        if trials is None or trials <= place.trials:
            continue
        asked.append(trials)
        of, to = (campaigns(replace(place, trials=trials), (), dice) for _ in range(2))
        shows += int(unpaired(ratio * of, to).chance_above(1) <= chance)
    return shows, len(asked), float(np.mean(asked)) if asked else 0.0


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--campaigns", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    asked = parser.parse_args()
    print(f"{asked.campaigns:,} comparisons each, seed {asked.seed}")
    dice = np.random.default_rng(asked.seed)
    count = asked.campaigns
    columns = "".join(
        f"{name:>13}" for name in ("held", "without it", "worse", "shown", "of 30 cells")
    )
    print(f"\ntrials   sd  blocks  between  repeats {columns}")
    for trials in (3, 5, 10):
        for sd, block_sd, between_sd in (
            (0.01, 0.0, 0.0), (0.02, 0.15, 0.0), (0.02, 0.0, 0.05), (0.1, 0.05, 0.05),
            (0.2, 0.15, 0.02),
        ):  # fmt: skip
            for repeats in (5, 20):
                place = Place(trials, sd, block_sd, between_sd, repeats)
                figures = [
                    100 * held(place, count, dice) / count,
                    100 * held(place, count, dice, noise=False) / count,
                    100 * called_worse(place, CELLS, count // 4, dice) / (count // 4),
                    *(
                        100
                        * shown(place, (1 - CONFIDENCE) / cells, count // 10, dice)
                        / (count // 10)
                        for cells in (1, MANY)
                    ),
                ]
                spreads = f"{100 * sd:3.0f} % {100 * block_sd:4.0f} % {100 * between_sd:6.0f} %"
                told = "".join(f"{figure:13.1f}" for figure in figures)
                print(f"{trials:6} {spreads} {repeats:8} {told}")
    print("\ntrials made   sd   wanted   trials asked for   shown in, %")
    for trials in (3, 5, 10):
        for sd, ratio in ((0.03, 1.03), (0.1, 1.1), (0.1, 1.05)):
            place = Place(trials, sd, 0.0, 0.0, 2)
            shows, of, mean = planned(place, ratio, 1 - CONFIDENCE, count // 50, dice)
            print(f"{trials:11} {100 * sd:3.0f} % {100 * ratio - 100:6.0f} % {mean:18.0f} "
                  f"{100 * shows / max(of, 1):12.1f}")  # fmt: skip


if __name__ == "__main__":
    main()
