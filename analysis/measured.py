"""What one run says of a claim's metric: a figure, or only between which two it lies. Pure."""

import math
from dataclasses import dataclass

from analysis.figures import Figure
from analysis.groups import FROM_DUE
from testbed.model.article import Metric
from testbed.model.results import RunRecord, requests_due
from testbed.model.tool_output import ToolOutput

# Of the requests due: with fewer unanswered, a response time is taken as exact. The same limit as
# that of the check which marks response times as lower bounds.
LOST_FROM_PERCENT = 1.0
PERCENTILES: dict[Metric, float] = {"latency_p50_us": 50, "latency_p99_us": 99}
# Figures of the result table that are metrics of claims under another name
METRICS: dict[str, Metric] = {
    "response_mean_us": "latency_mean_us",
    "response_p50_us": "latency_p50_us",
    "response_p99_us": "latency_p99_us",
}


@dataclass(frozen=True)
class Span:
    """A figure of one trial. The true one lies from `low` to `high`; `value` is what is printed.

    `high` is infinite where the figure is only a lower bound.
    """

    value: float
    low: float
    high: float

    @classmethod
    def exact(cls, value: float) -> "Span":
        """A figure that is known."""
        return cls(value, value, value)

    @classmethod
    def at_least(cls, value: float) -> "Span":
        """A figure that is only a lower bound."""
        return cls(value, value, math.inf)

    @property
    def known(self) -> bool:
        """Whether it is one figure."""
        return self.low == self.high


def of_run(record: RunRecord, metric: Metric) -> Span | None:
    """The metric of one run; None if the run does not tell it."""
    output = record.output
    if output is None:
        return None
    match metric:
        case "throughput_rps":
            return _exact(output.throughput_rps)
        case "goodput_rps":
            return _exact(output.goodput_rps)
        case "errors_percent":
            return _exact(errors_percent(record))
        case "latency_mean_us":
            mean = output.latency_us.mean
            if mean is None:
                return None
            return Span.exact(mean) if _all_answered(record) else Span.at_least(mean)
        case "latency_p50_us" | "latency_p99_us":
            return percentile(record, PERCENTILES[metric])
        case _:  # of a ramp's steps together: see analysis/ramp.py
            return None


def of_figure(record: RunRecord, figure: Figure) -> Span | None:
    """A figure of the result table of one run, or its bounds; None if the run does not tell it."""
    if metric := METRICS.get(figure.key):
        return of_run(record, metric)
    value = None if record.output is None else figure.of(record.output)
    if value is None:
        return None
    whole = _all_answered(record) or not figure.of_answered
    return Span.exact(value) if whole else Span.at_least(value)


def percentile(record: RunRecord, percent: float) -> Span | None:
    """A percentile of response time over the requests due, microseconds.

    Requests that were never answered took longer than those that were. With a share s of them, the
    percentile p of the requests due is the percentile p / (1 - s) of the answers: at least the p of
    the answers, at most the next one that the generator printed, if it printed one so high.
    """
    if record.output is None:
        return None
    printed = {float(key): v for key, v in record.output.latency_us.percentiles.items()}
    if percent not in printed:
        return None
    low = printed[percent]
    if _all_answered(record):
        return Span.exact(low)
    answered = 1 - (lost_percent(record) or 0) / 100
    above = [key for key in printed if answered > 0 and key >= percent / answered]
    return Span(low, low, max(low, printed[min(above)]) if above else math.inf)


def lost_percent(record: RunRecord) -> float | None:
    """Requests due and never answered, percent; None where no schedule says what was due."""
    output, due = record.output, _due(record)
    if output is None or output.requests is None or not due:
        return None
    return 100 * min(max(due - output.requests, 0) / due, 1)


def errors_percent(record: RunRecord) -> float | None:
    """Errors, unsent and unanswered, percent of the requests due; None if the run does not tell.

    wrk2 does not count what was due: that is rate times duration, and what is missing of it in its
    answers is added to late, wrong or failed answers. A closed-loop generator has no schedule:
    there it is the errors, percent of the answers and of the errors that brought none. Answers that
    came too late are among the answers: both wrk and ab count them there (analysis/parsers).
    """
    output = record.output
    if output is None or output.requests is None:
        return None
    if all(count is None for count in output.errors.model_dump().values()):
        return None
    due = _due(record)
    if due:
        if output.due:
            bad: float = output.errors.total + (output.unsent or 0) + (output.unanswered or 0)
        else:
            bad = max(due - output.requests, 0) + _answered_badly(output)
        return 100 * min(bad / due, 1)
    errors, made = output.errors, output.requests
    if output.tool != "ab":  # which counts every attempt among its requests
        made += sum(count or 0 for count in (errors.connect, errors.read, errors.write))
    return 100 * min(errors.total / made, 1) if made else None


def _answered_badly(output: ToolOutput) -> int:
    errors = output.errors
    return sum(count or 0 for count in (errors.timeout, errors.status, errors.wrong_body))


def _due(record: RunRecord) -> float | None:
    output = record.output
    if output is None or record.load.generator not in FROM_DUE:
        return None
    return requests_due(record.load, output)


def _all_answered(record: RunRecord) -> bool:
    return (lost_percent(record) or 0) < LOST_FROM_PERCENT


def _exact(value: float | None) -> Span | None:
    return None if value is None else Span.exact(value)
