"""Whether one campaign is better or worse than another, cell by cell: the rule. Pure functions.

A cell is an endpoint, an app, a variant and a load. Of each figure the ratio B/A of the means over
the trials that count is judged, by the interval that analysis/claims.py gives it: with three trials
or more on both sides a two-sample percentile bootstrap at 95 %, with fewer the range of all ratios
of one trial to another, with one trial each the ratio itself, which tells nothing of spread.

With a tolerance of t percent, ratios from 1 / (1 + t/100) to 1 + t/100 are 'the same', so that the
verdict does not depend on which campaign is called A:

- same: the whole interval lies within the tolerance, or both sides are zero;
- worse, better: the whole interval lies outside of it, on the bad or on the good side;
- unclear: it does both: more trials would tell;
- not comparable: lab against metal, another workload, a cell or a load that the other campaign does
  not have, a calibration against the link, or a side with no trial that counts.

Of a capacity search the figure is its answer, from the highest rate that met the objective up to
the lowest that did not.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from analysis import capacities
from analysis.claims import (
    METHOD,
    Estimate,
    Evidence,
    decide,
    estimate,
    interval_text,
    number,
    remarks_on,
    rounded,
    without_trials,
)  # fmt: skip
from analysis.differences import Difference, differences
from analysis.figures import BY_KEY, Figure, rate
from analysis.groups import apps, endpoints, standing
from analysis.load import LoadedCampaign
from analysis.measured import Span, of_figure
from analysis.series import doubts, why_left_out
from testbed.errors import TestbedError
from testbed.model.article import Accept
from testbed.model.experiment import Capacity
from testbed.model.results import Load, RunRecord

Verdict = Literal["better", "same", "worse", "unclear", "not comparable"]
CAPACITY = Figure("capacity_rps", "Capacity/s", lambda output: None, rate, more_is_better=True)
METRICS = BY_KEY | {CAPACITY.key: CAPACITY}
DEFAULT_METRICS = ("goodput_rps", "response_p99_us")
DEFAULT_TOLERANCE_PERCENT = 5.0


@dataclass(frozen=True)
class Asked:
    """The load of a cell. Of a search, the load of its probes without their rate."""

    load: Load
    search: Capacity | None = None

    @property
    def text(self) -> str:
        """The load in words, as far as it tells the cells of one campaign apart."""
        if self.search is not None:
            how = "search"
        elif self.load.rate_rps is None:
            how = "saturation"
        else:
            how = f"{rate(self.load.rate_rps)}/s"
        return f"{how}, {self.load.connections} connections, {self.load.generator}"

    def other_than(self, other: "Asked") -> str:
        """Where two loads differ: 'connections 400 against 200'."""
        ours, theirs = ({**a.load.model_dump(), **_dump(a.search)} for a in (self, other))
        return ", ".join(
            f"{key} {ours.get(key)} against {theirs.get(key)}"
            for key in dict.fromkeys([*ours, *theirs])
            if ours.get(key) != theirs.get(key)
        )


@dataclass(frozen=True)
class Where:
    """What a cell is of, but for its load."""

    endpoint: str
    app: str
    variant: str


@dataclass(frozen=True)
class Cell:
    """One figure of one cell in both campaigns, judged."""

    where: Where
    app_title: str
    asked: Asked  # in B, if A does not have the cell
    metric: Figure
    a: Evidence
    b: Evidence
    verdict: Verdict
    reason: str  # a sentence
    ratio: Estimate | None  # B/A; None: not comparable

    @property
    def remarks(self) -> list[str]:
        """How far what was compared is to be trusted."""
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
        """Why no cell at all can be compared; None if some may."""
        return obstacle(self.a, self.b)

    @property
    def verdicts(self) -> Counter[Verdict]:
        """How many of each verdict."""
        return Counter(cell.verdict for cell in self.cells)


def compare(
    a: LoadedCampaign, b: LoadedCampaign, metrics: Sequence[str], tolerance_percent: float
) -> Comparison:
    """Every cell of both campaigns; no metrics: those of DEFAULT_METRICS, or of a search its own.

    Raises TestbedError for a metric that is not known and a tolerance that is none.
    """
    if not (math.isfinite(tolerance_percent) and tolerance_percent >= 0):
        raise TestbedError(
            f"a tolerance of {tolerance_percent:g} % is none", remedy="give 0 or more, such as 5"
        )
    searches = capacities.searched(a) and capacities.searched(b)
    keys = list(dict.fromkeys(metrics)) or ([CAPACITY.key] if searches else DEFAULT_METRICS)
    for key in keys:
        if key not in METRICS:
            raise TestbedError(f"unknown metric '{key}'", remedy=f"one of: {', '.join(METRICS)}")
    cells = [
        cell for key in keys for cell in _cells(a, b, METRICS[key], 1 + tolerance_percent / 100)
    ]
    if not cells:
        raise TestbedError(
            "no search of either campaign has an answer", remedy="take another --metric"
        )
    return Comparison(a, b, tolerance_percent, cells, differences(a, b))


def ratio(a: Sequence[Span], b: Sequence[Span]) -> Estimate:
    """B/A with its interval; exactly the reciprocal of A/B, as the same resamples are taken."""
    if [(span.low, span.high) for span in a] <= [(span.low, span.high) for span in b]:
        return estimate(b, a)
    found = estimate(a, b)
    value = None if found.value is None else _reciprocal(found.value)
    return Estimate(value, _reciprocal(found.high), _reciprocal(found.low), found.how)


def judge(
    found: Estimate, factor: float, *, more_is_better: bool
) -> Literal["better", "same", "worse", "unclear"]:
    """The rule above, of a ratio B/A; `factor`: 1 + tolerance."""
    least, most = rounded(1 / factor), rounded(factor)
    match decide(found, Accept(at_least=least, at_most=most)):
        case "reproduced":
            return "same"
        case "not reproduced":
            return "better" if (found.low > most) == more_is_better else "worse"
        case _:
            return "unclear"


def _cells(a: LoadedCampaign, b: LoadedCampaign, metric: Figure, factor: float) -> list[Cell]:
    """One metric over all cells, in A's order, then what only B has."""
    of_a, of_b = _evidence(a, metric, "A"), _evidence(b, metric, "B")
    titles = {run.record.app: run.record.app_title for one in (b, a) for run in one.runs}
    never = obstacle(a, b)
    found = []
    for where in _places(a, b):
        here, there = of_a.get(where, {}), of_b.get(where, {})
        for ours, theirs in _pairs(here, there):
            asked = ours or theirs
            if asked is None:
                continue
            side_a = here[ours] if ours else Evidence("A", [], 0)
            side_b = there[theirs] if theirs else Evidence("B", [], 0)
            why_not = never or _unlike(ours, theirs) or _without(side_a, side_b)
            estimated = None if why_not else ratio(side_a.spans, side_b.spans)
            verdict, reason = _judged(side_a, side_b, estimated, factor, metric)
            found.append(
                Cell(
                    where, titles[where.app], asked, metric, side_a, side_b,
                    verdict, why_not or reason, estimated,
                )
            )  # fmt: skip
    return found


def _places(a: LoadedCampaign, b: LoadedCampaign) -> list[Where]:
    """Endpoints and apps in the order asked, A's first; variants by name."""
    records = [run.record for one in (a, b) for run in one.runs]
    variants = sorted({record.variant for record in records})
    return [
        Where(endpoint, app, variant)
        for endpoint in dict.fromkeys([*endpoints(a), *endpoints(b)])
        for app in dict.fromkeys([*apps(a), *apps(b)])
        for variant in variants
    ]


def _pairs(
    a: Mapping[Asked, Evidence], b: Mapping[Asked, Evidence]
) -> list[tuple[Asked | None, Asked | None]]:
    """Like loads together; one load each that differ, too; the rest by themselves."""
    only_a = [asked for asked in a if asked not in b]
    only_b = [asked for asked in b if asked not in a]
    pairs: list[tuple[Asked | None, Asked | None]] = [(asked, asked) for asked in a if asked in b]
    if len(only_a) == len(only_b) == 1:
        return [*pairs, (only_a[0], only_b[0])]
    return [*pairs, *((asked, None) for asked in only_a), *((None, asked) for asked in only_b)]


def _evidence(
    campaign: LoadedCampaign, metric: Figure, label: str
) -> dict[Where, dict[Asked, Evidence]]:
    """What the trials of each cell say, in the order of their loads."""
    if metric is CAPACITY:
        return _answers(campaign, label)
    cells: dict[tuple[Where, Asked], list[RunRecord]] = {}
    records = [run.record for run in campaign.runs]
    for record in sorted(records, key=lambda r: (r.load.rate_rps or 0, r.load.connections)):
        where = Where(record.endpoint, record.app, record.variant)
        cells.setdefault((where, Asked(record.load)), []).append(record)
    found: dict[Where, dict[Asked, Evidence]] = {}
    for (where, asked), trials in cells.items():
        trials.sort(key=lambda record: record.trial)
        found.setdefault(where, {})[asked] = _of_trials(campaign, trials, metric, label)
    return found


def _of_trials(
    campaign: LoadedCampaign, records: list[RunRecord], metric: Figure, label: str
) -> Evidence:
    told = {
        record.run_id: of_figure(record, metric)
        for record in records
        if standing(record) in ("valid", "doubtful")
    }
    left_out = [why_left_out(record) for record in records if told.get(record.run_id) is None]
    planned = _planned(campaign, len(records))
    if missing := planned - len(records):
        left_out.append(f"{missing} trial{'s' if missing > 1 else ''} not measured.")
    return Evidence(
        label=label,
        spans=[span for span in told.values() if span is not None],
        planned=planned,
        left_out=left_out,
        doubtful=doubts(records),
        calibration=any(record.calibration for record in records),
    )


def _answers(campaign: LoadedCampaign, label: str) -> dict[Where, dict[Asked, Evidence]]:
    """The answers of a capacity search."""
    found: dict[Where, dict[Asked, Evidence]] = {}
    for row in capacities.rows(campaign):
        counted = [one for one in row.answers if one.standing in ("valid", "doubtful")]
        probe = row.answers[0].probes[0]
        asked = Asked(probe.load.model_copy(update={"rate_rps": None}), capacities.asked(campaign))
        found.setdefault(Where(row.endpoint, row.app, row.variant), {})[asked] = Evidence(
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
    """The true capacity lies between the two ends; an end that was not found is open."""
    low = answer.result.at_least_rps or 0
    high = math.inf if answer.result.below_rps is None else answer.result.below_rps
    return Span(low, low, high)


def _planned(campaign: LoadedCampaign, measured: int) -> int:
    """Trials asked, where the experiment tells."""
    trials = campaign.campaign.asked.get("trials")
    return max(trials, measured) if isinstance(trials, int) else measured


def obstacle(a: LoadedCampaign, b: LoadedCampaign) -> str | None:
    """Why no cell at all can be compared; None if some may."""
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


def _unlike(ours: Asked | None, theirs: Asked | None) -> str | None:
    """Why the two sides were not asked the same; None if they were."""
    if ours is None or theirs is None:
        return f"{'A' if ours is None else 'B'} does not have it."
    if ours != theirs:
        return f"Another load was asked: {ours.other_than(theirs)}."
    return None


def _without(a: Evidence, b: Evidence) -> str | None:
    missing = [side for side in (a, b) if not side.spans]
    return without_trials(missing) if missing else None


def _judged(
    a: Evidence, b: Evidence, found: Estimate | None, factor: float, metric: Figure
) -> tuple[Verdict, str]:
    """The verdict, and a sentence on why."""
    if found is None:
        return "not comparable", ""
    spans = [*a.spans, *b.spans]
    if all(span.low == span.high == 0 for span in spans):
        return "same", "Both are zero."
    verdict = judge(found, factor, more_is_better=metric.more_is_better)
    if found.value is None:
        return verdict, "Both sides are known only by bounds, or are zero: they have no ratio."
    within = f"{number(1 / factor)} to {number(factor)}"
    span = f"The {METHOD[found.how]} of B/A, {interval_text(found.low, found.high)},"
    if verdict == "same":
        return verdict, f"{span} lies within {within}."
    if verdict == "unclear":
        bounds = " Some figures are only bounds." if any(not one.known for one in spans) else ""
        return verdict, f"{span} lies partly within and partly outside of {within}.{bounds}"
    return verdict, f"{span} lies {'above' if found.low > factor else 'below'} {within}."


def _dump(search: Capacity | None) -> dict[str, float]:
    return {} if search is None else search.model_dump()


def _reciprocal(value: float) -> float:
    return math.inf if value == 0 else 1 / value
