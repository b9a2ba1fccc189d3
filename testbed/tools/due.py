"""Tell the percentiles of response time over all requests due, not only over those answered.

Of the requests that were due (of a closed loop: begun), some have a correct answer. All others were
never sent, never answered, answered too late for the tool to time them, or answered wrongly. A
percentile of the requests due takes these as slower than every correct answer. Otherwise an app
would look faster the more of its answers are lost, or the sooner it fails.

What a run knows of the times of its correct answers is a list of steps (`Step`). Between two steps,
and where wrong answers were timed together with correct ones, a percentile has two bounds. If so
few answers are correct that the percentile lies among the other requests, only the lower bound is
known. All functions are pure.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from testbed.model.load import Load, requests_due
from testbed.model.tool_output import Distribution, ToolOutput
from testbed.tools.table import generator

_ROUNDING = 1e-9  # of a product of floats that is meant to be a whole number
# Histograms keep three digits, so that a mean may be printed this much too low
_DIGITS = 1.002
_MULTIPLES = tuple(2.0**power for power in range(1, 13))  # of a mean, at which steps are added


class Bounds(NamedTuple):
    """The least and the greatest value that a figure can have; the latter may be infinite."""

    low: float
    high: float


class Step(NamedTuple):
    """How many correct answers were as fast as a time, and how many were faster."""

    time_us: float
    within: float  # at least so many took this time or less
    below: float  # at most so many took less than this time


class Counted(NamedTuple):
    """A histogram: times in rising order, and the number of answers that took each."""

    times_us: Sequence[float]
    answers: Sequence[int]
    correct: bool  # whether it has the correct answers alone, and not all answers


@dataclass(frozen=True)
class Answers:
    """What is known of the correct answers to the requests due of one run."""

    due: float
    correct: Bounds  # how many there are
    steps: tuple[Step, ...]  # in rising order of their times
    timed_out: float = 0  # requests known to have waited as long as the time-out
    timeout_us: float = 0

    @cached_property
    def _times(self) -> list[float]:
        return [step.time_us for step in self.steps]

    def within(self, time_us: float) -> float:
        """Return how many correct answers took `time_us` or less, at least."""
        found = bisect_right(self._times, time_us)
        return self.steps[found - 1].within if found else 0

    def below(self, time_us: float) -> float:
        """Return how many correct answers took less than `time_us`, at most."""
        found = bisect_left(self._times, time_us)
        return self.steps[found].below if found < len(self.steps) else self.correct.high


def made(load: Load, output: ToolOutput) -> float | None:
    """Return how many requests were due by the schedule, or were begun in a closed loop.

    Those begun are the answers and the requests that failed without one. Requests under way at the
    end of a closed loop are not counted, unless the tool itself counts them (`unanswered`). Return
    None if the tool did not count its answers.
    """
    due = requests_due(load, output)
    if due or output.requests is None:
        return due
    errors, tool, begun = output.errors, generator(output.tool), output.requests
    if not tool.counts_attempts:
        begun += _sum(errors.connect, errors.read, errors.write)
    return begun + _sum(output.unanswered, errors.timeout if tool.gives_up else 0)


def correct(output: ToolOutput) -> Bounds | None:
    """Return how many correct answers there were; None if the tool did not count its answers.

    They are those of the requests due that came in time, with the right status and, where it was
    checked, the right body. Of a tool that does not say which answers it counts in two classes of
    errors, only bounds are known.
    """
    if output.correct is not None:
        return Bounds(output.correct, output.correct)
    if output.requests is None:
        return None
    failed, late = _failed(output), _late(output)
    most = output.requests - max(failed.low, late)
    return Bounds(max(0, output.requests - failed.high - late), max(0, most))


def goodput_rps(load: Load, output: ToolOutput) -> Bounds | None:
    """Return the correct answers per second that came in time; None if the tool reports none.

    In time is before the time-out, or the deadline if one was set. pacer counts them itself. Of the
    other tools they follow from the rate of all answers: hey gives a late request up, wrk counts
    late answers among its requests, and how many came late to those that wait for every answer is
    bounded by the times that they printed.
    """
    told, found, tool = output.goodput_rps, correct(output), generator(output.tool)
    if told is None or tool.counts_unsent:
        return None if told is None else Bounds(told, told)
    if found is None or not output.requests or output.throughput_rps is None:
        return Bounds(told, told)
    known = answers(load, output)
    if known and known.steps and not (tool.late_answers_time_out or tool.gives_up):
        timeout_us = 1e6 * load.timeout_s
        in_time = Bounds(
            known.within(timeout_us), known.below(math.nextafter(timeout_us, math.inf))
        )
        found = Bounds(min(found.low, in_time.low), min(found.high, in_time.high))
    low, high = (min(told, output.throughput_rps * count / output.requests) for count in found)
    return Bounds(low, high)


def answers(load: Load, output: ToolOutput, counted: Counted | None = None) -> Answers | None:
    """Return what a run knows of its correct answers; None if it does not know how many were due.

    Without a histogram of all that the tool timed, the percentiles are used that it printed.
    """
    due, found = made(load, output), correct(output)
    if due is None or found is None or output.requests is None:
        return None
    of_all, others = timed(output), untimed(output)
    whole = counted and sum(counted.answers) == (found.high if counted.correct else of_all)
    separate = counted.correct if counted and whole else output.correct_us is not None
    failed = 0 if separate else of_all + others - found.low  # at most so many among those counted
    # Some tools take whole seconds only
    timeout_us = 1e6 * min(load.timeout_s, max(1, round(load.timeout_s)))
    if counted and whole:
        ranks = _ranks_counted(counted)
    else:
        ranked = found.high if separate else of_all
        ranks = _ranks_printed(times(output), ranked, generator(output.tool).ranks_beyond)
    if others:
        ranks = _with_untimed(ranks, output, others, [timeout_us, 1e6 * load.timeout_s])
    return Answers(
        due=max(due, output.requests),
        correct=found,
        steps=_steps(ranks, failed, found),
        timed_out=_waited(load, output),
        timeout_us=timeout_us,
    )


def timed(output: ToolOutput) -> float:
    """Return how many answers the tool's times are of; 0 if it did not count its answers."""
    counted = _counted(output)
    return counted if output.timed is None else min(output.timed, counted)


def untimed(output: ToolOutput) -> float:
    """Return how many answers came in time, as far as the tool knows, and were not timed.

    wrk2 leaves out those that came while it calibrated itself.
    """
    return _counted(output) - timed(output)


def times(output: ToolOutput) -> Distribution:
    """Return the times of correct answers if the tool keeps them apart, otherwise of all."""
    return output.latency_us if output.correct_us is None else output.correct_us


def of_run(
    load: Load, output: ToolOutput, percent: float, counted: Counted | None = None
) -> Bounds | None:
    """Return the bounds of a percentile over the requests due of one run, in microseconds.

    Return None if the run has neither a histogram nor this percentile of its answers.
    """
    printed = {float(key): value for key, value in times(output).percentiles.items()}.get(percent)
    if printed is None and counted is None:
        return None
    found = answers(load, output, counted)
    all_timed = output.timed is None or not untimed(output)
    if printed is not None and (found is None or (all_timed and found.correct.low >= found.due)):
        return Bounds(printed, printed)
    return None if found is None else percentile([found], percent)


def percentile(runs: Sequence[Answers], percent: float) -> Bounds:
    """Return the bounds of a percentile over the requests due of all these runs, in microseconds.

    It is the time of the request at that rank (nearest rank). Several runs are merged as if their
    requests were those of one run; a percentile of all is not the mean of their percentiles.
    """
    due = sum(run.due for run in runs)
    rank = max(1, math.ceil(due * percent / 100 - _ROUNDING * due))
    known = sorted({step.time_us for run in runs for step in run.steps})
    # Beyond the last correct answer there is nothing known but that it is beyond
    surely = min(rank, math.floor(sum(run.correct.low for run in runs)))
    first = bisect_left(known, True, key=lambda at: sum(run.below(at) for run in runs) >= surely)
    low = known[first - 1] if first and surely > 0 else 0.0
    enough = bisect_left(known, True, key=lambda at: sum(run.within(at) for run in runs) >= rank)
    high = known[enough] if enough < len(known) else math.inf
    waited = [run.timeout_us for run in runs if run.timed_out]
    if waited and rank > due - sum(run.timed_out for run in runs):
        low = max(low, min(waited))
    return Bounds(low, max(low, high))


def likely(load: Load, output: ToolOutput, percent: float) -> float:
    """Return the likeliest value of a percentile between its bounds, in microseconds.

    Between two steps the logarithm of the time is taken to grow evenly with that of the share of
    requests that lie beyond, as in an exponential or a heavy tail. Infinite if only the lower bound
    is known, or nothing.
    """
    bounds, run = of_run(load, output, percent), answers(load, output)
    if bounds is None or run is None or math.isinf(bounds.high):
        return math.inf
    beyond = [_beyond(run, end) for end in bounds]
    if bounds.low <= 0 or beyond[0] <= beyond[1]:
        return bounds.high
    wanted = math.log(beyond[0]) - math.log(run.due * (1 - percent / 100))
    way = wanted / (math.log(beyond[0]) - math.log(beyond[1]))
    return float(bounds.low * (bounds.high / bounds.low) ** min(max(way, 0.0), 1.0))


def _beyond(run: Answers, time_us: float) -> float:
    return max(run.due - (run.within(time_us) + run.below(time_us)) / 2, 0.5)


def _counted(output: ToolOutput) -> float:
    found = correct(output)
    most = 0 if found is None else found.high
    return max((output.requests or 0) - _late(output), most)


def _failed(output: ToolOutput) -> Bounds:
    """Return how many of the answers were wrong. ab may count an answer in two classes."""
    errors = output.errors
    classes = [errors.status, errors.wrong_body]
    if generator(output.tool).counts_attempts:
        classes += [errors.connect, errors.read, errors.write]
        most_of_one = max(_sum(one) for one in classes)
    else:
        most_of_one = _sum(*classes)
    return Bounds(most_of_one, _sum(*classes))


def _late(output: ToolOutput) -> int:
    """Return how many of the answers came after the time-out and are not in the tool's times."""
    counted = generator(output.tool).late_answers_time_out
    return min(_sum(output.errors.timeout), output.requests or 0) if counted else 0


def _waited(load: Load, output: ToolOutput) -> int:
    """Return how many requests surely waited as long as the time-out.

    wrk2 counts connections at intervals, so the same request more than once. Where time-outs count
    from when a request was due, those never sent waited so long for a connection, unless the run
    ended early or a process of the generator died, which is among the problems.
    """
    tool, errors = generator(output.tool), output.errors
    each_once = tool.late_answers_time_out or tool.gives_up or tool.counts_unsent
    unsent = output.unsent if load.timeout_from == "due" and not output.problems else 0
    return _sum(errors.timeout, unsent) if each_once else 0


def _ranks_counted(counted: Counted) -> list[Step]:
    """Return the steps of a histogram, over all answers that it has."""
    found, so_far = [], 0
    for time_us, count in zip(counted.times_us, counted.answers, strict=True):
        found.append(Step(time_us, so_far + count, so_far))
        so_far += count
    return found


def _ranks_printed(told: Distribution, count: float, ranks_beyond: int) -> list[Step]:
    """Return the steps of printed percentiles, over all answers that were timed.

    Tools differ in the rank that they take for percentile p of n answers. It is floor(p n), or up
    to `ranks_beyond` more.
    """
    found = []
    for key, time_us in told.percentiles.items():
        rank = math.floor(float(key) / 100 * count + _ROUNDING * count)
        found.append(Step(time_us, rank, min(rank + ranks_beyond - 1, count)))
    if told.min is not None:
        found.append(Step(told.min, 0, 0))
    if told.max is not None:
        found.append(Step(told.max, count, max(count - 1, 0)))
    return found


def _with_untimed(
    ranks: Sequence[Step], output: ToolOutput, others: float, at_us: Sequence[float]
) -> list[Step]:
    """Return the steps of the timed answers with those of so many other ones added.

    Steps at more times are added, `at_us` among them, so that something is known beyond all times
    that were printed.
    """
    timed_ones, found = sorted(ranks), list(ranks)
    told = output.untimed_us or Distribution()
    more = [*told.percentiles.values(), *((told.mean or 0) * factor for factor in _MULTIPLES)]
    for time_us in [*at_us, *more]:
        place = bisect_right(timed_ones, time_us, key=lambda step: step.time_us)
        before, after = timed_ones[:place], timed_ones[place:]
        found.append(
            Step(
                time_us,
                max((step.within for step in before), default=0),
                min((step.below for step in after), default=timed(output)),
            )
        )
    return [
        Step(step.time_us, step.within + _others_within(step.time_us, output, others),
             step.below + others)
        for step in found
    ]  # fmt: skip


def _others_within(time_us: float, output: ToolOutput, others: float) -> int:
    """Return how many of so many answers that were not timed took `time_us` or less, at least.

    No more than one in ten took longer than the p90 of its thread, and no more than one in ten
    longer than ten times the mean (Markov's inequality). Of the last answer of each thread nothing
    is known.
    """
    told, threads = output.untimed_us, output.threads
    if told is None or told.mean is None or not threads or time_us <= 0:
        return 0
    known = max(others - threads, 0)
    by_mean = known * (1 - (told.mean + 1) * _DIGITS / time_us)
    # The rank of each thread's p90 is rounded, by half an answer at most
    p90_us = told.percentiles.get("90", math.inf) * _DIGITS
    by_p90 = 0.9 * known - threads / 2 if time_us >= p90_us else 0
    return math.floor(max(by_mean, by_p90, 0))


def _steps(ranks: Iterable[Step], failed: float, found: Bounds) -> tuple[Step, ...]:
    """Return the steps of the correct answers, among which at most so many had failed.

    At most, all failed ones were as fast as the time of the step; at least, none was.
    """
    steps, within = [], 0.0
    for step in sorted(ranks):
        within = max(within, step.within - failed)
        steps.append(Step(step.time_us, within, min(step.below, found.high)))
    below = found.high
    for place in reversed(range(len(steps))):
        below = min(below, steps[place].below)
        steps[place] = steps[place]._replace(below=below)
    return tuple(steps)


def _sum(*counts: int | None) -> int:
    return sum(count or 0 for count in counts)
