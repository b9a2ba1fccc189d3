"""What every tool's parser hands over, and how its parts are made."""

from dataclasses import dataclass

from testbed.model.tool_output import Distribution, ToolOutput
from testbed.tools.checks import Times
from testbed.tools.units import Figure


@dataclass(frozen=True)
class Found:
    """One run's output, and the line of the text on which it starts, counted from 1."""

    line: int
    output: ToolOutput


def missing(parts: dict[str, bool]) -> list[str]:
    """A sentence that names the parts which are not there; none if all are."""
    absent = [name for name, there in parts.items() if not there]
    return [f"Not in this output: {', '.join(absent)}."] if absent else []


def value_of(printed: Figure | None) -> float | None:
    """The value of a figure that may not be there."""
    return printed.value if printed else None


def distribution(times: Times) -> Distribution:
    """The model of a distribution as printed."""
    return Distribution(
        mean=value_of(times.mean),
        stdev=value_of(times.stdev),
        min=value_of(times.min),
        max=value_of(times.max),
        percentiles={
            key: times.percentiles[key].value for key in sorted(times.percentiles, key=float)
        },
    )
