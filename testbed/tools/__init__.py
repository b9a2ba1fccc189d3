"""Measuring tools: how each is called, and what its output says.

Each has a file here and a row in table.py. To read an output is a pure function from a text to
ToolOutput: units.py holds the units of all tools, checks.py what cannot be true. A text may hold
several runs, of several tools, and anything around them.
"""

import re
from collections.abc import Sequence

from testbed.errors import TestbedError
from testbed.model.tool_output import ToolOutput
from testbed.tools.errors import ParseError
from testbed.tools.found import Found
from testbed.tools.lines import Line, Reader
from testbed.tools.table import TOOLS

__all__ = ["ANY", "ParseError", "parse", "parse_all"]

ANY = "auto"  # whichever tool wrote it
READER = Reader(
    TOOLS,
    dict.fromkeys(tool.banner for tool in TOOLS.values() if tool.banner),
    {
        name: (tool.banner, tool.own_until)
        for name, tool in TOOLS.items()
        if tool.banner and tool.own_until
    },
)
# What the tools say when they do not start, and so print nothing else.
_REFUSAL = re.compile(
    "|".join(
        [
            ".*command not found",
            f"Usage: (?:{'|'.join(TOOLS)}).*",
            *(refusal for tool in TOOLS.values() for refusal in tool.refusals),
        ]
    )
)


def parse(text: str, tool: str = ANY) -> ToolOutput:
    """The one run that `text` holds, of `tool` ('auto': whichever wrote it).

    Raises ParseError, with the line, if it holds none or several, or a line that is malformed.
    """
    found = _find(text, tool)
    if len(found) > 1:
        lines = ", ".join(str(run.line) for run in found)
        raise ParseError(
            f"{len(found)} runs in one text, at lines {lines}; --all (parse_all) gives each",
            line=found[1].line,
        )
    return found[0].output


def parse_all(text: str, tool: str = ANY) -> list[ToolOutput]:
    """All runs that `text` holds, in its order; at least one.

    Raises ParseError, with the line, if it holds none, or a line that is malformed.
    """
    return [run.output for run in _find(text, tool)]


def _find(text: str, tool: str) -> list[Found]:
    if tool != ANY and tool not in TOOLS:
        raise TestbedError(f"unknown tool '{tool}'; known: {', '.join((ANY, *TOOLS))}")
    lines = READER.lines(text)
    if not any(line.full for line in lines):
        raise ParseError("the text is empty", line=1)
    if tool == ANY:
        found = [run for one in TOOLS.values() for run in one.find(lines)]
    else:
        found = TOOLS[tool].find_own(lines)
    if not found:
        raise _nothing(lines, tool)
    return sorted(found, key=lambda run: run.line)


def _nothing(lines: Sequence[Line], tool: str) -> ParseError:
    """The error for a text without any run: with the tool's own words, if it said something."""
    wanted = ", ".join(TOOLS) if tool == ANY else tool
    first = next(line for line in lines if line.full)
    said = next((line for line in lines if _REFUSAL.fullmatch(line.text)), None)
    if said:
        return ParseError(f"no figures of {wanted}: '{said.text}'", line=said.number)
    return ParseError(f"no output of {wanted} in this text", line=first.number)
