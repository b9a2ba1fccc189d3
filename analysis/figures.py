"""The figures of a run: which there are, what they are called and how they are written."""

from collections.abc import Callable
from dataclasses import dataclass

from testbed.model.tool_output import ToolOutput

MISSING = "\N{EM DASH}"
AT_LEAST = "\N{GREATER-THAN OR EQUAL TO} "  # before a figure that is only a lower bound
LOWER_BOUND = (
    "a lower bound: requests that were never answered have no response time, and would raise it"
)
ERROR_CLASSES = ("connect", "read", "write", "timeout", "status", "wrong_body")


@dataclass(frozen=True)
class Figure:
    """One figure: `key` is its column in table.csv and carries the unit."""

    key: str
    title: str
    of: Callable[[ToolOutput], float | None]
    write: Callable[[float | None], str]
    # Of response times: requests that were never answered have none, so that where there are many
    # the figure is only a lower bound
    of_answered: bool = False
    more_is_better: bool = False

    def told(self, value: float | None, *, censored: bool) -> str:
        """The value as text, marked if it is only a lower bound."""
        marked = censored and self.of_answered and value is not None
        return (AT_LEAST if marked else "") + self.write(value)


def rate(value: float | None) -> str:
    """Per second: whole from 100 on, else three significant digits."""
    return MISSING if value is None else _digits(value)


def count(value: float | None) -> str:
    """A count; a mean of counts keeps a decimal where it has one."""
    if value is None:
        return MISSING
    return f"{value:,.0f}" if value == round(value) or value >= 100 else f"{value:,.1f}"


def milliseconds(value_us: float | None) -> str:
    """Microseconds, written as milliseconds with three significant digits."""
    return MISSING if value_us is None else _digits(value_us / 1000)


def percent(value: float | None) -> str:
    """A percentage, in whole percents from 10 on."""
    return MISSING if value is None else f"{value:.0f} %" if value >= 10 else f"{value:.1f} %"


def size(value_bytes: float | None) -> str:
    """Bytes, in the largest binary unit that leaves a number of at least one."""
    if value_bytes is None:
        return MISSING
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if value_bytes < 1024:
            return f"{_digits(value_bytes)} {unit}"
        value_bytes /= 1024
    return f"{_digits(value_bytes)} TiB"


def _digits(value: float) -> str:
    """Three significant digits, but never less than the whole number, and never an exponent."""
    magnitude = abs(value)
    if magnitude == 0:
        return "0"
    for limit, decimals in ((0.01, 4), (0.1, 3), (1, 3), (10, 2), (100, 1)):
        if magnitude < limit:
            return f"{value:.{decimals}f}"
    return f"{value:,.0f}"


def errors_total(output: ToolOutput) -> float | None:
    """All errors of the classes that the tool tells apart; None if it tells none."""
    told = [value for value in output.errors.model_dump().values() if value is not None]
    return sum(told) if told else None


def percentile_us(output: ToolOutput, percentile: str) -> float | None:
    """A percentile of the response time in microseconds, by its key ('50', '99.9')."""
    return output.latency_us.percentiles.get(percentile)


def _per_second(key: str, title: str, of: Callable[[ToolOutput], float | None]) -> Figure:
    return Figure(key, title, of, rate, more_is_better=True)


def _response(key: str, title: str, of: Callable[[ToolOutput], float | None]) -> Figure:
    return Figure(key, title, of, milliseconds, of_answered=True)


# Every figure of the result table, in its order. To add one, add it here.
FIGURES = (
    _per_second("throughput_rps", "Throughput/s", lambda output: output.throughput_rps),
    _per_second("goodput_rps", "Goodput/s", lambda output: output.goodput_rps),
    Figure("errors_total", "Errors", errors_total, count),
    _response("response_mean_us", "Mean ms", lambda output: output.latency_us.mean),
    _response("response_p50_us", "p50 ms", lambda output: percentile_us(output, "50")),
    _response("response_p99_us", "p99 ms", lambda output: percentile_us(output, "99")),
    _response("response_max_us", "Max ms", lambda output: output.latency_us.max),
    Figure("unsent", "Unsent", lambda output: output.unsent, count),
    Figure("unanswered", "Unanswered", lambda output: output.unanswered, count),
)
BY_KEY = {figure.key: figure for figure in FIGURES}
