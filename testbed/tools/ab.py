"""Call Apache Benchmark (ab) and read its report.

What its figures mean (ab 2.3; tests on recorded outputs check this):

- 'Complete requests' counts every attempt that ended, also those whose connection was closed
  without an answer, or refused (with -r). A run in which no byte came back can look perfect.
- 'Non-2xx responses' includes redirects: unlike wrk, ab does not distinguish a 3xx from an error.
- 'Length' failures are answers whose length differs from that of the first answer. They are errors
  for a static page, but not for one that varies. Some may also be among 'Non-2xx', so they are not
  subtracted from goodput; the problems say how many they are.
- 'Exceptions' are sockets on which polling found an error. They are counted as read errors.
- Times are whole milliseconds and begin with connecting; so 0 means less than half a millisecond.
- Without -r, ab gives up at the first socket error or timeout, and prints no report.
"""

import math
import re
from collections.abc import Sequence

from testbed.model.load import Load
from testbed.model.tool_output import Errors, ToolOutput
from testbed.tools import checks
from testbed.tools.checks import Printed, Times
from testbed.tools.errors import ParseError
from testbed.tools.found import Found, distribution, missing, value_of
from testbed.tools.lines import Line
from testbed.tools.sections import Hit, Part, Report, cell, part, split
from testbed.tools.tool import Generator, Target
from testbed.tools.units import BYTES, RATE, TIME_IN_S, TIME_IN_US, PrintedFigure, Units, figure

NAME = "ab"
_MOST_RPS = 50_000  # more than its one thread can do; ab reserves 32 bytes for each
_COUNT = r"(?P<value>\d+)"
_NUMBER = r"(?P<value>\S+)"
_TIMES = ("min", "mean", "stdev", "max")


def _labelled(rank: int, label: str, value: str, *, telling: bool = False) -> Part:
    return part(label, rank, rf"{re.escape(label)}:\s*{value}", telling=telling)


PARTS = [
    part("banner", 0, r"This is ApacheBench, Version .*"),
    part("benchmarking", 1, r"Benchmarking .* \(be patient\)(?P<dots>\.*)(?P<rest>.*)"),
    part("completed", 2, r"Completed \d+ requests", repeats=True, telling=False),
    part("finished", 3, r"Finished \d+ requests", telling=False),
    part("failure", 4, r"(?P<what>(?:apr_|SSL ).*|Test aborted .*)", repeats=True, telling=False),
    part("total", 5, rf"Total of {_COUNT} requests completed"),
    _labelled(6, "Server Software", r"(?P<value>.*)"),
    _labelled(7, "Server Hostname", _NUMBER),
    _labelled(8, "Server Port", _COUNT),
    _labelled(9, "SSL/TLS Protocol", r"(?P<value>.*)"),
    _labelled(10, "Document Path", _NUMBER),
    _labelled(11, "Document Length", r"(?P<value>\d+ bytes|Variable)"),
    _labelled(12, "Concurrency Level", _COUNT, telling=True),
    _labelled(13, "Time taken for tests", rf"{_NUMBER} seconds", telling=True),
    _labelled(14, "Complete requests", _COUNT, telling=True),
    _labelled(15, "Failed requests", _COUNT, telling=True),
    part(
        "breakdown",
        16,
        r"\(Connect: (?P<connect>\d+), (?:Receive: (?P<receive>\d+), )?"
        r"Length: (?P<length>\d+), Exceptions: (?P<exceptions>\d+)\)",
        telling=False,
    ),
    _labelled(17, "Write errors", _COUNT),
    _labelled(18, "Non-2xx responses", _COUNT, telling=True),
    _labelled(19, "Keep-Alive requests", _COUNT),
    _labelled(20, "Total transferred", rf"{_COUNT} bytes"),
    _labelled(21, "Total body sent", _COUNT),
    _labelled(22, "HTML transferred", rf"{_COUNT} bytes"),
    _labelled(23, "Requests per second", rf"{_NUMBER} \[#/sec\] \(mean\)", telling=True),
    part("per request", 24, rf"Time per request:\s*{_NUMBER} \[ms\] \(mean.*\)", repeats=True),
    _labelled(25, "Transfer rate", rf"{_NUMBER} \[Kbytes/sec\] received"),
    part(
        "Total",
        26,
        r"Total:\s+(?P<min>\d+)\s+(?P<mean>\d+)(?:\s+(?P<stdev>\d+\.\d+)\s+(?P<median>\d+))?"
        r"\s+(?P<max>\d+)",
        telling=False,
    ),
    part(
        "percentages",
        27,
        r"Percentage of the requests served within a certain time \(ms\)",
    ),
    part(
        "percentile",
        28,
        r"(?P<percentile>\d+)%\s+(?P<ms>-?(?:\d[\d.,e]*|nan|inf))(?:\s+\(longest request\))?",
        repeats=True,
        telling=False,
    ),
    # A known label followed by something unexpected; tried where no part above fits.
    part(
        "broken",
        29,
        r"(?P<label>Concurrency Level|Time taken for tests|Complete requests|Failed requests"
        r"|Non-2xx responses|Total transferred|Requests per second|Transfer rate"
        r"|Total(?=:(?:\s+\S+){3}(?:\s+\S+\s+\S+)?$)):.*",
        repeats=True,
        telling=False,
    ),
]


class Ab(Generator):
    """Apache Benchmark: closed loop, one thread, HTTP/1.0. Its times begin with connecting.

    A header (-k) asks for keep-alive, as usual with HTTP/1.0. A server that does not support it
    closes the connection anyway; 'Keep-Alive requests' in the raw output counts those it granted.
    """

    name = NAME
    package = "apache2-utils"
    banner = r"This is ApacheBench.*"
    refusals = (r"ab: .*", r"apr_\w+: .*", r"Total of 0 requests .*")
    saturates = True
    most_threads = 1
    longest_s = 600  # 32 bytes for each of 50,000 requests a second: 1 GB
    why_no_longer = "keeps every request in memory"
    counts_attempts = True
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
            f"-s{max(1, math.ceil(load.timeout_s))}",
            *(["-k"] if load.keepalive else []),
            # without -l, ab compares the length of each answer with that of the first
            *(["-l"] if target.answer_bytes is None else []),
            *(["-p", target.body_file] if target.body_file else []),
            *(["-T", target.content_type] if target.content_type else []),
            target.url,
        ]

    def find(self, lines: Sequence[Line]) -> list[Found]:
        """Return all runs of ab in a text; an empty list if there is none."""
        last = lines[-1]
        # A last line that ends in a digit without a newline may have been cut off within a figure.
        if last.cut and re.search(r"[\d.]$", last.text):
            lines = lines[:-1]
        return [_read(report) for report in split(lines, PARTS, {self.name})]


def _read(report: Report) -> Found:
    for hit in report.all("broken"):
        if not report.one(hit["label"]):
            raise ParseError(
                f"'{hit.line.text}' is not a line as ab prints it", line=hit.line.number
            )
    errors, breakdown = _errors(report), report.one("breakdown")
    completed = _count(report, "Complete requests")
    printed = Printed(
        duration_s=_figure(report, "Time taken for tests", TIME_IN_S, "s"),
        requests=_count(report, "total") if completed is None else completed,
        rate=_figure(report, "Requests per second", RATE),
        bytes=_figure(report, "Total transferred", BYTES, "B"),
        byte_rate=_figure(report, "Transfer rate", BYTES, "KB"),
        status_errors=errors.status,
        not_answers=_received_nothing(breakdown) if breakdown else 0,
        at_once=_count(report, "Concurrency Level"),
        times=_times(report),
    )
    return Found(
        report.first_line,
        ToolOutput(
            tool=NAME,
            command=report.command.text if report.command else None,
            url=_url(report),
            duration_s=value_of(printed.duration_s),
            connections=_count(report, "Concurrency Level"),
            requests=printed.requests,
            throughput_rps=value_of(printed.rate),
            goodput_rps=checks.goodput(printed),
            bytes=_count(report, "Total transferred"),
            errors=errors,
            latency_us=distribution(printed.times),
            problems=[
                *_ended_early(report, printed.requests),
                *_absent(report, printed),
                *checks.problems(printed),
                *_failures(report),
                *_resolution(printed.times),
            ],
        ),
    )


def _errors(report: Report) -> Errors:
    """Return the counts by class.

    If an optional line is absent but the line after it is there, its count is 0.
    """
    failed, breakdown = _count(report, "Failed requests"), report.one("breakdown")
    known: dict[str, int] = {}
    if breakdown:
        known["connect"] = breakdown.count("connect")
        known["read"] = _received_nothing(breakdown) + breakdown.count("exceptions")
        known["wrong_body"] = breakdown.count("length")
    elif failed == 0:
        known = {"connect": 0, "read": 0, "wrong_body": 0}
    length = report.one("Document Length")
    if length and length["value"] == "Variable":
        known.pop("wrong_body", None)  # -l: lengths were not compared
    for label, name in [("Write errors", "write"), ("Non-2xx responses", "status")]:
        count = _count(report, label)
        if count is not None:
            known[name] = count
        elif failed is not None and report.one("Total transferred"):
            known[name] = 0
    return Errors(**known)


def _received_nothing(breakdown: Hit) -> int:
    """Return the number of failures to receive; 0 if the version of ab does not print it."""
    return breakdown.count("receive") if breakdown.get("receive") else 0


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
            or not _count(report, "Failed requests")
            or report.one("breakdown") is not None,
            "requests/s": printed.rate is not None or not some,
            "latency": printed.times != Times() or not some,
        }
    )


def _ended_early(report: Report, requests: int | None) -> list[str]:
    start = report.one("benchmarking")
    failures = [hit["what"] for hit in report.all("failure")]
    if start and start["rest"] not in ("", "done"):
        failures.insert(0, start["rest"])
    if failures:
        return [f"ab gave up: {failures[-1]}"]
    command = report.command
    asked = command.option("-n", "-n") if command and not command.has("-t", "-t") else None
    if asked and asked.isdecimal() and requests is not None and requests < int(asked):
        return [f"The run was stopped early: {requests} of the {asked} requests asked for."]
    # '...' or 'Completed 100 requests' while ab runs; 'done' or 'Finished' at its end.
    if start and start["dots"] and not start["rest"]:
        return ["The run was interrupted: ab does not say that it was done."]
    if report.all("completed") and not report.one("finished"):
        return ["The run was interrupted: ab does not say that it has finished."]
    return []


def _failures(report: Report) -> list[str]:
    failed, breakdown = _count(report, "Failed requests"), report.one("breakdown")
    if failed is None or not breakdown:
        return []
    parts = [int(count) for count in breakdown.match.groups() if count]
    found = []
    if sum(parts) != failed:
        found.append(f"{failed} failed requests are not the sum of their classes, {sum(parts)}.")
    length = int(breakdown["length"])
    if length:
        found.append(
            f"{length} answers are not as long as the first one, or are none: ab counts them as "
            "failed, goodput does not leave them out."
        )
    return found


def _resolution(times: Times) -> list[str]:
    printed = [times.mean, times.max, *times.percentiles.values()]
    if any(value and value.value == 0 for value in printed):
        return ["ab prints whole milliseconds: a latency of 0 here is one below half of one."]
    return []


def _count(report: Report, label: str) -> int | None:
    hit = report.one(label)
    return hit.count("value") if hit else None


def _figure(report: Report, label: str, units: Units, unit: str = "") -> PrintedFigure | None:
    """Return a figure whose unit ab prints in words; `unit` is that unit. None if not printed."""
    return cell(Ab.name, report.one(label), "value", units, unit=unit)
