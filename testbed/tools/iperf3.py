"""Read the JSON document of iperf 3 (`iperf3 -J`), of a client or a server.

What its figures mean (by its documentation and its source, versions 3.1 to 3.17):

- A stream has two sets of figures, of the end that sends and of the end that receives. That of the
  host that printed the document is read.
- For UDP a stream has one set, of what was sent, whichever end prints it. A server that receives
  says 0 bytes there. What was received stands in the sum of all streams, in older versions nowhere.
- Rates are bits per second until 'end', without the seconds omitted (-O). 'seconds' may be those of
  the other end.
- With -R the client receives, and with --bidir the two directions are streams of their own. A
  client's sums of what it receives then end in '_bidir_reverse', as those of what a server sends.
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
    start: Amount = 0
    end: Amount | None = None
    seconds: Amount
    bytes: Count
    bits_per_second: Amount
    sender: bool | None = None
    lost_packets: int = 0
    packets: int = 0


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
    sum_received_bidir_reverse: _Figures | None = None


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
        flows, remarks = _flows(found.start, found.end, test)
        lasted_s = max((flow.duration_s for flow in flows), default=None)
        problems = [f"iperf3 says: {found.error}"] if found.error else []
        problems += missing({"any stream": bool(found.end.streams)})
        problems += remarks + _contradictions(flows)
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


def _flows(start: _Start, end: _End, test: _TestStart) -> tuple[list[Flow], list[str]]:
    """Return what this end sent and received, and a sentence on what was lost or is not said."""
    flows: list[Flow] = []
    udp_received: list[_Figures] = []
    for stream in end.streams:
        some = stream.udp or stream.sender or stream.receiver
        if some is None:
            continue
        sends = some.sender
        if sends is None and not test.bidir:  # older versions do not say it in the stream
            sends = (start.connecting_to is not None) != bool(test.reverse)
        if stream.udp and sends is False:
            udp_received.append(stream.udp)
        else:
            own = stream.udp or (stream.sender if sends else stream.receiver) or some
            direction = None if sends is None else "sent" if sends else "received"
            flows.append(_as_flow(_name(some), direction, own))
    remarks = _lost([stream.udp for stream in end.streams if stream.udp])
    if not udp_received:
        return flows + _sum(flows, end, test), remarks
    whole = (start.connecting_to and end.sum_received_bidir_reverse) or end.sum_received
    if whole is None:
        return flows, [*remarks, "What was received is not said, only what the other end sent."]
    name = _name(udp_received[0]) if len(udp_received) == 1 else "SUM"
    return [*flows, _as_flow(name, "received", whole)], remarks


def _name(stream: _Figures) -> str:
    return "?" if stream.socket is None else str(stream.socket)


def _lost(streams: list[_Figures]) -> list[str]:
    """Return a sentence on the datagrams that were lost; an empty list if none was."""
    lost = sum(one.lost_packets for one in streams)
    all_sent = sum(one.packets for one in streams)
    return [f"{lost} of {all_sent} datagrams were lost."] if lost > 0 else []


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
        duration_s=round(
            figures.seconds if figures.end is None else figures.end - figures.start, 9
        ),
        bytes=figures.bytes,
        mbit_per_s=figures.bits_per_second / 1e6,
    )
