"""Read the JSON document of iperf 3 (`iperf3 -J`), of a client or a server.

What its figures mean (by its documentation and its source, versions 3.1 to 3.17):

- A stream has two sets of figures, of the end that sends and of the end that receives. That of the
  host that printed the document is read. For UDP there is one set.
- Rates are bits per second, and seconds exclude those omitted (-O).
- With -R the client receives, and with --bidir the two directions are streams of their own.
- With an error, 'error' has its words, and the figures may be missing.
"""

import re
from typing import Any

from testbed.model.tool_output import Flow, ToolOutput
from testbed.numbers import written_out
from testbed.tools.checks import TOLERANCE
from testbed.tools.documents import Amount, Count, Document, DocumentTool, Fields
from testbed.tools.found import missing

# Lines for people that iperf 2 does not print: those that begin an output, and others.
HEADING = re.compile(
    r"Connecting to host .*, port \d+|Accepted connection from .*|Server listening on \d+.*"
    r"|iperf 3\..*"
)
ITS_OWN = re.compile(
    r".*[KMGT]?bits/sec\b.*\b(?:sender|receiver)|\[\s*\d+\](?:\[\S+\])? local \S+ port \d+ "
    r"connected to .*|iperf Done\.|iperf3: error - .*"
)


class _Figures(Fields):
    socket: int | None = None
    seconds: Amount
    bytes: Count
    bits_per_second: Amount
    sender: bool | None = None


class _Stream(Fields):
    sender: _Figures | None = None
    receiver: _Figures | None = None
    udp: _Figures | None = None


class _TestStart(Fields):
    duration: float = 0
    reverse: int = 0
    bidir: int = 0


class _Start(Fields):
    connecting_to: dict[str, Any] | None = None
    test_start: _TestStart | None = None


class _End(Fields):
    streams: list[_Stream] = []
    sum_sent: _Figures | None = None
    sum_received: _Figures | None = None


class _Document(Fields):
    start: _Start
    end: _End
    error: str | None = None


class Iperf3(DocumentTool):
    """iperf 3: TCP or UDP in one direction or both."""

    name = "iperf3"
    mark = '"iperf 3.'
    further_mark = '"bits_per_second"'
    for_people = re.compile(f"{HEADING.pattern}|{ITS_OWN.pattern}")
    how = "as text only iperf 2 is read, of iperf 3 the JSON (-J)"

    def is_own(self, data: dict[str, Any]) -> bool:
        """Return whether a JSON object has its three parts."""
        return {"start", "intervals", "end"} <= data.keys()

    def is_other(self, data: dict[str, Any]) -> bool:
        """Return whether a JSON object is a line of `--json-stream`, which has each event alone."""
        return data.get("event") in ("start", "interval", "end") and "data" in data

    def read(self, document: Document) -> ToolOutput:
        """Return what a document says. Raises ParseError if it is not as iperf3 writes it."""
        found = document.read(self.name, _Document)
        test = found.start.test_start or _TestStart()
        flows = [flow for stream in found.end.streams if (flow := _flow(stream, found.start, test))]
        flows += _sum(flows, found.end, test)
        lasted_s = max((flow.duration_s for flow in flows), default=None)
        problems = [f"iperf3 says: {found.error}"] if found.error else []
        problems += missing({"any stream": bool(flows)})
        problems += _contradictions(flows)
        if lasted_s is not None and lasted_s < test.duration * (1 - TOLERANCE):
            problems.append(
                f"The run was stopped early: {written_out(lasted_s)} s of the "
                f"{written_out(test.duration)} s asked for."
            )
        return ToolOutput(
            tool=self.name,
            duration_s=lasted_s,
            connections=len(found.end.streams) or None,
            flows=flows or None,
            problems=problems,
        )


def _flow(stream: _Stream, start: _Start, test: _TestStart) -> Flow | None:
    """Return what this end sent or received; None if the stream has no figures of it."""
    some = stream.udp or stream.sender or stream.receiver
    if some is None:
        return None
    sends = some.sender
    if sends is None and not test.bidir:  # older versions do not say it in the stream
        sends = (start.connecting_to is not None) != bool(test.reverse)
    own = stream.udp or (stream.sender if sends else stream.receiver) or some
    direction = None if sends is None else "sent" if sends else "received"
    return _as_flow("?" if some.socket is None else str(some.socket), direction, own)


def _sum(flows: list[Flow], end: _End, test: _TestStart) -> list[Flow]:
    """Return the sum of several streams of one direction; an empty list otherwise."""
    directions = {flow.direction for flow in flows}
    if len(flows) < 2 or test.bidir or len(directions) != 1:
        return []
    direction = next(iter(directions))
    whole = end.sum_sent if direction == "sent" else end.sum_received
    return [_as_flow("SUM", direction, whole)] if whole else []


def _contradictions(flows: list[Flow]) -> list[str]:
    """Return a sentence for each flow whose bytes, time and rate contradict each other."""
    found = []
    for flow in flows:
        bits, rate, time_s = (flow.bytes or 0) * 8, flow.mbit_per_s or 0, flow.duration_s or 0
        if abs(rate * 1e6 * time_s - bits) > TOLERANCE * max(bits, 1):
            found.append(
                f"Stream {flow.stream}: {written_out(rate)} Mbit/s contradict {flow.bytes} bytes "
                f"in {written_out(time_s)} s."
            )
    return found


def _as_flow(name: str, direction: Any, figures: _Figures) -> Flow:
    return Flow(
        stream=name,
        direction=direction,
        duration_s=round(figures.seconds, 9),
        bytes=figures.bytes,
        mbit_per_s=figures.bits_per_second / 1e6,
    )
