"""Read response times by percentile from a run's HdrHistogram log (latency.hdr)."""

import base64
import zlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogReader

from testbed.model.load import Load
from testbed.model.mix import MOST_PARTS
from testbed.model.tool_output import ToolOutput
from testbed.tools import due
from testbed.tools.due import Counted

# The tags of response times (see pacer/FORMAT.md): a log has those of correct and of failed answers
# apart, or those of all answers, with a tag or without one.
CORRECT_TAG, FAILED_TAG = "correct", "failed"
ANY_ANSWER = "response"
TAGS = (CORRECT_TAG, FAILED_TAG, ANY_ANSWER)
MOST_TAGS = len(TAGS) + MOST_PARTS
PART_TAG = "correct:"  # with the name of a mix's part behind it: its correct answers
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
    correct: bool = False  # whether it has correct answers alone

    def of_due(self, load: Load, output: ToolOutput | None) -> "LatencyCurve":
        """Return the curve over the requests due, in which unanswered requests are the slowest.

        If a share u of the requests due was never answered, percentile p of the answers is
        percentile p (1 - u) of the requests due. The same holds for those that were not answered
        correctly, if the curve has correct answers alone. In a closed loop, the requests that were
        begun take the place of those due.
        """
        answers = self.count if self.correct else output.requests if output else None
        made = None if output is None else due.made(load, output)
        if not made or answers is None:
            return self
        answered = min(1.0, answers / made)
        fractions = [fraction * answered for fraction in self.fractions]
        return LatencyCurve(self.count, fractions, self.values_us, self.correct)


@dataclass(frozen=True)
class Histogram:
    """Response times by the interval in which answers came.

    The arrays belong together: in interval `interval[i]`, `answers[i]` answers took about
    `times_us[bucket[i]]`. The times rise.
    """

    times_us: npt.NDArray[np.float64]
    interval: npt.NDArray[np.int64]
    bucket: npt.NDArray[np.int64]
    answers: npt.NDArray[np.int64]
    intervals: int  # how many there are, also those without an answer
    correct: bool  # whether it has correct answers alone

    @cached_property
    def curve(self) -> LatencyCurve:
        """The curve over all intervals. hdrh takes long to tell it, and only charts need it."""
        total = HdrHistogram(1, HIGHEST_US, 3)
        for time_us, count in zip(self.times_us, self.counted.answers, strict=True):
            total.record_value(int(time_us), count)
        return _curve(total, self.correct)

    @cached_property
    def counted(self) -> Counted:
        """The histogram over all intervals."""
        whole = np.bincount(self.bucket, weights=self.answers, minlength=len(self.times_us))
        return Counted(self.times_us.tolist(), [int(count) for count in whole], self.correct)


class _Tagged:
    """The intervals of one tag, added up, and their answers by interval and time."""

    def __init__(self) -> None:
        self.total = HdrHistogram(1, HIGHEST_US, 3)
        # In step with one another: the interval, the time and the number of answers
        self.interval: list[int] = []
        self.times_us: list[int] = []
        self.answers: list[int] = []
        self.intervals = 0
        self._known: dict[tuple[int, int, int], int] = {}

    def add(self, interval: HdrHistogram) -> None:
        self.total.add(interval)
        counts = np.ctypeslib.as_array(interval.counts)
        used = np.flatnonzero(counts)
        self.interval += [self.intervals] * len(used)
        self.times_us += [self._time_us(interval, index) for index in used.tolist()]
        self.answers += counts[used].tolist()
        self.intervals += 1

    def _time_us(self, interval: HdrHistogram, index: int) -> int:
        """Return the time that a place among the counts stands for; hdrh takes long to tell it."""
        key = (interval.unit_magnitude, interval.sub_bucket_half_count, index)
        if key not in self._known:
            value = interval.get_value_from_index(index)
            self._known[key] = int(self.total.get_highest_equivalent_value(value))
        return self._known[key]


@dataclass(frozen=True)
class Histograms:
    """What a histogram log holds: response times of all requests, and of each part of a mix."""

    whole: Histogram | None  # None: the log holds no value
    parts: dict[str, Histogram]  # by name, of correct answers; a part without one is missing


def read_histograms(path: Path) -> Histograms:
    """Return all response times of a histogram log.

    Where the log has those of correct and of failed answers apart, the first are returned. Raises
    ValueError if the log holds no histogram or is broken.
    """
    by_tag = _read(path)
    separates = CORRECT_TAG in by_tag or FAILED_TAG in by_tag
    chosen = by_tag.get(CORRECT_TAG if separates else ANY_ANSWER)
    if not separates and chosen is None:
        raise ValueError("no histogram of response times in it")
    parts = {
        tag.removeprefix(PART_TAG): histogram
        for tag, tagged in by_tag.items()
        if tag.startswith(PART_TAG) and (histogram := _histogram(tagged, correct=True))
    }
    return Histograms(None if chosen is None else _histogram(chosen, correct=separates), parts)


def read_histogram(path: Path) -> Histogram | None:
    """Return the response times of all requests of a histogram log, as `read_histograms` does.

    Return None if the log holds no value.
    """
    return read_histograms(path).whole


def _histogram(tagged: _Tagged, *, correct: bool) -> Histogram | None:
    if not tagged.answers:
        return None
    times_us, bucket = np.unique(np.array(tagged.times_us, dtype=np.int64), return_inverse=True)
    return Histogram(
        times_us=times_us.astype(float),
        interval=np.array(tagged.interval, dtype=np.int64),
        bucket=bucket,
        answers=np.array(tagged.answers, dtype=np.int64),
        intervals=tagged.intervals,
        correct=correct,
    )


def _curve(total: HdrHistogram, correct: bool) -> LatencyCurve:
    count = int(total.get_total_count())
    highest = 1 - MIN_BEYOND / count
    fractions, values_us = [], []
    for step in total.get_percentile_iterator(TICKS_PER_HALVING):
        fraction = step.percentile_level_iterated_to / 100
        if fraction > highest:
            break
        fractions.append(fraction)
        values_us.append(float(step.value_iterated_to))
    return LatencyCurve(count, fractions, values_us, correct)


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


def _read(path: Path) -> dict[str, _Tagged]:
    """Return the intervals of each tag that has response times."""
    _check_intervals(path)
    found: dict[str, _Tagged] = {}
    try:
        reader = HistogramLogReader(str(path), HdrHistogram(1, HIGHEST_US, 3))
        try:
            while (interval := reader.get_next_interval_histogram()) is not None:
                tag = interval.get_tag() or ANY_ANSWER
                if tag in TAGS or tag.startswith(PART_TAG):
                    if tag not in found and len(found) == MOST_TAGS:
                        raise ValueError(f"more than {MOST_TAGS} tags")
                    found.setdefault(tag, _Tagged()).add(interval)
        finally:
            reader.close()
    # hdrh does not document what it raises for a broken log; some of it is a plain Exception.
    except Exception as error:
        problem = str(error) or type(error).__name__
        raise ValueError(f"broken histogram log: {problem}") from error
    return found
