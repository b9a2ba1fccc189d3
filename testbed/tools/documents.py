"""Find JSON documents in a text, and read them with a model of the keys that are used.

A dictionary as Python prints it, with other quotes and None, is such a document, too.

Each tool that writes such a document has a file of its own, with the model. What a tool prints for
people instead is not read, and is said to be there.
"""

import json
import re
from abc import abstractmethod
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import accumulate
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from testbed.model.tool_output import ToolOutput
from testbed.numbers import written_out
from testbed.tools import quoted
from testbed.tools.checks import Times
from testbed.tools.errors import ParseError
from testbed.tools.found import Found, read_or_refuse, refused
from testbed.tools.lines import Line
from testbed.tools.tool import Tool
from testbed.tools.units import PrintedFigure

P = TypeVar("P", bound="Fields")


class Fields(BaseModel):
    """Fields of a tool's document. Keys that are not read here are ignored."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False)


MOST = 10**15  # bytes or requests of a run; a year at 1 Tbit/s has more
Count = Annotated[int, Field(ge=0, le=MOST)]
Amount = Annotated[float, Field(ge=0, le=MOST)]  # of a time, a size or a rate
Status = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{2}$")]
Percentile = Annotated[str, StringConstraints(pattern=r"^(?:[0-9]{1,2}(?:\.[0-9]+)?|100)$")]


@dataclass(frozen=True)
class Document:
    """A JSON object in a text: its values, the line on which it starts, and its text."""

    data: dict[str, Any]
    line: Line
    text: str

    def read(self, tool: str, model: type[P]) -> P:
        """Return its values as a model of a tool's document.

        Raises ParseError for the first thing that does not fit, with the line of its key.
        """
        try:
            return model.model_validate(self.data)
        except ValidationError as error:
            first = error.errors()[0]
            keys = [str(key) for key in first["loc"] if key != "[key]"] or ["(the whole)"]
            key = re.search(rf"""["']{re.escape(keys[-1])}["']""", self.text)
            number = self.line.number + (self.text.count("\n", 0, key.start()) if key else 0)
            # pydantic's message on what should be an object has the name of a class of ours
            says = "must be an object" if first["type"] == "model_type" else first["msg"]
            what = f"{tool}'s document: {'.'.join(keys)}: {says}"
            raise ParseError(what, line=number) from error


def find(
    lines: Sequence[Line],
    tool: str,
    mark: str,
    is_own: Callable[[dict[str, Any]], bool],
    read: Callable[[Document], ToolOutput],
) -> list[Found]:
    """Return all documents of a tool in a text; an empty list if there is none.

    `mark` is a part of every such document's text, and `is_own` says whether an object is one. An
    object with the mark that is broken or cut off is a refused one. A document may stand behind
    other text on its line, within another document, or as a text in one (as Ansible's 'stdout').
    """
    found: list[Found] = []
    text = "\n".join(line.full for line in lines)
    if mark.strip('"') not in text:
        return found
    for one in _objects(lines, text, mark):
        for own in [one] if isinstance(one, ParseError) else _within(one, mark, is_own):
            if isinstance(own, ParseError):
                found.append(refused(tool, own.line, own))
            else:
                number = own.line.number
                found.append(read_or_refuse(tool, number, partial(_found, own, number, read)))
    return found


def _found(document: Document, number: int, read: Callable[[Document], ToolOutput]) -> Found:
    return Found(number, read(document))


def _within(
    outer: Document, mark: str, is_own: Callable[[dict[str, Any]], bool]
) -> Iterator[Document | ParseError]:
    """Yield an object if it is a tool's own, or else those of its values that are, in order.

    They are taken to stand on the line of the whole object.
    """
    left: list[Any] = [outer.data]
    while left:
        value = left.pop()
        if isinstance(value, dict):
            if is_own(value):
                yield replace(outer, data=value)
            else:
                left += reversed(value.values())
        elif isinstance(value, list):
            left += reversed(value)
        elif isinstance(value, str) and mark in value:
            for one in _objects([replace(outer.line, full=value)], value, mark):
                if isinstance(one, Document):
                    left.append(one.data)
                else:
                    yield one


def _objects(lines: Sequence[Line], text: str, mark: str) -> Iterator[Document | ParseError]:
    """Yield the outermost JSON objects of a text, and an error for each broken one with the mark.

    `text` is that of the lines, joined.
    """
    decoder = json.JSONDecoder(parse_constant=lambda name: None)  # NaN stands for a missing value
    may_be_printed = True
    starts = list(accumulate((len(line.full) + 1 for line in lines), initial=0))
    end = 0
    while (start := text.find("{", end)) >= 0:
        line = lines[min(bisect_right(starts, start), len(lines)) - 1]
        try:
            data, end = decoder.raw_decode(text, start)
            json.dumps(data, ensure_ascii=False).encode()  # half of a surrogate pair is not text
        except json.JSONDecodeError as error:
            if may_be_printed and quoted.begins(text, start):
                if printed := quoted.dictionary(text, start):
                    yield Document(printed[0], line, text[start : printed[1]])
                    end = printed[1]
                    continue
                may_be_printed = False  # broken or cut off, as those within it would be
            if mark in text[start : error.pos]:
                where = line.number + text.count("\n", start, error.pos)
                yield ParseError(f"this JSON is broken or cut off: {error.msg}", line=where)
            end = max(error.pos, start + 1)
        except (ValueError, RecursionError) as error:  # e.g. numbers too long, nested too deeply
            if mark in text[start:]:
                yield ParseError(f"this JSON cannot be read: {error}", line=line.number)
            return
        else:
            yield Document(data, line, text[start:end])


def texts(lines: Sequence[Line]) -> Iterator[tuple[int, str]]:
    """Yield the texts of several lines that stand in JSON objects, each with its object's line."""
    whole = "\n".join(line.full for line in lines)
    for one in _objects(lines, whole, ""):
        if isinstance(one, ParseError):
            continue
        left: list[Any] = [one.data]
        while left:
            value = left.pop()
            if isinstance(value, dict):
                left += reversed(value.values())
            elif isinstance(value, list):
                left += reversed(value)
            elif isinstance(value, str) and "\n" in value:
                yield one.line.number, value


def broken(lines: Sequence[Line]) -> ParseError | None:
    """Return an error if the text is a JSON document that is broken or cut off, of whatever tool.

    Return None if it is a whole document, or none.
    """
    first = next((line for line in lines if line.full), None)
    if first is None or not first.full.startswith("{"):
        return None
    found = next(_objects(lines, "\n".join(line.full for line in lines), ""), None)
    return found if isinstance(found, ParseError) else None


class DocumentTool(Tool):
    """A tool whose JSON document is read. The testbed does not run it."""

    mark: str  # a part of the text of every document, near its beginning
    further_mark: str = ""  # a key of its own further on, by which the rest of one is known
    for_people: re.Pattern[str]  # the lines by which its output for people is known
    how: str  # a clause on how to get the document that is read instead

    @abstractmethod
    def is_own(self, data: dict[str, Any]) -> bool:
        """Return whether a JSON object is a document of this tool."""

    def is_other(self, data: dict[str, Any]) -> bool:
        """Return whether a JSON object is another output of this tool, which is not read."""
        del data
        return False

    @abstractmethod
    def read(self, document: Document) -> ToolOutput:
        """Return what a document says. Raises ParseError if it is not as this tool writes it."""

    def find(self, lines: Sequence[Line]) -> list[Found]:
        """Return all documents in a text, and as refused what the tool prints for people."""
        documents = find(lines, self.name, self.mark, self.is_own, self.read)
        if not documents:
            documents = find(lines, self.name, self.mark, self.is_other, self._refuse)[:1]
        if not documents:
            documents = self._strays(lines)
        what = f"this is what {self.name} prints for people; {self.how}"
        return [*documents, *texts_for_people(lines, self.name, self.for_people, what)]

    def _refuse(self, document: Document) -> ToolOutput:
        raise ParseError(
            f"this is another output of {self.name}; {self.how}", line=document.line.number
        )

    def _strays(self, lines: Sequence[Line]) -> list[Found]:
        """Return the first line that is like a document's, as refused; often an empty list.

        The text then has no whole document of this tool: it is broken, or lines have been changed.
        """
        marks = (re.escape(mark.rstrip('"')) for mark in (self.mark, self.further_mark) if mark)
        key = re.compile(rf'(?:{"|".join(marks)})[\w.+-]*\\?"\s*[:,}}]')
        for line in lines:
            if key.search(line.full):
                what = f"this is like a part of {self.name}'s JSON, which is not whole here"
                return [refused(self.name, line.number, ParseError(what, line=line.number))]
        return []


def texts_for_people(
    lines: Sequence[Line], tool: str, pattern: re.Pattern[str], what: str
) -> list[Found]:
    """Return a refused run for each stretch of a text whose lines match the pattern.

    A stretch ends at a command line, and where the report of another tool begins.
    """
    found: list[Found] = []
    inside = False
    for line in lines:
        own = pattern.fullmatch(line.text) is not None
        if own and not inside:
            found.append(refused(tool, line.number, ParseError(what, line=line.number)))
        inside = own or (inside and not line.command and not line.banner)
    return found


def times(
    scale: float,
    *,
    mean: float | None = None,
    stdev: float | None = None,
    low: float | None = None,
    high: float | None = None,
    percentiles: dict[str, float] | None = None,
) -> Times:
    """Return times of a document as printed figures in µs. `scale` is the unit's size in µs."""

    def figure(value: float | None) -> PrintedFigure | None:
        if value is None:
            return None
        return PrintedFigure(f"{written_out(value * scale)} µs", value * scale)

    ladder = {key: figure(value) for key, value in (percentiles or {}).items()}
    return Times(
        figure(mean),
        figure(stdev),
        figure(low),
        figure(high),
        {key: value for key, value in ladder.items() if value is not None},
    )
