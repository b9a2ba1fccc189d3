"""Do the figures say what they seem to say?"""

import itertools
from statistics import median

from testbed.model.load import requests_due
from testbed.model.results import Finding
from testbed.validity.evidence import Evidence, Samples
from testbed.validity.limits import beyond, found, limits

STEADY_SECONDS = 10  # fewer say nothing about a trend
STEADY_LEVEL = 0.01  # significance of the trend test


def censored(evidence: Evidence) -> list[Finding]:
    """Which percentiles of response time are only lower bounds.

    Requests that were never answered have no response time; each would have had a longer one than
    the run saw, so that every percentile would be higher with them. That is a result of an
    overloaded server, and no fault of the run.
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
    """Whether response times are in part those of errors, which an app may answer fast.

    That is a result of the app, and no fault of the run.
    """
    output = evidence.run.output
    if output is None or not output.requests:
        return []
    failed = (output.errors.status or 0) + (output.errors.wrong_body or 0)
    share = 100 * failed / output.requests
    sentence = "{value:.1f} % of the answers were errors, and response times hold theirs, too"
    return beyond("failed_answers_percent", share, sentence)


def steady(evidence: Evidence) -> list[Finding]:
    """Throughput no longer drifted."""
    sentence = "throughput drifted by {value:.0f} % over the run"
    return beyond("drift_percent", drift_percent(evidence), sentence)


def drift_percent(evidence: Evidence) -> float | None:
    """By how much throughput drifted, by Mann-Kendall's test for a trend over the measured seconds.

    0 where the test finds none; None where there is too little to test. The size is Theil and Sen's
    slope over the whole run, in percent of the median (Mann 1945, Kendall 1975; Sen 1968). Both are
    robust against single bad seconds. Generators without a timeline do not tell when answers came:
    there, the TCP segments that the server sent stand for them.
    """
    rates = [row["completed"] for row in evidence.timeline] or _segments(evidence.inside("server"))
    if len(rates) < STEADY_SECONDS:
        return None
    from scipy.stats import kendalltau, theilslopes  # half a second, for which no other task waits

    seconds = range(len(rates))
    if not kendalltau(seconds, rates).pvalue < STEADY_LEVEL:  # which is NaN where all are equal
        return 0.0
    middle = median(rates)
    slope = theilslopes(rates, seconds).slope
    return float(100 * abs(slope) * len(rates) / middle) if middle else 100.0


def _segments(samples: Samples) -> list[float]:
    """TCP segments sent per second, from each sample to the next."""
    name = "tcp_segments_sent"
    return [
        (after[name] - before[name]) / (after["monotonic_s"] - before["monotonic_s"])
        for before, after in itertools.pairwise(samples)
        if name in before and name in after and after["monotonic_s"] > before["monotonic_s"]
    ]


def tail_samples(evidence: Evidence) -> list[Finding]:
    """Enough answers that a p99 means something."""
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
