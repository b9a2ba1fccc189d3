"""Read a question's cells from a campaign: each stack at each point, with its figures."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from analysis import capacities, cost, gave_out
from analysis.capacities import SearchAnswer
from analysis.compare.cells import CAPACITY, Where, trials_of
from analysis.figures import BY_KEY, Figure
from analysis.load import LoadedCampaign
from analysis.ratio import Span
from analysis.statistics import log_t_interval
from analysis.trials import NOT_COUNTED, CellTrials, counts
from testbed.model.question import Point, QuestionPlan
from testbed.model.results import RunRecord

CPU, MEMORY = BY_KEY["cpu_ms_per_answer"], BY_KEY["memory_peak_mb"]
FIGURES: tuple[Figure, ...] = (CAPACITY, CPU, MEMORY)


@dataclass(frozen=True)
class Cell:
    """A stack at one point, asked for one endpoint: its figures over the trials."""

    endpoint: str
    stack: str
    point: Point
    figures: Mapping[str, CellTrials]  # by the key of the figure
    answers: Sequence[SearchAnswer] = ()

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


def cells_of(
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


def _at_capacity(answers: Sequence[SearchAnswer]) -> dict[int, RunRecord]:
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


def _beyond_capacity(answers: Sequence[SearchAnswer]) -> list[RunRecord]:
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
