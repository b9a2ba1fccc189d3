"""Call h2load (nghttp2) with HTTP/1.1, and read its report.

What its figures mean (h2load 1.52; tests on recorded outputs check this):

- The time of a request begins when it was sent. The report has the least, greatest and mean time
  and the standard deviation, and no percentiles.
- 'done' counts every request that ended; 'failed' those of them without a status of 2xx or 3xx;
  'errored' those of the failed ones without an answer.
- A connection that is refused or closed is not counted. It is not used for the rest of the run, so
  that the load may use fewer connections than asked. A late answer is not counted as an error
  either, because h2load aborts if a run for a time (-D) has a time-out (-N). So a count of 0 proves
  nothing about errors other than a status, and is read as unknown.
- Requests that are 'started' but not 'done' had no answer when the time was up. h2load ends then,
  even if the server has stopped answering; but while a connection that was never accepted is
  opening, it does not end.
- The answers per second are 'done' divided by the duration asked for, not by 'finished in'.
"""

import re
from collections.abc import Sequence
from functools import partial

from testbed.model.load import Load
from testbed.model.tool_output import Errors, ToolOutput
from testbed.tools import checks
from testbed.tools.checks import Printed, Times
from testbed.tools.found import (
    Found,
    distribution,
    missing,
    not_understood,
    read_or_refuse,
    value_of,
)
from testbed.tools.lines import Line, whole
from testbed.tools.listings import Listing
from testbed.tools.sections import Hit, Report, broken, cell, malformed, part, split
from testbed.tools.tool import Generator, Target, each
from testbed.tools.units import RATE, TIME_IN_S, TIME_IN_US, PrintedFigure, Units

_COUNTS = ("total", "started", "done", "succeeded", "failed", "errored", "timeout")
_STREAMS = ("-m", "--max-concurrent-streams")  # several requests at once on a connection
_TIMES = ("min", "max", "mean", "stdev")
PARTS = [
    part("start", 0, r"starting benchmark\.\.\."),
    part(
        "thread",
        1,
        r"spawning thread #(?P<number>\d+): (?P<clients>\d+) total client\(s\)\. "
        r"(?:Timing-based test with \d+s of warm-up time and (?P<asked>\d+s) of .*|.*)",
        repeats=True,
    ),
    # after all threads are there
    part(
        "progress",
        2,
        r"progress: \d+% .*|(?:Warm-up|Main|Stopped) .*\bthread #(?P<number>\d+)\b.*",
        repeats=True,
        telling=False,
    ),
    part("finished", 3, r"finished in (?P<duration>\S+), (?P<rate>\S+) req/s, \S+B/s"),
    # Before version 1.7 without time-outs, and with whole bytes alone
    part(
        "requests",
        4,
        "requests: "
        + ", ".join(rf"(?P<{name}>\d+) {name}" for name in _COUNTS[:-1])
        + r"(?:, (?P<timeout>\d+) timeout)?",
    ),
    part("traffic", 5, r"traffic: (?:\S+ \()?(?P<bytes>\d+)(?:\)| bytes) total, .*"),
    part(
        "times",
        6,
        r"time for request:\s+" + r"\s+".join(rf"(?P<{name}>\S+)" for name in _TIMES) + r"\s+\S+%",
    ),
    part("other times", 6, r"request\s*:\s+\d\S*\s+\d.*%", telling=False),
    broken("finished", 3, r"finished in \d.*"),
    broken("requests", 4, r"requests:.*\btotal\b.*"),
    broken("traffic", 5, r"traffic:.*\btotal\b.*"),
    broken("times", 6, r"time for request:.*"),
]


class H2load(Generator):
    """h2load with HTTP/1.1: closed loop, only with connections that are kept.

    Its constant rate for each connection (--rps) is not offered, because its times then still begin
    when a request is sent, and it gives no percentiles. It waits for every answer without a limit.
    """

    name = "h2load"
    package = "nghttp2-client"
    banner = r"starting benchmark\.\.\."
    inner = r"finished in \S+, \S+ req/s, \S+"
    refusals = (r"\[ERROR\] .*", r"h2load: .*", r"h2load nghttp2/.*")
    listings = (
        Listing(
            re.compile(r"\d{16}\t-?\d{1,3}\t\d+(?:\t|$)"),
            "h2load's requests, one by one (--log-file)",
            "what h2load itself prints is read",
        ),
    )
    saturates = True
    waits_after_head = True
    keeps_connections = True
    whole_seconds = True
    why_it_hangs = (
        "h2load has no time-out: it may wait for ever for a connection that the app closes or does "
        "not accept; ask an app or a setting that keeps them, or take another generator"
    )

    def command(self, load: Load, target: Target, folder: str, cpus: int) -> list[str]:
        """Return the command of h2load for whole seconds. `timeout_s` is not used.

        h2load waits for every answer.
        """
        return [
            self.name,
            "--h1",
            f"-t{load.threads}",
            f"-c{load.connections}",
            f"-D{max(1, round(load.duration_s))}",
            *(["-d", target.body_file] if target.body_file else []),  # makes it a POST
            *([] if target.method in ("GET", "POST") else ["-H", f":method: {target.method}"]),
            *each("-H", target.all_header_lines),
            target.url,
        ]

    def find(self, lines: Sequence[Line]) -> list[Found]:
        """Return all runs of h2load in a text; an empty list if there is none."""
        return [
            read_or_refuse(self.name, report.first_line, partial(self._read, report))
            for report in split(whole(lines), PARTS, {self.name})
        ]

    def _read(self, report: Report) -> Found:
        strange = malformed(report, self.name)
        others = report.all("other times")  # of a version with other columns
        finished, requests = report.one("finished"), report.one("requests")
        traffic, threads = report.one("traffic"), report.all("thread")
        all_threads = threads if _are_all(threads, report) else []
        clients = sum(hit.count("clients") for hit in all_threads) or None
        counts = {name: requests.count(name) for name in _COUNTS if requests and requests.get(name)}
        answered = counts["done"] - counts["errored"] if counts else None
        size = traffic.count("bytes") if traffic else None
        printed = Printed(
            asked_s=_figure(threads[0], "asked", TIME_IN_S) if threads else None,
            duration_s=_figure(finished, "duration", TIME_IN_S),
            requests=counts.get("done"),
            rate=_figure(finished, "rate", RATE),
            bytes=None if size is None else PrintedFigure(f"{size} B", size),
            status_errors=counts["failed"] - counts["errored"] if counts else None,
            not_answers=counts.get("errored", 0),
            at_once=clients if report.command and not report.command.has(*_STREAMS) else None,
            times=_times(report.one("times")) if answered else Times(),
        )
        output = ToolOutput(
            tool=self.name,
            command=report.command.text if report.command else None,
            url=report.command.url if report.command else None,
            duration_s=value_of(printed.duration_s),
            connections=clients,
            threads=len(all_threads) or None,
            requests=answered,
            throughput_rps=_answers_per_s(printed),
            goodput_rps=checks.goodput(printed),
            bytes=size,
            errors=_errors(counts),
            latency_us=distribution(printed.times),
            problems=[
                *_missing(report, answered),
                *not_understood([hit.line.text for hit in [*strange, *others]]),
                *checks.problems(printed),
            ],
        )
        return Found(report.first_line, output)


def _missing(report: Report, answered: int | None) -> list[str]:
    """Return a sentence on what is not there; it has no times if no answer came."""
    return missing(
        {
            "duration and requests/s": report.one("finished") is not None,
            "number of requests": report.one("requests") is not None,
            "bytes read": report.one("traffic") is not None,
            "latency": not answered
            or (report.one("times") or report.one("other times")) is not None,
        }
    )


def _are_all(threads: list[Hit], report: Report) -> bool:
    """Return whether no line on the start of a thread is missing: they are numbered from 0."""
    later = report.all("progress")
    named = {hit.count("number") for hit in later if hit.get("number")}
    started = [hit.count("number") for hit in threads]
    complete = started == list(range(len(started))) and named <= set(started)
    return complete and bool(later or report.one("finished"))


def _answers_per_s(printed: Printed) -> float | None:
    if printed.rate is None or printed.requests is None:
        return value_of(printed.rate)
    if not printed.requests:
        return 0.0
    return printed.rate.value * (1 - printed.not_answers / printed.requests)


def _errors(counts: dict[str, int]) -> Errors:
    """Return the errors by class.

    h2load does not say whether a request failed when it was sent or when its answer was read.
    """
    if not counts:
        return Errors()
    timeout = counts.get("timeout", 0)
    return Errors(
        read=counts["errored"] - timeout or None,
        timeout=timeout or None,
        status=counts["failed"] - counts["errored"],
    )


def _times(hit: Hit | None) -> Times:
    if hit is None:
        return Times()
    low, high, mean, stdev = (_figure(hit, name, TIME_IN_US) for name in _TIMES)
    return Times(mean=mean, stdev=stdev, min=low, max=high)


def _figure(hit: Hit | None, group: str, units: Units) -> PrintedFigure | None:
    return cell(H2load.name, hit, group, units)
