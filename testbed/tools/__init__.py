"""Call the measuring tools and read their output.

Each tool has a file here and a row in table.py. Reading an output is a pure function from a text
to ToolOutput: units.py has the units of all tools, checks.py finds figures that cannot be true. A
text may hold several runs of several tools, with any other text around them.
"""

import re
from collections.abc import Sequence

from testbed.errors import TestbedError
from testbed.model.tool_output import ToolOutput
from testbed.tools import documents, listings, quoted
from testbed.tools.errors import ParseError
from testbed.tools.found import Found
from testbed.tools.lines import HUNK, Line, Reader
from testbed.tools.table import TOOLS

__all__ = ["ANY", "ParseError", "parse", "parse_all"]

ANY = "auto"  # stands for whichever tool wrote the text
READER = Reader(
    TOOLS,
    dict.fromkeys(tool.banner for tool in TOOLS.values() if tool.banner),
    {
        name: (tool.banner, tool.own_lines)
        for name, tool in TOOLS.items()
        if tool.banner and tool.own_lines
    },
    dict.fromkeys(tool.inner for tool in TOOLS.values() if tool.inner),
)
# What the tools print, and nothing else, when they do not start.
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
    """Return the only run of `tool` in `text` ('auto' stands for any tool).

    If other runs in the text cannot be read, `problems` say so. Raises ParseError, with the line,
    if the text has no run, several runs or only such as cannot be read.
    """
    found = _find(text, tool)
    read = [run for run in found if run.error is None]
    if len(read) == 1:
        rest = [told for run in found if run.error for told in run.output.problems]
        output = read[0].output
        return output.model_copy(update={"problems": [*output.problems, *rest]}) if rest else output
    if len(found) > 1:
        lines = ", ".join(str(run.line) for run in found)
        raise ParseError(
            f"{len(found)} runs in one text, at lines {lines}; --all (parse_all) gives each",
            line=found[1].line,
        )
    return found[0].output


def parse_all(text: str, tool: str = ANY) -> list[ToolOutput]:
    """Return all runs of `tool` in `text`, at least one, in the order of the text.

    A run that cannot be read is among them, without figures and with the reason in its `problems`.
    Raises ParseError, with the line, if the text has no run, or only such as cannot be read.
    """
    return [run.output for run in _find(text, tool)]


def _find(text: str, tool: str) -> list[Found]:
    if tool != ANY and tool not in TOOLS:
        raise TestbedError(f"unknown tool '{tool}'; known: {', '.join((ANY, *TOOLS))}")
    lines = READER.lines(text)
    if not any(line.full for line in lines):
        raise ParseError("the text is empty", line=1)
    found = [run for group in READER.apart(lines) for run in _runs(group, tool)]
    if not found:
        raise _nothing(lines, tool)
    found = sorted(found, key=lambda run: run.line)
    if all(run.error for run in found):
        raise next(run.error for run in found if run.error)
    return found


def _runs(lines: Sequence[Line], tool: str) -> list[Found]:
    if tool == ANY:
        found = [run for one in TOOLS.values() for run in one.find(lines)]
        return found + listings.find(lines, {name: one.listings for name, one in TOOLS.items()})
    return TOOLS[tool].find_own(lines) + listings.find(lines, {tool: TOOLS[tool].listings})


def _found_in(text: str, tool: str) -> str | None:
    """Return which tool printed the first run in a text; None if there is none that can be read."""
    try:
        return _find(text, tool)[0].output.tool
    except ParseError:
        return None


def _nothing(lines: Sequence[Line], tool: str) -> ParseError:
    """Return the error for a text without any run. It quotes the tool's message if there is one."""
    wanted = ", ".join(TOOLS) if tool == ANY else tool
    first = next(line for line in lines if line.full)
    for number, text in documents.texts(lines):
        if (inner := _found_in(text, tool)) is not None:
            what = f"a run of {inner} stands within JSON, as a text: take it out, as jq -r does"
            return ParseError(what, line=number)
    for number, text in quoted.texts(lines):
        if (inner := _found_in(text, tool)) is not None:
            what = (
                f"a run of {inner} stands within quotes: print the text itself, in Python by "
                "print() or sys.stdout.write()"
            )
            return ParseError(what, line=number)
    broken = documents.broken(lines)
    if broken:
        return broken
    hunk = next((line for line in lines if HUNK.fullmatch(line.full)), None)
    if hunk:
        what = "the lines below are those of a diff, so of two texts: parse each of these"
        return ParseError(what, line=hunk.number)
    said = next((line for line in lines if _REFUSAL.fullmatch(line.text)), None)
    if said:
        return ParseError(f"no figures of {wanted}: '{said.text}'", line=said.number)
    return ParseError(f"no output of {wanted} in this text", line=first.number)
