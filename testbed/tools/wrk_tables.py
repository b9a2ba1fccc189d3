"""The latency tables of wrk and wrk2: which figures stand under which heading."""

import re
from dataclasses import dataclass, field
from decimal import Decimal

from testbed.tools.checks import Times
from testbed.tools.errors import ParseError
from testbed.tools.sections import Hit, Report
from testbed.tools.units import TIME_IN_US, Figure, figure

# The lines under a heading come in this order; another order means that a heading is missing.
_ORDER = (
    *("percentile", "spectrum", "spectrum head", "spectrum row"),
    *("spectrum mean", "spectrum max", "spectrum buckets"),
)


@dataclass
class Tables:
    """What was read: response times, service times (wrk2 -U), and remarks on the rest."""

    latency: Times = field(default_factory=Times)
    service: Times = field(default_factory=Times)
    remarks: list[str] = field(default_factory=list)

    def remark(self, sentence: str) -> None:
        """Say something once."""
        if sentence not in self.remarks:
            self.remarks.append(sentence)


def read(report: Report) -> Tables:
    """All latencies of a report. Raises ParseError at a time that is none.

    Where the summary and wrk2's detailed table have the same figure, the summary's stands.
    """
    tables = Tables()
    target: Times | None = None  # of the heading above; None: there is none
    reached: tuple[int, Decimal] = (0, Decimal(0))  # how far into the lines under it
    for hit in report.hits:
        if hit.kind == "distribution":
            uncorrected = (hit.get("of") or "").startswith("Uncorrected")
            target = tables.service if uncorrected else tables.latency
            reached = (0, Decimal(0))
        elif hit.kind == "end of table":
            target = None
        elif hit.kind in _ORDER:
            place = (_ORDER.index(hit.kind), _percentile_of(hit))
            if target is None or place < reached:
                target = None
                tables.remark("Latencies without their heading are left out.")
            else:
                reached = place
                _take(hit, target, tables)
    _take_summary(report, tables)
    if _nothing(tables.latency):
        tables.latency = Times()
        if not tables.remarks and (report.one("latency") or report.one("distribution")):
            tables.remark("No latency was recorded: no answer came, or none within the timeout.")
    if _nothing(tables.service):
        tables.service = Times()
    return tables


def _take(hit: Hit, times: Times, tables: Tables) -> None:
    """Add one line to the distribution that it belongs to."""
    if hit.kind == "percentile":
        value = _time(hit, "time", tables)
        if value:
            times.percentiles[_key(hit)] = value
    elif hit.kind == "spectrum row":
        value = figure(f"{hit['ms']}ms", TIME_IN_US)
        if value:
            times.percentiles.setdefault(_key(hit), value)
    elif hit.kind == "spectrum mean":
        times.mean = figure(f"{hit['mean']}ms", TIME_IN_US)
        times.stdev = figure(f"{hit['stdev']}ms", TIME_IN_US)
    elif hit.kind == "spectrum max" and int(hit["count"]) > 0:
        times.max = figure(f"{hit['max']}ms", TIME_IN_US)


def _take_summary(report: Report, tables: Tables) -> None:
    """The line 'Latency' under 'Thread Stats'; it may repeat what wrk2's table says."""
    hit = report.one("latency")
    if hit:
        times = tables.latency
        # 1000.00ms is cut off at the mean's column; as many minutes would lose their unit.
        cut_off = hit["mean"] == "1000.00m"
        times.mean = figure("1000.00ms", TIME_IN_US) if cut_off else _time(hit, "mean", tables)
        times.stdev = _time(hit, "stdev", tables)
        times.max = _time(hit, "max", tables)


def _nothing(times: Times) -> bool:
    """Whether nothing was recorded: wrk prints zeros and '-nan%' then, wrk2 also '-nanus'.

    Both measure in whole microseconds, and no answer takes less than one.
    """
    printed = [times.mean, times.max, *times.percentiles.values()]
    return all(value is None or value.value == 0 for value in printed)


def _time(hit: Hit, group: str, tables: Tables) -> Figure | None:
    text = hit[group]
    if "nan" in text:
        return None
    value = figure(text, TIME_IN_US)
    if value is None and re.fullmatch(r"-?\d+\.?\d*", text):
        tables.remark(f"A time printed as {text} lost its unit at the edge of its column.")
    elif value is None:
        raise ParseError(f"'{text}' is no time as wrk prints it", line=hit.line.number)
    return value


def _percentile_of(hit: Hit) -> Decimal:
    """The percentile of a line that has one, for the order of lines; else 0."""
    if hit.kind == "spectrum row":
        percentile = Decimal(hit["fraction"]) * 100
    else:
        percentile = Decimal(hit["percentile"]) if hit.kind == "percentile" else Decimal(0)
    if percentile > 100:
        raise ParseError(f"'{hit.line.text}' is no percentile", line=hit.line.number)
    return percentile


def _key(hit: Hit) -> str:
    """'50' for 50.000 %, '99.9' for 0.999000."""
    return f"{_percentile_of(hit).normalize():f}"
