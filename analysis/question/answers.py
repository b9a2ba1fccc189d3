"""Bring the figures of a question's cells together, compare them, and judge. Pure functions."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from analysis.compare.cells import CAPACITY
from analysis.compare.rule import DEFAULT_TOLERANCE_PERCENT
from analysis.figures import Figure
from analysis.folders import written_by
from analysis.groups import endpoints as measured
from analysis.load import LoadedCampaign
from analysis.pairs import in_one_campaign
from analysis.question.cells import CPU, Cell, cells_of
from analysis.question.crossing import At, Crossing, PointVerdict, crossing, verdicts
from analysis.question.remarks import remarks
from analysis.ratio import Estimate, mean_ratio
from testbed.model.question import Point, QuestionPlan

FACTOR = 1 + DEFAULT_TOLERANCE_PERCENT / 100
JUDGED: tuple[Figure, ...] = (CAPACITY, CPU)


@dataclass(frozen=True)
class Compared:
    """One figure of two cells of one endpoint; above 1, `of` has more of it."""

    figure: Figure
    of: Cell
    to: Cell
    ratio: Estimate | None  # None: no data
    verdict: PointVerdict = "no data"  # ahead: more capacity, or less CPU time

    @property
    def ahead_by(self) -> float | None:
        """How many times better `of` is than `to`; below 1 it is worse. None: not known."""
        value = None if self.ratio is None else self.ratio.value
        if not value or math.isinf(value):
            return None
        return value if self.figure.more_is_better else 1 / value


@dataclass(frozen=True)
class Overall:
    """One figure of two stacks, on the geometric mean of its ratios at all points.

    Points that cannot be told apart one by one, as each has few trials, often can be together.
    """

    ratio: Estimate
    verdict: PointVerdict


@dataclass(frozen=True)
class Pairing:
    """One stack against another, point by point, in one figure."""

    endpoint: str
    figure: Figure
    of: str
    to: str
    compared: list[Compared]  # in the order of the points
    crossing: Crossing | None  # None: the points have no order
    overall: Overall | None = None  # None: one point, or one without a ratio


@dataclass(frozen=True)
class Steps:
    """One stack against itself, from point to point of a setting, in one figure.

    Where the points have an order, each is compared with the one before; else with the first.
    """

    endpoint: str
    figure: Figure
    stack: str
    compared: list[Compared]


@dataclass(frozen=True)
class Answers:
    """All that a campaign answers."""

    plan: QuestionPlan
    endpoints: list[str]
    cells: list[Cell]
    # Where a latency is swept: every stack against the baseline, and one with more of something
    # against the one with less
    pairings: list[Pairing]
    steps: list[Steps]  # where a setting is swept
    remarks: list[str]  # on how far the figures can be trusted

    def cell(self, endpoint: str, stack: str, point: Point) -> Cell:
        """Return the cell of an endpoint, a stack and a point."""
        key = (endpoint, stack, point)
        return next(one for one in self.cells if (one.endpoint, one.stack, one.point) == key)

    @property
    def told(self) -> bool:
        """Whether any capacity is known at all."""
        return any(cell.trials(CAPACITY).spans for cell in self.cells)


def plan_of(campaign: LoadedCampaign) -> QuestionPlan:
    """Return the campaign's question. Raises TestbedError if it has none."""
    return written_by("fab run-question", campaign, campaign.campaign.question)


def answer(campaign: LoadedCampaign) -> Answers:
    """Return the answers to the campaign's question. Raises TestbedError if it has none."""
    plan = plan_of(campaign)
    endpoints = _endpoints(campaign)
    cells = list(cells_of(campaign, plan, endpoints))
    found = Answers(plan, endpoints, cells, [], [], remarks(campaign, plan, cells))
    for figure in JUDGED:
        _judge(found, figure)
    for told in (found.pairings, found.steps):
        told.sort(key=lambda one: endpoints.index(one.endpoint))
    return found


def _judge(found: Answers, figure: Figure) -> None:
    """Add what the campaign shows of a figure, with verdicts.

    Each figure is a question of its own, so Holm's correction is for all comparisons in it.
    """
    plan = found.plan
    asked = [
        (endpoint, compared)
        for endpoint in found.endpoints
        for compared in (_pairings if plan.of_latency else _steps)(found, endpoint, figure)
    ]
    overall = [_overall(compared) if plan.of_latency else None for _, compared in asked]
    ratios = [one.ratio for _, compared in asked for one in compared] + overall
    words = iter(verdicts(ratios, FACTOR, more_is_better=figure.more_is_better))
    judged = [[replace(one, verdict=next(words)) for one in compared] for _, compared in asked]
    for (endpoint, _), compared, ratio in zip(asked, judged, overall, strict=True):
        whole = Overall(ratio, next(words)) if ratio else None
        if plan.of_latency:
            found.pairings.append(_pairing(plan, endpoint, figure, compared, whole))
        else:
            found.steps.append(Steps(endpoint, figure, compared[0].of.stack, compared))


def _overall(compared: Sequence[Compared]) -> Estimate | None:
    """Return the geometric mean of the ratios at all points; None of one, or if any is missing."""
    ratios = [one.ratio for one in compared if one.ratio is not None]
    if len(ratios) < len(compared) or len(ratios) < 2:
        return None
    found = mean_ratio(ratios)
    return None if found.value is None else found


def _endpoints(campaign: LoadedCampaign) -> list[str]:
    """Return the endpoints asked; of a record that does not list them, those measured."""
    asked = campaign.campaign.asked.get("endpoints")
    return [*dict.fromkeys(map(str, asked))] if isinstance(asked, list) else measured(campaign)


def _pairings(found: Answers, endpoint: str, figure: Figure) -> Iterator[list[Compared]]:
    """Yield the comparisons of each stack with the baseline, and of more with less of it."""
    plan = found.plan
    pairs = [(one.name, plan.baseline) for one in plan.stacks if one.name != plan.baseline]
    pairs += [
        (one.name, one.more_of)
        for one in plan.stacks
        if one.more_of is not None and one.more_of != plan.baseline
    ]
    # whether more of something would have done is asked of those who are without it
    pairs += [
        (other.name, one.name)
        for one in plan.stacks
        if one.more_of is not None
        for other in plan.stacks
        if other.name not in (one.name, one.more_of) and other.more_of is None
    ]
    for of, to in dict.fromkeys(pairs):
        yield [
            _compared(figure, found.cell(endpoint, of, point), found.cell(endpoint, to, point))
            for point in plan.points
        ]


def _steps(found: Answers, endpoint: str, figure: Figure) -> Iterator[list[Compared]]:
    plan = found.plan
    if len(plan.points) < 2:
        return
    for stack in plan.stacks:
        cells = [found.cell(endpoint, stack.name, point) for point in plan.points]
        pairs = pairwise(cells) if plan.ordered else ((cells[0], one) for one in cells[1:])
        yield [_compared(figure, of, to) for to, of in pairs]


def _compared(figure: Figure, of: Cell, to: Cell) -> Compared:
    sides = (of.trials(figure), to.trials(figure))
    known = all(side.spans for side in sides)
    return Compared(figure, of, to, in_one_campaign(*sides) if known else None)


def _pairing(
    plan: QuestionPlan,
    endpoint: str,
    figure: Figure,
    compared: list[Compared],
    overall: Overall | None,
) -> Pairing:
    at = [
        At(one.of.point, one.verdict, one.ahead_by)
        for one in compared
        if not isinstance(one.of.point, str)
    ]
    passes = crossing(at) if plan.ordered else None
    of, to = compared[0].of.stack, compared[0].to.stack
    return Pairing(endpoint, figure, of, to, compared, passes, overall)
