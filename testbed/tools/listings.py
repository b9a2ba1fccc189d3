"""Tell the files in which tools list each request by itself. They are not read.

A tool makes its summary from the same requests, so the remedy is to ask it for that. Which files a
tool writes stands in its own file (`listings`).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from testbed.tools.errors import ParseError
from testbed.tools.found import Found, refused
from testbed.tools.lines import Line


@dataclass(frozen=True)
class Listing:
    """How a line of such a file begins, what the file is, and how to get what is read."""

    begins: re.Pattern[str]
    what: str
    remedy: str


def find(lines: Sequence[Line], listings: Mapping[str, Iterable[Listing]]) -> list[Found]:
    """Return a refused run for each such list in a text; `listings` has those of each tool."""
    known = [(tool, one) for tool, those in listings.items() for one in those]
    found = []
    within: Listing | None = None
    for line in lines:
        tool, one = next((o for o in known if o[1].begins.match(line.full)), ("", None))
        if one is not None and one is not within:
            error = ParseError(f"these are {one.what}; {one.remedy}", line=line.number)
            found.append(refused(tool, line.number, error))
        within = one or (None if line.command or line.banner else within)
    return found
