"""Tell the files in which tools list each request by itself. They are not read.

Each of these tools makes its summary from the same requests, so the remedy is to ask it for that.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from testbed.tools.errors import ParseError
from testbed.tools.found import Found, refused
from testbed.tools.lines import Line

_VEGETA = "`vegeta report -type=json FILE` makes the document that is read"


@dataclass(frozen=True)
class Listing:
    """How a line of such a file begins, what the file is, and how to get what is read."""

    tool: str
    begins: re.Pattern[str]
    what: str
    remedy: str


LISTINGS = [
    Listing(
        "vegeta",
        re.compile(r'\{"attack":\s*"[^"]*",\s*"seq":\s*\d+,\s*"code":'),
        "vegeta's results, one by one (vegeta encode)",
        _VEGETA,
    ),
    Listing(
        "vegeta",
        re.compile(r"\d{19},\d{1,3},\d+,\d+,\d+,"),
        "vegeta's results, one by one (vegeta encode -to csv)",
        _VEGETA,
    ),
    Listing(
        "vegeta",
        re.compile(r"Value\(ms\)\s+Percentile\s+TotalCount\s+1/\(1-Percentile\)$"),
        "vegeta's percentiles alone (-type=hdrplot)",
        _VEGETA,
    ),
    Listing(
        "vegeta",
        re.compile(r"Bucket\s+#\s+%\s+Histogram$"),
        "vegeta's histogram alone (-type=hist)",
        _VEGETA,
    ),
    Listing(
        "hey",
        re.compile(r"response-time,DNS\+dialup,DNS,Request-write,"),
        "hey's requests, one by one (-o csv)",
        "without -o hey prints the report that is read",
    ),
    Listing(
        "oha",
        re.compile(r"request-start,DNS,DNS\+dialup,"),
        "oha's requests, one by one (--output-format csv)",
        "--output-format json writes the document that is read",
    ),
    Listing(
        "k6",
        re.compile(r"metric_name,timestamp,metric_value,"),
        "k6's points, one by one (--out csv)",
        "--summary-export FILE writes the document that is read",
    ),
    Listing(
        "ab",
        re.compile(r"Percentage served,Time in ms$"),
        "ab's percentiles alone (-e)",
        "what ab itself prints is read",
    ),
    Listing(
        "ab",
        re.compile(r"starttime\tseconds\tctime\tdtime\tttime\twait$"),
        "ab's requests, one by one (-g)",
        "what ab itself prints is read",
    ),
    Listing(
        "h2load",
        re.compile(r"\d{16}\t-?\d{1,3}\t\d+(?:\t|$)"),
        "h2load's requests, one by one (--log-file)",
        "what h2load itself prints is read",
    ),
]


def find(lines: Sequence[Line], tool: str | None = None) -> list[Found]:
    """Return a refused run for each such list in a text, of all tools or of one."""
    found = []
    within: Listing | None = None
    for line in lines:
        one = next((one for one in LISTINGS if one.begins.match(line.full)), None)
        if one is not None and one is not within and tool in (None, one.tool):
            error = ParseError(f"these are {one.what}; {one.remedy}", line=line.number)
            found.append(refused(one.tool, line.number, error))
        within = one or (None if line.command or line.banner else within)
    return found


def is_gob(data: bytes) -> bool:
    """Return whether bytes are vegeta's results in gob, the binary form in which it keeps them."""
    head = data[:1000]
    return b"Result\x01" in head and b"BytesOut" in head and b"Latency" in head


GOB = f"these are vegeta's results in gob, its binary form; {_VEGETA}"
