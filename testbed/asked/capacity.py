"""Search for the highest rate that meets an objective: bracket it, then bisect. Pure functions.

The search assumes that rates below the answer meet the objective and rates above miss it. If a
probe contradicts this (near the answer, chance decides), the worse result counts: the lowest rate
that missed, and the highest rate below it that met.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from testbed.errors import Exit, TestbedError
from testbed.model.experiment import Capacity, LoadSpec, PlannedRun
from testbed.model.results import CapacityResult, RunRecord
from testbed.tools import due

LOWEST_SHARE = 1 / 256  # of the first rate; an app that fails below it has no useful capacity


@dataclass(frozen=True)
class Bracket:
    """What is known of the answer, in requests per second."""

    met: float | None = None
    missed: float | None = None

    def with_probe(self, rate_rps: float, met: bool) -> "Bracket":
        """Return the bracket after one more probe."""
        if met and (self.missed is None or rate_rps < self.missed):
            return Bracket(max(rate_rps, self.met or 0), self.missed)
        if not met and (self.missed is None or rate_rps < self.missed):
            kept = self.met if self.met is not None and self.met < rate_rps else None
            return Bracket(kept, rate_rps)
        return self


def next_rate(capacity: Capacity, bracket: Bracket) -> float | None:
    """Return the next rate to probe, in whole requests per second; None if the search is over."""
    met, missed = bracket.met, bracket.missed
    if met is None and missed is None:
        return capacity.from_rps
    if missed is None:
        wanted = min(2 * (met or 0), capacity.to_rps)
        return wanted if wanted > (met or 0) else None
    if met is None:
        wanted = round(missed / 2)
        return wanted if wanted >= max(1, capacity.from_rps * LOWEST_SHARE) else None
    if 100 * (missed - met) / met <= capacity.precision_percent:
        return None
    wanted = round((met + missed) / 2)
    return wanted if met < wanted < missed else None


def meets(record: RunRecord, capacity: Capacity) -> bool:
    """Return whether a probe met the objective. Raises TestbedError if that is not known.

    The p99 is that of the requests due, of which those without a correct answer are the slowest.
    """
    output = record.output
    found = None if output is None or not output.due else due.answers(record.load, output)
    if found is not None and found.correct.high == 0:
        return False  # without a single correct answer, there is no p99
    known = output is not None and due.of_run(record.load, output, 99) is not None
    if record.failure or output is None or found is None or not known:
        raise TestbedError(
            f"run {record.run_id} cannot tell whether the objective is met",
            remedy="see its run.json; --resume repeats it",
            exit_code=Exit.RUN_FAILED,
        )
    p99_us = due.likely(record.load, output, 99)
    told = output.errors.total + (output.unsent or 0) + (output.unanswered or 0)
    errors_percent = 100 * max(told, found.due - found.correct.low) / found.due
    return p99_us <= 1000 * capacity.p99_ms and errors_percent <= capacity.errors_percent


def probe(run: PlannedRun, load_at: float, make_load: Callable[[float], LoadSpec]) -> PlannedRun:
    """Return the run that probes a rate. `run` is the first probe of its cell."""
    prefix = run.run_id.rpartition("-r")[0]
    changes = {"run_id": f"{prefix}-r{load_at:g}", "load": make_load(load_at)}
    return run.model_copy(update=changes)


def search(
    capacity: Capacity,
    first: PlannedRun,
    make_load: Callable[[float], LoadSpec],
    outcomes: list[RunRecord],
) -> Iterator[PlannedRun]:
    """Yield each run to make. Before the next one, the caller appends its record to `outcomes`."""
    bracket = Bracket()
    while (rate := next_rate(capacity, bracket)) is not None:
        yield probe(first, rate, make_load)
        bracket = bracket.with_probe(rate, meets(outcomes[-1], capacity))


def result(capacity: Capacity, first: PlannedRun, records: list[RunRecord]) -> CapacityResult:
    """Return the answer of a finished search."""
    bracket = Bracket()
    for record in records:
        bracket = bracket.with_probe(record.load.rate_rps or 0, meets(record, capacity))
    return CapacityResult(
        app=first.app,
        endpoint=first.endpoint,
        variant=first.variant,
        trial=first.trial,
        at_least_rps=bracket.met,
        below_rps=bracket.missed,
        runs=[record.run_id for record in records],
    )
