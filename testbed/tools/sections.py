"""Split a text into runs, for tools that print the parts of their report in a fixed order.

A run starts at a command line of the tool, or at a line that cannot follow the line before: because
the order of parts is fixed, an earlier part belongs to the next report. That also works if the
beginning or the end of a report is missing.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from testbed.tools.errors import ParseError
from testbed.tools.lines import Command, Line
from testbed.tools.units import PrintedFigure, Units, count, figure

BROKEN = "broken "  # kinds of lines that are like others, but not as the tool prints them


@dataclass(frozen=True)
class Part:
    """One kind of line, and its place in the report's order."""

    kind: str
    rank: int
    pattern: re.Pattern[str]
    repeats: bool = False  # several such lines may follow each other
    telling: bool = True  # this line alone shows that the tool wrote the text
    within: bool = False  # the line counts only behind lines of a report that come before it
    anywhere: bool = False  # the line may stand at any place of a report
    beside: bool = False  # the line counts only behind one of its own rank


@dataclass(frozen=True)
class Hit:
    """A line of the report, understood."""

    kind: str
    match: re.Match[str]
    line: Line

    def __getitem__(self, group: str) -> str:
        return self.match[group]

    def get(self, group: str) -> str | None:
        """Return the group's text; None if the line does not have it."""
        text: str | None = self.match[group]
        return text

    def count(self, group: str) -> int:
        """Return the whole number in a group. Raises ParseError if it is too long for a count."""
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
        """Return the number of its first line."""
        return self.hits[0].line.number

    def all(self, kind: str) -> list[Hit]:
        """Return its lines of a kind; an empty list if there is none."""
        return [hit for hit in self.hits if hit.kind == kind]

    def one(self, kind: str) -> Hit | None:
        """Return its first line of a kind; None if there is none."""
        return next(iter(self.all(kind)), None)

    def count(self, kind: str) -> int | None:
        """Return the whole number in the group 'value' of a kind of lines; None without such."""
        hit = self.one(kind)
        return hit.count("value") if hit else None


def part(
    kind: str,
    rank: int,
    pattern: str,
    *,
    repeats: bool = False,
    telling: bool = True,
    within: bool = False,
    anywhere: bool = False,
    beside: bool = False,
) -> Part:
    """Return a Part whose pattern must match the whole line."""
    compiled = re.compile(pattern, re.ASCII)
    return Part(kind, rank, compiled, repeats, telling, within, anywhere, beside)


def split(lines: Sequence[Line], parts: Sequence[Part], programs: set[str]) -> list[Report]:
    """Return the reports in `lines` of one tool, each with its command line if there is one.

    `programs` are the names of the tool's program.
    """
    telling = {part.kind for part in parts if part.telling}
    reports: list[Report] = []
    current = Report()
    last: Part | None = None
    for line in lines:
        command = line.command
        if command:
            # The command line of another tool also ends the run.
            current, last = Report(command if command.program in programs else None), None
            reports.append(current)
            continue
        found = _classify(line, parts) if line.only_of in (None, *programs) else None
        if not found:
            if line.banner:  # the report before it has ended
                current, last = Report(), None
                reports.append(current)
            continue
        this, match = found
        if this.within and (last is None or this.rank < last.rank):
            continue
        if this.beside and (last is None or this.rank != last.rank):
            continue
        if this.anywhere:
            if this.kind.startswith(BROKEN) and last and this.rank < last.rank:
                continue  # below its place in a report, such a line is of somebody else
            if not reports:
                reports.append(current)
            current.hits.append(Hit(this.kind, match, line))
            continue
        if last and (this.rank < last.rank or (this.rank == last.rank and not this.repeats)):
            current = Report()
            reports.append(current)
        elif not reports:
            reports.append(current)
        current.hits.append(Hit(this.kind, match, line))
        last = this
    return [report for report in reports if any(hit.kind in telling for hit in report.hits)]


def _classify(line: Line, parts: Sequence[Part]) -> tuple[Part, re.Match[str]] | None:
    """Return the part that a line is, as it is or without remarks behind it; None if none fits."""
    readings = line.readings
    for candidate in parts:
        for text in readings:
            match = candidate.pattern.fullmatch(text)
            if match:
                return candidate, match
    return None


# What may stand before a line, of a list or of letters in bold
ITEM = r"[\W_]*+(?:\d+[.)]\s+)?[\W_]*+"


def malformed(report: Report, tool: str, optional: Collection[str] = ()) -> list[Hit]:
    """Return the lines that are not as the tool prints them, if the report can do without them.

    Raises ParseError if the report has a kind of lines only in such a form, and it is none of the
    `optional` kinds.
    """
    hits = [hit for hit in report.hits if hit.kind.startswith(BROKEN)]
    for hit in hits:
        kind = hit.kind.removeprefix(BROKEN)
        if kind not in optional and not report.one(kind):
            raise ParseError(
                f"'{hit.line.text}' is not a line as {tool} prints it", line=hit.line.number
            )
    return hits


def broken(kind: str, rank: int, pattern: str, *, within: bool = False) -> Part:
    """Return a Part for lines that are like those of `kind`, wherever they stand.

    It must come after the part of `kind`, as the first part that fits a line counts.
    """
    return part(f"{BROKEN}{kind}", rank, pattern, telling=False, within=within, anywhere=True)


def near(label: str, rest: str = r".*\d.*") -> str:
    """Return a pattern of lines that are like one with a label, as people and editors change it.

    Letters may be large or small, other signs may stand between and around the words, and the line
    may be an item of a list. `rest` is a pattern of what follows.
    """
    words = r"[\W_]*".join(re.findall(r"[A-Za-z0-9]+", label))
    return rf"{ITEM}(?i:{words})(?![A-Za-z0-9]){rest}"


def cell(
    tool: str, hit: Hit | None, group: str, units: Units, *, unit: str = ""
) -> PrintedFigure | None:
    """Return the figure in a group of a line; None if the line or that part of it is missing.

    `unit` is its unit if the tool prints it in words. Raises ParseError if it is not a figure as
    the tool prints it.
    """
    text = hit.get(group) if hit else None
    if hit is None or text is None:
        return None
    value = figure(text + unit, units)
    if value is None:
        raise ParseError(f"'{text}' is no figure as {tool} prints it", line=hit.line.number)
    return value
