"""Search for the highest rate that meets an objective: bracket it, then probe where most is learnt.

The answer is the rate at which a typical run just meets the objective, with an interval that holds
it in 95 of 100 searches (testbed/asked/threshold.py). All functions are pure: the probes so far
decide the next one, so that a search that is resumed goes on as it would have.
"""

import functools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from testbed.asked.probe import Probe
from testbed.errors import Exit, TestbedError
from testbed.model.campaign import CapacityResult, SearchEnd
from testbed.model.experiment import Capacity, LoadSpec, PlannedRun
from testbed.model.results import RunRecord
from testbed.model.tool_output import ToolOutput
from testbed.numbers import written_out
from testbed.tools import due

if TYPE_CHECKING:
    from testbed.asked.threshold import Belief

LOWEST_SHARE = 1 / 256  # of the first rate; an app that fails below it has no useful capacity
BEYOND = 2  # the belief reaches this far beyond to_rps, so that a capacity above it shows
CANDIDATES = [share / 20 for share in range(1, 20)]  # quantiles of the belief: rates to choose from
MOST_INVALID = 2  # probes in a row: what made them invalid would spoil the next one, too


def next_rate(capacity: Capacity, probes: Sequence[Probe], invalid: int = 0) -> float | SearchEnd:
    """Return the next rate to probe, in requests per second, or why the search is over.

    `probes` are those that count, in the order made. `invalid` is the number of those that do not.
    """
    if not probes:
        return capacity.from_rps
    known = belief(capacity, tuple(probes))
    low, median, high = known.interval()
    met = [probe.rate_rps for probe in probes if probe.met]
    missed = [probe.rate_rps for probe in probes if not probe.met]
    if met and 100 * (min(high, capacity.to_rps) - low) / low <= capacity.precision_percent:
        return "narrow enough"
    if len(probes) + invalid >= most_probes(capacity, median):
        return "most probes made"
    if not missed:
        return min(2 * max(met), capacity.to_rps)
    if not met:
        half = round(min(missed) / 2)
        return half if half >= max(1, capacity.from_rps * LOWEST_SHARE) else "no rate met"
    rates = known.quantiles(CANDIDATES)
    return known.most_telling(sorted({min(max(round(rate), 1), capacity.to_rps) for rate in rates}))


def most_probes(capacity: Capacity, rate_rps: float) -> int:
    """Return how many probes a bisection down to `precision_percent` takes if this is the capacity.

    A search makes no more than this, or the declared `most_probes` where there is one.
    """
    if capacity.most_probes is not None:
        return capacity.most_probes
    probes, met, missed = 1, 0.0, math.inf
    rate = capacity.from_rps
    while True:
        met, missed = (rate, missed) if rate <= rate_rps else (met, rate)
        if math.isinf(missed):
            rate = min(2 * met, capacity.to_rps)
            over = rate <= met
        elif not met:
            rate = round(missed / 2)
            over = rate < max(1, capacity.from_rps * LOWEST_SHARE)
        else:
            rate = (met + missed) / 2
            narrow = 100 * (missed - met) / met <= capacity.precision_percent
            over = narrow or missed - met <= 1
        if over:
            return probes
        probes += 1


def longest(capacity: Capacity) -> int:
    """Return the most probes that a search makes, whatever the capacity turns out to be.

    It takes longest if the capacity is a rate that brackets it from below: the bracket is then
    halved from above only, where it becomes narrow last.
    """
    below, rate = [0.0, capacity.to_rps], capacity.from_rps
    while rate < capacity.to_rps:
        below.append(rate)
        rate *= 2
    rate = capacity.from_rps
    while (rate := round(rate / 2)) >= max(1, capacity.from_rps * LOWEST_SHARE):
        below.append(rate)
    return max(most_probes(capacity, rate) for rate in below)


@functools.lru_cache(maxsize=64)
def belief(capacity: Capacity, probes: tuple[Probe, ...]) -> "Belief":
    """Return what is known of the capacity after these probes."""
    # its libraries take as long to import as the rest, and only a search needs them
    from testbed.asked.threshold import Belief

    if probes:
        return belief(capacity, probes[:-1]).after(probes[-1])
    return Belief.between(capacity.from_rps * LOWEST_SHARE, capacity.to_rps * BEYOND)


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


def probe_of(record: RunRecord, capacity: Capacity) -> Probe:
    """Return what a run says of the capacity. Raises TestbedError if it says nothing."""
    met, output = meets(record, capacity), record.output
    margin, late = math.inf, not met
    if output is not None and due.of_run(record.load, output, 99) is not None:
        margin = _margin(record, output, capacity, 99)
        known = due.of_run(record.load, output, 50) is not None
        late = known and _margin(record, output, capacity, 50) > 0
    if not met and margin <= 0:
        margin = math.inf  # its answers were fast enough; errors and losses were not few enough
    return Probe(record.load.rate_rps or 0, min(margin, 0) if met else margin, late and not met)


def _margin(record: RunRecord, output: ToolOutput, capacity: Capacity, percent: float) -> float:
    """Return the logarithm of a percentile of the requests due over the objective."""
    return math.log(max(due.likely(record.load, output, percent), 1) / (1000 * capacity.p99_ms))


def counted(records: Sequence[RunRecord]) -> list[RunRecord]:
    """Return the probes that steer a search and decide its answer: all but the invalid ones.

    A probe without a single correct answer counts if nothing else was wrong: it shows an overload.
    """
    return [record for record in records if record.verdict != "invalid" or record.overloaded]


def answer(
    capacity: Capacity, probes: Sequence[Probe]
) -> tuple[float | None, float | None, float | None]:
    """Return the interval's lower end, the capacity and the interval's upper end.

    No end is claimed beyond all rates that were tried: the lower one is at most the highest rate
    that met the objective, and None if none did; the upper one likewise. The capacity is None
    unless both ends are known.
    """
    low, median, high = belief(capacity, tuple(probes)).interval()
    met = [probe.rate_rps for probe in probes if probe.met]
    missed = [probe.rate_rps for probe in probes if not probe.met]
    at_least = min(low, max(met)) if met else None
    below = max(high, min(missed)) if missed else None
    return at_least, median if met and missed else None, below


def planned_probe(
    first: PlannedRun, rate_rps: float, number: int, make_load: Callable[[float], LoadSpec]
) -> PlannedRun:
    """Return the run that probes a rate for the `number`th time. `first` is its cell's first."""
    prefix = first.run_id.rpartition("-r")[0]
    again = f"-{number}" if number > 1 else ""
    changes = {"run_id": f"{prefix}-r{written_out(rate_rps)}{again}", "load": make_load(rate_rps)}
    return first.model_copy(update=changes)


def search(
    capacity: Capacity,
    first: PlannedRun,
    make_load: Callable[[float], LoadSpec],
    outcomes: list[RunRecord],
) -> Iterator[PlannedRun]:
    """Yield each run to make. Before the next one, the caller appends its record to `outcomes`."""
    while not isinstance(rate := _next(capacity, outcomes), str):
        number = 1 + sum(record.load.rate_rps == rate for record in outcomes)
        yield planned_probe(first, rate, number, make_load)


def _next(capacity: Capacity, records: Sequence[RunRecord]) -> float | SearchEnd:
    """Return the next rate, or why the search is over, after these runs."""
    if len(records) >= MOST_INVALID and not counted(records[-MOST_INVALID:]):
        return "invalid probes"
    probes = [probe_of(record, capacity) for record in counted(records)]
    return next_rate(capacity, probes, invalid=len(records) - len(probes))


def result(capacity: Capacity, first: PlannedRun, records: list[RunRecord]) -> CapacityResult:
    """Return the answer of a finished search. Without a probe that counts, nothing is known."""
    low, median, high = answer(
        capacity, [probe_of(record, capacity) for record in counted(records)]
    )
    over = _next(capacity, records)
    return CapacityResult(
        app=first.app,
        endpoint=first.endpoint,
        variant=first.variant,
        trial=first.trial,
        at_least_rps=low,
        capacity_rps=median,
        below_rps=high,
        ended=over if isinstance(over, str) else None,
        runs=[record.run_id for record in records],
    )
