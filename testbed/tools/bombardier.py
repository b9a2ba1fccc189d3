"""Read the JSON document of bombardier (`--print result --format json`).

What its figures mean (by its source, versions 1.2 to 2.0):

- req1xx to req5xx and 'others' count every request that ended, by the status of the answer. A
  request without an answer is one of 'others' and of 'errors'.
- Times are microseconds. They begin when a request is sent, and include requests without an answer.
- Its standard deviation counts each different time once, however often it occurred. It is left out.
- Percentiles are written only with --latencies.
- 'rps' has means of short intervals. The answers per second are counted here over the whole time.
"""

import re
from collections import Counter
from typing import Annotated, Any

from pydantic import Field

from testbed.model.tool_output import ToolOutput
from testbed.numbers import written_out
from testbed.tools import causes, checks, documents
from testbed.tools.checks import Printed, Times
from testbed.tools.documents import (
    MOST,
    Amount,
    Count,
    Document,
    DocumentTool,
    Fields,
    Percentile,
)
from testbed.tools.found import distribution
from testbed.tools.units import PrintedFigure


class _Spec(Fields):
    numberOfConnections: Annotated[int, Field(ge=1, le=MOST)]  # noqa: N815 - the names of its keys
    testDurationSeconds: Amount | None = None  # noqa: N815
    numberOfRequests: Count | None = None  # noqa: N815
    url: str
    client: str | None = None
    rate: Amount | None = None


class _Error(Fields):
    description: str
    count: Count


class _Latency(Fields):
    mean: float | None
    max: float | None
    percentiles: dict[Percentile, float] = {}


class _Result(Fields):
    bytesRead: Count  # noqa: N815
    timeTakenSeconds: Amount  # noqa: N815
    req1xx: Count
    req2xx: Count
    req3xx: Count
    req4xx: Count
    req5xx: Count
    others: Count
    errors: list[_Error] = []
    latency: _Latency | None = None


class _Document(Fields):
    spec: _Spec
    result: _Result


class Bombardier(DocumentTool):
    """bombardier: closed loop, or a rate that its connections can hold."""

    name = "bombardier"
    mark = '"numberOfConnections"'
    further_mark = '"timeTakenSeconds"'
    for_people = re.compile(r"Bombarding .* using \d+ connection\(s\)")
    how = "its JSON is read instead (--print result --format json)"

    def is_own(self, data: dict[str, Any]) -> bool:
        """Return whether a JSON object has its two parts."""
        result = data.get("result")
        return "spec" in data and isinstance(result, dict) and "timeTakenSeconds" in result

    def read(self, document: Document) -> ToolOutput:
        """Return what a document says. Raises ParseError if it is not as bombardier writes it."""
        found = document.read(self.name, _Document)
        spec, result = found.spec, found.result
        messages: Counter[str] = Counter()
        for error in result.errors:
            messages[error.description] += error.count
        lost, duration_s = messages.total(), result.timeTakenSeconds
        good = result.req2xx + result.req3xx
        ended = good + result.req1xx + result.req4xx + result.req5xx + result.others
        answers = ended - lost
        errors, remarks = causes.counted(messages, answers - good)
        times = _times(result) if ended else Times()
        remarks += _remarks(spec, result, ended=ended, lost=lost)
        timed = duration_s > 0
        asked_s = spec.testDurationSeconds
        printed = Printed(
            asked_s=_figure(asked_s, " s") if asked_s else None,
            duration_s=_figure(duration_s, " s"),
            requests=ended,
            rate=_figure(ended / duration_s) if timed else None,
            at_once=spec.numberOfConnections if spec.client != "net/http.v2" else None,
            times=times,
        )
        return ToolOutput(
            tool=self.name,
            url=spec.url,
            duration_s=duration_s,
            connections=spec.numberOfConnections,
            rate_rps=spec.rate,
            requests=answers,
            throughput_rps=answers / duration_s if timed else None,
            goodput_rps=good / duration_s if timed else None,
            bytes=result.bytesRead,
            errors=errors,
            latency_us=distribution(times),
            problems=[*remarks, *checks.problems(printed)],
        )


def _figure(value: float, unit: str = "") -> PrintedFigure:
    return PrintedFigure(f"{written_out(value)}{unit}", value)


def _times(result: _Result) -> Times:
    latency = result.latency or _Latency(mean=None, max=None)
    return documents.times(1, mean=latency.mean, high=latency.max, percentiles=latency.percentiles)


def _remarks(spec: _Spec, result: _Result, *, ended: int, lost: int) -> list[str]:
    """Return a sentence for each reason to doubt the figures.

    `ended` requests have come to an end, `lost` of them without an answer.
    """
    remarks = []
    if lost > result.others:
        remarks.append(f"{lost} errors are more than the {result.others} 'others' they are of.")
    elif lost and result.latency:
        remarks.append(f"The latencies are also of the {lost} requests without an answer.")
    if spec.numberOfRequests is not None and ended < spec.numberOfRequests:
        remarks.append(
            f"The run was stopped early: {ended} of the {spec.numberOfRequests} requests asked for."
        )
    return remarks
