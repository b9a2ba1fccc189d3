"""Define what the parser of every tool returns, and help to make its parts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from testbed.model.tool_output import Distribution, ToolOutput
from testbed.texts import shown_name
from testbed.tools.checks import Times
from testbed.tools.errors import ParseError
from testbed.tools.units import PrintedFigure


@dataclass(frozen=True)
class Found:
    """One run's output, and the line of the text on which it starts, counted from 1.

    If the run cannot be read, `error` says why, and `output` has that sentence and no figures.
    """

    line: int
    output: ToolOutput
    error: ParseError | None = None


def refused(tool: str, line: int, error: ParseError) -> Found:
    """Return a run of `tool` that cannot be read, so that others in the text still can."""
    told = f"A part of this text is not read: {error.what}."
    return Found(line, ToolOutput(tool=tool, problems=[told]), error)


def read_or_refuse(tool: str, line: int, read: Callable[[], Found]) -> Found:
    """Return what `read` returns, or a refused run if it raises ParseError."""
    try:
        return read()
    except ParseError as error:
        return refused(tool, line, error)


def with_problem(run: Found, sentence: str) -> Found:
    """Return a run with one more sentence on what is wrong with it."""
    problems = [*run.output.problems, sentence]
    return replace(run, output=run.output.model_copy(update={"problems": problems}))


def not_understood(lines: Sequence[str]) -> list[str]:
    """Return a sentence on lines that are like the tool's, but not as it prints them.

    The list is empty if there are none.
    """
    if not lines:
        return []
    more = len(lines) - 1
    others = f" (and {more} more line{'s' if more > 1 else ''} of the kind)" if more else ""
    return [f"Not understood, and left out: '{shown_name(lines[0])}'{others}."]


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
