"""Read the JSON document of vegeta (`vegeta report -type=json`).

What its figures mean (by its source, versions 6 to 12):

- Times are nanoseconds. They begin when a request is sent, and include requests without an answer.
- 'requests' counts every request that ended. Those under the status 0 got no answer.
- 'errors' has each different message once, without its number, also those of answers ('404 Not
  Found'). So errors without an answer have a class only if all messages are of one.
- 'duration' is from the first request to the last, and 'wait' from then to the last answer. The
  answers per second are those over both, as in its own 'throughput', which counts correct ones.
- 'rate' is the rate at which it sent, not the one that was asked for.
"""

import re
from typing import Annotated, Any

from pydantic import StringConstraints

from testbed.model.tool_output import Errors, ToolOutput
from testbed.numbers import written_out
from testbed.texts import shown_name
from testbed.tools import causes, checks, documents
from testbed.tools.checks import Times
from testbed.tools.documents import Amount, Count, Document, DocumentTool, Fields
from testbed.tools.found import distribution, missing
from testbed.tools.listings import Listing

_OF_AN_ANSWER = re.compile(r"\d{3}\b.*", re.DOTALL)  # a message that is a status
_PERCENTILE = re.compile(r"(?P<percentile>\d{1,2}(?:\.\d+)?)th")


# 0 stands for no answer
_Status = Annotated[str, StringConstraints(pattern=r"^(?:0|[1-9][0-9]{2})$")]


_REMEDY = "`vegeta report -type=json FILE` makes the document that is read"


class _Bytes(Fields):
    total: Count


class _Document(Fields):
    latencies: dict[str, float]
    bytes_in: _Bytes
    duration: Amount
    wait: Amount
    requests: Count
    throughput: Amount | None = None
    status_codes: dict[_Status, Count] | None
    errors: list[str] | None = None


class Vegeta(DocumentTool):
    """vegeta: constant rate."""

    name = "vegeta"
    mark = '"latencies"'
    further_mark = '"earliest"'
    for_people = re.compile(r"Requests\s+\[total(?:, \w+)*\]\s.*")
    how = "its JSON is read instead (vegeta report -type=json)"
    listings = (
        Listing(
            re.compile(r'\{"attack":\s*"[^"]*",\s*"seq":\s*\d+,\s*"code":'),
            "vegeta's results, one by one (vegeta encode)",
            _REMEDY,
        ),
        Listing(
            re.compile(r"\d{19},\d{1,3},\d+,\d+,\d+,"),
            "vegeta's results, one by one (vegeta encode -to csv)",
            _REMEDY,
        ),
        Listing(
            re.compile(r"Value\(ms\)\s+Percentile\s+TotalCount\s+1/\(1-Percentile\)$"),
            "vegeta's percentiles alone (-type=hdrplot)",
            _REMEDY,
        ),
        Listing(
            re.compile(r"Bucket\s+#\s+%\s+Histogram$"),
            "vegeta's histogram alone (-type=hist)",
            _REMEDY,
        ),
    )

    def why_no_text(self, data: bytes) -> str | None:
        """Return what gob is, in which vegeta keeps its results; None if the file is not that."""
        head = data[:1000]
        if all(mark in head for mark in (b"Result\x01", b"BytesOut", b"Latency")):
            return f"these are vegeta's results in gob, its binary form; {_REMEDY}"
        return None

    def is_own(self, data: dict[str, Any]) -> bool:
        """Return whether a JSON object has latencies, requests and counts of statuses."""
        return {"latencies", "requests", "status_codes"} <= data.keys()

    def read(self, document: Document) -> ToolOutput:
        """Return what a document says. Raises ParseError if it is not as vegeta writes it."""
        found = document.read(self.name, _Document)
        statuses = found.status_codes or {}
        lost = statuses.get("0", 0)
        good = sum(count for status, count in statuses.items() if status[:1] in ("2", "3"))
        answers = found.requests - lost
        latencies = found.latencies
        percentiles = {
            match["percentile"]: value
            for key, value in latencies.items()
            if (match := _PERCENTILE.fullmatch(key))
        }
        mean, low, high = (latencies.get(name) for name in ("mean", "min", "max"))
        times = documents.times(1e-3, mean=mean, low=low, high=high, percentiles=percentiles)
        if not found.requests:  # of none, vegeta says 0
            times = Times()
        duration_s = (found.duration + found.wait) / 1e9
        errors, remarks = _errors(lost, found.errors or [], answers - good)
        if sum(statuses.values()) != found.requests:
            remarks.append(
                f"{found.requests} requests are not the sum of their statuses, "
                f"{sum(statuses.values())}."
            )
        if lost:
            remarks.append(f"The latencies are also of the {lost} requests without an answer.")
        goodput_rps = good / duration_s if duration_s > 0 else None
        remarks += _contradiction(found.throughput, good, duration_s)
        return ToolOutput(
            tool=self.name,
            duration_s=duration_s,
            requests=answers,
            throughput_rps=answers / duration_s if duration_s > 0 else None,
            goodput_rps=goodput_rps,
            bytes=found.bytes_in.total,
            errors=errors,
            latency_us=distribution(times),
            problems=[
                *missing({"latency": bool(percentiles) or mean is not None}),
                *remarks,
                *checks.order(times, "latency"),
            ],
        )


def _contradiction(told_rps: float | None, good: int, duration_s: float) -> list[str]:
    """Return a sentence if vegeta's own throughput is another; otherwise an empty list."""
    if told_rps is None or duration_s <= 0:
        return []
    if abs(told_rps * duration_s - good) <= 1 + good * checks.TOLERANCE:
        return []
    return [
        f"{good} correct answers in {written_out(duration_s)} s contradict a throughput of "
        f"{written_out(told_rps)}/s."
    ]


def _errors(lost: int, messages: list[str], status: int) -> tuple[Errors, list[str]]:
    """Return errors by class, and a sentence if the class of those without an answer is unknown."""
    if not lost:
        return causes.counted({}, status)
    without = [one for one in messages if not _OF_AN_ANSWER.fullmatch(one)]
    classes = {causes.class_of(message) for message in without}
    if len(classes) == 1:
        return causes.counted({without[0]: lost}, status)
    texts = "; ".join(f"'{shown_name(message)}'" for message in without) or "no message"
    return Errors(status=status), [
        f"{lost} requests got no answer; how many for which reason is not said: {texts}."
    ]
