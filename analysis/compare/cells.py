"""Bring the trials of each cell of a campaign together, for one figure. Pure functions.

A cell is an endpoint, an app, a variant and a load.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

from analysis import capacities
from analysis.figures import BY_KEY, Figure
from analysis.groups import load_text
from analysis.load import LoadedCampaign
from analysis.measured import as_far_as_known, of_figure, why_not_exact
from analysis.merged import merging
from analysis.ratio import Span
from analysis.trials import NOT_COUNTED, CellTrials, doubts, told_by
from testbed.model.experiment import Capacity
from testbed.model.load import Load
from testbed.model.results import RunRecord
from testbed.numbers import rate

CAPACITY = Figure("capacity_rps", "Capacity/s", lambda output: None, rate, more_is_better=True)
COMPARABLE = BY_KEY | {CAPACITY.key: CAPACITY}  # what can be compared, by the key of --metric


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


def trials_of(
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
        found.setdefault(where, {})[load] = cell_of(campaign, metric, label, trials)
    return found


def cell_of(
    campaign: LoadedCampaign, metric: Figure, label: str, trials: Iterable[RunRecord]
) -> CellTrials:
    """Return what these trials of one cell, one run each, say of a figure of a run."""
    records = sorted(trials, key=lambda record: record.trial)
    told = told_by(
        label,
        records,
        _planned(campaign, len(records)),
        lambda record: as_far_as_known(
            record, metric.key, of_figure(record, metric, campaign.counted(record))
        ),
        merging(campaign, metric.key),
        why_not_exact(records, metric.key),
    )
    until = campaign.campaign.until
    return told if until is None else replace(told, first_trials=until.first_trials)


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
            spans=[_answer(one) for one in counted],
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


def _answer(answer: capacities.SearchAnswer) -> Span:
    """Return the rate that a search found; of a bracket, the range that the capacity lies in.

    An end that was not found is left open. How sure a rate is shows in how the trials scatter.
    """
    if answer.result.capacity_rps is not None:
        return Span.exact(answer.result.capacity_rps)
    low = answer.result.at_least_rps or 0
    high = math.inf if answer.result.below_rps is None else answer.result.below_rps
    return Span(low, low, high)


def _planned(campaign: LoadedCampaign, measured: int) -> int:
    """Return how many trials were planned, or how many were measured if that was not recorded."""
    trials = campaign.campaign.asked.get("trials")
    return max(trials, measured) if isinstance(trials, int) else measured


def _dump(search: Capacity | None) -> dict[str, float]:
    return {} if search is None else search.model_dump()
