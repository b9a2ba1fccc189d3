"""Read what a run cost as a Span: the server's CPU time per correct answer, and the app's memory.

The run's record has CPU time per second of the measured part. Divided by goodput, it is what one
correct answer took; where goodput lies between two bounds, so does the cost. All functions are
pure.
"""

import math
from collections.abc import Callable, Mapping

from analysis.ratio import Span
from testbed.model.results import Cost, RunRecord
from testbed.tools import due

BYTES_PER_MB = 1e6
DATABASE = "postgresql"


def of_run(record: RunRecord, key: str) -> Span | None:
    """Return a figure of COSTS (analysis/figures.py) by its key; None if the run lacks it."""
    if record.cost is None:
        return None
    if key in _MEMORY:
        size_bytes = _MEMORY[key](record.cost)
        return None if size_bytes is None else Span.exact(size_bytes / BYTES_PER_MB)
    return _per_answer(record, _TIME[key](record.cost))


def _per_answer(record: RunRecord, ms_per_s: float | None) -> Span | None:
    goodput = None if record.output is None else due.goodput_rps(record.load, record.output)
    if ms_per_s is None or goodput is None or goodput.high <= 0:
        return None
    least = ms_per_s / goodput.high
    most = ms_per_s / goodput.low if goodput.low > 0 else math.inf
    # The printed figure belongs to the printed goodput, which is the lower bound
    return Span(least if math.isinf(most) else most, least, most)


def _database(cost: Cost) -> float | None:
    return cost.services_ms_per_s.get(DATABASE)


def _other_services(cost: Cost) -> float | None:
    """Return the time of all services but the database; None without any, or if one is unknown."""
    others = [used for name, used in cost.services_ms_per_s.items() if name != DATABASE]
    return _sum(others) if others else None


def _whole(cost: Cost) -> float | None:
    return _sum([cost.app_ms_per_s, *cost.services_ms_per_s.values(), cost.kernel_ms_per_s])


def _sum(parts: list[float | None]) -> float | None:
    known = [part for part in parts if part is not None]
    return sum(known) if len(known) == len(parts) else None


_Of = Callable[[Cost], float | None]
_TIME: Mapping[str, _Of] = {
    "cpu_ms_per_answer": _whole,
    "app_cpu_ms_per_answer": lambda cost: cost.app_ms_per_s,
    "database_cpu_ms_per_answer": _database,
    "services_cpu_ms_per_answer": _other_services,
    "kernel_cpu_ms_per_answer": lambda cost: cost.kernel_ms_per_s,
}
_MEMORY: Mapping[str, _Of] = {
    "memory_rest_mb": lambda cost: cost.memory_rest_bytes,
    "memory_peak_mb": lambda cost: cost.memory_peak_bytes,
    "memory_worker_mb": lambda cost: cost.memory_worker_bytes,
}
