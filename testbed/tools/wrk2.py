"""What wrk2 prints beyond wrk: its HdrHistogram tables, and the marks that tell it from wrk.

- 'Recorded Latency' counts from when a request was due; 'Uncorrected Latency' (-U) from when it
  was sent: ToolOutput's latency_us and service_us.
- Both leave out the time before calibration (10 s and more), the count of requests does not.
- The rate asked for (-R) is not printed; it is known only if the command line stands above.
- The tables' times are milliseconds, their percentiles fractions of one.
"""

from testbed.tools.lines import Command
from testbed.tools.sections import Report, part
from testbed.tools.units import COUNT, figure

_NUMBER = r"-?\d+\.\d+|-?nan"
SPECTRUM_PARTS = [
    part("spectrum", 6, r"Detailed Percentile spectrum:", repeats=True),
    part("spectrum head", 6, r"Value\s+Percentile\s+TotalCount\s+1/\(1-Percentile\)", repeats=True),
    part(
        "spectrum row",
        6,
        r"(?P<ms>\d+\.\d+)\s+(?P<fraction>[01]\.\d+)\s+\d+\s+(?:\d+\.\d+|inf)",
        repeats=True,
    ),
    part(
        "spectrum mean",
        6,
        rf"#\[Mean\s*=\s*(?P<mean>{_NUMBER}), StdDeviation\s*=\s*(?P<stdev>{_NUMBER})\]",
        repeats=True,
    ),
    part(
        "spectrum max",
        6,
        rf"#\[Max\s*=\s*(?P<max>{_NUMBER}), Total count\s*=\s*(?P<count>\d+)\]",
        repeats=True,
    ),
    part("spectrum buckets", 6, r"#\[Buckets\s*=.*\]", repeats=True),
    part("end of table", 6, r"-{20,}", repeats=True, telling=False),
]


def marks(report: Report) -> int | None:
    """The line that shows that wrk2 wrote this report; None if wrk may have."""
    for hit in report.hits:
        if hit.kind == "calibration" or hit.kind.startswith("spectrum"):
            return hit.line.number
        if hit.kind == "distribution" and hit.get("of"):
            return hit.line.number
    command = report.command
    by_command = command and (command.program == "wrk2" or command.has("-R", "--rate"))
    return report.first_line if by_command else None


def asked_rate(command: Command | None) -> float | None:
    """Requests per second as the command line asks for them, e.g. 4000 for '-R 4k'."""
    asked = command.option("-R", "--rate") if command else None
    value = figure(asked, COUNT) if asked else None
    return value.value if value else None
