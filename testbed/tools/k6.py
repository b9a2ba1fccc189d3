"""Read the summary of k6: what `--summary-export` writes, or the data of handleSummary as JSON.

What its figures mean (by its documentation, versions 0.26 to 1.x):

- Times are milliseconds, whatever unit the summary for people has. 'http_req_duration' is the time
  for sending, waiting and receiving, without connecting, of all requests, also those that failed.
  'med' is the median.
- 'http_reqs' counts every request that ended. In 'http_req_failed', which is of version 0.31 or
  later, 'passes' counts those that failed: without a status of 2xx or 3xx, unless the script says
  which statuses it expects. So failed requests may be answers or not: the errors have no class,
  and the number of answers is known only if none failed.
- The rate is that over the whole test, with its setup. The duration is in handleSummary's data
  only; otherwise it follows from number and rate.
- If iterations were dropped, k6 did not hold the rate that was asked for.
"""

import re
from typing import Annotated, Any

from pydantic import BeforeValidator

from testbed.model.tool_output import Errors, ToolOutput
from testbed.numbers import written_out
from testbed.tools import checks, documents
from testbed.tools.documents import Amount, Count, Document, DocumentTool, Fields
from testbed.tools.found import distribution, missing
from testbed.tools.listings import Listing

_PERCENTILE = re.compile(r"p\((?P<percentile>\d{1,2}(?:\.\d+)?|100)\)")


class _Counter(Fields):
    count: Amount
    rate: Amount


class _Failed(Fields):
    passes: Count
    fails: Count
    value: float | None = None  # the share that failed, which handleSummary's data call 'rate'
    rate: float | None = None


def _figures(metric: Any) -> Any:
    """Return a metric without its thresholds and what is null."""
    if not isinstance(metric, dict):
        return metric
    return {
        key: value
        for key, value in metric.items()
        if key in ("avg", "min", "med", "max") or _PERCENTILE.fullmatch(key)
        if value is not None
    }


class _Metrics(Fields):
    """The metrics that are read here; their names are those of k6."""

    http_reqs: _Counter
    http_req_failed: _Failed | None = None
    http_req_duration: Annotated[dict[str, float], BeforeValidator(_figures)] = {}
    data_received: _Counter | None = None
    dropped_iterations: _Counter | None = None


class _State(Fields):
    testRunDurationMs: Amount | None = None  # noqa: N815 - the name of its key


class _Summary(Fields):
    metrics: _Metrics
    state: _State | None = None


class K6(DocumentTool):
    """k6: what a script says, from a closed loop to a constant rate."""

    name = "k6"
    mark = '"http_req'
    for_people = re.compile(r"http_reqs\.*:\s+\d.*")
    how = "its summary is read as JSON (--summary-export FILE)"
    listings = (
        Listing(
            re.compile(r"metric_name,timestamp,metric_value,"),
            "k6's points, one by one (--out csv)",
            "--summary-export FILE writes the document that is read",
        ),
    )

    def is_own(self, data: dict[str, Any]) -> bool:
        """Return whether a JSON object has metrics, and HTTP requests among them."""
        metrics = data.get("metrics")
        return isinstance(metrics, dict) and "http_reqs" in metrics

    def is_other(self, data: dict[str, Any]) -> bool:
        """Return whether a JSON object is a line of `--out json`, or a list of metrics.

        Such a line has each point alone; `--new-machine-readable-summary` makes the list.
        """
        if isinstance(metrics := data.get("metrics"), list):
            return any(isinstance(one, dict) and one.get("name") == "http_reqs" for one in metrics)
        return data.get("type") in ("Point", "Metric") and "metric" in data

    def read(self, document: Document) -> ToolOutput:
        """Return what a summary says. Raises ParseError if it is not as k6 writes it."""
        metrics = {
            name: metric.get("values", metric) if isinstance(metric, dict) else metric
            for name, metric in document.data["metrics"].items()
        }
        data = document.data | {"metrics": metrics}
        found = Document(data, document.line, document.text).read(self.name, _Summary)
        read = found.metrics
        ended, rate = round(read.http_reqs.count), read.http_reqs.rate
        lasted_ms = found.state.testRunDurationMs if found.state else None
        duration_s = ended / rate if rate > 0 else None
        if lasted_ms is not None:
            duration_s = lasted_ms / 1000
        failed = _failed(read, ended)
        latency = read.http_req_duration
        percentiles = {
            match["percentile"]: value
            for key, value in latency.items()
            if (match := _PERCENTILE.fullmatch(key))
        }
        if "med" in latency:
            percentiles["50"] = latency["med"]
        mean, low, high = (latency.get(name) for name in ("avg", "min", "max"))
        times = documents.times(1e3, mean=mean, low=low, high=high, percentiles=percentiles)
        none_failed = failed == 0
        zeros = dict.fromkeys(("connect", "read", "write", "timeout", "status"), 0)
        return ToolOutput(
            tool=self.name,
            duration_s=duration_s,
            requests=ended if none_failed else None,
            throughput_rps=rate if none_failed else None,
            goodput_rps=None if failed is None else _share(rate, ended - failed, ended),
            bytes=round(read.data_received.count) if read.data_received else None,
            errors=Errors(**zeros) if none_failed else Errors(),
            latency_us=distribution(times),
            problems=[
                *missing(
                    {"latency": bool(latency), "failed requests": read.http_req_failed is not None}
                ),
                *_remarks(read, ended, failed, duration_s),
                *checks.order(times, "latency"),
            ],
        )


def _failed(read: _Metrics, ended: int) -> int | None:
    """Return how many requests failed; None if that is not said, or contradicted."""
    told = read.http_req_failed
    if told is None or told.passes + told.fails != ended:
        return None
    share = told.rate if told.value is None else told.value
    if share is not None and abs(share * ended - told.passes) > 0.5:
        return None
    return told.passes


def _share(rate: float, part: int, whole: int) -> float:
    return rate * part / whole if whole else 0.0


def _remarks(read: _Metrics, ended: int, failed: int | None, duration_s: float | None) -> list[str]:
    """Return a sentence for each thing that has no field of its own; an empty list without any."""
    found = []
    rate, told = read.http_reqs.rate, read.http_req_failed
    if duration_s is not None and abs(rate * duration_s - ended) > 1 + ended * checks.TOLERANCE:
        found.append(
            f"{ended} requests contradict {written_out(rate)} requests/s over "
            f"{written_out(duration_s)} s."
        )
    if failed is None and told:
        found.append(
            f"{told.passes} failed requests of {ended} contradict the other figures of "
            "http_req_failed: they are left out."
        )
    elif failed is None:
        found.append(f"{ended} requests ended; how many of them were answered is not said.")
    elif failed:
        found.append(
            f"{failed} of {ended} requests failed; which of them were answered is not said, nor "
            "why they failed. The latencies are of all."
        )
    dropped = read.dropped_iterations
    if dropped and dropped.count:
        found.append(
            f"{dropped.count:.0f} iterations were dropped: the rate asked for was not held."
        )
    return found
