"""Add up the frames of all load processes: totals, distributions and seconds."""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from hdrh.histogram import HdrHistogram

from pacer.tally import SAMPLES, Frame, Tally

MAX_TRACKABLE_US = 3_600_000_000  # an hour; a longer time is recorded as an hour
SIGNIFICANT_DIGITS = 3
PERCENTILES = ("50", "75", "90", "95", "99", "99.9", "99.99", "99.999")
ALWAYS_UP_TO = 99.0  # a higher percentile needs so many samples that some lie above it


def new_histogram() -> HdrHistogram:
    """Return an empty histogram of microseconds."""
    return HdrHistogram(1, MAX_TRACKABLE_US, SIGNIFICANT_DIGITS)


def record(histogram: HdrHistogram, values: "Counter[int]") -> None:
    """Add values to the histogram; `values` maps each value in microseconds to its count."""
    for value, count in values.items():
        histogram.record_value(min(value, MAX_TRACKABLE_US), count)


def percentile(values: "Counter[int]", percent: float) -> int | None:
    """Return the exact percentile (nearest rank) of counted values; None if there are none."""
    rank = math.ceil(values.total() * percent / 100)
    for value in sorted(values):
        rank -= values[value]
        if rank <= 0:
            return value
    return None


@dataclass(slots=True)
class Distribution:
    """A distribution of times in microseconds: exact moments, and a histogram for percentiles."""

    histogram: HdrHistogram = field(default_factory=new_histogram)
    count: int = 0
    total: int = 0
    squares: int = 0
    min: int | None = None
    max: int | None = None

    def add(self, values: "Counter[int]") -> None:
        """Add values; `values` maps each value in microseconds to its count."""
        if not values:
            return
        record(self.histogram, values)
        self.count += values.total()
        self.total += sum(value * count for value, count in values.items())
        self.squares += sum(value * value * count for value, count in values.items())
        least, most = min(values), max(values)
        self.min = least if self.min is None else min(self.min, least)
        self.max = most if self.max is None else max(self.max, most)

    @property
    def mean(self) -> float | None:
        """The arithmetic mean in microseconds; None without samples."""
        return self.total / self.count if self.count else None

    @property
    def stdev(self) -> float | None:
        """The standard deviation of the population, in microseconds; None without samples."""
        if not self.count:
            return None
        # In integers: floats would lose the difference of two large and nearly equal numbers.
        return math.sqrt(self.squares * self.count - self.total**2) / self.count

    def percentiles(self) -> dict[str, float]:
        """Return those of PERCENTILES that the number of samples supports, in microseconds."""
        if not self.count or self.max is None:
            return {}
        return {
            name: float(min(self.histogram.get_value_at_percentile(float(name)), self.max))
            for name in PERCENTILES
            if float(name) <= ALWAYS_UP_TO or self.count * (100 - float(name)) / 100 >= 1 - 1e-6
        }


OF_RECIPES = ("response", "correct", "failed", "service")  # distributions of each recipe

ANSWERS = ("correct", "failed")


@dataclass(frozen=True, slots=True)
class Second:
    """What happened in one second of the run, counted from the start of the measured part."""

    second: int
    due: int
    sent: int
    completed: int
    ok: int
    good: int
    errors: int
    response_p50_us: int | None
    response_p99_us: int | None
    correct_p50_us: int | None
    correct_p99_us: int | None
    failed_p50_us: int | None
    failed_p99_us: int | None
    lag_p99_us: int | None


@dataclass(frozen=True, slots=True)
class Interval:
    """Measured response times of the requests that completed in one second, as a histogram."""

    second: int
    tag: str  # one of ANSWERS, or `correct:` and the name of a recipe
    max_us: int
    encoded: str


def _interval(second: int, tag: str, values: "Counter[int]") -> Interval:
    histogram = new_histogram()
    record(histogram, values)
    return Interval(second, tag, max(values), histogram.encode().decode())


@dataclass(slots=True)
class _OpenSecond:
    """A second for which more frames may still come."""

    tally: Tally = field(default_factory=Tally)  # of both cohorts
    measured: dict[str, "Counter[int]"] = field(
        default_factory=lambda: {name: Counter() for name in SAMPLES}
    )
    warmup: dict[str, "Counter[int]"] = field(
        default_factory=lambda: {name: Counter() for name in SAMPLES}
    )


class Totals:
    """Counts of what became of requests: by when they were due, and by when answers arrived."""

    def __init__(self) -> None:
        self.measured = Tally()
        self.warmup = Tally()
        # Answers that arrived in the measured part, whenever their requests were due
        self.answered_in_window = 0
        self.ok_in_window = 0
        self.good_in_window = 0

    def count(self, frame: Frame) -> None:
        """Add the counts of a frame."""
        tally = frame.tally
        (self.measured if frame.cohort == "measured" else self.warmup).add(tally)
        if frame.in_window:
            self.answered_in_window += tally.completed + tally.overdue
            self.ok_in_window += tally.ok
            self.good_in_window += tally.good


class OfRecipe(Totals):
    """What became of the requests of one recipe of a mix, with times of measured ones."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self.distributions = {name: Distribution() for name in OF_RECIPES}
        self.correct: dict[int, Counter[int]] = {}  # times of the seconds that are not closed yet

    def add(self, frame: Frame) -> None:
        """Add the counts and the samples of a frame."""
        self.count(frame)
        if frame.cohort == "warmup":
            return
        kinds = (name for name in OF_RECIPES if name != "response")
        times = {name: Counter(getattr(frame.tally, name)) for name in kinds}
        times["response"] = times["correct"] + times["failed"]
        for name, values in times.items():
            self.distributions[name].add(values)
        self.correct.setdefault(frame.second, Counter()).update(times["correct"])


class Merge(Totals):
    """Add frames up. A second is closed once no process can add to it any more.

    In a mix of requests, those of each recipe are also added up on their own; `recipes` has their
    names, and is empty without a mix.
    """

    def __init__(self, recipes: Iterable[str] = ()) -> None:
        super().__init__()
        self.of_recipes = [OfRecipe(name) for name in recipes]
        # Response times of all answers are the correct ones' and the failed ones' together
        self.distributions = {name: Distribution() for name in ("response", *SAMPLES)}
        self.seconds: list[Second] = []
        self.intervals: list[Interval] = []
        self._open: dict[int, _OpenSecond] = {}

    def add(self, frame: Frame) -> None:
        """Add a frame of kind 'tally'."""
        self.count(frame)
        second = self._open.setdefault(frame.second, _OpenSecond())
        second.tally.add(frame.tally)
        samples = second.measured if frame.cohort == "measured" else second.warmup
        for name, counter in samples.items():
            counter.update(getattr(frame.tally, name))
        if self.of_recipes:
            self.of_recipes[frame.recipe].add(frame)

    def close_before(self, second: int | None) -> Iterable[Second]:
        """Close all seconds before `second` (all, if it is None), and yield them in order."""
        ready = [s for s in self._open if second is None or s < second]
        if not ready:
            return []
        first = self.seconds[-1].second + 1 if self.seconds else min(ready)
        # A second without a frame (no process got the CPU) is reported as a second without events.
        numbers = range(first, max(ready) + 1)
        closed = [self._close(number, self._open.pop(number, _OpenSecond())) for number in numbers]
        self.seconds += closed
        return closed

    def _close(self, number: int, second: _OpenSecond) -> Second:
        measured, warmup = second.measured, second.warmup
        for name, values in measured.items():
            self.distributions[name].add(values)
        self.distributions["response"].add(measured["correct"] + measured["failed"])
        by_tag = {answers: measured[answers] for answers in ANSWERS}
        for one in self.of_recipes:
            by_tag[f"correct:{one.name}"] = one.correct.pop(number, Counter())
        self.intervals += [
            _interval(number, tag, values) for tag, values in by_tag.items() if values
        ]
        correct = measured["correct"] + warmup["correct"]
        failed = measured["failed"] + warmup["failed"]
        return Second(
            second=number,
            due=second.tally.due,
            sent=second.tally.sent,
            completed=second.tally.completed,
            ok=second.tally.ok,
            good=second.tally.good,
            errors=second.tally.errors,
            response_p50_us=percentile(correct + failed, 50),
            response_p99_us=percentile(correct + failed, 99),
            correct_p50_us=percentile(correct, 50),
            correct_p99_us=percentile(correct, 99),
            failed_p50_us=percentile(failed, 50),
            failed_p99_us=percentile(failed, 99),
            lag_p99_us=percentile(measured["lag"] + warmup["lag"], 99),
        )
