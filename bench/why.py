"""Show by simulation what the shares of a ratio are worth. The truth is known.

Each setting is a pair of apps with hidden effects: of the framework, of factors, and of some of
them together. The truth is that of the dividends of the game (J. C. Harsanyi): what a set of
players adds when all of them are changed, which its members share equally. Trials scatter as in
bench/intervals.py. Prints how often the interval of a share holds the true share, how often that
of a factor without effect leaves 1 out, and how often an interaction is named that there is not.
tests/unit/report/test_why_shares.py asks the same of settings that are drawn anew each time.

    nice python bench/why.py [--campaigns 20000] [--settings 12] [--seed 1]
"""

import argparse
import random
import sys
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from analysis.intervals import CONFIDENCE, Floats, LogRatio, contrast
from analysis.why import shapley
from testbed.asked import factorial
from testbed.model.why import FRAMEWORK, Factor, FactorialCell, Why

Players = frozenset[str]
NULL = "null"  # a factor without effect


@dataclass(frozen=True)
class Setting:
    """Two apps whose figures differ by hidden effects, and how the trials of cells scatter."""

    why: Why
    dividends: dict[Players, float]  # of the logarithm
    trials: int
    sd: Floats  # of each cell, of the logarithm
    block_sd: float

    @property
    def logs(self) -> Floats:
        """The logarithm of the true figure of each cell."""
        held = [frozenset(cell.as_app) for cell in self.why.cells]
        return np.array([sum(d for t, d in self.dividends.items() if t <= one) for one in held])

    def share(self, player: str) -> float:
        """Return the true share of a player, a logarithm."""
        return sum(d / len(t) for t, d in self.dividends.items() if player in t)


def factorial_of(factors: list[str]) -> Why:
    """Return the factorial over such factors, between two apps named a and b."""
    words = factorial.generators(factors)
    cells = factorial.cells(factors, words)
    return Why(
        app="a",
        against="b",
        titles={"a": "App A", "b": "App B"},
        factors=[Factor(name=name, title=name, app="1", against="0") for name in factors],
        cells=[
            FactorialCell(
                as_app=sorted(one), app="a" if FRAMEWORK in one else "b", variant=f"x{number}"
            )
            for number, one in enumerate(cells)
        ],
        generators=words,
    )


def drawn(dice: np.random.Generator, factors: int, together: int) -> Setting:
    """Return a setting drawn by lot, with so many factors and effects of `together` at once.

    The last factor has no effect at all. Of a fraction, only pairs act together.
    """
    names = [f"f{number}" for number in range(1, factors)] + [NULL]
    why = factorial_of(names)
    acting = why.players[:-1]
    dividends = {frozenset({p}): float(dice.normal(0, 0.7)) for p in acting}
    most = 2 if why.generators else 3
    sets = [frozenset(one) for n in range(2, most + 1) for one in combinations(acting, n)]
    for number in dice.permutation(len(sets))[:together]:
        dividends[sets[number]] = float(dice.normal(0, 0.5))
    spread = float(np.exp(dice.uniform(np.log(0.01), np.log(0.1))))
    sd = spread * np.exp(dice.uniform(-0.7, 0.7, len(why.cells)))
    trials = int(dice.integers(2, 9))
    return Setting(why, dividends, trials, sd, float(dice.uniform(0, 0.15)))


def measured(setting: Setting, campaigns: int, dice: np.random.Generator) -> list[Floats]:
    """Return the trials of each cell (campaigns x trials)."""
    blocks = dice.normal(0, setting.block_sd, (campaigns, setting.trials))
    return [
        np.exp(log + blocks + dice.normal(-(sd**2) / 2, sd, (campaigns, setting.trials)))
        for log, sd in zip(setting.logs, setting.sd, strict=True)
    ]


def held(setting: Setting, campaigns: int, dice: np.random.Generator) -> dict[str, int]:
    """Return for each player in how many campaigns its interval holds its true share."""
    cells = measured(setting, campaigns, dice)
    return {
        player: _holding(contrast(cells, list(weights)), setting.share(player))
        for player, weights in shapley.shares(setting.why).items()
    }


def _holding(found: LogRatio, log: float) -> int:
    return int(np.sum((found.low() <= np.exp(log)) & (np.exp(log) <= found.high())))


def named_by_chance(setting: Setting, campaigns: int, dice: np.random.Generator) -> int:
    """Return in how many campaigns an interaction is reported that is not there.

    The setting has no effects of several players together.
    """
    cells = measured(setting, campaigns, dice)
    found = [contrast(cells, list(one)) for one in shapley.interactions(setting.why).values()]
    chances = np.array([np.minimum(f.chance_above(1), f.chance_below(1)) for f in found])
    # By Holm's first step, which decides whether any is named (analysis/intervals.py, holm)
    return int(np.sum(len(found) * chances.min(axis=0) <= 1 - CONFIDENCE))


def main() -> None:
    """Print one line a setting."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--campaigns", type=int, default=20_000)
    parser.add_argument("--settings", type=int, default=12)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**9))
    given = parser.parse_args()
    print(f"seed {given.seed}; percent of {given.campaigns} campaigns")
    print("factors  cells  trials  together  held (least, most of players)  null told  named")
    dice = np.random.default_rng(given.seed)
    for number in range(given.settings):
        factors, together = number % 7 + 1, int(dice.integers(0, 4))
        setting = drawn(dice, factors, together)
        shares = held(setting, given.campaigns, dice)
        percent = [100 * count / given.campaigns for count in shares.values()]
        told = 100 * (1 - shares[NULL] / given.campaigns)
        named = "-"
        if len(setting.dividends) == len(setting.why.players) - 1:
            few = max(200, given.campaigns // 20)
            named = f"{100 * named_by_chance(setting, few, dice) / few:.1f}"
        print(
            f"{factors:7}  {len(setting.why.cells):5}  {setting.trials:6}  {together:8}  "
            f"{min(percent):14.1f} {max(percent):14.1f}  {told:9.1f}  {named:>5}"
        )


if __name__ == "__main__":
    main()
