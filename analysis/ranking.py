"""Rank apps under the same load, and say how each stands to the first. Pure functions.

Whether the first app is told apart from another is said by the p-value of their ratio, after Holm's
correction for the number of apps that it is compared with.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from analysis.compare.rule import DEFAULT_TOLERANCE_PERCENT, judge
from analysis.figures import Figure
from analysis.groups import Group
from analysis.intervals import CONFIDENCE, holm
from analysis.pairs import in_one_campaign
from analysis.ratio import Estimate, number
from analysis.trials import CellTrials
from testbed.model.results import Standing
from testbed.numbers import MISSING

# How the first app stands to another: told apart from it, the same within compare's tolerance, or
# neither; or unknown, since a side has one trial
Told = Literal["ahead", "level", "undecided", "one trial"]
TIED: tuple[Told, ...] = ("level", "undecided")


@dataclass(frozen=True)
class Row:
    """One app under one load, with its rank."""

    label: str
    app: str
    variant: str
    standing: Standing
    figures: dict[str, str]  # by their titles
    cell: CellTrials  # of the figure that ranks
    group: Group | None = None  # None: searches for capacity
    gave_out: str = ""  # what held its trials back; empty: not recorded
    standings: tuple[Standing, ...] = ()  # of its trials
    # By check, the first clause of what it says of each trial that counts and is doubtful
    doubts: Mapping[str, Sequence[str]] = field(default_factory=dict)
    # The same of each trial that does not count
    spoilt: Mapping[str, Sequence[str]] = field(default_factory=dict)
    rank: str = MISSING  # '1', or '1=' for all that the first is not told apart from
    # Of the figure that ranks, so that it is above 1 where the first one is better. None: it is the
    # first itself, or the row is not ranked
    first_is: Estimate | None = None
    told: Told | None = None
    # How each of the answer's baselines stands to it, with its interval, as text
    ratios: tuple[str, ...] = ()


def ranked(rows: Sequence[Row], metric: Figure) -> list[Row]:
    """Return the rows that have trials which count, with their ranks, the best first.

    Those that the first is not told apart from stand beside it.
    """
    counted = [row for row in rows if row.cell.spans]
    if not counted:
        return []
    first, *rest = sorted(
        counted, key=lambda row: row.cell.mean or 0, reverse=metric.more_is_better
    )
    found = [better_by(first, row, metric) for row in rest]
    chances = holm([one.chance_outside(1, 1) for one in found])
    told = [_told(one, chance) for one, chance in zip(found, chances, strict=True)]
    compared = [
        replace(row, first_is=one, told=how)
        for row, one, how in zip(rest, found, told, strict=True)
    ]
    tied = [row for row in compared if row.told in TIED]
    placed = [replace(row, rank="1=" if tied else "1") for row in (first, *tied)]
    for row in compared:
        if row.told not in TIED:
            placed.append(replace(row, rank=str(len(placed) + 1)))
    return placed


def better_by(one: Row, than: Row, metric: Figure) -> Estimate:
    """Return the ratio of both rows' figures, the way round that is above 1 if `one` is better.

    Sentences and tables have all ratios this way round.
    """
    sides = (one.cell, than.cell) if metric.more_is_better else (than.cell, one.cell)
    return in_one_campaign(*sides)


def ratio_text(baseline: Row, row: Row, metric: Figure) -> str:
    """Return how a baseline stands to a row, with the interval: '1.60 (1.30 to 1.80)'."""
    if row is baseline:
        return "1"
    found = better_by(baseline, row, metric)
    if found.value is None:
        return MISSING
    return f"{found.text} ({found.interval()})" if found.has_interval else number(found.value)


def _told(found: Estimate, chance: float) -> Told:
    if found.how == "one trial":
        return "one trial"
    if chance <= 1 - CONFIDENCE:
        return "ahead"
    factor = 1 + DEFAULT_TOLERANCE_PERCENT / 100
    return "level" if judge(found, factor, more_is_better=True) == "same" else "undecided"
