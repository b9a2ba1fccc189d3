"""Call Apache Benchmark (ab) and read its report.

What its figures mean (ab 2.3; tests on recorded outputs check this):

- 'Complete requests' counts every attempt that ended, also those whose connection was closed
  without an answer, or refused (with -r). A run in which no byte came back can look perfect.
- 'Non-2xx responses' includes redirects: unlike wrk, ab does not distinguish a 3xx from an error.
- 'Length' failures are answers whose length differs from that of the first answer. They are errors
  for a static page, but not for one that varies. Some may also be among 'Non-2xx', so they are not
  subtracted from goodput; the problems say how many they are.
- 'Exceptions' are sockets on which polling found an error. They are counted as read errors.
- One failed request can be in several of these classes, and is then counted as often among 'Failed
  requests': a reset connection is a failure to receive, an exception and a wrong length. The body
  bytes show how many requests failed if each correct one has the same length.
- Times are whole milliseconds and begin with connecting; so 0 means less than half a millisecond.
- A 'Kbyte' of the transfer rate is 1024 bytes, and 1000 before version 2.0. The rate is used for
  nothing but to see whether the figures agree, so it may be either.
- Without -r, ab gives up at the first socket error or timeout, and prints no report. Messages of
  TLS do not end a run.
- With -v it prints requests and answers before the report, and with -w an HTML table.
"""

import re
from collections import Counter
from collections.abc import Sequence
from functools import partial
from itertools import pairwise

from testbed.model.load import Load
from testbed.model.tool_output import Errors, ToolOutput
from testbed.tools import ab_failures, ab_lines, checks
from testbed.tools.checks import Printed, Times
from testbed.tools.errors import ParseError
from testbed.tools.found import (
    Found,
    distribution,
    missing,
    not_understood,
    read_or_refuse,
    value_of,
)
from testbed.tools.lines import Line
from testbed.tools.listings import Listing
from testbed.tools.sections import Hit, Report, cell, malformed, split
from testbed.tools.tool import Generator, Target, each
from testbed.tools.units import (
    BYTES,
    BYTES_OF_OLD_AB,
    RATE,
    TIME_IN_S,
    TIME_IN_US,
    PrintedFigure,
    Units,
    figure,
)

NAME = "ab"
_MOST_RPS = 50_000  # more than its one thread can do; ab reserves 32 bytes for each
_TIMES = ("min", "mean", "stdev", "max")
_AFTER_FAILURE = ("failure", "total", "completed", "finished")  # lines of the same run
_GOES_ON = ("SSL ", "WARNING")  # messages after which ab goes on


class Ab(Generator):
    """Apache Benchmark: closed loop, one thread, HTTP/1.0. Its times begin with connecting.

    A header (-k) asks for keep-alive, as usual with HTTP/1.0. A server that does not support it
    closes the connection anyway; 'Keep-Alive requests' in the raw output counts those it granted.
    """

    name = NAME
    package = "apache2-utils"
    banner = r"This is ApacheBench.*"
    inner = r"Server Hostname:\s.*|Concurrency Level:\s+\d+"
    refusals = (r"ab: .*", r"apr_\w+: .*", r"Total of 0 requests .*")
    listings = (
        Listing(
            re.compile(r"Percentage served,Time in ms$"),
            "ab's percentiles alone (-e)",
            "what ab itself prints is read",
        ),
        Listing(
            re.compile(r"starttime\tseconds\tctime\tdtime\tttime\twait$"),
            "ab's requests, one by one (-g)",
            "what ab itself prints is read",
        ),
    )
    saturates = True
    rounds_to_us = 1000
    most_threads = 1
    whole_seconds = True
    whole_timeouts = True
    longest_s = 600  # 32 bytes for each of 50,000 requests a second: 1 GB
    why_no_longer = "keeps every request in memory"
    counts_attempts = True
    compares = "length, with its first answer"
    version_option = "-V"

    def command(self, load: Load, target: Target, folder: str, cpus: int) -> list[str]:
        """Return the command of ab for the load's duration, which must be whole seconds."""
        seconds = max(1, round(load.duration_s))
        return [
            self.name,
            "-q",
            "-r",  # count failures and go on
            f"-c{load.connections}",
            # -n must follow -t, which by itself ends the run at 50000 requests
            f"-t{seconds}",
            f"-n{max(load.connections, _MOST_RPS * seconds)}",
            f"-s{load.timeout_s:.0f}",
            *(["-k"] if load.keepalive else []),
            # without -l, ab compares the length of each answer with that of the first
            *(["-l"] if target.answer_bytes is None else []),
            *_method(target),
            *(["-T", target.content_type] if target.content_type else []),
            *each("-H", target.header_lines),
            target.url,
        ]

    def find(self, lines: Sequence[Line]) -> list[Found]:
        """Return all runs of ab in a text; an empty list if there is none."""
        last = lines[-1]
        # A last line that ends in a digit without a newline may have been cut off within a figure.
        if last.cut and re.search(r"[\d.]$", last.text):
            lines = lines[:-1]
        return [
            read_or_refuse(self.name, report.first_line, partial(_read, report))
            for joined in split(_without_answers(lines), ab_lines.PARTS, {self.name})
            for report in _apart(joined)
        ]


def _apart(report: Report) -> list[Report]:
    """Return a report, or two if ab gave up and the rest is of another run, without its head.

    A run that goes on after such a message, as with -r -v, says 'Finished' or 'done' at its end.
    """
    for number, (hit, following) in enumerate(pairwise(report.hits), start=1):
        ends = _is_fatal(hit) and following.kind not in _AFTER_FAILURE
        if ends and not (report.command and report.command.has("-v", "-v")):
            return [
                Report(report.command, report.hits[:number]),
                Report(None, report.hits[number:]),
            ]
    return [report]


def _is_fatal(hit: Hit) -> bool:
    """Return whether a line is a message after which ab ends, unless it goes on with -r."""
    said = {"failure": "what", "benchmarking": "rest"}.get(hit.kind)
    return said is not None and re.match(r"apr_|socket: |Test aborted ", hit[said]) is not None


def _method(target: Target) -> list[str]:
    """Return the options for a method and a body. -p makes a POST, and -m must come after it."""
    if target.method == "HEAD":
        return ["-i"]
    own = [] if target.method in ("GET", "POST") else ["-m", target.method]
    return [*(["-p", target.body_file] if target.body_file else []), *own]


def _without_answers(lines: Sequence[Line]) -> list[Line]:
    """Return the lines without the requests and answers that ab prints with -v."""
    kept, within = [], False
    for line in lines:
        if line.command or line.banner or ab_lines.AFTER_ANSWERS.fullmatch(line.text):
            within = False
        if not within:
            kept.append(line)
        within = within or ab_lines.VERBOSE.fullmatch(line.text) is not None
    return kept


def _read(report: Report) -> Found:
    html = report.one("html")
    if html:
        raise ParseError(
            "this is ab's HTML table (-w); only its text is read",
            line=html.line.number,
        )
    strange = malformed(report, NAME, {*ab_lines.WORDS, "breakdown"})
    errors, failed = _errors(report), ab_failures.read(report)
    completed = report.count("Complete requests")
    printed = Printed(
        duration_s=_figure(report, "Time taken for tests", TIME_IN_S, "s"),
        requests=report.count("total") if completed is None else completed,
        rate=_figure(report, "Requests per second", RATE),
        bytes=_figure(report, "Total transferred", BYTES, "B"),
        byte_rates=[
            rate
            for units in (BYTES, BYTES_OF_OLD_AB)
            if (rate := _figure(report, "Transfer rate", units, "KB"))
        ],
        status_errors=errors.status,
        not_answers=failed.not_answers if failed else 0,
        at_once=report.count("Concurrency Level"),
        times=_times(report),
    )
    return Found(
        report.first_line,
        ToolOutput(
            tool=NAME,
            command=report.command.text if report.command else None,
            url=_url(report),
            duration_s=value_of(printed.duration_s),
            connections=report.count("Concurrency Level"),
            requests=printed.requests,
            throughput_rps=value_of(printed.rate),
            goodput_rps=checks.goodput(printed) if failed or not _failures(report) else None,
            bytes=report.count("Total transferred"),
            errors=errors,
            latency_us=distribution(printed.times),
            problems=[
                *_ended_early(report, printed.requests),
                *_absent(report, printed),
                *not_understood([hit.line.text for hit in strange]),
                *checks.problems(printed),
                *(failed.remarks if failed else []),
                *_resolution(printed.times),
            ],
        ),
    )


def _errors(report: Report) -> Errors:
    """Return the counts by class.

    If an optional line is absent but the line after it is there, its count is 0.
    """
    failed, by_class = report.count("Failed requests"), ab_failures.read(report)
    known: dict[str, int] = {}
    if by_class:
        known["connect"] = by_class.connect
        known["read"] = by_class.read
        known["wrong_body"] = by_class.wrong_body
    elif failed == 0:
        known = {"connect": 0, "read": 0, "wrong_body": 0}
    length = report.one("Document Length")
    if length and length["value"] == "Variable":
        known.pop("wrong_body", None)  # -l: lengths were not compared
    for label, name in [("Write errors", "write"), ("Non-2xx responses", "status")]:
        count = report.count(label)
        if count is not None:
            known[name] = count
        elif failed is not None and report.one("Total transferred"):
            known[name] = 0
    return Errors(**known)


def _failures(report: Report) -> int:
    """Return the number of failed requests; 0 if it is not printed."""
    return report.count("Failed requests") or 0


def _times(report: Report) -> Times:
    times = Times()
    total = report.one("Total")
    if total:
        times.min, times.mean, times.stdev, times.max = (
            figure(f"{total.get(name)}ms", TIME_IN_US) for name in _TIMES
        )
    for hit in report.all("percentile"):
        value = figure(f"{hit['ms']}ms", TIME_IN_US)
        if value is None or hit.count("percentile") > 100:
            raise ParseError(
                f"'{hit.line.text}' is no percentile as ab prints it", line=hit.line.number
            )
        times.percentiles[hit["percentile"]] = value
    return times


def _url(report: Report) -> str | None:
    host, port, path = (
        report.one(label) for label in ("Server Hostname", "Server Port", "Document Path")
    )
    if not (host and port and path):
        return report.command.url if report.command else None
    scheme = "https" if report.one("SSL/TLS Protocol") else "http"
    return f"{scheme}://{host['value']}:{port['value']}{path['value']}"


def _absent(report: Report, printed: Printed) -> list[str]:
    some = printed.requests != 0  # after a run without any request ab prints no rate and no times
    return missing(
        {
            "duration": printed.duration_s is not None,
            "number of requests": printed.requests is not None,
            "failed requests": report.one("Failed requests") is not None,
            "failed requests by class": printed.requests is None
            or not _failures(report)
            or report.one("breakdown") is not None
            or report.one("broken breakdown") is not None,
            "requests/s": printed.rate is not None or not some,
            "bytes transferred": printed.bytes is not None or not some,
            "latency": printed.times != Times() or not some,
            "mean latency": printed.times.mean is not None or printed.times == Times(),
            "the longest request (100%)": not (known := printed.times.percentiles)
            or "100" in known,
        }
    )


def _ended_early(report: Report, requests: int | None) -> list[str]:
    """Return what ab said while it ran, and whether it ended too early; an empty list if neither.

    What it said is the reason for its end only if there is no report.
    """
    start = report.one("benchmarking")
    verbose = start is not None and ab_lines.VERBOSE.fullmatch(start.line.text) is not None
    said = [hit["what"] for hit in report.all("failure")]
    if start and start["rest"] not in ("", "done") and not verbose:
        said.insert(0, start["rest"])
    last = said[-1] if said else ""
    if last and not last.startswith(_GOES_ON) and not report.one("Time taken for tests"):
        return [f"ab gave up: {last}"]
    notes = [f"ab says{_times_said(count)}: {what}" for what, count in Counter(said).items()]
    command = report.command
    asked = command.option("-n", "-n") if command and not command.has("-t", "-t") else None
    if asked and asked.isdecimal() and requests is not None and requests < int(asked):
        notes.append(f"The run was stopped early: {requests} of the {asked} requests asked for.")
    # '...' or 'Completed 100 requests' while ab runs; 'done' or 'Finished' at its end.
    elif (
        start and not report.one("finished") and (verbose or (start["dots"] and not start["rest"]))
    ):
        notes.append("The run was interrupted: ab does not say that it was done.")
    elif report.all("completed") and not report.one("finished"):
        notes.append("The run was interrupted: ab does not say that it has finished.")
    return notes


def _times_said(count: int) -> str:
    return "" if count == 1 else f", {count} times"


def _resolution(times: Times) -> list[str]:
    printed = [times.mean, times.max, *times.percentiles.values()]
    if any(value and value.value == 0 for value in printed):
        return ["ab prints whole milliseconds: a latency of 0 here is one below half of one."]
    return []


def _figure(report: Report, label: str, units: Units, unit: str = "") -> PrintedFigure | None:
    """Return a figure whose unit ab prints in words; `unit` is that unit. None if not printed."""
    return cell(Ab.name, report.one(label), "value", units, unit=unit)
