"""Say what became of a run or of a capacity search, in a line. Pure functions."""

from testbed.model.campaign import CapacityResult
from testbed.model.results import RunRecord
from testbed.numbers import milliseconds, rate


def capacity_text(result: CapacityResult) -> str:
    """Return the answer of a capacity search with its uncertainty, in words."""
    over = "" if result.ended is None else f" ({result.ended})"
    if result.at_least_rps is None and result.below_rps is None:
        return f"not known{over}"
    if result.at_least_rps is None:
        return f"below {rate(result.below_rps)} requests/s; no probe met the objective{over}"
    if result.below_rps is None:
        return f"at least {rate(result.at_least_rps)} requests/s{over}"
    about = "" if result.capacity_rps is None else f"about {rate(result.capacity_rps)}, "
    return (
        f"{about}between {rate(result.at_least_rps)} and {rate(result.below_rps)} requests/s{over}"
    )


def summary(record: RunRecord) -> str:
    """Return a line on a run: its figures, or why it has none, and its verdict."""
    if record.failure or not record.output:
        reason = record.failure.message if record.failure else "no output"
        word = "INTERRUPTED" if record.failure and record.failure.interrupted else "FAILED"
        return f"{word}: {reason}"
    output = record.output
    p99 = output.latency_us.percentiles.get("99")
    text = (
        f"{rate(output.goodput_rps)} good of {rate(output.throughput_rps)} answers/s, "
        f"{output.errors.total} errors, p99 {milliseconds(p99)} ms: {record.verdict}"
    )
    held = record.gave_out
    told = [] if held is None else [f"gave out first: {held.words} ({held.sentence})"]
    return "\n    ".join([text, *told, *(finding.sentence for finding in record.findings)])
