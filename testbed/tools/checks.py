"""Find printed figures that cannot all be true, and say so in sentences. Nothing is corrected.

Every comparison allows for the digits that were not printed (`PrintedFigure.slack`).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import pairwise

from testbed.numbers import digits
from testbed.tools.units import PrintedFigure

# Requests, rate and time are printed independently. Except for rounding they agree exactly, so 2 %
# is more than any true output needs.
TOLERANCE = 0.02
# HdrHistogram keeps three significant digits and reports the upper end of a bucket.
HISTOGRAM_TOLERANCE = 0.002
# No run lasts that long; wrk prints 2**64 µs (307445734491.24m) when the clock stepped back.
LONGEST_RUN_S = 366 * 86400.0
# wrk2 checks only every 2 s, and later with many connections, whether its time is up.
OVERRUN_S = 10.0
# wrk starts its clock when its threads are running, so some requests are then under way already.
HEAD_START_S = 0.1
# The sample standard deviation of n values in [0, max] is at most max * sqrt(n / (4 (n - 1))),
# largest for n = 2 (Popoviciu's inequality with Bessel's correction)
STDEV_TO_MAX = 0.7072


@dataclass(frozen=True)
class Row:
    """A row of wrk2's detailed table: this many answers took `value` or less."""

    percentile: str
    value: PrintedFigure
    answers: int


@dataclass
class Times:
    """A distribution of times as the tool printed it, in microseconds.

    wrk2 prints two lists of percentiles, `percentiles` and `table`. If a percentile lies between
    two answers, the first list has the time of the nearer one and the second that of the slower.
    """

    mean: PrintedFigure | None = None
    stdev: PrintedFigure | None = None
    min: PrintedFigure | None = None
    max: PrintedFigure | None = None
    percentiles: dict[str, PrintedFigure] = field(default_factory=dict)
    table: list[Row] = field(default_factory=list)
    answers: int | None = None  # that `table` is made of

    @property
    def both_lists(self) -> dict[str, PrintedFigure]:
        """Return all percentiles. If both lists have one, that of `percentiles` is taken."""
        return {row.percentile: row.value for row in self.table} | self.percentiles


@dataclass
class Printed:
    """What an HTTP tool printed about one run."""

    asked_s: PrintedFigure | None = None
    duration_s: PrintedFigure | None = None
    requests: int | None = None
    rate: PrintedFigure | None = None  # answers per second
    bytes: PrintedFigure | None = None
    # Bytes per second, in each unit that the printed one may stand for
    byte_rates: list[PrintedFigure] = field(default_factory=list)
    status_errors: int | None = None
    not_answers: int = 0  # part of `requests`: counted as complete although no correct answer came
    untimed: int = 0  # part of `requests`: answers whose times are not in `times`
    at_once: int | None = None  # most requests under way; None if unknown, or for an open schedule
    times: Times = field(default_factory=Times)


def goodput(printed: Printed) -> float | None:
    """Return the answers per second without wrong statuses; None if it cannot be calculated.

    It is the share of good answers times the printed rate, because the rate has more digits than
    the duration, and goodput then never exceeds throughput. If no rate is printed, it is the number
    of good answers divided by the duration, if that is printed exactly enough.
    """
    if printed.requests is None or printed.status_errors is None or contradictions(printed):
        return None
    good = printed.requests - printed.status_errors - printed.not_answers
    if printed.requests == 0:
        return 0.0 if printed.rate or printed.duration_s else None
    if printed.rate:
        return printed.rate.value * good / printed.requests
    duration = printed.duration_s
    if duration and duration.slack < duration.value * TOLERANCE / 2:
        return good / duration.value
    return None


def problems(printed: Printed) -> list[str]:
    """Return a sentence for each thing that cannot be true; an empty list if there is none."""
    return [
        *contradictions(printed),
        *_duration(printed),
        *_bytes(printed),
        *_latency(printed),
        *_invented(printed),
    ]


def contradictions(printed: Printed) -> list[str]:
    """Return a sentence for each contradiction because of which goodput cannot be calculated."""
    found = []
    requests, rate, duration = printed.requests, printed.rate, printed.duration_s
    if duration and not 0 <= duration.value <= LONGEST_RUN_S:
        found.append(f"The printed duration, {duration.text}, cannot be true.")
    elif requests is not None and rate and duration and rate.value > 0:
        least = rate.low * max(duration.low, 0) * (1 - TOLERANCE)
        most = rate.high * duration.high * (1 + TOLERANCE)
        # Half an answer is allowed, because counts are whole numbers.
        if not least - 0.5 <= requests <= most + 0.5:
            found.append(
                f"{requests} requests contradict {rate.text} requests/s over {duration.text}."
            )
    if rate and rate.value == 0 and requests:
        found.append(f"{rate.text} requests/s are printed beside {requests} requests.")
    if rate and rate.value < 0:
        found.append(f"A rate of {rate.text} requests/s cannot be true.")
    wrong = (printed.status_errors or 0) + printed.not_answers
    if requests is not None and wrong > requests:
        found.append(f"{wrong} failed answers are more than the {requests} requests.")
    if requests and printed.bytes and printed.bytes.high < requests:
        found.append(
            f"{requests} requests are printed as complete, but only {printed.bytes.text} were "
            "read: these were no answers."
        )
    return found


def _duration(printed: Printed) -> list[str]:
    asked, duration = printed.asked_s, printed.duration_s
    if not asked or not duration or duration.value > LONGEST_RUN_S:
        return []
    if duration.high < asked.low * (1 - TOLERANCE):
        return [f"The run was stopped early: {duration.text} of the {asked.text} asked for."]
    if duration.low > asked.high * 2 + OVERRUN_S:
        return [f"The run took {duration.text} where {asked.text} were asked for."]
    return []


def _bytes(printed: Printed) -> list[str]:
    size, rates, duration = printed.bytes, printed.byte_rates, printed.duration_s
    if not size or not rates or not duration or duration.value > LONGEST_RUN_S:
        return []
    for rate in rates:
        least = rate.low * max(duration.low, 0) * (1 - TOLERANCE)
        most = rate.high * duration.high * (1 + TOLERANCE)
        if least <= size.high and size.low <= most:
            return []
    return [f"{size.text} read contradict {rates[0].text}/s over {duration.text}."]


def _latency(printed: Printed) -> list[str]:
    times, duration = printed.times, printed.duration_s
    found = order(times, "latency")
    limit = max(
        (value for value in (times.max, *times.both_lists.values()) if value),
        key=lambda value: value.value,
        default=None,
    )
    if limit and duration and limit.low > (duration.high * (1 + TOLERANCE) + 1) * 1e6:
        found.append(f"A latency of {limit.text} is longer than the run, {duration.text}.")
    if times.answers and printed.requests is not None and times.answers > printed.requests:
        found.append(f"{times.answers} answers were timed, but only {printed.requests} counted.")
    return found


def _invented(printed: Printed) -> list[str]:
    """Return a sentence if connections and rate do not allow the mean latency (Little's law).

    No more requests are under way than there are connections. If a mean latency says otherwise, the
    tool has added samples that it did not measure, as wrk does. Return an empty list if the figures
    agree, or if one of them was not printed.
    """
    mean, rate, requests = printed.times.mean, printed.rate, printed.requests
    if not printed.at_once or not mean or not rate or not requests or contradictions(printed):
        return []
    timed = requests - printed.not_answers - printed.untimed
    busy_s = timed * mean.low / 1e6
    most_s = printed.at_once * (requests / rate.low + HEAD_START_S) * (1 + TOLERANCE)
    if busy_s <= most_s:
        return []
    allowed_ms = printed.at_once * requests / timed / rate.value * 1000
    return [
        f"A mean latency of {mean.text} is more than the {digits(allowed_ms)} ms that "
        f"{printed.at_once} connections at {rate.text} requests/s allow (Little's law): unless "
        "requests were pipelined, the latencies hold samples that were never measured, and the "
        "percentiles are too high."
    ]


def order(times: Times, name: str) -> list[str]:
    """Return a sentence for each contradiction within one distribution, which is called `name`."""
    found = []
    ladder = _ladder(times.both_lists)
    for value in (times.mean, times.stdev, times.min, times.max, *(value for _, value in ladder)):
        if value and value.value < 0:
            found.append(f"A {name} of {value.text} cannot be true.")
    found += [
        f"The {name}'s percentiles are out of order: {low.text} at {low_name} %, "
        f"{high.text} at {high_name} %."
        for (low_name, low), (high_name, high) in _steps(times)
        if _exceeds(low, high)
    ]
    if times.max:
        for label, value in [("mean", times.mean), ("minimum", times.min)]:
            if value and _exceeds(value, times.max):
                found.append(
                    f"The {name}'s {label}, {value.text}, is above its maximum, {times.max.text}."
                )
        above = [(key, value) for key, value in ladder if _exceeds(value, times.max)]
        if above:
            key, value = above[-1]
            found.append(
                f"The {name}'s maximum, {times.max.text}, is below its {key} % percentile, "
                f"{value.text}."
            )
        if times.stdev and times.stdev.low > times.max.high * STDEV_TO_MAX:
            found.append(
                f"A standard deviation of {times.stdev.text} is not possible with a maximum of "
                f"{times.max.text}."
            )
    if times.min:
        for label, value in [("mean", times.mean), *((f"{k} %", v) for k, v in ladder)]:
            if value and _exceeds(times.min, value):
                found.append(
                    f"The {name}'s minimum, {times.min.text}, is above its {label}, {value.text}."
                )
    return found


def _ladder(percentiles: dict[str, PrintedFigure]) -> list[tuple[str, PrintedFigure]]:
    return sorted(percentiles.items(), key=lambda item: float(item[0]))


def _steps(times: Times) -> Iterator[tuple[tuple[str, PrintedFigure], tuple[str, PrintedFigure]]]:
    """Yield pairs of percentiles of which the first is at most as long as the second.

    They are neighbours in one list, or a percentile and the rows of the table next to it by the
    number of answers.
    """
    ladder = _ladder(times.percentiles)
    yield from pairwise(ladder)
    yield from pairwise((row.percentile, row.value) for row in times.table)
    if times.answers is None:
        return
    for name, value in ladder:
        share = Decimal(name) / 100 * times.answers
        lower = [(row.percentile, row.value) for row in times.table if row.answers <= share]
        upper = [(row.percentile, row.value) for row in times.table if row.answers >= share]
        yield from ((row, (name, value)) for row in lower[-1:])
        yield from (((name, value), row) for row in upper[:1])


def _exceeds(small: PrintedFigure, large: PrintedFigure) -> bool:
    """Return whether `small` is larger than `large` by more than rounding explains."""
    return small.low * (1 - HISTOGRAM_TOLERANCE) > large.high
