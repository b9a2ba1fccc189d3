"""Read the latency tables of wrk and wrk2, whose figures belong to the heading above them."""

import re
from dataclasses import dataclass, field
from decimal import Decimal

from testbed.tools.checks import Row, Times
from testbed.tools.errors import ParseError
from testbed.tools.sections import Hit, Report
from testbed.tools.units import TIME_IN_US, PrintedFigure, figure

# A time as the line 'Latency' has it. A maximum of 1000.00ms touches the column before.
CELL = r"-?(?:nan|\d[\d.]*)[a-zA-Z\u00b5\u03bc]*"
# The columns of 'Thread Stats', by the heading that wrk or a fork of it prints.
_COLUMNS = {"avg": "mean", "mean": "mean", "stdev": "stdev", "max": "max", "min": "min"}
_PERCENTILE_COLUMN = re.compile(r"(?:p(?P<p>\d+(?:\.\d+)?)|(?P<percent>\d+(?:\.\d+)?)%)", re.ASCII)
# The lines under a heading come in this order; another order means that a heading is missing.
_ORDER = (
    *("percentile", "spectrum", "spectrum head", "spectrum row"),
    *("spectrum mean", "spectrum max", "spectrum buckets"),
)


@dataclass
class Tables:
    """What was read: response times, service times (wrk2 -U), and remarks on the other lines."""

    latency: Times = field(default_factory=Times)
    service: Times = field(default_factory=Times)
    remarks: list[str] = field(default_factory=list)
    strange: list[Hit] = field(default_factory=list)  # lines that are not as wrk prints them

    def remark(self, sentence: str) -> None:
        """Add a remark, unless it was made before."""
        if sentence not in self.remarks:
            self.remarks.append(sentence)


def read(report: Report) -> Tables:
    """Return all latencies of a report. Raises ParseError if a time cannot be read.

    If both the summary and wrk2's detailed table have a figure, that of the summary is used.
    """
    tables = Tables()
    target: Times | None = None  # of the last heading; None: no heading
    reached: tuple[int, Decimal] = (0, Decimal(0))  # the place of the last line under it
    for hit in report.hits:
        if hit.kind == "distribution":
            uncorrected = (hit.get("of") or "").startswith("Uncorrected")
            target = tables.service if uncorrected else tables.latency
            reached = (0, Decimal(0))
        elif hit.kind == "end of table":
            target = None
        elif hit.kind == "broken percentile" and target is not None:
            tables.strange.append(hit)
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
        tables.latency = Times(answers=tables.latency.answers)
        if not tables.remarks and (report.one("latency") or report.one("distribution")):
            tables.remark(_without_latency(report))
    if _nothing(tables.service):
        tables.service = Times()
    return tables


def _take(hit: Hit, times: Times, tables: Tables) -> None:
    """Add one line to the distribution that it belongs to."""
    if hit.kind == "percentile":
        value = _time(hit["time"], hit, tables)
        if value:
            times.percentiles[_key(hit)] = value
    elif hit.kind == "spectrum row":
        value = figure(f"{hit['ms']}ms", TIME_IN_US)
        if value:
            times.table.append(Row(_key(hit), value, hit.count("count")))
    elif hit.kind == "spectrum mean":
        times.mean = figure(f"{hit['mean']}ms", TIME_IN_US)
        times.stdev = figure(f"{hit['stdev']}ms", TIME_IN_US)
    elif hit.kind == "spectrum max":
        times.answers = hit.count("count")
        if times.answers > 0:
            times.max = figure(f"{hit['max']}ms", TIME_IN_US)


def _take_summary(report: Report, tables: Tables) -> None:
    """Add the line 'Latency' under 'Thread Stats', which may repeat figures of wrk2's table.

    Its columns are what their heading says. Without it, only the first two are known: wrk and its
    forks have the mean and the standard deviation there.
    """
    hit, heading = report.one("latency"), report.one("stats")
    if not hit:
        return
    cells = re.findall(CELL, hit["cells"])
    if heading:
        names = heading["columns"].split()
    else:
        names, cells = ["Avg", "Stdev"], cells[:2]
        tables.remark(
            "The columns of latency lack wrk's heading: the third, mostly the maximum, is left out."
        )
    if len(names) != len(cells):
        tables.remark(
            f"The columns of latency are headed {', '.join(names)}, but there are {len(cells)} "
            "figures under them: they are left out."
        )
        return
    for name, text in zip(names, cells, strict=True):
        # The column of the mean cuts 1000.00ms to this. 1000 minutes would lose their unit.
        whole = "1000.00ms" if text == "1000.00m" and name == names[0] else text
        _take_column(name, _time(whole, hit, tables), tables)


def _take_column(name: str, value: PrintedFigure | None, tables: Tables) -> None:
    times = tables.latency
    percentile = _PERCENTILE_COLUMN.fullmatch(name.lower())
    if percentile:
        key = f"{Decimal(percentile['p'] or percentile['percent']).normalize():f}"
        if value:
            times.percentiles.setdefault(key, value)
    elif name.lower() in _COLUMNS:
        setattr(times, _COLUMNS[name.lower()], value)
    else:
        tables.remark(
            f"A column of latency is headed '{name}', which is not known: it is left out."
        )


def _without_latency(report: Report) -> str:
    """Return a sentence on why there is no latency, as far as the report says it."""
    total = report.one("requests")
    if total is None:
        return "No latency was recorded."
    requests = total.count("requests")
    return f"No latency was recorded, of {requests} answers that are counted."


def _nothing(times: Times) -> bool:
    """Return whether nothing was recorded. Then wrk prints zeros and '-nan%', wrk2 also '-nanus'.

    Both measure in whole microseconds, and every answer takes at least one.
    """
    printed = [times.mean, times.max, *times.both_lists.values()]
    return all(value is None or value.value == 0 for value in printed)


def _time(text: str, hit: Hit, tables: Tables) -> PrintedFigure | None:
    if "nan" in text:
        return None
    value = figure(text, TIME_IN_US)
    if value is None and re.fullmatch(r"-?\d+\.?\d*", text):
        tables.remark(f"A time printed as {text} lost its unit at the edge of its column.")
    elif value is None:
        raise ParseError(f"'{text}' is no time as wrk prints it", line=hit.line.number)
    return value


def _percentile_of(hit: Hit) -> Decimal:
    """Return the percentile of a line, by which lines are ordered; 0 if it has none."""
    if hit.kind == "spectrum row":
        percentile = Decimal(hit["fraction"]) * 100
    else:
        percentile = Decimal(hit["percentile"]) if hit.kind == "percentile" else Decimal(0)
    if percentile > 100:
        raise ParseError(f"'{hit.line.text}' is no percentile", line=hit.line.number)
    return percentile


def _key(hit: Hit) -> str:
    """Return the key of a percentile, such as '50' for 50.000 % and '99.9' for 0.999000."""
    return f"{_percentile_of(hit).normalize():f}"
