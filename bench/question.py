"""Show by simulation what the answers to a question are worth. The truth is known.

Each setting is two stacks whose capacities follow curves: both serve what their CPU allows, until
the one has no thread left that does not wait. Their ratio rises with the latency, and passes 1 at a
latency that is known, or nowhere within the points. Trials scatter by themselves and with their
block, each cell by a share of its own. Prints how often the bracket of a crossover holds the true
one, how often one is seen where there is none, how often equal stacks are told apart, and how often
the interval of the mean over all points holds the true mean.
tests/unit/report/test_crossing.py asks the same of settings that are drawn anew each time.

    nice python bench/question.py [--campaigns 300] [--settings 12] [--seed 1]
"""

import argparse
import math
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from scipy.optimize import brentq

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from analysis.intervals import Floats
from analysis.question.answers import FACTOR
from analysis.question.crossing import At, Crossing, PointVerdict, crossing, verdicts
from analysis.ratio import Estimate, Span, estimate, mean_ratio

Kind = Literal["crosses", "ahead", "equal"]


@dataclass(frozen=True)
class Setting:
    """Two stacks, the points at which they are measured, and how their trials scatter."""

    points: list[float]  # latencies, ms
    start: float  # logarithm of the ratio without any latency
    bend_ms: float  # the latency from which the one stack's threads do not suffice
    sharp: float  # how sharp that bend is
    slope: float  # 1: threads stay as they are; less: more of them, but not enough; 0: enough
    trials: int
    sd: Floats  # of each stack at each point, of the logarithm
    block_sd: float

    def log_ratio(self, latency_ms: float) -> float:
        """Return the logarithm of the true ratio at a latency."""
        over = math.log1p((latency_ms / self.bend_ms) ** self.sharp) / self.sharp
        return self.start + self.slope * over

    @property
    def truth_ms(self) -> float | None:
        """The latency at which the ratio passes 1; None if it does not within the points."""
        ends = (self.points[0], self.points[-1])
        if self.log_ratio(ends[0]) >= 0 or self.log_ratio(ends[1]) <= 0:
            return None
        return float(brentq(self.log_ratio, *ends))

    def asked(
        self, dice: np.random.Generator
    ) -> tuple[list[Estimate], list[PointVerdict], Crossing]:
        """Measure both stacks once, and return what is answered: the last is of all points."""
        blocks = dice.normal(0, self.block_sd, (self.trials, 1))
        ratios = []
        for number, point in enumerate(self.points):
            noise = dice.normal(0, 1, (self.trials, 2)) * self.sd[number]
            logs = np.exp(7 + blocks + noise + [self.log_ratio(point), 0])
            of, to = ([Span.exact(float(value)) for value in side] for side in logs.T)
            ratios.append(estimate(of, to, paired=True))
        ratios.append(mean_ratio(ratios))
        told = verdicts(ratios, FACTOR, more_is_better=True)
        at = [
            At(point, word, one.value)
            for point, word, one in zip(self.points, told[:-1], ratios[:-1], strict=True)
        ]
        return ratios, told, crossing(at)

    @property
    def mean_log_ratio(self) -> float:
        """The mean over the points of the logarithm of the true ratio."""
        return math.fsum(map(self.log_ratio, self.points)) / len(self.points)


def drawn(dice: np.random.Generator, kind: Kind) -> Setting:
    """Return a setting drawn by lot: one that crosses, one that is ahead throughout, or equal."""
    while True:
        count = int(dice.integers(2, 6))
        points = [0.0, *np.sort(np.exp(dice.uniform(0.5, 6, count))).round(1).tolist()]
        start = {
            "crosses": -float(dice.uniform(0.02, 0.8)),
            "ahead": float(dice.uniform(0.1, 0.8)),
            "equal": 0.0,
        }[kind]
        found = Setting(
            points=points,
            start=start,
            bend_ms=float(np.exp(dice.uniform(1, 4))),
            sharp=float(dice.uniform(1, 4)),
            slope=0.0 if kind == "equal" else float(dice.uniform(0.3, 1)),
            trials=int(dice.integers(2, 8)),
            sd=np.exp(dice.uniform(math.log(0.005), math.log(0.08), (len(points), 2))),
            block_sd=float(dice.choice([0, 0.02, 0.1])),
        )
        if len(set(points)) == len(points) and (kind != "crosses" or found.truth_ms is not None):
            return found


def holds(found: Crossing, truth_ms: float) -> bool:
    """Return whether what is said of a crossover agrees with the truth that there is one there.

    A bracket must hold it. That one is ahead, or behind, at both ends is wrong; that nothing can be
    told is not.
    """
    if found.course in ("several", "level", "falls"):
        return False
    if found.throughout:
        return False
    low = 0.0 if found.above is None else found.above
    high = math.inf if found.below is None else found.below
    return low <= truth_ms <= high


def main() -> None:
    """Print a row for each drawn setting."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--campaigns", type=int, default=300)
    parser.add_argument("--settings", type=int, default=12)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    dice = np.random.default_rng(asked.seed)
    told = dict.fromkeys(("held", "seen", "false", "apart", "mean"), 0)
    for _ in range(asked.settings):
        crosses, ahead, equal = (drawn(dice, kind) for kind in ("crosses", "ahead", "equal"))
        truth = crosses.truth_ms or 0
        for _ in range(asked.campaigns):
            found = crosses.asked(dice)[2]
            told["held"] += holds(found, truth)
            told["seen"] += found.course == "rises"
            ratios, words, course = ahead.asked(dice)
            told["false"] += course.course in ("rises", "falls", "several")
            told["mean"] += ratios[-1].low <= math.exp(ahead.mean_log_ratio) <= ratios[-1].high
            words = equal.asked(dice)[1]
            told["apart"] += bool({"ahead", "behind"} & set(words))
    every = asked.settings * asked.campaigns
    for key, words_of in (
        ("held", "crossovers of which what is said holds"),
        ("seen", "crossovers seen from both sides"),
        ("false", "questions without a crossover in which one is seen"),
        (
            "apart",
            "questions about equal stacks in which any point, or all together, tells them apart",
        ),
        ("mean", "intervals over all points together that hold the true mean"),
    ):
        sys.stdout.write(f"{100 * told[key] / every:5.1f} of 100 {words_of}\n")


if __name__ == "__main__":
    main()
