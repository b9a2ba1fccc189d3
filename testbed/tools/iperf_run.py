"""Say what one run of iperf 2 printed: the streams, and what their figures mean.

One run is the output of one process. The output of a server is one run for any number of clients.

What the figures mean (iperf 2.1.8; tests on recorded outputs check this):

- With -i there is a line for each interval. The figure of a stream is its last line that starts
  at 0.
- The end that connects sends and the end that listens receives, unless the stream is '(reverse)'.
  In a '(full-duplex)' connection, the half with a star has the opposite direction.
- In a dual test (-d), a server marks the stream on which it sends with both '[ *2]' and
  '(reverse)'; that stream has the usual direction.
- [SUM] is the sum of all streams, in a dual test of both directions. It must not be added to them.
"""

import re
from dataclasses import dataclass, field
from typing import Literal

from testbed.model.tool_output import Flow, ToolOutput
from testbed.tools.checks import TOLERANCE
from testbed.tools.errors import ParseError
from testbed.tools.found import Found, not_understood
from testbed.tools.lines import Command
from testbed.tools.units import TIME_IN_S, PrintedFigure, figure

Direction = Literal["sent", "received"]
_FULL_DUPLEX = "(full-duplex)"


@dataclass(frozen=True)
class Result:
    """One line of figures."""

    start_s: float
    length: PrintedFigure  # seconds
    bytes: PrintedFigure
    mbit_per_s: PrintedFigure
    interval: tuple[str, str] = ("", "")  # as printed


@dataclass
class Stream:
    """One stream of one run: what iperf printed when it connected, and its figures."""

    name: str  # iperf's number for it, with its star; or SUM
    connected: re.Match[str] | None = None
    reported: bool = False  # what the other end reported of it (UDP)
    results: list[Result] = field(default_factory=list)
    lost: bool = False  # a line of figures after the last result was not understood

    def says(self, word: str) -> bool:
        """Return whether the line of its connection has the word."""
        return self.connected is not None and word in self.connected["rest"]

    def final(self) -> Result | None:
        """Return its figures for the whole test: the last line from 0 on, with no interval after.

        Return None if there is no such line.
        """
        last = self.results[-1] if self.results else None
        return last if last and last.start_s == 0 and not self.lost else None

    def add(self, result: Result) -> None:
        """Add a line of figures."""
        self.results.append(result)
        self.lost = False


@dataclass
class Run:
    """What was read so far of the output of one process, and the number of its first line."""

    line: int
    command: Command | None = None
    port: str | None = None  # the port on which iperf listens, on either host
    listens: bool = False
    connects: bool = False
    streams: list[Stream] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    strange: list[ParseError] = field(default_factory=list)  # lines that are not understood
    texts: list[str] = field(default_factory=list)  # of these lines
    of_iperf3: bool = False

    @property
    def done(self) -> bool:
        """Return whether every stream known so far has a result."""
        return bool(self.streams) and all(stream.results for stream in self.streams)

    @property
    def client(self) -> bool:
        """Return whether a client printed it. Only a server can print several tests."""
        return self.connects and not self.listens

    def stream(self, name: str) -> Stream:
        """Return the latest stream of that name, or a new one if there is none."""
        for stream in reversed(self.streams):
            if stream.name == name:
                return stream
        new = Stream(name)
        if name.startswith("*"):  # the starred half of a connection; its first line had no star
            plain = self.stream(name[1:])
            new.connected = plain.connected
            if not new.says(_FULL_DUPLEX):
                self.streams.remove(plain)
        self.streams.append(new)
        return new


def found(tool: str, run: Run) -> Found:
    """Return what a run of the tool printed.

    Raises ParseError if no line of its figures is understood.
    """
    if run.strange and not any(stream.results for stream in run.streams):
        raise run.strange[0]
    notes = [*run.notes, *not_understood(run.texts)]
    flows = []
    for stream in run.streams:
        final = stream.final()
        if final:
            flows.append(_flow(run, stream, final))
            notes += _contradiction(stream, final)
        elif stream.lost:
            notes.append(f"Stream {stream.name}: the line of the whole is not understood.")
        elif stream.results:
            notes.append(f"Stream {stream.name} ends amid its intervals: the whole is not printed.")
        else:
            notes.append(f"Stream {stream.name} was connected, but no result of it is printed.")
    if not run.streams:
        notes.append("Not in this output: any stream.")
    lasted = max((flow.duration_s for flow in flows), default=None)
    notes += _ended_early(run.command, lasted)
    directions = {flow.direction for flow in flows if not flow.stream.startswith("SUM")}
    if len(directions) == 1:
        flows = [flow.model_copy(update={"direction": next(iter(directions))}) for flow in flows]
    connections = {stream.connected for stream in run.streams if stream.connected}
    output = ToolOutput(
        tool=tool,
        command=run.command.text if run.command else None,
        duration_s=lasted,
        connections=len(connections) or None,
        flows=flows or None,
        problems=notes,
    )
    return Found(run.line, output)


def _flow(run: Run, stream: Stream, final: Result) -> Flow:
    return Flow(
        stream=stream.name,
        direction=_direction(run, stream),
        duration_s=round(final.length.value, 9),
        bytes=round(final.bytes.value),
        mbit_per_s=final.mbit_per_s.value,
    )


def _direction(run: Run, stream: Stream) -> Direction | None:
    match = stream.connected
    if not match or not run.port or (match["local"] == run.port) == (match["peer"] == run.port):
        return None
    turns = [
        match["local"] == run.port,
        stream.says("(reverse)"),
        match["stream"].startswith("*"),
        stream.says(_FULL_DUPLEX) and stream.name.startswith("*"),
        stream.reported,
    ]
    return "received" if sum(turns) % 2 else "sent"


def _ended_early(command: Command | None, lasted_s: float | None) -> list[str]:
    """Return a sentence if a client ended before its duration; otherwise an empty list.

    The lines after an interval may then be cut off.
    """
    client = command and command.has("-c", "--client")  # for a server, -t is how long it waits
    option = command.option("-t", "--time") if command and client else None
    asked = figure(f"{option}s", TIME_IN_S) if option else None
    if not asked or lasted_s is None or lasted_s >= asked.low * (1 - TOLERANCE):
        return []
    return [f"The run was stopped early: {lasted_s:g} s of the {option} s asked for."]


def _contradiction(stream: Stream, final: Result) -> list[str]:
    """Return a sentence if bytes, time and rate contradict each other; otherwise an empty list."""
    size, length = final.bytes, final.length
    most = size.high * 8e-6 / length.low if length.low > 0 else float("inf")
    least = size.low * 8e-6 / length.high if length.high > 0 else 0.0
    rate = final.mbit_per_s
    if least * (1 - TOLERANCE) <= rate.high and rate.low <= most * (1 + TOLERANCE):
        return []
    return [f"Stream {stream.name}: {rate.text} contradict {size.text} in {length.text}."]
