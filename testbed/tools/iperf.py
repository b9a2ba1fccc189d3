"""Call iperf 2, which measures the data link, and read its report.

Reports of client and server are read, from versions 2.0 (2015) to 2.2, as text or as CSV (-y C).

How its lines are read (what the figures in them mean is said in iperf_run.py):

- A K is 1024 for bytes and 1000 for bits.
- In CSV, 2.1.9 and later write the time zone first, and 2.2 has the interval in two fields.
- Rows of CSV may have passed through a spreadsheet: quoted fields, semicolons or tabs.
- Histograms (--histograms, --bounceback) stand in lines of their own, with the interval of the line
  that they belong to. They are not read.
"""

import csv
import re
from collections.abc import Sequence
from functools import partial

from testbed.tools import iperf3
from testbed.tools.errors import ParseError
from testbed.tools.found import Found, read_or_refuse
from testbed.tools.iperf_run import Result, Run, Stream, found
from testbed.tools.lines import Line
from testbed.tools.tool import InstalledTool
from testbed.tools.units import (
    IPERF_BYTES,
    IPERF_MBIT_PER_S,
    TIME_IN_S,
    PrintedFigure,
    Units,
    figure,
)

NAME = "iperf"

_LISTENING = re.compile(r"Server listening on (?:TCP|UDP) port (?P<port>\d+).*")
_CONNECTING = re.compile(r"Client connecting to .*?(?:TCP|UDP) port (?P<port>\d+).*")
_CONNECTED = re.compile(
    r"\[\s*(?P<stream>\*?\d+)\] local (?:\S+ )?port (?P<local>\d+) "
    r"connected with (?:\S+ )?port (?P<peer>\d+)(?P<rest>.*)"
)
_RESULT = re.compile(
    r"\[\s*(?P<stream>\*?\d+|SUM(?:-\d+)?)\]\s+(?P<start>\d+\.\d+)\s*-\s*(?P<end>\d+\.\d+) sec\s+"
    r"(?P<bytes>[\d.]+ [KMGT]?Bytes)\s+(?P<rate>[\d.]+ [KMGT]?(?:bits|Bytes)/sec)(?P<rest>.*)"
)
_MOMENT = r"(?:[+-]\d{4}:)?\d{14}(?:\.\d+)?"  # in a row of CSV
# A malformed line of figures, as text or as CSV, and the rest of one that was wrapped.
_BROKEN = re.compile(
    r"[\W_]*?(?:\d+[.)]\s+)?\[\W*(?:\*?\d+|SUM(?:-\d+)?)\W*\]\s+\S+\s*-\s*\S+\s+sec\b.*"
    r"|(?:\d\S*\s*-\s*\d\S*\s+)?sec\s+\S+\s+[KMGT]?Bytes\b.*"
    rf"|{_MOMENT},[^,]*,\d*,[^,]*,\d*,-?\d*,.*",
    re.IGNORECASE,
)
_PLACE = re.compile(
    r"[^\[]*\[\W*?(?P<stream>\*?\w[^\]\s]*?)[^\]\w]*\]\s+(?P<start>\S+?)\s*-\s*(?P<end>\S+)"
    r"\s+sec\b(?P<rest>.*)",
    re.IGNORECASE,
)
_HISTOGRAM = re.compile(r"\s+\S+-PDF:.*")
_OUT_OF_ORDER = re.compile(r"\s+(?P<what>\d+ datagrams received out-of-order)\b.*")
# Whatever stands behind it: the figures below are the other end's
_SERVER_REPORT = re.compile(r".*?\[\s*(?P<stream>\*?\d+)\]\s+Server\s+Report\b.*", re.IGNORECASE)
_NEARLY_CONNECTED = re.compile(r"\[\s*\*?\d+\]\s+local\b.*\bconnected with\b.*")
_FAILURE = re.compile(
    r".*\b(?:connect|write|read|bind|shutdown|accept|recv|send)\w* failed: .*|.*\bAborted\b.*"
    r"|.*\bdid not receive ack\b.*"
)
_CSV = re.compile(
    rf"{_MOMENT},[^,]*,(?P<local>\d+),[^,]*,(?P<peer>\d+),(?P<stream>-?\d+),"
    r"(?P<start>\d+\.\d+)[-,](?P<end>\d+\.\d+),(?P<bytes>\d+),(?P<rate>\d+)(?:,.*)?"
)
_ROW = re.compile(rf'"?{_MOMENT}')
_SEPARATORS = 8  # in a row of nine fields
# On a busy host, the client may ask the server to connect back before the client listens.
_NOT_YET_LISTENING = "expected reverse connect did not occur"
_COMPLAINT = re.compile(r".*(?:failed|error|refused|denied|unreachable|no route).*", re.IGNORECASE)


class Iperf(InstalledTool):
    """iperf 2: TCP in both directions at the same time, with rates in Mbit/s."""

    name = NAME
    package = "iperf"
    banner = r"(?:Server listening on|Client connecting to) .*"
    inner = r"\[ ID\] Interval\s.*"
    refusals = (r"iperf\d? .*(?:Copyright|version) .*", r"iperf version .*")
    port = 5001  # iperf's own port, used on both hosts while the link is verified

    def serve(self, address: str) -> list[str]:
        """Return the command of its server, which listens on an address until it is stopped."""
        return [self.name, "-s", "-f", "m", "-B", address]

    def measure(self, server: str, client: str, duration_s: int) -> list[str]:
        """Return the command of its client, for whole seconds.

        With -d the server connects back and sends, too.
        """
        return [self.name, "-c", server, "-B", client, "-d", "-f", "m", "-t", str(duration_s)]

    def missed_the_start(self, client_said: str) -> bool:
        """Return whether the server connected back too early, so that measuring again helps."""
        return _NOT_YET_LISTENING in client_said

    def complaints(self, said: str) -> list[str]:
        """Return the lines of its output about what went wrong; an empty list if there are none."""
        lines = (line.strip() for line in said.splitlines() if _COMPLAINT.match(line))
        return list(dict.fromkeys(lines))

    def find(self, lines: Sequence[Line]) -> list[Found]:
        """Return all runs of iperf 2 in a text; an empty list if there is none."""
        runs: list[Run] = []
        for line in lines:
            try:
                _take(line, runs)
            except ParseError as error:
                _keep(error, line, runs[-1] if runs else _new(runs, line))
        return [
            read_or_refuse(NAME, run.line, partial(found, NAME, run))
            for run in runs
            if not run.of_iperf3 and (run.listens or run.connects or run.streams or run.strange)
        ]


def _keep(error: ParseError, line: Line, run: Run) -> None:
    """Note a line that is not understood. If it has an interval of its own, figures are lost.

    A line that may be cut off was a line of figures, of an interval that has not ended.
    """
    run.texts.append(line.text)
    if line.cut:
        return
    run.strange.append(error)
    place = _PLACE.fullmatch(line.text)
    if place is None:
        return
    told = (place["start"], place["end"])
    for stream in run.streams:
        known = any(all(map(_same, told, result.interval)) for result in stream.results)
        if stream.name == place["stream"] and not known:
            stream.lost = True


def _same(printed: str, other: str) -> bool:
    """Return whether two times may be one, although one line has more decimals than the other."""
    try:
        apart = abs(float(printed) - float(other))
    except ValueError:
        return printed == other
    decimals = min(len(text.partition(".")[2]) for text in (printed, other))
    return apart < 0.51 * float(f"1e-{decimals}")


def _take(line: Line, runs: list[Run]) -> None:
    """Add what a line says to the last run, or to a new run if it cannot belong to the last.

    Raises ParseError if it is a line of figures that is not as iperf prints it.
    """
    run = runs[-1] if runs else None
    if _take_heading(line, run, runs):
        return
    if match := _SERVER_REPORT.fullmatch(line.text):
        run = run or _new(runs, line)
        run.streams.append(
            Stream(match["stream"], run.stream(match["stream"]).connected, reported=True)
        )
    elif match := _RESULT.fullmatch(line.text):
        result = _result(match, line)
        (run or _new(runs, line)).stream(match["stream"]).add(result)
    elif match := _CSV.fullmatch(_plain_csv(line.text)):
        _take_csv(match, line, run or _new(runs, line))
    elif _NEARLY_CONNECTED.fullmatch(line.text):
        raise ParseError(f"'{line.text}' is not a line as iperf prints it", line=line.number)
    elif _BROKEN.fullmatch(_plain_csv(line.text)):
        _take_other(line, run or _new(runs, line))
    elif _FAILURE.fullmatch(line.text):
        if run is None or (run.client and run.done and "bind failed" in line.text):
            run = _new(runs, line)  # a message before the headings
        run.notes.append(f"iperf says: {line.text}")


def _take_heading(line: Line, run: Run | None, runs: list[Run]) -> bool:
    """Add a line before the figures to `run`, the last one, or to a new one that it begins.

    Return whether the line is one of these: a command, a heading, or one on a connection.
    """
    command = line.command
    if command:
        # The command line of another tool also ends the run.
        runs.append(Run(line.number, command if command.program == NAME else None))
    elif iperf3.HEADING.fullmatch(line.text):
        _new(runs, line).of_iperf3 = True
    elif iperf3.ITS_OWN.fullmatch(line.text):
        (run or _new(runs, line)).of_iperf3 = True
    elif match := _LISTENING.fullmatch(line.text):
        # In a dual test, the two threads print their headings in any order, and one may have
        # connected before the other prints its own.
        ended = run is None or run.of_iperf3 or run.listens or _has_results(run)
        if run is None or ended or (run.connects and run.notes):
            run = _new(runs, line)
        run.listens, run.port = True, match["port"]
    elif match := _CONNECTING.fullmatch(line.text):
        if run is None or run.of_iperf3 or (not run.listens and (run.connects or run.done)):
            run = _new(runs, line)
        run.connects, run.port = True, run.port or match["port"]
    elif match := _CONNECTED.fullmatch(line.text):
        if run is None or run.of_iperf3 or (run.client and run.done):
            run = _new(runs, line)
        run.streams.append(Stream(match["stream"], connected=match))
    else:
        return False
    return True


def _plain_csv(text: str) -> str:
    """Return a row of a table as iperf writes it, without what a spreadsheet has changed.

    That puts fields in quotes, or other characters between them.
    """
    separator = next((one for one in ",;\t" if text.count(one) >= _SEPARATORS), None)
    if separator is None or not _ROW.match(text):
        return text
    return ",".join(next(csv.reader([text], delimiter=separator)))


def _has_results(run: Run) -> bool:
    return any(stream.results for stream in run.streams)


def _take_csv(match: re.Match[str], line: Line, run: Run) -> None:
    result = _csv_result(match, line)
    stream = run.stream("SUM" if match["stream"] == "-1" else match["stream"])
    # If the text's end cut a digit off the rate, it is a tenth of what follows from the bytes.
    if line.cut and result.mbit_per_s.value * result.length.high * 3e6 < result.bytes.value * 8:
        run.notes.append("The last line is cut off, and left out.")
    else:
        stream.add(result)


def _take_other(line: Line, run: Run) -> None:
    """Note what a line says of an interval beside its figures.

    Raises ParseError if that is nothing that iperf is known to print.
    """
    place = _PLACE.fullmatch(line.text)
    if place and _HISTOGRAM.fullmatch(place["rest"]):
        return
    late = _OUT_OF_ORDER.fullmatch(place["rest"]) if place else None
    if not place or not late:
        raise ParseError(f"'{line.text}' is not a line as iperf prints it", line=line.number)
    run.notes.append(f"iperf says of stream {place['stream']}: {late['what']}")


def _new(runs: list[Run], line: Line) -> Run:
    runs.append(Run(line.number))
    return runs[-1]


def _result(match: re.Match[str], line: Line) -> Result:
    start = _figure(f"{match['start']}s", TIME_IN_S, line)
    end = _figure(f"{match['end']}s", TIME_IN_S, line)
    return Result(
        start.value,
        PrintedFigure(f"{match['end']} sec", end.value - start.value, start.slack + end.slack),
        _figure(match["bytes"], IPERF_BYTES, line),
        _figure(match["rate"], IPERF_MBIT_PER_S, line),
        (match["start"], match["end"]),
    )


def _csv_result(match: re.Match[str], line: Line) -> Result:
    start = _figure(f"{match['start']}s", TIME_IN_S, line)
    end = _figure(f"{match['end']}s", TIME_IN_S, line)
    return Result(
        start.value,
        PrintedFigure(f"{match['end']} sec", end.value - start.value, 0.1),
        _figure(f"{match['bytes']} Bytes", IPERF_BYTES, line),
        _figure(f"{match['rate']} bits/sec", IPERF_MBIT_PER_S, line),
    )


def _figure(text: str, units: Units, line: Line) -> PrintedFigure:
    value = figure(text, units)
    if value is None:
        raise ParseError(f"'{text}' is no figure as iperf prints it", line=line.number)
    return value
