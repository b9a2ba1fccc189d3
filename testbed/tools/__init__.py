"""Read what load generators and iperf print: pure functions from a text to ToolOutput.

Each tool has a file here and its entry in READERS; units.py holds the units of all, checks.py what
cannot be true. A text may hold several runs, of several tools, and anything around them.
"""

import re
from collections.abc import Callable, Sequence

from testbed.errors import TestbedError
from testbed.model.tool_output import ToolOutput
from testbed.tools import ab, iperf, pacer, wrk
from testbed.tools.errors import ParseError
from testbed.tools.found import Found
from testbed.tools.lines import Line, read

__all__ = ["TOOLS", "ParseError", "parse", "parse_all"]

Reader = Callable[[Sequence[Line]], list[Found]]

READERS: dict[str, Reader] = {
    "wrk": wrk.find,
    "wrk2": wrk.find,  # the same report with more in it; wrk2.py reads that
    "ab": ab.find,
    "iperf": iperf.find,
    "pacer": pacer.find,
}
TOOLS = ("auto", *READERS)

# What the tools say when they do not start, and so print nothing else.
_REFUSAL = re.compile(
    r"unable to (?:connect|resolve|create) .*|number of connections must be .*|invalid URL: .*"
    r"|Throughput MUST be .*|ab: .*|apr_\w+: .*|Total of 0 requests .*|.*command not found"
    r"|(?:wrk|iperf)\d? .*(?:Copyright|version) .*|iperf version .*|Usage: (?:wrk|ab|iperf).*"
)


def parse(text: str, tool: str = "auto") -> ToolOutput:
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


def parse_all(text: str, tool: str = "auto") -> list[ToolOutput]:
    """All runs that `text` holds, in its order; at least one.

    Raises ParseError, with the line, if it holds none, or a line that is malformed.
    """
    return [run.output for run in _find(text, tool)]


def _find(text: str, tool: str) -> list[Found]:
    if tool not in TOOLS:
        raise TestbedError(f"unknown tool '{tool}'; known: {', '.join(TOOLS)}")
    lines = read(text)
    if not any(line.full for line in lines):
        raise ParseError("the text is empty", line=1)
    readers = dict.fromkeys(READERS.values() if tool == "auto" else [READERS[tool]])
    found = [run for reader in readers for run in reader(lines)]
    if not found:
        raise _nothing(lines, tool)
    return sorted((_as_asked(run, tool) for run in found), key=lambda run: run.line)


def _as_asked(run: Found, tool: str) -> Found:
    """wrk and wrk2 print alike: the caller may know that it was wrk2, but not that it was not."""
    if tool == "wrk" and run.output.tool == "wrk2":
        raise ParseError("this is wrk2's output, not wrk's", line=run.line)
    if tool == "wrk2" and run.output.tool == "wrk":
        return Found(run.line, run.output.model_copy(update={"tool": "wrk2"}))
    return run


def _nothing(lines: Sequence[Line], tool: str) -> ParseError:
    """The error for a text without any run: with the tool's own words, if it said something."""
    wanted = ", ".join(READERS) if tool == "auto" else tool
    first = next(line for line in lines if line.full)
    said = next((line for line in lines if _REFUSAL.fullmatch(line.text)), None)
    if said:
        return ParseError(f"no figures of {wanted}: '{said.text}'", line=said.number)
    return ParseError(f"no output of {wanted} in this text", line=first.number)
