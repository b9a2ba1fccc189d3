"""Define what the parser of every tool returns, and help to make its parts."""

from dataclasses import dataclass

from testbed.model.tool_output import Distribution, ToolOutput
from testbed.tools.checks import Times
from testbed.tools.units import PrintedFigure


@dataclass(frozen=True)
class Found:
    """One run's output, and the line of the text on which it starts, counted from 1."""

    line: int
    output: ToolOutput


def missing(parts: dict[str, bool]) -> list[str]:
    """Return a sentence that names the missing parts; an empty list if no part is missing."""
    absent = [name for name, there in parts.items() if not there]
    return [f"Not in this output: {', '.join(absent)}."] if absent else []


def value_of(printed: PrintedFigure | None) -> float | None:
    """Return the value of a figure; None if the figure was not printed."""
    return printed.value if printed else None


def distribution(times: Times) -> Distribution:
    """Return the model of a distribution that was printed."""
    percentiles = times.both_lists
    return Distribution(
        mean=value_of(times.mean),
        stdev=value_of(times.stdev),
        min=value_of(times.min),
        max=value_of(times.max),
        percentiles={key: percentiles[key].value for key in sorted(percentiles, key=float)},
    )
