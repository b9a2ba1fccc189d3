"""Say from where on one stack is ahead of another, by the verdicts at single points.

The points are those of what is swept, in rising order, and each has a verdict by itself: ahead,
behind, level, undecided or no data. Nothing is assumed of the curves between and beyond the points
but that their ratio rises or falls: then the place at which it passes 1 lies above the last point
that is told to be on the one side, and below the first that is told to be on the other. That
bracket is the interval. Verdicts hold after Holm's correction for all points, so that a bracket
holds the truth in at least 95 of 100 questions. What lies between is at best interpolated
(`about`), and is not part of what is claimed. All functions are pure.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Literal

from analysis.compare.rule import judge
from analysis.intervals import CONFIDENCE, holm
from analysis.ratio import Estimate, rounded

PointVerdict = Literal["ahead", "behind", "level", "undecided", "no data"]
# How the verdicts follow each other. rises: first behind, then ahead; falls: first ahead, then
# behind; ahead, behind: wherever they are told apart; several: it changes more than once; level: at
# every point; untold: they are told apart nowhere
CrossingKind = Literal["rises", "falls", "ahead", "behind", "several", "level", "untold"]
WORDS: dict[str, PointVerdict] = {
    "better": "ahead", "worse": "behind", "same": "level", "undecided": "undecided",
}  # fmt: skip
TOLD = ("ahead", "behind")


@dataclass(frozen=True)
class At:
    """The verdict at one point, with the ratio to the other stack; above 1 is ahead."""

    x: float
    verdict: PointVerdict
    ratio: float | None = None


@dataclass(frozen=True)
class Crossing:
    """How the verdicts go along the points, and where the ratio passes 1.

    It lies above `above` and below `below`. None: it was not seen on that side, so it may be
    anywhere there, or nowhere.
    """

    course: CrossingKind
    above: float | None = None
    below: float | None = None
    about: float | None = None  # interpolated; None: it is not known so closely
    throughout: bool = False  # ahead or behind at both ends of the points: it passes 1 nowhere

    @property
    def seen(self) -> bool:
        """Whether points on both sides were told apart."""
        return self.course in ("rises", "falls", "several")


def verdicts(
    ratios: Sequence[Estimate | None], factor: float, *, more_is_better: bool
) -> list[PointVerdict]:
    """Return the verdict of each ratio, judged together: any of many could lie apart by chance.

    `factor` is 1 plus the tolerance, up to which two figures are level. None stands for a ratio of
    which there are no data. Ahead and behind hold after Holm's correction for all ratios.
    """
    least, most = rounded(1 / factor), rounded(factor)
    chances = [
        one.chance_outside(least, most) for one in ratios if one is not None and _tested(one)
    ]
    corrected = iter(holm(chances))
    found: list[PointVerdict] = []
    for one in ratios:
        if one is None:
            found.append("no data")
            continue
        word = WORDS[judge(one, factor, more_is_better=more_is_better)]
        chance = next(corrected) if _tested(one) else 1.0
        found.append("undecided" if word in TOLD and chance > 1 - CONFIDENCE else word)
    return found


def _tested(one: Estimate) -> bool:
    return one.how != "one trial"


def crossing(points: Sequence[At]) -> Crossing:
    """Return how the verdicts go along the points, which are in rising order."""
    told = [one for one in points if one.verdict in TOLD]
    sides = [side for side, _ in groupby(one.verdict for one in told)]
    if not told:
        level = bool(points) and all(one.verdict == "level" for one in points)
        return Crossing("level" if level else "untold")
    if len(sides) > 2:
        return Crossing("several")
    first = [one for one in told if one.verdict == sides[0]]
    if len(sides) == 2:
        last, next_ = first[-1].x, told[len(first)].x
        course: CrossingKind = "rises" if sides[0] == "behind" else "falls"
        return Crossing(course, last, next_, _interpolated(points, last, next_))
    return _on_one_side("ahead" if sides[0] == "ahead" else "behind", points, first)


def _on_one_side(side: CrossingKind, points: Sequence[At], told: Sequence[At]) -> Crossing:
    """Return where the ratio may pass 1, if all points that are told apart are on one side.

    Of the points before the first of them, and after the last, it is not known on which side they
    are. If these are the ends of the range, it passes 1 beyond it, if anywhere. If neither is, it
    may do so before the first or after the last.
    """
    begins, ends = told[0].x > points[0].x, told[-1].x < points[-1].x
    if begins and not ends:
        return Crossing(side, below=told[0].x)
    if ends and not begins:
        return Crossing(side, above=told[-1].x)
    return Crossing(side, throughout=not begins and not ends)


def _interpolated(points: Sequence[At], above: float, below: float) -> float | None:
    """Return where the ratio passes 1 between two points, if its logarithm is straight there.

    Latencies are taken by the logarithm of 1 plus their number, as their ratio matters. Return None
    if it passes more than once.
    """
    inside = [one for one in points if above <= one.x <= below and one.ratio]
    logs = [(math.log1p(one.x), math.log(one.ratio)) for one in inside if one.ratio]
    passes = [(a, b) for a, b in pairwise(logs) if a[1] * b[1] <= 0 and a[1] != b[1]]
    if len(passes) != 1:
        return None
    (x, y), (to_x, to_y) = passes[0]
    return math.expm1(x - y * (to_x - x) / (to_y - y))
