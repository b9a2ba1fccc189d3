"""Check that the figures mean what they seem to mean."""

import itertools
from statistics import median

from testbed.model.load import requests_due
from testbed.model.results import Finding
from testbed.validity.evidence import Evidence, Samples
from testbed.validity.limits import beyond, found, limits

STEADY_SECONDS = 10  # fewer seconds say nothing about a trend
STEADY_LEVEL = 0.01  # significance of the trend test


def censored(evidence: Evidence) -> list[Finding]:
    """Find which percentiles of response time are only lower bounds.

    A request that was never answered has no response time. It would have been longer than all
    others, so every percentile would be higher. That is a result of an overloaded server, and not a
    fault of the run.
    """
    output = evidence.run.output
    due = requests_due(evidence.run.load, output) if output else None
    if not output or not due or output.requests is None:
        return []
    share = 100 * (due - output.requests) / due
    return beyond(
        "censored_percent",
        share,
        "{value:.1f} % of the requests due were never answered: all response times are lower "
        f"bounds, and from the {100 - share:.1f}th percentile on nothing is known of them",
    )


def failed_answers(evidence: Evidence) -> list[Finding]:
    """Find whether the response times include those of errors, which an app may answer fast.

    That is a result of the app, and not a fault of the run.
    """
    output = evidence.run.output
    if output is None or not output.requests:
        return []
    failed = (output.errors.status or 0) + (output.errors.wrong_body or 0)
    share = 100 * failed / output.requests
    sentence = "{value:.1f} % of the answers were errors, and response times hold theirs, too"
    return beyond("failed_answers_percent", share, sentence)


def steady(evidence: Evidence) -> list[Finding]:
    """Check that throughput no longer drifted."""
    sentence = "throughput drifted by {value:.0f} % over the run"
    return beyond("drift_percent", drift_percent(evidence), sentence)


def drift_percent(evidence: Evidence) -> float | None:
    """Return by how much throughput drifted over the measured part, in percent of its median.

    Mann and Kendall's test decides whether there is a trend; if it finds none, the drift is 0. The
    size of the drift is Theil and Sen's slope over the whole run (Mann 1945, Kendall 1975; Sen
    1968). Both resist single bad seconds. Generators without a timeline do not say when answers
    came. For these, the TCP segments that the server sent are used in place of answers. Return None
    if there are too few seconds to test.
    """
    rates = [row["completed"] for row in evidence.timeline] or _segments(evidence.inside("server"))
    if len(rates) < STEADY_SECONDS:
        return None
    # Importing takes half a second, which other tasks need not wait for
    from scipy.stats import kendalltau, theilslopes

    seconds = range(len(rates))
    if (
        not kendalltau(seconds, rates).pvalue < STEADY_LEVEL
    ):  # the p-value is NaN if all rates are equal
        return 0.0
    middle = median(rates)
    slope = theilslopes(rates, seconds).slope
    return float(100 * abs(slope) * len(rates) / middle) if middle else 100.0


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
    requests = evidence.run.output.requests if evidence.run.output else None
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
