"""Read a figure of one run as a Span: an exact value, or the bounds between which it lies.

Where a run's histogram is given (`counted`), percentiles are those of the histogram; without it
they lie between the percentiles that the generator printed. All functions are pure.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

from analysis import cost
from analysis.figures import BY_KEY, COST_KEYS, COSTS, ERROR_CLASSES, FIGURES, PERCENTILES, Figure
from analysis.ratio import Span, finite
from testbed.model.article import Metric
from testbed.model.load import requests_due
from testbed.model.results import RunRecord
from testbed.model.tool_output import ToolOutput
from testbed.numbers import AT_LEAST
from testbed.tools import due
from testbed.tools.due import Bounds, Counted
from testbed.tools.table import generator
from testbed.validity.limits import beyond

THREE_DIGITS = 0.001


def of_metric(record: RunRecord, metric: Metric, counted: Counted | None = None) -> Span | None:
    """Return the metric of a claim as one run measured it; None if the run does not have it.

    No single run can say where a ramp begins to be slow or to fail. analysis/ramp.py finds that
    from all steps of a ramp together.
    """
    if metric == "errors_percent":
        return _exact(errors_percent(record))
    figure = BY_KEY.get(metric)
    return None if figure is None else of_figure(record, figure, counted)


def of_figure(record: RunRecord, figure: Figure, counted: Counted | None = None) -> Span | None:
    """Return one figure of the result table as a run measured it; None if the run lacks it."""
    if figure.key in PERCENTILES:
        return percentile(record, PERCENTILES[figure.key], counted)
    if figure.key in COST_KEYS:
        return cost.of_run(record, figure.key)
    output = record.output
    if output is not None and figure.key == "goodput_rps":
        return _narrow(_span(due.goodput_rps(record.load, output)))
    value = None if output is None else figure.of(output)
    if output is None or value is None or not figure.of_answered:
        return _exact(value)
    is_mean = figure.key == "response_mean_us"
    span = _mean(output, value) if is_mean else Span.exact(value)
    if not _nearly_all_correct(record) or (not is_mean and _some_untimed(output)):
        return Span.at_least(span.low)
    return _with_others(record, output, span, is_mean=is_mean)


def as_far_as_known(record: RunRecord, key: str, span: Span | None) -> Span | None:
    """Return a figure of a run as far as its tool tells it, to be set beside those of other runs.

    wrk adds times of requests that it never sent to those that it measured, so that of its times
    only the longest is sure, and the others lie below it.

    ab prints whole milliseconds. Trials that all print the same number seem not to scatter, and 3
    and 4 ms may be 3.4 and 3.6. So the true time lies up to half a step from the printed one.
    Where that is less than three digits show, the figure is returned as it is, as is None: a figure
    that the run does not have.
    """
    if span is not None and record.output is not None and _adds_samples(record, key):
        longest_us = record.output.latency_us.max
        return replace(span, low=0.0, high=math.inf if longest_us is None else longest_us)
    half = _step_us(record, key) / 2
    if span is None or half <= THREE_DIGITS * span.low:
        return span
    return replace(span, low=max(0.0, span.low - half), high=span.high + half)


def why_not_exact(records: Sequence[RunRecord], key: str) -> str | None:
    """Return why the tool of these runs does not tell a figure exactly; None if it does."""
    adding = {one.output.tool for one in records if one.output and _adds_samples(one, key)}
    if adding:
        return (
            f"{', '.join(sorted(adding))} adds times of requests that were never sent, so its "
            "response times decide nothing by themselves."
        )
    tools = {
        one.output.tool: step for one in records if one.output and (step := _step_us(one, key))
    }
    told = (f"{tool} rounds times to {step / 1000:g} ms." for tool, step in tools.items())
    return " ".join(told) or None


def _adds_samples(record: RunRecord, key: str) -> bool:
    """Return whether a figure is made of times among which the tool put some that it computed."""
    if record.output is None or not key.startswith("response_") or key == "response_max_us":
        return False
    return generator(record.output.tool).adds_samples


def _step_us(record: RunRecord, key: str) -> float:
    """Return to a multiple of how many microseconds a figure is rounded; 0: to three digits."""
    if record.output is None or not key.startswith("response_"):
        return 0
    return generator(record.output.tool).rounds_to_us


def figure_columns(record: RunRecord, counted: Counted | None = None) -> dict[str, float | None]:
    """Return all figures, errors and costs of a run as columns of a CSV file, by their names.

    Of a percentile that is known by its bounds, one column has the lower and one the upper bound.
    A figure that is not known is None.
    """
    spans = {figure.key: of_figure(record, figure, counted) for figure in FIGURES}
    row = {key: None if span is None else span.value for key, span in spans.items()}
    for key in PERCENTILES:
        span = spans[key]
        row[f"{key}_at_most"] = None if span is None else finite(span.high)
    errors = record.output.errors.model_dump() if record.output else {}
    row |= {f"errors_{name}": errors.get(name) for name in ERROR_CLASSES}
    costs = {figure.key: of_figure(record, figure) for figure in COSTS}
    return row | {key: None if span is None else span.value for key, span in costs.items()}


def text(figure: Figure, span: Span | None, *, censored: bool = False) -> str:
    """Return a figure as text: a value, '≥' and a lower bound, or a range."""
    if span is None or span.known:
        return figure.told(None if span is None else span.value, censored=censored)
    low, high = figure.write(span.low), figure.write(span.high)
    if span.open or (censored and figure.of_answered):
        return f"{AT_LEAST}{low}"
    return low if low == high else f"{low} to {high}"


def percentile(record: RunRecord, percent: float, counted: Counted | None = None) -> Span | None:
    """Return a percentile of response time over the requests due, in microseconds.

    Requests without a correct answer count as slower than all correct answers
    (testbed/tools/due.py). Return None if the run has neither a histogram nor this percentile of
    its answers.
    """
    if record.output is None:
        return None
    return _span(due.of_run(record.load, record.output, percent, counted))


def _mean(output: ToolOutput, value: float) -> Span:
    """Return the mean response time of the correct answers.

    Where wrong answers were timed with them, it is the mean after the wrong ones were taken out, if
    they were the slowest of all, and if they were the fastest. Answers that were not timed took no
    time at all, or on average as long as the tool says of them.
    """
    times, found = output.latency_us, due.correct(output)
    if output.correct_us is not None or found is None or not output.requests:
        return Span.exact(value)
    timed, others = due.timed(output), due.untimed(output) if _some_untimed(output) else 0
    wrong = timed + others - found.low
    if wrong <= 0 and not others:
        return Span.exact(value)
    if found.low <= 0 or times.max is None:
        return Span.at_least(0.0)
    told = output.untimed_us.mean if output.untimed_us else None
    whole, least = value * timed, 0.0 if others else times.min or 0.0
    low = max(least, (whole - wrong * times.max) / found.low)
    longest = 0.0 if not others else math.inf if told is None else others * told
    return Span(low, low, (whole + longest - wrong * least) / found.low)


def _some_untimed(output: ToolOutput) -> bool:
    """Return whether more answers were not timed than the last one of each thread of wrk2."""
    return due.untimed(output) > (output.threads or 0)


def _narrow(span: Span | None) -> Span | None:
    """Return a figure as exact if its bounds differ by less than three digits show.

    None, a figure that is not known, is returned as it is.
    """
    if span is None or span.high > span.low * (1 + THREE_DIGITS):
        return span
    return Span.exact(span.high)


def _with_others(record: RunRecord, output: ToolOutput, span: Span, *, is_mean: bool) -> Span:
    """Return the mean or the maximum over the requests due, of which few lack a correct answer.

    The upper end takes these to have lasted as long as the time-out. Of a schedule that the
    generator did not count, one request per connection may have been under way at the end.
    """
    load, found = record.load, due.correct(output)
    made = due.made(load, output)
    if found is None or made is None:
        return span
    others = made - found.low
    if output.due is None and load.rate_rps is not None:
        others -= load.connections
    if others <= 0:
        return span
    timeout_us = 1e6 * load.timeout_s
    high = (span.high * found.low + timeout_us * others) / (found.low + others)
    highest = max(span.high, high if is_mean else timeout_us)
    # A difference that three digits do not show is none
    return span if highest <= span.high * (1 + THREE_DIGITS) else replace(span, high=highest)


def lost_percent(record: RunRecord) -> float | None:
    """Return how many percent of the requests due were never answered.

    Return None if there was no schedule to say what was due.
    """
    output, scheduled = record.output, _scheduled(record)
    if output is None or output.requests is None or not scheduled:
        return None
    return 100 * min(max(scheduled - output.requests, 0) / scheduled, 1)


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
    scheduled = _scheduled(record)
    if scheduled:
        if output.due:
            bad: float = output.errors.total + (output.unsent or 0) + (output.unanswered or 0)
        else:
            bad = max(scheduled - output.requests, 0) + _answered_badly(output)
        return 100 * min(bad / scheduled, 1)
    made = due.made(record.load, output)
    return 100 * min((output.errors.total + (output.unanswered or 0)) / made, 1) if made else None


def _answered_badly(output: ToolOutput) -> int:
    errors = output.errors
    return sum(count or 0 for count in (errors.timeout, errors.status, errors.wrong_body))


def _scheduled(record: RunRecord) -> float | None:
    """Return how many requests the schedule held; None for a closed loop, which has no schedule."""
    output = record.output
    return None if output is None else requests_due(record.load, output)


def _nearly_all_correct(record: RunRecord) -> bool:
    """Return whether so few requests lack a correct answer that mean and maximum count as known.

    The limits are those from which validity checks say so of a run. Percentiles need no such limit.
    """
    output, lost = record.output, lost_percent(record)
    found = None if output is None else due.correct(output)
    if output is None or found is None or not output.requests:
        return not beyond("censored_percent", lost, "")
    wrong = 100 * (1 - found.low / output.requests)
    return not beyond("censored_percent", lost, "") and not beyond(
        "failed_answers_percent", wrong, ""
    )


def _span(bounds: Bounds | None) -> Span | None:
    return None if bounds is None else Span(bounds.low, bounds.low, bounds.high)


def _exact(value: float | None) -> Span | None:
    return None if value is None else Span.exact(value)
