"""Do the figures say what they seem to say?"""

from statistics import median

from testbed.model.results import Finding
from testbed.validity.evidence import Evidence
from testbed.validity.limits import beyond, found, limits

STEADY_SECONDS = 10  # fewer say nothing about a trend
STEADY_LEVEL = 0.01  # significance of the trend test


def censored(evidence: Evidence) -> list[Finding]:
    """Which percentiles of response time are only lower bounds.

    Requests that were never answered have no response time; each would have had a longer one than
    the run saw. That is a result of an overloaded server, and no fault of the run.
    """
    output = evidence.output
    if not output or not output.due or output.requests is None:
        return []
    share = 100 * (output.due - output.requests) / output.due
    return beyond(
        "censored_percent",
        share,
        "{value:.1f} % of the requests due were never answered: response times from the "
        f"{100 - share:.1f}th percentile on are lower bounds",
    )


def steady(evidence: Evidence) -> list[Finding]:
    """Throughput no longer drifted: Mann-Kendall's test for a trend over the measured seconds.

    Its size is Theil and Sen's slope over the whole run, in percent of the median (Mann 1945,
    Kendall 1975; Sen 1968). Both are robust against single bad seconds.
    """
    completed = [row["completed"] for row in evidence.timeline]
    if len(completed) < STEADY_SECONDS:
        return []
    from scipy.stats import kendalltau, theilslopes  # half a second, for which no other task waits

    seconds = range(len(completed))
    if kendalltau(seconds, completed).pvalue >= STEADY_LEVEL:
        return []
    middle = median(completed)
    slope = theilslopes(completed, seconds).slope
    drift = 100 * abs(slope) * len(completed) / middle if middle else 100.0
    return beyond("drift_percent", drift, "throughput drifted by {value:.0f} % over the run")


def tail_samples(evidence: Evidence) -> list[Finding]:
    """Enough answers that a p99 means something."""
    requests = evidence.output.requests if evidence.output else None
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
