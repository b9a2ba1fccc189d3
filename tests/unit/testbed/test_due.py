"""Percentiles over all requests due, on loads whose true response times are known.

Each example draws every request's fate and time, and prints what a tool would print of them. The
bounds must hold the true percentile every time.
"""

import math
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from testbed.model.load import Load
from testbed.model.tool_output import Distribution, Errors, ToolOutput
from testbed.tools import due

PRINTED = {
    "pacer": ("50", "75", "90", "95", "99", "99.9"),
    "pacer, times apart": ("50", "75", "90", "95", "99", "99.9"),
    "wrk": ("50", "75", "90", "99"),
    "wrk2": ("50", "75", "90", "95", "97.5", "99", "99.5", "99.9", "100"),
    "wrk2, calibrating": ("50", "75", "90", "95", "97.5", "99", "99.5", "99.9", "100"),
    "ab": ("50", "66", "75", "80", "90", "95", "98", "99", "100"),
    "hey": ("10", "25", "50", "75", "90", "95", "99"),
}
TIMEOUT_S = 1.0


@dataclass(frozen=True)
class Truth:
    """What really became of every request due in one run; times in microseconds."""

    correct: np.ndarray  # times of correct answers
    wrong: np.ndarray  # times of answers with a bad status or body
    late: np.ndarray  # times of correct answers that came after the time-out
    lost: int  # never sent or never answered

    @property
    def due(self):
        return len(self.correct) + len(self.wrong) + len(self.late) + self.lost


def rank_of(requests, percent):
    return max(1, math.ceil(round(requests * percent / 100, 6)))


def true_percentiles(truths, percent):
    """Return the percentile over all requests of these runs, by two readings of 'beyond'.

    Requests without a correct answer never end; or they take as long as the slowest correct one,
    and those that came late their time.
    """
    good = np.sort(np.concatenate([one.correct for one in truths]))
    slowest = good[-1] if len(good) else 0.0
    others = sum(len(one.wrong) + one.lost for one in truths)
    late = np.sort(np.concatenate([one.late for one in truths]))
    finite = np.concatenate([good, np.full(others, slowest), late])
    place = rank_of(len(finite), percent) - 1
    return finite[place], good[place] if place < len(good) else math.inf


@st.composite
def truths(draw, *, late=True, most=1500):
    """Draw a run: a body and a tail of times, and a share of each kind of failure."""
    dice = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    requests = draw(st.integers(1, most))
    shares = [draw(st.sampled_from([0, 0, 0.002, 0.009, 0.05, 0.3, 0.99])) for _ in range(3)]
    fates = dice.random(requests)
    spread = draw(st.sampled_from([0.01, 0.3, 1.0, 2.0]))
    times = np.minimum(np.round(2000 * dice.lognormal(0, spread, requests)) + 1, 1e6 * TIMEOUT_S)
    is_wrong = fates < shares[0]
    is_lost = ~is_wrong & (fates < shares[0] + shares[1])
    is_late = ~is_wrong & ~is_lost & (fates < sum(shares)) & late
    wrong_times = times * draw(st.sampled_from([0.01, 1.0, 30.0]))
    return Truth(
        correct=times[~is_wrong & ~is_lost & ~is_late],
        wrong=np.round(wrong_times[is_wrong]) + 1,
        late=1e6 * TIMEOUT_S * (1 + dice.exponential(1, int(is_late.sum()))) + 1,
        lost=int(is_lost.sum()),
    )


def distribution(times, tool):
    """Return what the tool prints of these times, each with its own rank of a percentile."""
    if not len(times):
        return Distribution()
    ordered = np.sort(times)
    ranks = {
        "pacer": lambda share, n: max(1, int(share * n + 0.5)),
        "wrk2": lambda share, n: max(1, math.ceil(round(share * n, 6))),
        "hey": lambda share, n: math.ceil(round(share * n, 6)) + 1,
    }
    rank = ranks.get(tool.split(",")[0], lambda share, n: math.floor(round(share * n, 6)) + 1)
    return Distribution(
        mean=float(ordered.mean()),
        min=float(ordered[0]),
        max=float(ordered[-1]),
        percentiles={
            key: float(ordered[min(rank(float(key) / 100, len(ordered)), len(ordered)) - 1])
            for key in PRINTED[tool]
        },
    )


def load_of(name):
    closed = name in ("wrk", "ab", "hey")
    return Load(
        mode="saturation" if closed else "constant_rate", generator=name, from_host="client",
        rate_rps=None if closed else 100.0, connections=10, threads=1, duration_s=10,
        warmup_s=0, timeout_s=TIMEOUT_S,
    )  # fmt: skip


def printed(truth, tool):
    """Return load and output of the run as the tool would tell them."""
    name = tool.split(",")[0]
    load, answered = load_of(name), [truth.correct, truth.wrong]
    answers, late = len(truth.correct) + len(truth.wrong), len(truth.late)
    told = {"tool": name, "requests": answers, "duration_s": 10.0}
    status = len(truth.wrong) // 2
    match tool:
        case "pacer" | "pacer, times apart":
            told |= {"due": truth.due, "unsent": truth.lost // 2}
            told["unanswered"] = truth.lost - truth.lost // 2
            told["errors"] = Errors(
                connect=0, read=0, write=0, timeout=late, status=status,
                wrong_body=len(truth.wrong) - status,
            )  # fmt: skip
            if "apart" in tool:
                told["correct"] = len(truth.correct)
                told["correct_us"] = distribution(truth.correct, tool)
        case "wrk":
            told["requests"] = answers + late
            told["errors"] = Errors(
                connect=0, read=truth.lost, write=0, timeout=late, status=len(truth.wrong)
            )
        case "wrk2" | "wrk2, calibrating":  # waits, and counts a waiting connection again and again
            answered.append(truth.late)
            told |= {"requests": answers + late, "duration_s": truth.due / 100}
            told["errors"] = Errors(
                connect=0, read=truth.lost, write=0, timeout=3 * late, status=len(truth.wrong)
            )
            if "calibrating" in tool:
                answered, more = calibrated(np.concatenate(answered), truth.due)
                told |= more
        case "ab":  # counts attempts, and times them; some of the wrong are in two classes
            told["requests"] = answers + truth.lost
            answered.append(np.full(truth.lost, 7.0))
            told["errors"] = Errors(
                connect=0, read=truth.lost, write=0, status=len(truth.wrong), wrong_body=status
            )
        case "hey":
            told["errors"] = Errors(
                connect=truth.lost, read=0, write=0, timeout=late, status=len(truth.wrong)
            )
    told["latency_us"] = distribution(np.concatenate(answered), tool)
    return load, ToolOutput(**told)


def calibrated(answered, seed):
    """Return the times of which wrk2 prints percentiles, and what it says of the others.

    The answers of its calibration are drawn, or the fastest, or the slowest. Each thread prints
    their mean and p90. The last answer of each thread is in neither.
    """
    dice = np.random.default_rng(seed)
    order = [dice.permutation(len(answered)), np.argsort(answered), np.argsort(-answered)]
    times, threads = answered[order[dice.integers(3)]], int(dice.integers(1, 5))
    first = times[: int(len(times) * dice.choice([0.03, 0.3, 0.7]))]
    by_thread = [part for part in np.array_split(first, threads) if len(part)]
    timed = times[len(first) : max(len(first), len(times) - threads)]
    if not by_thread:
        return [timed], {"timed": len(timed), "threads": threads}
    ranks = [max(1, math.floor(0.9 * len(part) + 0.5)) - 1 for part in by_thread]
    p90_us = [np.sort(part)[rank] for part, rank in zip(by_thread, ranks, strict=True)]
    interval_ms = max(10, math.floor(2 * max(p90_us) / 1000))
    told = Distribution(
        mean=math.floor(max(part.mean() for part in by_thread)),
        percentiles={"90": 500.0 * (interval_ms + 1)},
    )
    return [timed], {"timed": len(timed), "threads": threads, "untimed_us": told}


def without_late(tool):
    return tool == "ab"  # it waits for every answer or gives up the run


def is_late_correct(tool):
    return tool.startswith("wrk2")  # no answer is too late for it, so it times all of them


def as_seen(truth, tool):
    """Return the run with late answers among the correct ones where the tool sees no time-out."""
    if not is_late_correct(tool):
        return truth
    correct = np.concatenate([truth.correct, truth.late])
    return Truth(correct, truth.wrong, np.array([]), truth.lost)


@pytest.mark.parametrize("tool", PRINTED)
@settings(max_examples=60)
@given(data=st.data(), percent=st.sampled_from([50.0, 90.0, 99.0]))
def test_the_bounds_hold_the_true_percentile_of_requests_due(tool, data, percent):
    truth = data.draw(truths(late=not without_late(tool)))
    load, output = printed(truth, tool)
    found = due.of_run(load, output, percent)
    if found is None:  # not one answer has a time
        assert not due.times(output).percentiles
        return
    finite, endless = true_percentiles([as_seen(truth, tool)], percent)
    if found.low < found.high:
        assert found.low <= finite
        assert endless <= found.high
    else:  # exact: but for the tool's own choice of a rank, which is one or two further at most
        good = np.sort(as_seen(truth, tool).correct)
        place = rank_of(truth.due, percent) - 1
        assert good[max(place - 1, 0)] <= found.high <= good[min(place + 2, len(good) - 1)]


@settings(max_examples=100)
@given(seed=st.integers(0, 2**32 - 1))
def test_answers_of_wrk2s_calibration_may_be_fast_or_slow(seed):
    dice = np.random.default_rng(seed)
    times = np.ceil(2e5 * dice.lognormal(0, dice.choice([0.01, 0.3, 2]), dice.integers(9, 400)))
    times[dice.random(len(times)) < 0.3] = 2e6  # of two kinds, so that no mean bounds more
    truth = Truth(times, wrong=np.array([]), late=np.array([]), lost=0)
    load, output = printed(truth, "wrk2, calibrating")
    known = due.answers(load, output)
    for step in known.steps:
        assert step.within <= (times <= step.time_us).sum()
        assert step.below >= (times < step.time_us).sum()
    if len(times) > 100 and output.untimed_us:  # something is known of them, too
        assert known.within(math.inf) > 0.8 * len(times)


@pytest.mark.parametrize("tool", PRINTED)
@settings(max_examples=30)
@given(data=st.data(), percent=st.sampled_from([50.0, 90.0, 99.0]))
def test_so_do_those_of_merged_trials(tool, data, percent):
    drawn = truths(late=not without_late(tool), most=500)
    trials = data.draw(st.lists(drawn, min_size=1, max_size=4))
    runs = [due.answers(*printed(truth, tool)) for truth in trials]
    finite, endless = true_percentiles([as_seen(truth, tool) for truth in trials], percent)
    found = due.percentile(runs, percent)
    assert found.low <= finite
    assert endless <= found.high


@pytest.mark.parametrize("apart", [False, True])
@settings(max_examples=60)
@given(data=st.data(), percent=st.floats(0.1, 99.99))
def test_a_histogram_gives_every_percentile(apart, data, percent):
    trials = data.draw(st.lists(truths(most=500), min_size=1, max_size=3))
    runs = []
    for truth in trials:
        times = truth.correct if apart else np.concatenate([truth.correct, truth.wrong])
        values, counts = np.unique(times, return_counts=True)
        counted = due.Counted([float(v) for v in values], [int(n) for n in counts], correct=apart)
        runs.append(due.answers(*printed(truth, "pacer"), counted))
    finite, endless = true_percentiles(trials, percent)
    found = due.percentile(runs, percent)
    assert found.low <= finite
    assert endless <= found.high
    if apart or not any(len(truth.wrong) for truth in trials):
        assert math.isinf(found.high) or found.low == found.high == endless


def test_a_loss_below_one_percent_raises_a_p99():
    # 0.9 % were never answered and 0.3 % took half a second; all others 7 ms at most
    output = ToolOutput(
        tool="pacer", requests=9910, due=10_000, unsent=0, unanswered=90, duration_s=10,
        errors=Errors(connect=0, read=0, write=0, timeout=0, status=0, wrong_body=0),
        latency_us=Distribution(max=5e5, percentiles={"50": 2e3, "99": 7e3, "99.9": 4.9e5}),
    )  # fmt: skip
    found = due.of_run(load_of("pacer"), output, 99)
    assert found == (7e3, 4.9e5)
    more = output.model_copy(update={"requests": 9890, "unanswered": 110})
    assert due.of_run(load_of("pacer"), more, 99) == (5e5, math.inf)
    timed_out = more.model_copy(update={"unanswered": 0, "errors": Errors(timeout=110)})
    assert due.of_run(load_of("pacer"), timed_out, 99) == (1e6 * TIMEOUT_S, math.inf)


def test_requests_never_sent_have_waited_the_time_out_if_it_counts_from_when_they_were_due():
    output = ToolOutput(
        tool="pacer", requests=9000, correct=9000, due=10_000, unsent=1000, unanswered=0,
        duration_s=10, latency_us=Distribution(max=3e5, percentiles={"50": 2e3, "99": 7e3}),
        errors=Errors(connect=0, read=0, write=0, timeout=0, status=0, wrong_body=0),
    )  # fmt: skip
    load = load_of("pacer")
    from_due = load.model_copy(update={"timeout_from": "due"})
    assert due.of_run(from_due, output, 99) == (1e6 * TIMEOUT_S, math.inf)
    assert due.of_run(load, output, 99) == (3e5, math.inf)
    ended_early = output.model_copy(update={"problems": ["The run ended early."]})
    assert due.of_run(from_due, ended_early, 99) == (3e5, math.inf)


def test_a_closed_loop_was_asked_for_what_was_under_way_when_it_was_interrupted():
    output = ToolOutput(
        tool="pacer", requests=95, correct=95, unanswered=3, duration_s=10,
        latency_us=Distribution(max=3e5, percentiles={"50": 2e3, "99": 7e3}),
        errors=Errors(connect=0, read=1, write=0, timeout=1, status=0, wrong_body=0),
    )  # fmt: skip
    load = load_of("pacer").model_copy(update={"rate_rps": None, "mode": "saturation"})
    assert due.made(load, output) == 100
    assert due.of_run(load, output, 99).high == math.inf


def test_fast_failures_do_not_make_an_app_fast():
    output = ToolOutput(
        tool="pacer", requests=1000, due=1000, duration_s=10, errors=Errors(status=990),
        latency_us=Distribution(min=900, max=8e4, percentiles={"50": 1e3, "99": 2e3}),
    )  # fmt: skip
    found = due.of_run(load_of("pacer"), output, 50)
    assert found.high == math.inf
    assert due.correct(output) == (10, 10)


def test_wrks_goodput_leaves_out_what_came_late():
    output = ToolOutput(
        tool="wrk", requests=3097, throughput_rps=103.2, goodput_rps=103.2, duration_s=30,
        errors=Errors(connect=0, read=0, write=0, timeout=760, status=0),
    )  # fmt: skip
    assert due.goodput_rps(load_of("wrk"), output) == pytest.approx((103.2 * 2337 / 3097,) * 2)
    some_wrong = output.model_copy(update={"errors": Errors(timeout=760, status=100)})
    low, high = due.goodput_rps(
        load_of("wrk"), some_wrong
    )  # the wrong ones may be among the late ones
    assert (low, high) == pytest.approx((103.2 * 2237 / 3097, 103.2 * 2337 / 3097))


def test_goodput_of_a_tool_that_waits_is_bounded_by_the_times_it_printed():
    output = ToolOutput(
        tool="wrk2", requests=1000, throughput_rps=100.0, goodput_rps=100.0, duration_s=10,
        errors=Errors(connect=0, read=0, write=0, timeout=7, status=0),
        latency_us=Distribution(max=9e5, percentiles={"50": 1e5, "90": 8e5}),
    )  # fmt: skip
    assert due.goodput_rps(load_of("wrk2"), output) == (100, 100)
    slow = Distribution(max=3e6, percentiles={"50": 1e5, "90": 1.2e6})
    later = output.model_copy(update={"latency_us": slow})
    assert due.goodput_rps(load_of("wrk2"), later) == pytest.approx((50, 90))
