"""Read response times by percentile from a run's HdrHistogram log (latency.hdr)."""

import base64
import zlib
from dataclasses import dataclass
from pathlib import Path

from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogReader

from testbed.model.tool_output import ToolOutput

# The tags of response times; None: an interval without a tag. A log may hold those of correct and
# of failed answers apart (see pacer/FORMAT.md); together they are those of all answers.
RESPONSE_TAGS = (None, "response", "correct", "failed")
# The highest value that the receiving histogram takes: one hour, in microseconds.
HIGHEST_US = 3_600_000_000
# A percentile is drawn only as far as this many answers lie beyond it: one single late answer
# is no evidence of a percentile.
MIN_BEYOND = 10
# An interval's counts, unpacked: a few hundred kB, of 24,000 counts of some bytes. A few bytes of
# zlib's may stand for gigabytes.
MOST_INTERVAL_BYTES = 1 << 20
PACKED_FROM = 8  # bytes: a mark, and how long the rest is
TICKS_PER_HALVING = 8


@dataclass(frozen=True)
class LatencyCurve:
    """Response times by percentile: `fractions` in 0..1, rising, with `values_us` at each."""

    count: int
    fractions: list[float]
    values_us: list[float]

    def of_due(self, output: ToolOutput | None) -> "LatencyCurve":
        """Return the curve over the requests due, in which unanswered requests are the slowest.

        If a share u of the requests due was never answered, percentile p of the answers is
        percentile p (1 - u) of the requests due.
        """
        if output is None or not output.due or output.requests is None:
            return self
        answered = min(1.0, output.requests / output.due)
        fractions = [fraction * answered for fraction in self.fractions]
        return LatencyCurve(self.count, fractions, self.values_us)


def read_curve(path: Path) -> LatencyCurve | None:
    """Return the response-time curve of a histogram log; None if the log holds no value.

    All intervals are added up. Raises ValueError if the log holds no histogram or is broken.
    """
    total = _sum_of_intervals(path)
    if not total.get_total_count():
        return None
    count = int(total.get_total_count())
    highest = 1 - MIN_BEYOND / count
    fractions, values_us = [], []
    for step in total.get_percentile_iterator(TICKS_PER_HALVING):
        fraction = step.percentile_level_iterated_to / 100
        if fraction > highest:
            break
        fractions.append(fraction)
        values_us.append(float(step.value_iterated_to))
    return LatencyCurve(count, fractions, values_us)


def _check_intervals(path: Path) -> None:
    """Raise ValueError for an interval that would fill the memory.

    What else is wrong with a log is left for hdrh to say.
    """
    with path.open("rb") as stream:
        for line in stream:
            try:
                packed = base64.b64decode(line.rpartition(b",")[2])[PACKED_FROM:]
                unpacked = zlib.decompressobj().decompress(packed, MOST_INTERVAL_BYTES + 1)
            except (ValueError, zlib.error):
                continue
            if len(unpacked) > MOST_INTERVAL_BYTES:
                raise ValueError(f"an interval of more than {MOST_INTERVAL_BYTES:,} bytes")


def _sum_of_intervals(path: Path) -> HdrHistogram:
    _check_intervals(path)
    total = HdrHistogram(1, HIGHEST_US, 3)
    intervals = 0
    try:
        reader = HistogramLogReader(str(path), total)
        try:
            while (interval := reader.get_next_interval_histogram()) is not None:
                if interval.get_tag() in RESPONSE_TAGS:
                    total.add(interval)
                    intervals += 1
        finally:
            reader.close()
    # hdrh does not document what it raises for a broken log; some of it is a plain Exception.
    except Exception as error:
        problem = str(error) or type(error).__name__
        raise ValueError(f"broken histogram log: {problem}") from error
    if not intervals:
        raise ValueError("no histogram of response times in it")
    return total
