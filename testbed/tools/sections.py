"""Cut a text into the runs it holds, for tools that print their report in a fixed order.

A run starts at a command line of the tool, or at a line that cannot follow the last one: a report
goes through its parts in order, so an earlier part is the next report's. That also works where a
report has lost its head, or its tail.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from testbed.tools.errors import ParseError
from testbed.tools.lines import Command, Line
from testbed.tools.units import count


@dataclass(frozen=True)
class Part:
    """One kind of line, and its place in the report's order."""

    kind: str
    rank: int
    pattern: re.Pattern[str]
    repeats: bool = False  # several such lines may follow each other
    telling: bool = True  # on its own it shows that this tool wrote the text


@dataclass(frozen=True)
class Hit:
    """A line of the report, understood."""

    kind: str
    match: re.Match[str]
    line: Line

    def __getitem__(self, group: str) -> str:
        return self.match[group]

    def get(self, group: str) -> str | None:
        """The group's text, None where the line does not have it."""
        text: str | None = self.match[group]
        return text

    def count(self, group: str) -> int:
        """The whole number in a group. Raises ParseError if it is longer than any count."""
        value = count(self.match[group])
        if value is None:
            raise ParseError(f"'{self.match[group]}' is no count", line=self.line.number)
        return value


@dataclass
class Report:
    """The lines of one run, in order."""

    command: Command | None = None
    hits: list[Hit] = field(default_factory=list)

    @property
    def first_line(self) -> int:
        """Number of its first line."""
        return self.hits[0].line.number

    def all(self, kind: str) -> list[Hit]:
        """Its lines of a kind."""
        return [hit for hit in self.hits if hit.kind == kind]

    def one(self, kind: str) -> Hit | None:
        """Its first line of a kind."""
        return next(iter(self.all(kind)), None)


def part(
    kind: str, rank: int, pattern: str, *, repeats: bool = False, telling: bool = True
) -> Part:
    """A Part whose pattern must fit the whole line."""
    return Part(kind, rank, re.compile(pattern, re.ASCII), repeats, telling)


def split(lines: Sequence[Line], parts: Sequence[Part], programs: set[str]) -> list[Report]:
    """The reports that `lines` hold of the tool that `programs` name, each with its command."""
    telling = {part.kind for part in parts if part.telling}
    reports: list[Report] = []
    current = Report()
    last: Part | None = None
    for line in lines:
        command = line.command
        if command:
            # Also another tool's: what follows is not this run's any more.
            current, last = Report(command if command.program in programs else None), None
            reports.append(current)
            continue
        found = _classify(line, parts) if line.only_of in (None, *programs) else None
        if not found:
            if line.banner:  # what was being read has ended
                current, last = Report(), None
                reports.append(current)
            continue
        this, match = found
        if last and (this.rank < last.rank or (this.rank == last.rank and not this.repeats)):
            current = Report()
            reports.append(current)
        elif not reports:
            reports.append(current)
        current.hits.append(Hit(this.kind, match, line))
        last = this
    return [report for report in reports if any(hit.kind in telling for hit in report.hits)]


def _classify(line: Line, parts: Sequence[Part]) -> tuple[Part, re.Match[str]] | None:
    for candidate in parts:
        match = candidate.pattern.fullmatch(line.text)
        if match:
            return candidate, match
    return None
