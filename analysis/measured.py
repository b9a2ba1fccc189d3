"""Read a figure of one run as a Span: known exactly, or to lie between two bounds. Pure."""

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
    """Return a claim's metric of one run.

    Return None where the run does not tell it. No single run tells where a ramp begins to be bad:
    that is read from all steps of a ramp together (analysis/ramp.py).
    """
    if metric == "errors_percent":
        return _exact(errors_percent(record))
    figure = BY_KEY.get(metric)
    return None if figure is None else of_figure(record, figure)


def of_figure(record: RunRecord, figure: Figure) -> Span | None:
    """Return a figure of the result table of one run; None where the run does not tell it."""
    if figure.key in PERCENTILES:
        return percentile(record, PERCENTILES[figure.key])
    value = None if record.output is None else figure.of(record.output)
    if value is None or not figure.of_answered:
        return _exact(value)
    return Span.exact(value) if _all_answered(record) else Span.at_least(value)


def percentile(record: RunRecord, percent: float) -> Span | None:
    """Return a percentile of response time over the requests due, in microseconds.

    Requests that were never answered took longer than those that were. With a share s of them, the
    percentile p of the requests due is the percentile p / (1 - s) of the answers: at least the p of
    the answers, at most the next one that the generator printed, if it printed one so high. Return
    None where the generator did not print the percentile p of the answers.
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

    Return None where no schedule says what was due.
    """
    output, due = record.output, _due(record)
    if output is None or output.requests is None or not due:
        return None
    return 100 * min(max(due - output.requests, 0) / due, 1)


def errors_percent(record: RunRecord) -> float | None:
    """Return errors, unsent and unanswered requests together, in percent of the requests due.

    Return None where the run does not tell them. Some generators that hold a rate do not count what
    was due: that is rate times duration, and what is missing of it in their answers is added to
    late, wrong or failed answers. A closed-loop load has no schedule: there it is the errors, in
    percent of the answers and of the errors that brought none. Answers that came too late are among
    the answers, but for generators that do not wait for them.
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
    """Return how many requests the schedule held; None for a closed loop, which has none."""
    output = record.output
    return None if output is None else requests_due(record.load, output)


def _all_answered(record: RunRecord) -> bool:
    """Return whether so few requests went unanswered that response times are taken as exact.

    That is the limit from which a run's check marks its response times as lower bounds.
    """
    return not beyond("censored_percent", lost_percent(record), "")


def _exact(value: float | None) -> Span | None:
    return None if value is None else Span.exact(value)
