"""Tell how long the other service of a workload took, and how it did itself. Pure functions."""

from testbed.model.results import RunRecord
from testbed.numbers import MISSING, written_out


def asked(record: RunRecord) -> str:
    """Return how long it was to take: '50 ms'; an empty text if the workload asks none."""
    return "" if record.upstream is None else record.upstream.asked.words


def sentence(record: RunRecord) -> str:
    """Return what it did in the measured part, in words for the run's own details."""
    told = record.upstream
    if told is None:
        return ""
    if told.seconds is None:
        return f"{asked(record)}; what it did is not known"
    late_us, lag_us = told.late_us.get("99"), told.lag_us.get("99")
    late = "" if late_us is None else f", late by {written_out(late_us / 1000)} ms at p99"
    probes = "" if lag_us is None else f" (probes of it: {written_out(lag_us / 1000)} ms)"
    cpu = MISSING if told.cpu_percent is None else written_out(told.cpu_percent)
    return (
        f"{asked(record)}; asked {told.requests:,} times{late}{probes}, {told.most_waiting} "
        f"answers at most waited for at once, {cpu} % of a core"
    )


def latency_ms(record: RunRecord) -> float | None:
    """Return the declared time, or its median; None if the workload asks no other service."""
    return None if record.upstream is None else record.upstream.asked.latency_ms
