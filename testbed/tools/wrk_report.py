"""Read the report of wrk, and what wrk2 adds to it. Some lines show that wrk2 printed the report.

What its figures mean (observed with wrk 4; tests on recorded outputs check this):

- 'requests' are complete answers of any status, including late ones. Answers later than --timeout
  are counted both as timeouts and as requests, but are not in the latency figures. (wrk 3 and wrk2
  instead count, at intervals, the connections that have waited longer than that.)
- 'Non-2xx or 3xx' are answers with a status above 399. A line of errors is not printed if all its
  counts are zero. So if the last lines of the report are there, a missing line means zero.
- Latency begins when a request is sent, so it is a service time in spite of its name.
- wrk 4 adds latencies after the run (`stats_correct`). It takes a latency of at least twice the
  mean interval between a connection's requests for a stall, and adds those of requests that it
  holds were omitted. The mean and the percentiles include them; `checks` says so where it shows.
- If nothing was recorded, wrk prints 0.00us and '-nan%'. That means an unknown latency, not zero.
- Columns are cut at a fixed width, so that a very long time loses its unit.
- Forks print other columns, such as 99% where wrk prints the maximum. So the heading is read.

What the figures of wrk2 mean:

- 'Recorded Latency' begins when a request was due, and 'Uncorrected Latency' (-U) when it was sent.
  They become latency_us and service_us of ToolOutput.
- Both exclude the time before calibration (10 s and more), but the number of requests includes it.
  So they are of fewer answers; how many, the end of the detailed table says ('Total count'). Of the
  others it prints each thread's mean, and twice their p90 as 'rate sampling interval' (in whole ms
  and at least 10). The last answer of each thread may be missing, too.
- The rate asked for (-R) is not printed. It is known only if the command line is in the text.
- The times in the detailed tables are milliseconds; percentiles are fractions of 1. If a percentile
  lies between two answers, the table has the time of the slower one, and the summary above it that
  of the nearer one. Of 7494 answers, 99.9878 % is the last in the table, and 99.99 % the last but
  one in the summary.
"""

import re
from collections.abc import Sequence
from functools import partial
from itertools import pairwise

from testbed.model.tool_output import Distribution, Errors, ToolOutput
from testbed.tools import checks, wrk_lines, wrk_tables
from testbed.tools.checks import Printed, Times
from testbed.tools.errors import ParseError
from testbed.tools.found import (
    Found,
    distribution,
    missing,
    not_understood,
    read_or_refuse,
    value_of,
    with_problem,
)
from testbed.tools.lines import Command, Line
from testbed.tools.sections import BROKEN, Hit, Report, cell, malformed, split
from testbed.tools.units import BYTES, COUNT, TIME_IN_S, PrintedFigure, Units, figure

WRK, WRK2 = "wrk", "wrk2"
_SCRIPTED = (
    "Lines below the report are like wrk's, as a script prints them at its end: they are left out."
)
# Without any of these, what stands below a whole report is no report of its own
_OF_A_RUN = {
    *("running", "broken running", "threads", "calibration", "stats", "latency", "per thread"),
    *("requests", "byte rate", wrk_lines.GO_WRK, "spectrum head"),
}
_MIXED = (
    "A run without an end stands beside one without a head: if two ran at once, lines of both are "
    "mixed here."
)
# A report can do without what was asked, and without what only wrk2 says of its times
_OPTIONAL = {"running", "threads", "calibration", "spectrum max"}

# A last line without a newline is used only if it ends like this. Any other may have been cut off
# within a figure ('1.29m' of '1.29ms', '10' of '102.96').
_RATE = r"^Requests/sec:\s*\d+(?:\.\d*)?$"  # but see _forget_rate_if_cut_off
_UNCUT = r"\.\d\d|\d(?:us|ms|s)|B|%|read|\)|connections"


def find(lines: Sequence[Line], tool: str | None = None) -> list[Found]:
    """Return all runs of wrk and wrk2 in a text, as those of `tool` if it is given."""
    reports = split(_believed(lines), wrk_lines.PARTS, {WRK, WRK2})
    mixed = _mixed(reports)
    found: list[Found] = []
    for number, report in enumerate(reports):
        name = tool or (WRK2 if _wrk2s(report) else WRK)
        if report.one(wrk_lines.OTHERS) or _of_hey(report):
            continue
        if number and found and _of_a_script(report, reports[number - 1]):
            found[-1] = with_problem(found[-1], _SCRIPTED)
        else:
            run = read_or_refuse(name, report.first_line, partial(_read, report, name))
            found.append(with_problem(run, _MIXED) if number in mixed else run)
    return found


def _of_a_script(report: Report, before: Report) -> bool:
    """Return whether a report is what a script printed below the report of its run."""
    if report.command or not (before.one("rate") and before.one("requests")):
        return False
    return not any(hit.kind in _OF_A_RUN for hit in report.hits)


def _of_hey(report: Report) -> bool:
    """Return whether a report is no more than the line of hey that is like one of wrk."""
    return all(hit.kind == "rate" and re.search(r"\.\d{3,}$", hit["rate"]) for hit in report.hits)


def _mixed(reports: Sequence[Report]) -> set[int]:
    """Return which reports may be of two runs: one without an end, and those after it headless."""
    found: set[int] = set()
    for number, (before, report) in enumerate(pairwise(reports), start=1):
        headed = report.command or report.one("running") or report.one("broken running")
        if not headed and (number - 1 in found or not before.one("rate")):
            found |= {number - 1, number}
    return found


def _believed(lines: Sequence[Line]) -> Sequence[Line]:
    """Return all lines, without the last one if it may have been cut off.

    A URL at the end of a text may always have been cut off.
    """
    last = lines[-1]
    whole = re.search(rf"{_RATE}|(?:{_UNCUT})$", last.text) and "Running" not in last.text
    return lines[:-1] if last.cut and not whole else lines


def _forget_rate_if_cut_off(printed: Printed, report: Report) -> None:
    """Discard a rate at the very end of a text if digits of it may be missing.

    wrk prints two decimals. Fewer are accepted only as a rounded rate in a report that somebody
    edited, which other missing lines show.
    """
    rate = report.one("rate")
    whole = not rate or not rate.line.cut or re.search(r"\.\d\d$", rate.line.text)
    if not whole and (report.one("threads") or not _rounded(printed)):
        printed.rate = None


def _rounded(printed: Printed) -> bool:
    """Return whether the printed rate is the rounded quotient of requests and duration."""
    requests, rate, duration = printed.requests, printed.rate, printed.duration_s
    if requests is None or rate is None or duration is None:
        return False
    return rate.low * duration.low <= requests <= rate.high * duration.high


def _read(report: Report, tool: str) -> Found:
    _refuse_others(report)
    running, threads = report.one("running"), report.one("threads")
    place = running or report.one("results of")
    errors = _errors(report)
    tables = wrk_tables.read(report)
    strange = _strange(report, tables)
    connections = threads.count("connections") if threads else _asked(report, "connections")
    at_once = connections if tool == WRK and not _scripted(report) else None
    printed = _printed(report, errors, tables.latency, at_once)
    _forget_rate_if_cut_off(printed, report)
    return Found(
        report.first_line,
        ToolOutput(
            tool=tool,
            command=report.command.text if report.command else None,
            url=place["url"] if place else None,
            duration_s=value_of(printed.duration_s),
            connections=connections,
            threads=threads.count("threads") if threads else _asked(report, "threads"),
            rate_rps=_asked_rate(report.command),
            requests=printed.requests,
            throughput_rps=value_of(printed.rate),
            goodput_rps=checks.goodput(printed),
            bytes=round(printed.bytes.value) if printed.bytes else None,
            errors=errors,
            latency_us=distribution(tables.latency),
            timed=tables.latency.answers if tool == WRK2 else None,
            untimed_us=_calibrated(report),
            service_us=None if tables.service == Times() else distribution(tables.service),
            problems=[
                *_missing(report, printed),
                *strange,
                *tables.remarks,
                *checks.problems(printed),
                *checks.order(tables.service, "uncorrected latency"),
            ],
        ),
    )


def _refuse_others(report: Report) -> None:
    """Raise ParseError if the lines, which look like wrk's, are of another tool."""
    if other := report.one(wrk_lines.GO_WRK):
        raise ParseError(
            "this is the report of go-wrk, another tool, whose lines only look like those of wrk: "
            "it is not read",
            line=other.line.number,
        )
    if all(hit.kind.startswith("spectrum") or hit.kind == "end of table" for hit in report.hits):
        raise ParseError(
            "this is a table of percentiles alone, as HdrHistogram writes it, of an unknown tool; "
            "the whole output of a tool is read",
            line=report.first_line,
        )


def _printed(report: Report, errors: Errors, latency: Times, at_once: int | None) -> Printed:
    """Return the figures that are held against each other; `at_once` are requests under way."""
    total = report.one("requests")
    return Printed(
        asked_s=_cell(report.one("running"), "asked", TIME_IN_S),
        duration_s=_cell(total, "duration", TIME_IN_S),
        requests=total.count("requests") if total else None,
        rate=_cell(report.one("rate"), "rate", COUNT),
        bytes=_cell(total, "bytes", BYTES),
        byte_rates=[rate] if (rate := _cell(report.one("byte rate"), "rate", BYTES)) else [],
        status_errors=errors.status,
        untimed=errors.timeout or 0,
        at_once=at_once,
        times=latency,
    )


def _calibrated(report: Report) -> Distribution | None:
    """Return what no thread of wrk2 exceeded while it calibrated itself; None if that is not told.

    The p90 is half the interval that is printed without its fraction of a millisecond.
    """
    threads = report.all("calibration")
    broken = report.one(f"{BROKEN}calibration")
    if broken or not threads or not all(hit.get("mean") for hit in threads):
        return None
    return Distribution(
        mean=1000 * max(float(hit["mean"]) for hit in threads),
        percentiles={"90": 500.0 * (1 + max(hit.count("interval") for hit in threads))},
    )


def _missing(report: Report, printed: Printed) -> list[str]:
    """Return a sentence on what is not there."""
    total = report.one("requests")
    return missing(
        {
            "duration and URL as asked": report.one("running") is not None
            or report.one("broken running") is not None,
            "latency": report.one("latency") is not None or printed.times.mean is not None,
            "number of requests and their duration": total is not None,
            "bytes read": total is None or printed.bytes is not None,
            "requests/s": printed.rate is not None,
        }
    )


def _errors(report: Report) -> Errors:
    """Return the counts by class.

    A class that is not printed is zero if the lines after its place are there, otherwise unknown.
    """
    end, total = report.one("rate"), report.one("requests")
    sockets, status = report.one("socket errors"), report.one("status errors")
    classes = ("connect", "read", "write", "timeout")
    known: dict[str, int] = {}
    if sockets:
        known = {name: sockets.count(name) for name in classes}
    elif total and (end or status):
        known = dict.fromkeys(classes, 0)
    if status:
        known["status"] = status.count("count")
    elif end and (total or sockets):
        known["status"] = 0
    return Errors(**known)


def _cell(hit: Hit | None, group: str, units: Units) -> PrintedFigure | None:
    return cell(WRK, hit, group, units)


def _asked(report: Report, what: str) -> int | None:
    """Return the threads or connections that the command line asks for; None if it does not."""
    text = report.command.option(f"-{what[0]}", f"--{what}") if report.command else None
    value = figure(text, COUNT) if text else None
    return round(value.value) if value else None


def _scripted(report: Report) -> bool:
    """Return whether the command line names a script, which may send several requests at once."""
    return report.command is not None and report.command.has("-s", "--script")


def _strange(report: Report, tables: wrk_tables.Tables) -> list[str]:
    """Return a sentence on lines that are not as wrk prints them; an empty list if there are none.

    Raises ParseError if a kind of figures is in the report only in such a form.
    """
    # A line that is like a percentile is one only under a heading.
    optional = _OPTIONAL if tables.strange else _OPTIONAL | {"percentile"}
    hits = malformed(report, WRK, optional)
    shown = [hit for hit in hits if hit.kind != f"{BROKEN}percentile"] + tables.strange
    return not_understood([hit.line.text for hit in shown])


def _wrk2s(report: Report) -> int | None:
    """Return the line that shows that wrk2 wrote this report; None if wrk may have written it."""
    for hit in report.hits:
        if hit.kind == "calibration" or hit.kind.startswith("spectrum"):
            return hit.line.number
        if hit.kind == "distribution" and hit.get("of"):
            return hit.line.number
    command = report.command
    by_command = command and (command.program == WRK2 or command.has("-R", "--rate"))
    return report.first_line if by_command else None


def _asked_rate(command: Command | None) -> float | None:
    """Return the requests per second that the command line asks for, e.g. 4000 for '-R 4k'.

    Return None if it does not ask for a rate.
    """
    asked = command.option("-R", "--rate") if command else None
    value = figure(asked, COUNT) if asked else None
    return value.value if value else None
