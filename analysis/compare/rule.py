"""Judge whether a campaign is better or worse than another, cell by cell. Pure functions.

A cell is an endpoint, an app, a variant and a load. For each figure, the ratio B/A of the means
over the trials that count is judged, with the interval that analysis/ratio.py gives it.

With a tolerance of t percent, ratios from 1 / (1 + t/100) to 1 + t/100 are 'the same', so that the
verdict does not depend on which campaign is called A:

- same: the whole interval lies within the tolerance, or both sides are zero;
- worse, better: the whole interval lies outside of it, on the bad or on the good side;
- unclear: the interval lies partly within and partly outside of it; more trials would tell;
- not comparable: one campaign was measured in a lab and the other on real hosts, the workloads
  differ, the other campaign does not have the cell or the load, one is a calibration and the other
  is not, or a side has no trial that counts.

The figure of a capacity search is its answer: the range from the highest rate that met the
objective up to the lowest rate that missed it.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from analysis import capacities
from analysis.compare.differences import Difference, differences
from analysis.figures import BY_KEY, Figure
from analysis.groups import apps, endpoints, load_text
from analysis.load import LoadedCampaign
from analysis.measured import of_figure
from analysis.ratio import METHOD, Estimate, Place, Span, change, interval_text, number, rounded
from analysis.trials import (
    NOT_COUNTED,
    CellTrials,
    doubts,
    remarks_on,
    told_by,
    why_nothing_is_known,
)  # fmt: skip
from testbed.errors import TestbedError
from testbed.model.experiment import Capacity
from testbed.model.load import Load
from testbed.model.results import RunRecord
from testbed.numbers import rate

CellVerdict = Literal["better", "same", "worse", "unclear", "not comparable"]
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
    ratio: Estimate | None  # B/A; None: not comparable

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
    return Comparison(a, b, tolerance_percent, cells, differences(a, b))


def judge(found: Estimate, factor: float, *, more_is_better: bool) -> CellVerdict:
    """Return the verdict on a ratio B/A by the rule above; `factor` is 1 + tolerance."""
    place = _lies(found, factor)
    if place == "within":
        return "same"
    if place == "across":
        return "unclear"
    return "better" if (place == "above") == more_is_better else "worse"


def _lies(found: Estimate, factor: float) -> Place:
    return found.lies(rounded(1 / factor), rounded(factor))


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
            why_not = never or _unlike(ours, theirs) or why_nothing_is_known([side_a, side_b])
            estimated = None if why_not else change(side_a.spans, side_b.spans)
            verdict, reason = _judged(side_a, side_b, estimated, factor, metric)
            found.append(
                Cell(
                    where, titles[where.app], load, metric, side_a, side_b,
                    verdict, why_not or reason, estimated,
                )
            )  # fmt: skip
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
            label, trials, planned, lambda record: of_figure(record, metric)
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


def _unlike(ours: CellLoad | None, theirs: CellLoad | None) -> str | None:
    """Return why the two sides were not measured with the same load; None if they were."""
    if ours is None or theirs is None:
        return f"{'A' if ours is None else 'B'} does not have it."
    if ours != theirs:
        return f"Another load was asked: {ours.other_than(theirs)}."
    return None


def _judged(
    a: CellTrials, b: CellTrials, found: Estimate | None, factor: float, metric: Figure
) -> tuple[CellVerdict, str]:
    """Return the verdict and a sentence that gives the reason; it is empty if there is no ratio."""
    if found is None:
        return "not comparable", ""
    if all(span.low == span.high == 0 for span in (*a.spans, *b.spans)):
        return "same", "Both are zero."
    place = _lies(found, factor)
    verdict = judge(found, factor, more_is_better=metric.more_is_better)
    if found.value is None:
        return verdict, "Both sides are known only by bounds, or are zero: they have no ratio."
    within = f"{number(1 / factor)} to {number(factor)}"
    span = f"The {METHOD[found.how]} of B/A, {interval_text(found.low, found.high)},"
    if place != "across":
        return verdict, f"{span} lies {place} {within}."
    bounds = " Some figures are only bounds." if a.bounded or b.bounded else ""
    return verdict, f"{span} lies partly within and partly outside of {within}.{bounds}"


def _dump(search: Capacity | None) -> dict[str, float]:
    return {} if search is None else search.model_dump()
