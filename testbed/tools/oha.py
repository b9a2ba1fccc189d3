"""Read the JSON document of oha (`--output-format json`, in older versions `--json`).

What its figures mean (by its source and its schema, versions 0.5 to 1.x):

- Times are seconds. They begin when a request is sent, unless --latency-correction was given, which
  the document does not say; and they are those of answers only.
- 'statusCodeDistribution' counts the answers, and 'errorDistribution' all other requests by the
  error. Those 'aborted due to deadline' were under way when the time was up: they count as
  unanswered, not as errors.
- 'requestsPerSec' counts all of them. The answers per second are counted here.
- A percentile is the time whose rank is the next above it.
- 'totalData' adds up bodies without heads, so it is not used as the number of bytes received.
- A figure that does not exist is null.
"""

import re
from typing import Any

from testbed.model.tool_output import ToolOutput
from testbed.numbers import written_out
from testbed.tools import causes, checks, documents
from testbed.tools.documents import Amount, Count, Document, DocumentTool, Fields, Status
from testbed.tools.found import distribution, missing
from testbed.tools.listings import Listing

_DEADLINE = "aborted due to deadline"


class _Summary(Fields):
    total: Amount
    slowest: float | None
    fastest: float | None
    average: float | None
    requestsPerSec: Amount | None  # noqa: N815 - the names of its keys


class _Document(Fields):
    summary: _Summary
    latencyPercentiles: dict[str, float | None] = {}  # noqa: N815
    statusCodeDistribution: dict[Status, Count]  # noqa: N815
    errorDistribution: dict[str, Count] = {}  # noqa: N815


class Oha(DocumentTool):
    """oha: closed loop, or a rate (-q)."""

    name = "oha"
    mark = '"successRate"'
    further_mark = '"statusCodeDistribution"'
    for_people = re.compile(r"Success rate:\s+(?:[\d.]+%?|NaN%?)")
    how = "its JSON is read instead (--output-format json, in older versions --json)"
    listings = (
        Listing(
            re.compile(r"request-start,DNS,DNS\+dialup,"),
            "oha's requests, one by one (--output-format csv)",
            "--output-format json writes the document that is read",
        ),
    )

    def is_own(self, data: dict[str, Any]) -> bool:
        """Return whether a JSON object has a summary and counts of statuses."""
        return "summary" in data and "statusCodeDistribution" in data

    def read(self, document: Document) -> ToolOutput:
        """Return what a document says. Raises ParseError if it is not as oha writes it."""
        found = document.read(self.name, _Document)
        summary, statuses = found.summary, found.statusCodeDistribution
        lost = dict(found.errorDistribution)
        unanswered = lost.pop(_DEADLINE, 0)
        answers = sum(statuses.values())
        good = sum(count for status, count in statuses.items() if status[:1] in ("2", "3"))
        errors, remarks = causes.counted(lost, answers - good)
        percentiles = {
            key.removeprefix("p"): value
            for key, value in found.latencyPercentiles.items()
            if value is not None and re.fullmatch(r"p\d{1,2}(?:\.\d+)?|p100", key)
        }
        remarks += missing({"percentiles of the latency": bool(percentiles) or not answers})
        times = documents.times(
            1e6,
            mean=summary.average,
            low=summary.fastest,
            high=summary.slowest,
            percentiles=percentiles if answers else {},
        )
        duration_s = summary.total
        ended = answers + unanswered + sum(lost.values())
        rate = summary.requestsPerSec
        if rate is not None and abs(rate * duration_s - ended) > 1 + ended * checks.TOLERANCE:
            remarks.append(
                f"{ended} requests contradict {written_out(rate)} requests/s over "
                f"{written_out(duration_s)} s."
            )
        return ToolOutput(
            tool=self.name,
            duration_s=duration_s,
            requests=answers,
            throughput_rps=answers / duration_s if duration_s > 0 else None,
            goodput_rps=good / duration_s if duration_s > 0 else None,
            errors=errors,
            latency_us=distribution(times),
            unanswered=unanswered,
            problems=[*remarks, *checks.order(times, "latency")],
        )
