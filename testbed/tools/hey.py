"""Call hey and read its report.

What its figures mean (hey 0.1.4; tests on recorded outputs check this):

- 'Requests/sec' counts every request that ended, also those without an answer. 'Status code
  distribution' has the answers; 'Error distribution' has the others, by the error message of Go.
  Times are those of answers only.
- If a kept connection is closed before the answer to a GET begins, hey sends the request again on
  another connection and does not count that. So 0 read errors means that no request failed in the
  end. An answer that breaks off within its body, or stalls there until the time-out, counts as
  complete.
- When the time is up, hey waits for the requests under way. They and that time count ('Total').
- Times begin when a request is sent, include connecting, and have four decimals of a second.
- It keeps time and status of the first million answers only. If there are more, it divides the sum
  of all times by one million, so that the average is wrong. The number of all answers follows from
  'Requests/sec'.
- A percentile is the first of the sorted times whose rank exceeds that percentage. With fewer than
  a hundred answers the rank is too high, or the line is '0% in 0.0000 secs'.
- 'Total data' adds up the declared lengths of bodies, and 0 for a chunked body. So it is not used
  as the number of bytes received.
- Without any answer the report is complete, with averages of NaN.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from testbed.model.load import Load
from testbed.model.tool_output import Errors, ToolOutput
from testbed.tools import causes, checks, documents
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
from testbed.tools.lines import Command, Line, whole
from testbed.tools.listings import Listing
from testbed.tools.sections import (
    ITEM,
    Hit,
    Part,
    Report,
    broken,
    cell,
    malformed,
    near,
    part,
    split,
)
from testbed.tools.tool import Generator, Target, each
from testbed.tools.units import COUNT, RATE, TIME_IN_S, TIME_IN_US, PrintedFigure, Units, figure

_MOST_KEPT = 1_000_000  # answers
_LEAST_FOR_PERCENTILES = 100
_FEW = (
    f"Of fewer than {_LEAST_FOR_PERCENTILES} answers hey's percentiles are off: they are left out."
)
_MANY = (
    f"hey keeps {_MOST_KEPT} answers: status is known of those alone, so that errors by status and "
    "goodput are left out; so is the average, which is wrong; percentiles, least and greatest time "
    "are of that first part."
)
_OTHERS = "another tool's"
_BOOM = re.compile(r"Total:\s+[\d.]+ secs\.")
_SUMMARY = ("Total", "Slowest", "Fastest", "Average")
_FOUR_DECIMALS = r"\d+\.\d{4}"


def _summed(rank: int, label: str) -> Part:
    return part(label, rank, rf"{label}:\s+(?P<value>{_FOUR_DECIMALS}|NaN) secs")


PARTS = [
    # oha prints this line and then most of hey's. Its own file says that such a text is not read.
    part(_OTHERS, 0, r"Success rate:.*"),
    *(_summed(rank, label) for rank, label in enumerate(_SUMMARY, start=1)),
    part("rate", 5, rf"Requests/sec:\s+(?P<value>{_FOUR_DECIMALS})", telling=False),
    part("distribution", 6, r"Latency distribution:", telling=False),
    part(
        "percentile",
        7,
        # Some builds print the sign twice
        rf"(?P<percentile>\d+)%%? in\s+(?P<value>{_FOUR_DECIMALS}) secs",
        repeats=True,
    ),
    part("details", 8, r"Details \(average, fastest, slowest\):"),
    part("statuses", 9, r"Status code distribution:", telling=False),
    part(
        "status",
        10,
        r"\[(?P<status>\d+)\]\s+(?P<count>\d+) responses",
        repeats=True,
        telling=False,
    ),
    # Before the errors, whose pattern it fits
    broken("status", 10, r"\[\d{3}\]\s+\S+ responses?", within=True),
    part("errors", 11, r"Error distribution:", telling=False),
    part("error", 12, r"\[(?P<count>\d+)\]\s+(?P<what>\S.*)", repeats=True, telling=False),
    *(
        broken(label, rank, rf"{label}:.*secs\b(?!\.).*")
        for rank, label in enumerate(_SUMMARY, start=1)
    ),
    *(
        broken(label, rank, near(label, r"\W.*\d.*\b(?i:secs)\b.*"), within=True)
        for rank, label in enumerate(_SUMMARY, start=1)
    ),
    broken("percentile", 7, ITEM + r"\d+[\W_]*%+[\W_]*(?i:in)\b.*\d.*", within=True),
    # Fewer decimals are a figure that was cut off.
    broken("rate", 5, r"Requests/sec:\s+(?!\d+\.?\d{0,3}\W*$)\S.*", within=True),
    broken("percentile", 7, r"\d\S*% in\b.*", within=True),
]


class Hey(Generator):
    """hey with HTTP/1.1: closed loop.

    It can limit each connection to a rate (-q). That is not offered as a constant rate: while a
    connection waits for an answer, its turns are lost and are not made up for; requests that were
    not sent are not counted; times begin when a request is sent; and all connections send at the
    same moments.
    """

    name = "hey"
    package = "hey"
    listings = (
        Listing(
            re.compile(r"response-time,DNS\+dialup,DNS,Request-write,"),
            "hey's requests, one by one (-o csv)",
            "without -o hey prints the report that is read",
        ),
    )
    banner = rf"(?:{'|'.join(_SUMMARY)}):\s+(?:{_FOUR_DECIMALS}|NaN) secs\.?|Success rate:.*"
    # Because its 'Requests/sec:' is like wrk's
    own_lines = (
        rf"(?:Success rate|{'|'.join(_SUMMARY)}|Requests/sec|Total data|Size/\w+"
        r"|Total Data Received|Response Size per Request):.*"
    )
    refusals = (
        r"flag provided but not defined: .*",
        r"flag needs an argument: .*",
        r"invalid value .* for flag .*",
        r"-\w.* cannot be (?:smaller|less) than .*",
        r"open .*: no such file or directory",
        r"parse .*: .*",
    )
    saturates = True
    gives_up = True
    ranks_beyond = 2
    rounds_to_us = 100
    whole_seconds = True
    whole_timeouts = True
    version_option = None
    capital_methods = True

    def command(self, load: Load, target: Target, folder: str, cpus: int) -> list[str]:
        """Return the command of hey for the load's duration, on as many threads as asked.

        The time-out is rounded up to whole seconds.
        """
        return [
            self.name,
            *("-z", f"{max(1, round(load.duration_s))}s"),
            *("-c", str(load.connections)),
            *("-cpus", str(load.threads)),
            *("-t", f"{load.timeout_s:.0f}"),
            *("-m", target.method),
            "-disable-compression",  # the other generators do not ask for compression either
            "-disable-redirects",
            *([] if load.keepalive else ["-disable-keepalive"]),
            *(["-D", target.body_file] if target.body_file else []),
            *(["-T", target.content_type] if target.content_type else []),
            *each("-H", target.header_lines),
            target.url,
        ]

    def find(self, lines: Sequence[Line]) -> list[Found]:
        """Return all runs of hey in a text; an empty list if there is none."""
        return [
            *(
                read_or_refuse(self.name, report.first_line, partial(self._read, report))
                for report in split(whole(lines), PARTS, {self.name})
                if not report.one(_OTHERS)
            ),
            *documents.texts_for_people(
                lines,
                self.name,
                _BOOM,
                "this is the report of boom, which became hey and printed otherwise; hey's is read",
            ),
        ]

    def _read(self, report: Report) -> Found:
        strange = malformed(report, self.name)
        command = report.command
        asked = _asked(command, "-c", COUNT)
        connections = round(asked.value) if asked else None
        printed = Printed(
            asked_s=_asked(command, "-z", TIME_IN_S),
            duration_s=_figure(report.one("Total"), TIME_IN_S),
            rate=_figure(report.one("rate"), RATE),
            at_once=connections,
        )
        counts = _counts(report, printed)
        if counts.answers is not None:
            printed.not_answers = counts.lost
            printed.requests = counts.answers + counts.lost
            printed.status_errors = counts.errors.status
            printed.times = _times(report, counts.answers)
        output = ToolOutput(
            tool=self.name,
            command=command.text if command else None,
            url=command.url if command else None,
            duration_s=value_of(printed.duration_s),
            connections=connections,
            requests=counts.answers,
            throughput_rps=_answers_per_s(printed),
            goodput_rps=checks.goodput(printed),
            errors=counts.errors,
            latency_us=distribution(printed.times),
            problems=[
                *_absent(report, printed, counts),
                *not_understood([hit.line.text for hit in strange]),
                *([counts.problem] if counts.problem else []),
                *counts.remarks,
                *checks.problems(printed),
                *_resolution(printed.times),
            ],
        )
        return Found(report.first_line, output)


@dataclass(frozen=True)
class _Counts:
    answers: int | None = None
    lost: int = 0  # requests without an answer
    errors: Errors = field(default_factory=Errors)
    problem: str | None = None  # a sentence on what is wrong with them
    remarks: list[str] = field(default_factory=list)  # on errors whose words show no class


def _counts(report: Report, printed: Printed) -> _Counts:
    """Return answers and errors, with a problem if they are not all requests.

    'Requests/sec' times 'Total' is the number of all requests, to within about one. It is greater
    if the end of the report is lost, or if there were more answers than hey keeps.
    """
    rate, duration = printed.rate, printed.duration_s
    if report.one("statuses") is None or rate is None or duration is None:
        return _Counts()
    messages: Counter[str] = Counter()
    for hit in report.all("error") if report.one("errors") else []:
        messages[hit["what"]] += hit.count("count")
    lost = messages.total()
    by_status = [(hit.count("status"), hit.count("count")) for hit in report.all("status")]
    answers = sum(count for _, count in by_status)
    wrong = sum(count for status, count in by_status if not 200 <= status < 400)
    errors, remarks = causes.counted(messages, wrong)
    least, most = rate.low * duration.low - 0.5, rate.high * duration.high + 0.5
    if least <= answers + lost <= most:
        few = 0 < answers < _LEAST_FOR_PERCENTILES
        return _Counts(answers, lost, errors, _FEW if few else None, remarks)
    if answers == _MOST_KEPT and answers + lost < least:
        known = errors.model_copy(update={"status": None})
        return _Counts(round(rate.value * duration.value) - lost, lost, known, _MANY, remarks)
    return _Counts(
        problem=f"{answers + lost} answers and errors are not what {rate.text} requests/s over "
        f"{duration.text} make: some are not in this output."
    )


def _answers_per_s(printed: Printed) -> float | None:
    if printed.rate is None or printed.requests is None:
        return None
    if not printed.requests:
        return 0.0
    return printed.rate.value * (1 - printed.not_answers / printed.requests)


def _times(report: Report, answers: int) -> Times:
    """Return the times of so many answers, without those that hey calculates wrongly."""
    if not answers:
        return Times()
    times = Times(
        min=_figure(report.one("Fastest"), TIME_IN_US),
        max=_figure(report.one("Slowest"), TIME_IN_US),
    )
    if answers <= _MOST_KEPT:
        times.mean = _figure(report.one("Average"), TIME_IN_US)
    if answers >= _LEAST_FOR_PERCENTILES:
        for hit in report.all("percentile"):
            if not 0 < hit.count("percentile") <= 100:
                raise ParseError(
                    f"'{hit.line.text}' is no percentile as hey prints it", line=hit.line.number
                )
            value = _figure(hit, TIME_IN_US)
            if value is not None:
                times.percentiles[hit["percentile"]] = value
    return times


def _absent(report: Report, printed: Printed, counts: _Counts) -> list[str]:
    return missing(
        {
            "duration": printed.duration_s is not None,
            "requests/s": printed.rate is not None,
            "number of answers": counts.answers is not None or counts.problem is not None,
            "latency": not counts.answers
            or (report.one("Slowest") is not None and report.one("distribution") is not None),
        }
    )


def _resolution(times: Times) -> list[str]:
    printed = [times.mean, times.max, *times.percentiles.values()]
    if any(value and value.value == 0 for value in printed):
        return ["hey prints tenths of a millisecond: a latency of 0 is one below half of that."]
    return []


def _asked(command: Command | None, option: str, units: Units) -> PrintedFigure | None:
    text = command.option(option, option) if command else None
    return figure(text, units) if text else None


def _figure(hit: Hit | None, units: Units) -> PrintedFigure | None:
    """Return the value of a line, or None without a line. hey prints times in seconds."""
    return cell(Hey.name, hit, "value", units, unit="" if units is RATE else "s")
