"""Share out the ratio of two apps among the factors of a campaign's factorial. Pure functions."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from analysis import capacities
from analysis.compare.cells import CAPACITY, COMPARABLE, CellLoad, Where, trials_of
from analysis.figures import Figure
from analysis.folders import written_by
from analysis.intervals import CONFIDENCE, Floats, holm
from analysis.load import LoadedCampaign
from analysis.ratio import Estimate, Span, contrast
from analysis.trials import NOT_OBTAINED, CellTrials, remarks_on, spans_of
from analysis.why import shapley
from testbed.errors import TestbedError
from testbed.model.why import FRAMEWORK, Why

# The first are those of every campaign; others are explained if its runs have them
DEFAULT_KEYS = ("goodput_rps", "response_p99_us", "cpu_ms_per_answer")
LEAST_INTERACTION = math.log(1.1)  # below it, an interaction is not worth naming
TITLES = {FRAMEWORK: "the framework"}


@dataclass(frozen=True)
class Share:
    """The share of one player: the factor by which it changes the figure."""

    player: str
    title: str
    estimate: Estimate

    @property
    def told(self) -> bool:
        """Whether it can be told from noise: its interval leaves 1 out."""
        return self.estimate.lies(1, 1) in ("below", "above")

    @property
    def size(self) -> float:
        """How far it lies from 1, to either side, as a logarithm."""
        return 0.0 if self.estimate.value is None else abs(math.log(self.estimate.value))


@dataclass(frozen=True)
class Interaction:
    """How many times as much players do together as each by itself would."""

    sets: tuple[frozenset[str], ...]  # which of these it is cannot be told; mostly one
    estimate: Estimate
    chance: float  # p-value after Holm's correction for all interactions


@dataclass(frozen=True)
class Explained:
    """The ratio of one figure between both apps, and what it is made of."""

    endpoint: str
    load: str  # in words
    metric: Figure
    of: str  # the name of the app with the larger figure
    to: str
    ratio: Estimate | None  # of/to, so it is 1 at least; None: not known
    shares: list[Share] = field(default_factory=list)
    interactions: list[Interaction] = field(default_factory=list)  # the large ones
    problem: str | None = None  # why nothing is known
    remarks: list[str] = field(default_factory=list)


def explain(campaign: LoadedCampaign, metrics: Sequence[str] = ()) -> list[Explained]:
    """Return what each figure's ratio is made of, by endpoint and load.

    Without `metrics`, take DEFAULT_KEYS, or the capacity that searches found. Raises TestbedError
    if the campaign is no factorial, or for an unknown metric.
    """
    why = factorial_of(campaign)
    for key in metrics:
        if key not in COMPARABLE:
            raise TestbedError(f"unknown metric '{key}'", remedy=f"one of: {', '.join(COMPARABLE)}")
    usual = [CAPACITY.key] if capacities.searched(campaign) else DEFAULT_KEYS
    keys = dict.fromkeys(metrics) or [key for key in usual if key in COMPARABLE]
    found = [one for key in keys for one in _explained(campaign, why, COMPARABLE[key])]
    # Of the figures that were not asked for by name, those that no run has are left out
    told = [one for one in found if metrics or one.problem != _NO_FIGURE]
    return told or found


def factorial_of(campaign: LoadedCampaign) -> Why:
    """Return the campaign's factorial. Raises TestbedError if it is none."""
    return written_by("fab run-why", campaign, campaign.campaign.why)


_NO_FIGURE = "No run has this figure."


def _explained(campaign: LoadedCampaign, why: Why, metric: Figure) -> Iterator[Explained]:
    found = trials_of(campaign, metric, "")
    endpoints = dict.fromkeys(where.endpoint for where in found)
    for endpoint in endpoints:
        loads = dict.fromkeys(
            load for where, of in found.items() if where.endpoint == endpoint for load in of
        )
        for load in loads:
            cells = [
                _cell(why, found, Where(endpoint, cell.app, cell.variant), load)
                for cell in why.cells
            ]
            yield _of_cells(why, cells, endpoint, load.text, metric)


def _cell(
    why: Why, found: Mapping[Where, Mapping[CellLoad, CellTrials]], where: Where, load: CellLoad
) -> CellTrials:
    told = found.get(where, {}).get(load)
    label = f"{why.titles[where.app]}, variant {where.variant}"
    return CellTrials(label, [], 0) if told is None else replace(told, label=label)


def _of_cells(
    why: Why, cells: Sequence[CellTrials], endpoint: str, load: str, metric: Figure
) -> Explained:
    """Return what the ratio of the figure is made of, from the trials of each cell."""
    distinct = list({one.label: one for one in cells}.values())
    blocks = sorted(set.intersection(*(set(one.numbers) for one in cells)))
    nothing = Explained(endpoint, load, metric, why.app, why.against, None)

    def unknown(problem: str) -> Explained:
        return replace(nothing, problem=problem, remarks=remarks_on(distinct))

    if not any(one.spans for one in cells):
        told = [one for cell in distinct for one in cell.left_out]
        lacked = not told or any(one.endswith(NOT_OBTAINED) for one in told)
        return unknown(_NO_FIGURE if lacked else _no_run_counts(distinct))
    if not blocks:
        lacking = [f"{o.label}: {' '.join(o.left_out) or 'not measured'}" for o in distinct]
        without = [text for text, one in zip(lacking, distinct, strict=True) if not one.spans]
        return unknown("No trial counts in all cells. " + " ".join(without or lacking[:1]))
    figures = _Figures(cells, blocks)
    ratio = figures.product(shapley.whole(why))
    shared = {player: figures.product(one) for player, one in shapley.shares(why).items()}
    if ratio.value is None or any(one.value is None for one in shared.values()):
        return unknown("The figure is zero, or without end, in a cell, so it has no logarithm.")
    way = 1 if ratio.value >= 1 else -1
    of, to = (why.app, why.against) if way > 0 else (why.against, why.app)
    titles = TITLES | {factor.name: factor.title for factor in why.factors}
    shares = [
        Share(player, titles[player], figures.product(way * weights))
        for player, weights in shapley.shares(why).items()
    ]
    remarks = remarks_on(distinct)
    if lost := max(one.planned for one in cells) - len(blocks):
        remarks.append(
            f"{len(blocks)} {'block of trials is' if len(blocks) == 1 else 'blocks of trials are'} "
            f"taken, in which all cells count; {lost} {'is' if lost == 1 else 'are'} not."
        )
    return replace(
        nothing, of=of, to=to, ratio=figures.product(way * shapley.whole(why)), shares=shares,
        interactions=_large(why, figures, way), remarks=remarks,
    )  # fmt: skip


def _no_run_counts(cells: Sequence[CellTrials]) -> str:
    """Return that no run counts, and why: of the first cell, as others are mostly like it."""
    why = " ".join(cells[0].left_out) or "not measured."
    return f"No run counts. {cells[0].label}: {why} Nor does any of {len(cells) - 1} more cells."


class _Figures:
    """The trials of every cell of a factorial, in the blocks in which all of them count."""

    def __init__(self, cells: Sequence[CellTrials], blocks: Sequence[int]) -> None:
        self.spans = [spans_of(cell, blocks) for cell in cells]
        merged = [cell.merged(blocks) for cell in cells]
        known: list[Span] = [one for one in merged if one is not None]
        self.merged = known if len(known) == len(cells) else None

    def product(self, weights: Floats) -> Estimate:
        """Return the product of the cells' figures, each to the power of its weight."""
        used = [number for number, weight in enumerate(weights) if weight != 0]
        return contrast(
            [self.spans[number] for number in used],
            [float(weights[number]) for number in used],
            None if self.merged is None else [self.merged[number] for number in used],
        )


def _large(why: Why, figures: _Figures, way: int) -> list[Interaction]:
    """Return the interactions that are told from noise and worth naming, the largest first.

    `way` is -1 if what is explained is the ratio of `against` to `app`: what players do is then the
    way back, once for each of them.
    """
    found = {
        sets: figures.product(way ** len(sets[0]) * one)
        for sets, one in shapley.interactions(why).items()
    }
    chances = holm([one.chance_outside(1, 1) for one in found.values()])
    named = [
        Interaction(sets, one, chance)
        for (sets, one), chance in zip(found.items(), chances, strict=True)
        if one.value is not None
        and chance <= 1 - CONFIDENCE
        and abs(math.log(one.value)) >= LEAST_INTERACTION
    ]
    return sorted(named, key=lambda one: -abs(math.log(one.estimate.value or 1)))
