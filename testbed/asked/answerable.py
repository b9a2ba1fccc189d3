"""Refuse a question whose own numbers contradict each other, so that nothing could answer it."""

import math
from collections.abc import Sequence
from statistics import NormalDist

from testbed.errors import TestbedError
from testbed.model.question import UPSTREAM, Point, QuestionFile
from testbed.numbers import written_out


def check(question: QuestionFile, points: Sequence[Point]) -> None:
    """Raise TestbedError, with its place in the file, if no rate could meet the objective."""
    objective_ms, timeout_ms = question.objective.p99_ms, 1000 * question.search.timeout_s
    if timeout_ms < objective_ms:
        raise TestbedError(
            f"requests time out after {timeout_ms:g} ms, so that a p99 of up to {objective_ms:g} "
            "ms, which the objective allows, is never seen",
            remedy="wait at least as long, or allow less (objective: p99_ms)",
            place=("search", "timeout_s"),
        )
    slowest_ms = _slowest_ms(question, points)
    p99_ms = slowest_ms * _p99_of_median(question)
    if p99_ms >= objective_ms:
        raise TestbedError(
            f"the other service's p99 is {written_out(p99_ms)} ms at the longest latency, so that "
            f"no rate can have a p99 of {objective_ms:g} ms",
            remedy="allow more, or take shorter latencies",
            place=("objective", "p99_ms"),
        )
    search = question.search
    needed = math.ceil(search.from_rps * slowest_ms / 1000)
    if needed > search.connections:
        raise TestbedError(
            f"{search.connections} connections cannot ask from_rps, "
            f"{written_out(search.from_rps)} requests per second, of a service that takes "
            f"{slowest_ms:g} ms: {needed} would wait",
            remedy="take more connections, a lower from_rps, or shorter latencies",
            place=("search", "connections"),
        )


def _slowest_ms(question: QuestionFile, points: Sequence[Point]) -> float:
    """Return the longest latency of the other service; 0 if the question says none."""
    if question.sweep.of != UPSTREAM:
        return question.upstream_ms or 0
    return max((point for point in points if not isinstance(point, str)), default=0)


def _p99_of_median(question: QuestionFile) -> float:
    """Return by what the declared latency is multiplied to give its 99th percentile.

    The latency is the median of a log-normal distribution: the logarithm of each percentile is that
    of the median plus sigma times the percentile of the standard normal distribution.
    """
    return math.exp(NormalDist().inv_cdf(0.99) * (question.sweep.sigma or 0))
