"""Judge whether a campaign is better or worse than another, cell by cell. Pure functions.

A cell is an endpoint, an app, a variant and a load. For each figure, the ratio B/A of the means
over the trials that count is judged, with the interval that analysis/ratio.py gives it.

With a tolerance of t percent, ratios from 1 / (1 + t/100) to 1 + t/100 are 'the same', so that the
verdict does not depend on which campaign is called A:

- same: the whole interval lies within the tolerance, or both sides are zero;
- worse, better: the whole interval lies outside of it, on the bad or on the good side, and still
  does after Holm's correction for the number of cells and figures that are compared at once;
- undecided: neither, so more trials would tell; or a side has one trial, which decides nothing;
- no data: a campaign does not have the cell, or no trial of a side counts;
- not comparable: one campaign was measured in a lab and the other on real hosts, the workloads or
  the loads differ, or one is a calibration and the other is not.

Two campaigns were measured apart, so their trials are not paired.

The figure of a capacity search is its answer: the range from the highest rate that met the
objective up to the lowest rate that missed it.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from analysis import capacities
from analysis.compare.differences import Difference, differences
from analysis.figures import BY_KEY, Figure
from analysis.groups import apps, endpoints, load_text
from analysis.intervals import CONFIDENCE, holm
from analysis.load import LoadedCampaign
from analysis.measured import of_figure
from analysis.merged import merging
from analysis.ratio import Estimate, Place, Span, estimate, number, rounded
from analysis.trials import (
    NOT_COUNTED,
    CellTrials,
    doubts,
    merged_of,
    remarks_on,
    told_by,
    why_nothing_is_known,
)  # fmt: skip
from analysis.verdict import NO_DATA, NOT_COMPARABLE, UNDECIDED, Open, why_undecided
from testbed.errors import TestbedError
from testbed.model.experiment import Capacity
from testbed.model.load import Load
from testbed.model.results import RunRecord
from testbed.numbers import rate

CellVerdict = Literal["better", "same", "worse"] | Open
CAPACITY = Figure("capacity_rps", "Capacity/s", lambda output: None, rate, more_is_better=True)
COMPARABLE = BY_KEY | {CAPACITY.key: CAPACITY}  # what can be compared, by the key of --metric
DEFAULT_KEYS = ("goodput_rps", "response_p99_us")
DEFAULT_TOLERANCE_PERCENT = 5.0


@dataclass(frozen=True)
class CellLoad:
    """The load of a cell; for a search, the load of its probes without their rate."""

    load: Load
    search: Capacity | None = None

    @property
    def text(self) -> str:
        """The load in words, as far as needed to tell the cells of one campaign apart."""
        return load_text(self.load, search=self.search is not None)

    def other_than(self, other: "CellLoad") -> str:
        """Return how the loads differ, such as 'connections 400 against 200'."""
        ours, theirs = ({**a.load.model_dump(), **_dump(a.search)} for a in (self, other))
        return ", ".join(
            f"{key} {ours.get(key)} against {theirs.get(key)}"
            for key in dict.fromkeys([*ours, *theirs])
            if ours.get(key) != theirs.get(key)
        )


@dataclass(frozen=True)
class Where:
    """Identify a cell without its load: endpoint, app and variant."""

    endpoint: str
    app: str
    variant: str


@dataclass(frozen=True)
class Cell:
    """One figure of one cell in both campaigns, judged."""

    where: Where
    app_title: str
    load: CellLoad  # in B, if A does not have the cell
    metric: Figure
    a: CellTrials
    b: CellTrials
    verdict: CellVerdict
    reason: str  # a sentence
    ratio: Estimate | None  # B/A; None: no data, or not comparable
    chance: float | None = None  # p-value of a difference beyond the tolerance; None: not tested
    chance_of_all: float | None = None  # the same after Holm's correction for all cells
    could_show: float | None = None  # the smallest true ratio above 1 that would mostly be shown

    @property
    def remarks(self) -> list[str]:
        """Sentences on how far the compared figures can be trusted; often an empty list."""
        return remarks_on([self.a, self.b]) if self.ratio else []


@dataclass(frozen=True)
class Comparison:
    """Two campaigns, side by side."""

    a: LoadedCampaign
    b: LoadedCampaign
    tolerance_percent: float
    cells: list[Cell]
    differences: list[Difference]

    @property
    def obstacle(self) -> str | None:
        """Why no cell at all can be compared; None if cells can be compared."""
        return obstacle(self.a, self.b)

    @property
    def verdicts(self) -> Counter[CellVerdict]:
        """How many cells have each verdict."""
        return Counter(cell.verdict for cell in self.cells)


def compare(
    a: LoadedCampaign, b: LoadedCampaign, metrics: Sequence[str], tolerance_percent: float
) -> Comparison:
    """Compare every cell of both campaigns by the figures whose keys are given.

    If `metrics` is empty, take DEFAULT_KEYS, and for two searches their capacity.

    Raises TestbedError for an unknown metric or a negative tolerance.
    """
    if not (math.isfinite(tolerance_percent) and tolerance_percent >= 0):
        raise TestbedError(
            f"the tolerance {tolerance_percent:g} % is not a percentage from 0 on",
            remedy="give 0 or more, such as 5",
        )
    searches = capacities.searched(a) and capacities.searched(b)
    keys = list(dict.fromkeys(metrics)) or ([CAPACITY.key] if searches else DEFAULT_KEYS)
    for key in keys:
        if key not in COMPARABLE:
            raise TestbedError(f"unknown metric '{key}'", remedy=f"one of: {', '.join(COMPARABLE)}")
    cells = [
        cell for key in keys for cell in _cells(a, b, COMPARABLE[key], 1 + tolerance_percent / 100)
    ]
    if not cells:
        raise TestbedError(
            "no search of either campaign has an answer", remedy="take another --metric"
        )
    cells = _corrected(cells, 1 + tolerance_percent / 100)
    return Comparison(a, b, tolerance_percent, cells, differences(a, b))


def judge(found: Estimate, factor: float, *, more_is_better: bool) -> CellVerdict:
    """Return the verdict on a ratio B/A by the rule above; `factor` is 1 + tolerance."""
    place = _lies(found, factor)
    if place == "within":
        return "same"
    if place == "across":
        return UNDECIDED
    return "better" if (place == "above") == more_is_better else "worse"


def _lies(found: Estimate, factor: float) -> Place:
    return found.lies(rounded(1 / factor), rounded(factor))


def _corrected(cells: Sequence[Cell], factor: float) -> list[Cell]:
    """Return the cells with p-values corrected for their number, and verdicts that hold with them.

    'Better' and 'worse' that do not hold become 'undecided'. What a cell could show is computed for
    the strictest step of the correction.
    """
    tested = [cell.chance for cell in cells if cell.chance is not None]
    corrected = iter(holm(tested))
    found = []
    for cell in cells:
        if cell.chance is None:
            found.append(cell)
            continue
        of_all = next(corrected)
        chance = (1 - CONFIDENCE) / len(tested)
        least = None if cell.ratio is None else cell.ratio.could_show(chance)
        cell = replace(cell, chance_of_all=of_all, could_show=factor * least if least else None)
        if cell.verdict in ("better", "worse") and of_all > 1 - CONFIDENCE:
            reason = (
                f"{cell.reason} But {len(tested)} were compared, so that one lies there by chance "
                f"more easily (p {cell.chance:.2g}, by Holm's correction {of_all:.2g})."
            )
            cell = replace(cell, verdict=UNDECIDED, reason=reason)
        found.append(cell)
    return found


def _cells(a: LoadedCampaign, b: LoadedCampaign, metric: Figure, factor: float) -> list[Cell]:
    """Judge one figure of all cells: first those of A in its order, then those that only B has."""
    of_a, of_b = _trials(a, metric, "A"), _trials(b, metric, "B")
    titles = {run.record.app: run.record.app_title for one in (b, a) for run in one.runs}
    never = obstacle(a, b)
    found = []
    for where in _places(a, b):
        here, there = of_a.get(where, {}), of_b.get(where, {})
        for ours, theirs in _pairs(here, there):
            load = ours or theirs
            if load is None:
                continue
            side_a = here[ours] if ours else CellTrials("A", [], 0)
            side_b = there[theirs] if theirs else CellTrials("B", [], 0)
            judged = _judged(never, ours, theirs, side_a, side_b, factor, metric)
            found.append(Cell(where, titles[where.app], load, metric, side_a, side_b, *judged))
    return found


def _places(a: LoadedCampaign, b: LoadedCampaign) -> list[Where]:
    """Return all places of cells: endpoints and apps in A's order, then B's; variants by name."""
    records = [run.record for one in (a, b) for run in one.runs]
    variants = sorted({record.variant for record in records})
    return [
        Where(endpoint, app, variant)
        for endpoint in dict.fromkeys([*endpoints(a), *endpoints(b)])
        for app in dict.fromkeys([*apps(a), *apps(b)])
        for variant in variants
    ]


def _pairs(
    a: Mapping[CellLoad, CellTrials], b: Mapping[CellLoad, CellTrials]
) -> list[tuple[CellLoad | None, CellLoad | None]]:
    """Pair the equal loads of both sides; every other load stands by itself.

    If exactly one load of each side is left over, these two are paired, so that a sentence can say
    in what they differ.
    """
    only_a = [load for load in a if load not in b]
    only_b = [load for load in b if load not in a]
    pairs: list[tuple[CellLoad | None, CellLoad | None]] = [(load, load) for load in a if load in b]
    if len(only_a) == len(only_b) == 1:
        return [*pairs, (only_a[0], only_b[0])]
    return [*pairs, *((load, None) for load in only_a), *((None, load) for load in only_b)]


def _trials(
    campaign: LoadedCampaign, metric: Figure, label: str
) -> dict[Where, dict[CellLoad, CellTrials]]:
    """Return what the trials of each cell say, in the order of their loads."""
    if metric is CAPACITY:
        return _answers(campaign, label)
    cells: dict[tuple[Where, CellLoad], list[RunRecord]] = {}
    records = [run.record for run in campaign.runs]
    for record in sorted(records, key=lambda r: (r.load.rate_rps or 0, r.load.connections)):
        where = Where(record.endpoint, record.app, record.variant)
        cells.setdefault((where, CellLoad(record.load)), []).append(record)
    found: dict[Where, dict[CellLoad, CellTrials]] = {}
    for (where, load), trials in cells.items():
        trials.sort(key=lambda record: record.trial)
        planned = _planned(campaign, len(trials))
        found.setdefault(where, {})[load] = told_by(
            label,
            trials,
            planned,
            lambda record: of_figure(record, metric, campaign.counted(record)),
            merging(campaign, metric.key),
        )
    return found


def _answers(campaign: LoadedCampaign, label: str) -> dict[Where, dict[CellLoad, CellTrials]]:
    """Return the answers of the campaign's capacity searches; an empty mapping if it has none."""
    found: dict[Where, dict[CellLoad, CellTrials]] = {}
    for row in capacities.rows(campaign):
        counted = [one for one in row.answers if one.standing not in NOT_COUNTED]
        probe = row.answers[0].probes[0]
        load = CellLoad(
            probe.load.model_copy(update={"rate_rps": None}), capacities.asked(campaign)
        )
        found.setdefault(Where(row.endpoint, row.app, row.variant), {})[load] = CellTrials(
            label=label,
            spans=[_bracket(one) for one in counted],
            numbers=[one.result.trial for one in counted],
            planned=_planned(campaign, len(row.answers)),
            left_out=[
                f"Trial {one.result.trial}: a probe that decides its answer is {one.standing}."
                for one in row.answers
                if one not in counted
            ],
            doubtful=doubts([record for one in counted for record in one.deciding]),
            calibration=probe.calibration,
        )
    return found


def _bracket(answer: capacities.Answer) -> Span:
    """Return the range that the true capacity lies in. An end that was not found is left open."""
    low = answer.result.at_least_rps or 0
    high = math.inf if answer.result.below_rps is None else answer.result.below_rps
    return Span(low, low, high)


def _planned(campaign: LoadedCampaign, measured: int) -> int:
    """Return how many trials were planned, or how many were measured if that was not recorded."""
    trials = campaign.campaign.asked.get("trials")
    return max(trials, measured) if isinstance(trials, int) else measured


def obstacle(a: LoadedCampaign, b: LoadedCampaign) -> str | None:
    """Return why no cell at all can be compared; None if cells can be compared."""
    ours, theirs = a.campaign, b.campaign
    if ours.place != theirs.place:
        return f"A was measured on {_place(ours.place)}, B on {_place(theirs.place)}."
    if ours.workload != theirs.workload:
        return f"A is of the workload {ours.workload}, B of {theirs.workload}."
    if a.calibration != b.calibration:
        which = "A" if a.calibration else "B"
        return f"{which} is a calibration, with the generator on the server, the other is not."
    return None


def _place(place: str) -> str:
    return "a lab" if place == "lab" else "real hosts (metal)"


def _why_not(
    never: str | None, ours: CellLoad | None, theirs: CellLoad | None, sides: Sequence[CellTrials]
) -> tuple[Open, str] | None:
    """Return why a cell cannot be compared, as a verdict and a sentence; None if it can be."""
    if never:
        return NOT_COMPARABLE, never
    if ours is None or theirs is None:
        return NO_DATA, f"{'A' if ours is None else 'B'} does not have it."
    if ours != theirs:
        return NOT_COMPARABLE, f"Another load was asked: {ours.other_than(theirs)}."
    why = why_nothing_is_known(sides)
    return (NO_DATA, why) if why else None


def _judged(
    never: str | None,
    ours: CellLoad | None,
    theirs: CellLoad | None,
    a: CellTrials,
    b: CellTrials,
    factor: float,
    metric: Figure,
) -> tuple[CellVerdict, str, Estimate | None, float | None]:
    """Return the verdict, a sentence that gives the reason, the ratio B/A and its p-value.

    The verdict is that of the cell by itself. The p-value is None if there is nothing to test.
    """
    if why_not := _why_not(never, ours, theirs, [a, b]):
        return *why_not, None, None
    found = estimate(b.spans, a.spans, merged=merged_of(b, b.numbers, a, a.numbers))
    wanted = f"{number(1 / factor)} to {number(factor)}"
    if found.how == "one trial":
        return UNDECIDED, why_undecided(found, wanted, [a, b]), found, None
    chance = found.chance_outside(rounded(1 / factor), rounded(factor))
    if all(span.low == span.high == 0 for span in (*a.spans, *b.spans)):
        return "same", "Both are zero.", found, chance
    verdict = judge(found, factor, more_is_better=metric.more_is_better)
    if verdict == UNDECIDED:
        return verdict, why_undecided(found, wanted, [a, b]), found, chance
    reason = f"The {found.label} of B/A, {found.interval()}, lies {_lies(found, factor)} {wanted}."
    return verdict, reason, found, chance


def _dump(search: Capacity | None) -> dict[str, float]:
    return {} if search is None else search.model_dump()
