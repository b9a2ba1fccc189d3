"""Check that the figures mean what they seem to mean."""

import itertools

from testbed.model.load import requests_due
from testbed.model.results import Finding
from testbed.tools import due
from testbed.validity.evidence import Evidence, Samples, column
from testbed.validity.limits import beyond, found, limits


def censored(evidence: Evidence) -> list[Finding]:
    """Find which percentiles of response time are only lower bounds.

    A request that was never answered, or not in time, has no response time. Percentiles take it
    as longer than all others. That is a result of an overloaded server, and not a fault of the run.
    """
    output = evidence.run.output
    due = requests_due(evidence.run.load, output) if output else None
    if not output or not due or output.requests is None:
        return []
    share = 100 * (due - output.requests) / due
    return beyond(
        "censored_percent",
        share,
        "{value:.1f} % of the requests due were never answered, or after they had timed out: means "
        f"are lower bounds, as are percentiles from the {100 - share:.1f}th on",
    )


def untimed(evidence: Evidence) -> list[Finding]:
    """Find whether the generator counted many answers that it did not time.

    wrk2 leaves out those that came while it calibrated itself. What it prints of the others is not
    what all took, so percentiles of the requests due are bounds.
    """
    output = evidence.run.output
    if not output or not output.requests or output.timed is None:
        return []
    share = 100 * due.untimed(output) / output.requests
    return beyond(
        "untimed_percent",
        share,
        f"{output.tool} timed {output.timed} of {output.requests} answers and not the others "
        "({value:.1f} %), which came while it calibrated itself: percentiles are bounds",
    )


def failed_answers(evidence: Evidence) -> list[Finding]:
    """Find whether many answers were errors, which an app may give fast.

    Percentiles take them as slower than all correct answers. That is a result of the app, and not a
    fault of the run.
    """
    findings: list[Finding] = []
    for which, told in evidence.requests:
        if told.requests:
            failed = (told.errors.status or 0) + (told.errors.wrong_body or 0)
            share = 100 * failed / told.requests
            sentence = f"{{value:.1f}} % of the answers{which} were errors"
            findings += beyond("failed_answers_percent", share, sentence)
    return findings


def steady(evidence: Evidence) -> list[Finding]:
    """Check that throughput neither rose nor fell."""
    return _drifted("drift_percent", drift_percent(evidence), "throughput")


def response_steady(evidence: Evidence) -> list[Finding]:
    """Check that response times neither rose nor fell: else they depend on the run's length.

    A queue before something that few requests need, such as one part of a mix, leaves the median as
    it is. It shows in the p99 of the seconds, which is looked at where the median tells nothing.
    """
    drift = response_drift_percent(evidence)
    found = _drifted("response_drift_percent", drift, "the median response time")
    if found:
        return found
    tail = tail_drift_percent(evidence)
    return _drifted("response_drift_percent", tail, "the p99 of a second's response times")


def _drifted(limit: str, drift: float | None, what: str) -> list[Finding]:
    if drift is None:
        return []
    way = "rose" if drift > 0 else "fell"
    return beyond(limit, abs(drift), f"{what} {way} by {{value:.0f}} % over the run")


def drift_percent(evidence: Evidence) -> float | None:
    """Return by how much throughput changed over the measured part, in percent of its median.

    It is negative if throughput fell, 0 if there was no trend, and None if that is not known.
    Generators without a timeline do not say when answers came. For these, the TCP segments that the
    server sent are used in place of answers.
    """
    rates = column(evidence.timeline, "completed") or _segments(evidence.inside("server"))
    return _drift("drift_percent", rates)


def response_drift_percent(evidence: Evidence) -> float | None:
    """Return by how much response times changed over the measured part, like `drift_percent`.

    The figures are the medians of its seconds, of the correct answers where the generator tells
    them apart. Seconds without an answer are left out. Return None if that is not known.
    """
    return _drift("response_drift_percent", _of_seconds(evidence, "p50_us"))


def tail_drift_percent(evidence: Evidence) -> float | None:
    """Return by how much the p99 of a second changed, like `response_drift_percent`.

    It is a figure more that may seem to have a trend by chance, so more is asked of it. Return None
    if it is not known.
    """
    return _drift("response_drift_percent", _of_seconds(evidence, "p99_us"), tail=True)


def _of_seconds(evidence: Evidence, percentile: str) -> list[float]:
    correct = column(evidence.timeline, f"correct_{percentile}")
    return correct or column(evidence.timeline, f"response_{percentile}")


def _drift(limit: str, values: list[float], *, tail: bool = False) -> float | None:
    # numpy takes a moment to import, for which other tasks need not wait
    from testbed.validity import trend

    level = trend.TAIL_LEVEL if tail else trend.LEVEL
    return trend.drift_percent(values, limits()[limit].doubtful or 0, level)


def _segments(samples: Samples) -> list[float]:
    """Return the TCP segments sent per second, from each sample to the next."""
    name = "tcp_segments_sent"
    return [
        (after[name] - before[name]) / (after["monotonic_s"] - before["monotonic_s"])
        for before, after in itertools.pairwise(samples)
        if name in before and name in after and after["monotonic_s"] > before["monotonic_s"]
    ]


def tail_samples(evidence: Evidence) -> list[Finding]:
    """Check that there are enough answers for a 99th percentile."""
    output = evidence.run.output
    requests = output.requests if output else None
    if output and output.timed is not None:
        requests = output.timed
    limit = limits()["tail_samples"]
    beyond_p99 = None if requests is None else requests * 0.01
    if beyond_p99 is None or limit.doubtful is None or beyond_p99 >= limit.doubtful:
        return []
    return [
        found(
            "doubtful",
            f"only {requests} answers: {beyond_p99:.1f} of them lie beyond p99 "
            f"(limit {limit.doubtful:g}): {limit.reason}",
        )
    ]
