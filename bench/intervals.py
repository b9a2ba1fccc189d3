"""Show by simulation what the intervals and the gate of `compare` are worth. The truth is known.

Trials are log-normal: each scatters by `sd`, and each block (trial) adds a scatter of its own to
all cells that are measured in it. Prints for many settings how often the interval holds the true
ratio, how often campaigns of the same app are called worse, and how often a true difference is
found. tests/unit/report/test_intervals.py asks the same of settings that are drawn anew each time.

    nice python bench/intervals.py [--campaigns 20000] [--seed 1]
"""

import argparse
import random
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from analysis.intervals import (
    CONFIDENCE,
    Floats,
    LogRatio,
    Variance,
    holm,
    paired,
    unpaired,
)
from analysis.power import could_show

Fit = Callable[[Floats, Floats], LogRatio]


@dataclass(frozen=True)
class Setting:
    """How the trials of two cells scatter. All spreads are standard deviations of the logarithm."""

    trials: tuple[int, int]
    sd: tuple[float, float]
    block_sd: float
    together: bool  # whether trial k of both sides is one block; if not, each side has its own


def draw(setting: Setting, shape: tuple[int, ...], dice: np.random.Generator) -> list[Floats]:
    """Return the trials of both sides, of mean 1, for as many campaigns as `shape` says.

    The last axis of `shape` are cells of one campaign, which share its blocks.
    """
    sides = []
    shared = dice.normal(0, setting.block_sd, (*shape[:-1], 1, setting.trials[0]))
    for trials, sd in zip(setting.trials, setting.sd, strict=True):
        own = dice.normal(0, setting.block_sd, (*shape[:-1], 1, trials))
        block = shared if setting.together else own
        sides.append(np.exp(block + dice.normal(-(sd**2) / 2, sd, (*shape, trials))))
    return sides


def held(setting: Setting, fit: Fit, campaigns: int, dice: np.random.Generator) -> int:
    """Return in how many of the campaigns the interval holds the true ratio, which is 1.7."""
    of, to = draw(setting, (campaigns, 1), dice)
    found = fit(1.7 * of, to)
    return int(np.sum((found.low() <= 1.7) & (found.high() >= 1.7)))


def called_worse(
    setting: Setting, cells: int, factor: float, campaigns: int, dice: np.random.Generator
) -> tuple[int, int]:
    """Return how many comparisons of an app with itself find a worse cell, with Holm and without.

    `factor` is 1 + tolerance.
    """
    a, b = draw(setting, (campaigns, cells), dice)
    found = unpaired(b, a)
    below, above = found.chance_below(1 / factor), found.chance_above(factor)
    chances = np.minimum(below, above)
    corrected = np.array([holm(list(row)) for row in chances])
    worse = below <= above
    return tuple(
        int(np.sum(np.any(worse & (p <= 1 - CONFIDENCE), axis=1))) for p in (corrected, chances)
    )  # type: ignore[return-value]


def decided(
    setting: Setting, fit: Fit, ratio: float, campaigns: int, dice: np.random.Generator
) -> int:
    """Return how often a true ratio above 1 is told from 1."""
    of, to = draw(setting, (campaigns, 1), dice)
    return int(np.sum(fit(ratio * of, to).low() > 1))


def each_of(found: LogRatio) -> Iterator[LogRatio]:
    """Yield the ratio of each campaign of a simulation."""
    for place in np.ndindex(found.centre.shape):
        parts = tuple(
            Variance(*(np.broadcast_to(value, found.centre.shape)[place] for value in part))
            for part in found.parts
        )
        yield LogRatio(
            found.centre[place],
            found.error[place],
            found.freedom[place],
            parts,
            found.sides,
            np.broadcast_to(found.twice, found.centre.shape)[place],
        )


def shown(
    setting: Setting, fit: Fit, chance: float, campaigns: int, dice: np.random.Generator
) -> int:
    """Return how often a repetition shows what a campaign says that it could show.

    The difference is true in the repetition, which is judged at the p-value given.
    """
    said = fit(*draw(setting, (campaigns, 1), dice))
    ratios = np.array([could_show(one, chance) for one in each_of(said)])
    of, to = draw(setting, (campaigns, 1), dice)
    with np.errstate(over="ignore", invalid="ignore"):
        return int(np.sum(fit(ratios[:, None, None] * of, to).low(1 - chance) > 1))


def main() -> None:
    """Print the four tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--campaigns", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    asked = parser.parse_args()
    print(f"{asked.campaigns:,} campaigns each, seed {asked.seed}")
    dice = np.random.default_rng(asked.seed)
    _print_held(asked.campaigns, dice)
    _print_called_worse(asked.campaigns, dice)
    _print_decided(asked.campaigns, dice)
    _print_shown(asked.campaigns // 10, dice)


def _print_held(campaigns: int, dice: np.random.Generator) -> None:
    print("\nThe interval holds the true ratio, in % of campaigns")
    spreads = [(0.01, 0.01), (0.05, 0.05), (0.2, 0.2), (0.05, 0.2), (0.2, 0.01)]
    print("trials  blocks %", *(f"sd {100 * a:g}/{100 * b:g} %" for a, b in spreads), sep="   ")
    for name, fit in (("paired", paired), ("unpaired", unpaired)):
        for trials in (2, 2), (3, 3), (5, 5), (10, 10), (2, 10), (10, 2), (3, 5), (3, 20), (20, 5):
            if name == "paired" and trials[0] != trials[1]:
                continue
            for block_sd in (0.0, 0.15):
                shares = [
                    held(Setting(trials, sd, block_sd, name == "paired"), fit, campaigns, dice)
                    for sd in spreads
                ]
                figures = "   ".join(f"{100 * share / campaigns:9.1f}" for share in shares)
                print(f"{name:8} {trials[0]:2}/{trials[1]:<2} {100 * block_sd:3.0f} %  {figures}")


def _print_called_worse(campaigns: int, dice: np.random.Generator) -> None:
    print("\nAn app against itself, two campaigns of six cells: called worse, in % of comparisons")
    print("trials   sd   blocks   tolerance   with Holm   without")
    for trials in (2, 3, 5, 10):
        for sd, block_sd, factor in ((0.02, 0, 1), (0.1, 0.1, 1.05), (0.2, 0.15, 1), (0.2, 0, 1)):
            setting = Setting((trials, trials), (sd, sd), block_sd, together=False)
            found = called_worse(setting, 6, factor, campaigns // 4, dice)
            with_holm, without = (100 * count / (campaigns // 4) for count in found)
            what = (
                f"{trials:6} {100 * sd:3.0f} % {100 * block_sd:6.0f} % {100 * factor - 100:9.0f} %"
            )
            print(f"{what} {with_holm:11.1f} {without:9.1f}")


def _print_decided(campaigns: int, dice: np.random.Generator) -> None:
    print("\nInterleaved cells, blocks of sd 10 %, trials of 3 %: told from 1, in % of campaigns")
    print("trials   true ratio   paired   unpaired")
    for trials in (3, 5, 10):
        for ratio in (1.05, 1.1):
            setting = Setting((trials, trials), (0.03, 0.03), 0.1, together=True)
            found = [
                100 * decided(setting, fit, ratio, campaigns, dice) / campaigns
                for fit in (paired, unpaired)
            ]
            print(f"{trials:6} {ratio:12} {found[0]:8.1f} {found[1]:10.1f}")


def _print_shown(campaigns: int, dice: np.random.Generator) -> None:
    print("\nA difference that could be shown is shown in a repetition, in % of campaigns")
    print("trials   cells   paired   unpaired   unpaired, sd 2/10 %   sd 10/2 %")
    for of, to in (3, 3), (5, 5), (10, 10), (3, 12), (5, 20), (3, 6):
        for cells in (1, 6, 30):
            chance = (1 - CONFIDENCE) / cells
            settings = [
                (paired if together else unpaired, Setting((of, to), sd, 0.05, together))
                for together in ((True, False) if of == to else (False,))
                for sd in ((0.05, 0.05), (0.02, 0.1), (0.1, 0.02))
                if not together or sd[0] == sd[1]
            ]
            figures = [
                100 * shown(setting, fit, chance, campaigns, dice) / campaigns
                for fit, setting in settings
            ]
            told = "".join(f"{figure:10.1f}" for figure in figures)
            print(f"{of:3}/{to:<3} {cells:7} {told:>40}")


if __name__ == "__main__":
    main()
