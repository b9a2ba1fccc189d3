"""Declare the figures of a run: their keys, their names and how they are written."""

from collections.abc import Callable
from dataclasses import dataclass

from testbed.model.tool_output import ToolOutput
from testbed.numbers import AT_LEAST, count, digits, milliseconds, rate
from testbed.tools import due

LOWER_BOUND = (
    "a lower bound: requests that were never answered have no response time and would raise it, as "
    "would those answered wrongly, and answers that were not timed may"
)
ERROR_CLASSES = ("connect", "read", "write", "timeout", "status", "wrong_body")


@dataclass(frozen=True)
class Figure:
    """One figure of the result table; `key` is its column in table.csv and carries the unit."""

    key: str
    title: str
    of: Callable[[ToolOutput], float | None]
    write: Callable[[float | None], str]
    # Of response times: requests that were never answered have none, so that where there are many
    # the figure is only a lower bound
    of_answered: bool = False
    more_is_better: bool = False

    def told(self, value: float | None, *, censored: bool) -> str:
        """Return the value as text, marked with '≥' if it is only a lower bound."""
        marked = censored and self.of_answered and value is not None
        return (AT_LEAST if marked else "") + self.write(value)


def errors_total(output: ToolOutput) -> float | None:
    """Return the sum of all classes of errors that the tool counts; None if it counts none."""
    told = [value for value in output.errors.model_dump().values() if value is not None]
    return sum(told) if told else None


def percentile_us(output: ToolOutput, percentile: str) -> float | None:
    """Return a percentile of the answers' times in microseconds, by its key such as '50' or '99.9'.

    Return None if the tool did not print it. analysis/measured.py has that of the requests due.
    """
    return due.times(output).percentiles.get(percentile)


def _per_second(key: str, title: str, of: Callable[[ToolOutput], float | None]) -> Figure:
    return Figure(key, title, of, rate, more_is_better=True)


def _response(key: str, title: str, of: Callable[[ToolOutput], float | None]) -> Figure:
    return Figure(key, title, of, milliseconds, of_answered=True)


# Every figure of the result table, in its order. To add one, add it here.
FIGURES = (
    _per_second("throughput_rps", "Throughput/s", lambda output: output.throughput_rps),
    _per_second("goodput_rps", "Goodput/s", lambda output: output.goodput_rps),
    Figure("errors_total", "Errors", errors_total, count),
    _response("response_mean_us", "Mean ms", lambda output: due.times(output).mean),
    _response("response_p50_us", "p50 ms", lambda output: percentile_us(output, "50")),
    _response("response_p99_us", "p99 ms", lambda output: percentile_us(output, "99")),
    _response("response_max_us", "Max ms", lambda output: due.times(output).max),
    Figure("unsent", "Unsent", lambda output: output.unsent, count),
    Figure("unanswered", "Unanswered", lambda output: output.unanswered, count),
)


def _cost(key: str, title: str) -> Figure:
    return Figure(key, title, lambda output: None, digits)


# What a run cost (analysis/cost.py), of campaigns whose hosts report it; these follow FIGURES.
COSTS = (
    _cost("cpu_ms_per_answer", "CPU ms/answer"),
    _cost("app_cpu_ms_per_answer", "of it app"),
    _cost("database_cpu_ms_per_answer", "database"),
    _cost("services_cpu_ms_per_answer", "services"),
    _cost("kernel_cpu_ms_per_answer", "kernel"),
    _cost("memory_rest_mb", "MB at rest"),
    _cost("memory_peak_mb", "MB at peak"),
    _cost("memory_worker_mb", "MB a worker"),
)
PERCENTILES = {"response_p50_us": 50.0, "response_p99_us": 99.0}  # over the requests due
SHOWN_COSTS = ("cpu_ms_per_answer", "memory_peak_mb")  # in tables; the rest in CSV and charts
COST_KEYS = {figure.key for figure in COSTS}
BY_KEY = {figure.key: figure for figure in (*FIGURES, *COSTS)}
