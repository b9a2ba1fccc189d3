"""Read a figure of one run as a Span: an exact value, or the bounds between which it lies.

All functions are pure.
"""

import math

from analysis.figures import BY_KEY, Figure
from analysis.ratio import Span
from testbed.model.article import Metric
from testbed.model.load import requests_due
from testbed.model.results import RunRecord
from testbed.model.tool_output import ToolOutput
from testbed.tools.table import generator
from testbed.validity.limits import beyond

PERCENTILES = {"response_p50_us": 50.0, "response_p99_us": 99.0}


def of_metric(record: RunRecord, metric: Metric) -> Span | None:
    """Return the metric of a claim as one run measured it; None if the run does not have it.

    No single run can say where a ramp begins to be slow or to fail. analysis/ramp.py finds that
    from all steps of a ramp together.
    """
    if metric == "errors_percent":
        return _exact(errors_percent(record))
    figure = BY_KEY.get(metric)
    return None if figure is None else of_figure(record, figure)


def of_figure(record: RunRecord, figure: Figure) -> Span | None:
    """Return one figure of the result table as a run measured it; None if the run lacks it."""
    if figure.key in PERCENTILES:
        return percentile(record, PERCENTILES[figure.key])
    value = None if record.output is None else figure.of(record.output)
    if value is None or not figure.of_answered:
        return _exact(value)
    return Span.exact(value) if _all_answered(record) else Span.at_least(value)


def percentile(record: RunRecord, percent: float) -> Span | None:
    """Return a percentile of response time over the requests due, in microseconds.

    Requests that were never answered count as slower than all answers. If their share is s,
    percentile p of the requests due is percentile p / (1 - s) of the answers. It is at least
    percentile p of the answers, and at most the next higher percentile that the generator printed,
    if it printed one that is high enough. Return None if the generator did not print percentile p
    of the answers.
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
    """Return how many percent of the requests due were never answered.

    Return None if there was no schedule to say what was due.
    """
    output, due = record.output, _due(record)
    if output is None or output.requests is None or not due:
        return None
    return 100 * min(max(due - output.requests, 0) / due, 1)


def errors_percent(record: RunRecord) -> float | None:
    """Return errors, unsent and unanswered requests together, in percent of the requests due.

    Return None if the run does not have them. Some generators that hold a rate do not count the
    requests due. For these it is rate times duration, and the answers missing from it are added to
    the late, wrong and failed ones. A closed-loop load has no schedule. There the errors are
    divided by the number of answers plus the number of errors that brought no answer. Answers that
    came too late are among the answers, except with generators that do not wait for them.
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
    tool = generator(output.tool)
    if not tool.counts_attempts:
        made += sum(count or 0 for count in (errors.connect, errors.read, errors.write))
    if tool.gives_up:
        made += errors.timeout or 0
    return 100 * min(errors.total / made, 1) if made else None


def _answered_badly(output: ToolOutput) -> int:
    errors = output.errors
    return sum(count or 0 for count in (errors.timeout, errors.status, errors.wrong_body))


def _due(record: RunRecord) -> float | None:
    """Return how many requests the schedule held; None for a closed loop, which has no schedule."""
    output = record.output
    return None if output is None else requests_due(record.load, output)


def _all_answered(record: RunRecord) -> bool:
    """Return whether so few requests went unanswered that response times count as exact.

    The limit is the one from which a validity check marks response times as lower bounds.
    """
    return not beyond("censored_percent", lost_percent(record), "")


def _exact(value: float | None) -> Span | None:
    return None if value is None else Span.exact(value)
