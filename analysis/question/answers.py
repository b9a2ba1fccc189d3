"""Bring the figures of a question's cells together, compare them, and judge. Pure functions."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from analysis import capacities, cost, gave_out
from analysis.capacities import Answer
from analysis.compare.cells import CAPACITY, Where, trials_of
from analysis.compare.rule import DEFAULT_TOLERANCE_PERCENT
from analysis.figures import BY_KEY, Figure
from analysis.groups import endpoints as measured
from analysis.load import LoadedCampaign
from analysis.pairs import in_one_campaign
from analysis.question.crossing import At, Crossing, PointVerdict, crossing, verdicts
from analysis.ratio import Estimate, Span, mean_ratio
from analysis.statistics import log_t_interval
from analysis.trials import NOT_COUNTED, CellTrials, counts
from testbed.errors import TestbedError
from testbed.model.question import Point, QuestionPlan
from testbed.model.results import RunRecord
from testbed.texts import shown_name

FACTOR = 1 + DEFAULT_TOLERANCE_PERCENT / 100
CPU, MEMORY = BY_KEY["cpu_ms_per_answer"], BY_KEY["memory_peak_mb"]
FIGURES: tuple[Figure, ...] = (CAPACITY, CPU, MEMORY)
JUDGED: tuple[Figure, ...] = (CAPACITY, CPU)


@dataclass(frozen=True)
class Cell:
    """A stack at one point, asked for one endpoint: its figures over the trials."""

    endpoint: str
    stack: str
    point: Point
    figures: Mapping[str, CellTrials]  # by the key of the figure
    answers: Sequence[Answer] = ()

    @property
    def gave_out(self) -> str:
        """What gave out first beyond the capacity: 'workers 2, pool 1'; empty: not recorded."""
        return gave_out.of_trials(_beyond_capacity(self.answers))

    @property
    def waits_for_workers(self) -> bool:
        """Whether in most trials workers or threads gave out, while CPUs idled."""
        beyond = _beyond_capacity(self.answers)
        of_workers = [o for o in beyond if o.gave_out and o.gave_out.what == "workers"]
        return len(of_workers) > len(beyond) / 2

    def trials(self, figure: Figure) -> CellTrials:
        """Return what the trials say of a figure; without a span if none counts."""
        return self.figures[figure.key]

    def value(self, figure: Figure) -> float | None:
        """Return the figure's mean over the trials; None if there is none, or a bound only."""
        told = self.trials(figure)
        return None if told.lower_bound or not told.mean else told.mean

    def interval(self, figure: Figure) -> tuple[float, float] | None:
        """Return the figure's 95 % interval over the trials; of one trial's search, its own.

        Return None if there is none.
        """
        spans = self.trials(figure).spans
        values = [span.value for span in spans]
        if not spans or any(span.open or span.value <= 0 for span in spans):
            return None
        if len(spans) > 1:
            return log_t_interval(values)
        found = [one.result for one in self.answers]
        if figure is CAPACITY and found and found[0].at_least_rps and found[0].below_rps:
            return found[0].at_least_rps, found[0].below_rps
        return None


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
    if campaign.campaign.question is None:
        raise TestbedError(
            f"{shown_name(campaign.folder)}: not a campaign of `fab run-question`",
            remedy="name the folder that it wrote, below results/",
        )
    return campaign.campaign.question


def answer(campaign: LoadedCampaign) -> Answers:
    """Return the answers to the campaign's question. Raises TestbedError if it has none."""
    plan = plan_of(campaign)
    endpoints = _endpoints(campaign)
    cells = list(_cells(campaign, plan, endpoints))
    found = Answers(plan, endpoints, cells, [], [])
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


def _cells(
    campaign: LoadedCampaign, plan: QuestionPlan, endpoints: Sequence[str]
) -> Iterator[Cell]:
    """Yield every cell, endpoint by endpoint, as the plan has them."""
    found = trials_of(campaign, CAPACITY, "")
    rows = {(row.endpoint, row.app, row.variant): row for row in capacities.rows(campaign)}
    trials = campaign.campaign.asked.get("trials")
    for endpoint in endpoints:
        for cell in plan.cells:
            app = plan.stack(cell.stack).app
            label = f"{plan.stack(cell.stack).title}, {plan.at(cell.point)}"
            where = Where(endpoint, app, cell.variant)
            by_load = list(found.get(where, {}).values())
            planned = trials if isinstance(trials, int) else 0
            told = by_load[0] if by_load else CellTrials("", [], planned)
            told = CellTrials(**{**vars(told), "label": label})
            row = rows.get((endpoint, app, cell.variant))
            answers = list(row.answers) if row else []
            probes = _at_capacity(answers)
            costs = {
                figure.key: CellTrials(
                    label=label,
                    spans=[span for _, span in spans],
                    numbers=[trial for trial, _ in spans],
                    planned=planned,
                )
                for figure in (CPU, MEMORY)
                if (spans := _spans(probes, figure)) is not None
            }
            yield Cell(endpoint, cell.stack, cell.point, {CAPACITY.key: told} | costs, answers)


def _spans(probes: Mapping[int, RunRecord], figure: Figure) -> list[tuple[int, Span]]:
    found = ((trial, cost.of_run(record, figure.key)) for trial, record in probes.items())
    return [(trial, span) for trial, span in found if span is not None]


def _at_capacity(answers: Sequence[Answer]) -> dict[int, RunRecord]:
    """Return, by trial, the probe that ran at the highest rate which is not above the capacity.

    What an answer costs is shown by a server that does as much as it may, and no more.
    """
    found = {}
    for answer in answers:
        result = answer.result
        most = result.at_least_rps if result.capacity_rps is None else result.capacity_rps
        within = [
            record
            for record in answer.probes
            if counts(record) and most is not None and (record.load.rate_rps or 0) <= most
        ]
        if within and answer.standing not in NOT_COUNTED:
            found[result.trial] = max(within, key=lambda record: record.load.rate_rps or 0)
    return found


def _beyond_capacity(answers: Sequence[Answer]) -> list[RunRecord]:
    """Return of each trial the probe at the lowest rate above the capacity that was held back."""
    found = []
    for answer in answers:
        least = answer.result.capacity_rps or answer.result.at_least_rps or 0
        held = [
            record
            for record in answer.probes
            if (record.load.rate_rps or 0) > least
            and record.gave_out is not None
            and record.gave_out.what != "nothing"
        ]
        if held:
            found.append(min(held, key=lambda record: record.load.rate_rps or 0))
    return found


def spread(cells: Sequence[Cell], figure: Figure) -> list[float]:
    """Return every value and end of an interval of a figure, which an axis must reach."""
    values = [cell.value(figure) for cell in cells]
    ends = [cell.interval(figure) or () for cell in cells]
    every = [value for value in values if value] + [end for both in ends for end in both]
    return [float(one) for one in every if np.isfinite(one) and one > 0]
