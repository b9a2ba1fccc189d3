"""The test for a trend against known truth, in settings that are drawn anew each time.

Each simulated run has a setting of its own. tests/unit/draws.py says how seldom chance makes a test
fail.
"""

import numpy as np
import pytest

from bench.trend import Queue, Wandering, response_times, wander
from testbed.validity.trend import LEVEL, SHORTEST_S, TAIL_LEVEL, drift_percent, trend
from tests.unit.draws import at_least, at_most, dice, seed

__all__ = ["dice", "seed"]  # fixtures
RUNS = 800
STEADY, GROWING = 220, 80  # runs of queues, each simulated


def wandering(dice, likeness):
    return Wandering(
        seconds=int(dice.integers(10, 151)),
        likeness=likeness,
        sd=float(np.exp(dice.uniform(np.log(0.01), np.log(0.3)))),
        heavy=bool(dice.random() < 0.5),
        hiccups=float(dice.choice([0, 0, 0.02, 0.1])),
    )


@pytest.mark.parametrize("likeness", [0, 0.6, 0.8])
def test_figures_that_only_wander_have_no_trend(seed, dice, likeness):
    """Throughput and medians are tested so, so that 3 % of each make 6 % of the runs."""
    drawn = [wander(wandering(dice, likeness), 1, dice)[0] for _ in range(RUNS)]
    found = sum(bool(drift_percent(list(row), 0)) for row in drawn)
    assert at_most(found, RUNS, 0.03), f"{found} of {RUNS}: seed {seed}"


def steady_queue(dice):
    """A queue below its capacity that settles within some seconds."""
    workers = int(dice.choice([1, 1, 4, 16]))
    return Queue(
        capacity_rps=float(dice.uniform(200, 600)),
        seconds=int(dice.integers(10, 41)),
        workers=workers,
        service=str(dice.choice(["fixed", "exponential"])),
        poisson=bool(dice.random() < 0.8),
    )


def drifts(queue, load, dice):
    (row,) = response_times(queue, load, 1, dice)
    return drift_percent(list(row[~np.isnan(row)]), 20)


@pytest.mark.parametrize("load", [0.8, 0.9, 0.95])
def test_a_queue_below_its_capacity_is_steady(seed, dice, load):
    found = [drifts(steady_queue(dice), load, dice) for _ in range(STEADY)]
    convicted = sum(abs(drift or 0) >= 20 for drift in found)
    assert at_most(convicted, len(found), 0.03), f"{convicted} of {len(found)}: seed {seed}"


@pytest.mark.parametrize(("load", "share"), [(1.03, 0.7), (1.05, 0.9), (1.1, 0.97)])
def test_a_queue_that_grows_is_found(seed, dice, load, share):
    def growing():
        capacity, seconds = float(dice.uniform(300, 800)), int(dice.integers(30, 61))
        return Queue(capacity, seconds, poisson=bool(dice.random() < 0.5))

    found = [drifts(growing(), load, dice) for _ in range(GROWING)]
    convicted = sum((drift or 0) >= 20 for drift in found)
    assert at_least(convicted, len(found), share), f"{convicted} of {len(found)}: seed {seed}"


def tail_drifts(dice, load, percents=(99, 50)):
    """How the p99 and the median changed over a run in which few requests wait in a queue."""
    share, rate_rps = float(dice.uniform(0.02, 0.1)), float(dice.uniform(500, 2000))
    queue = Queue(rate_rps * share, int(dice.integers(30, 61)), share=share)
    rows = [response_times(queue, load, 1, dice, percent)[0] for percent in percents]
    levels = {99: TAIL_LEVEL, 50: LEVEL}
    return [
        drift_percent(list(row[~np.isnan(row)]), 20, levels[percent])
        for row, percent in zip(rows, percents, strict=True)
    ]


def test_a_queue_in_which_few_requests_wait_is_found_by_the_tail(seed, dice):
    found = [tail_drifts(dice, float(dice.uniform(1.1, 1.5))) for _ in range(GROWING)]
    by_tail = sum((tail or 0) >= 20 for tail, _ in found)
    by_median = sum(abs(median or 0) >= 20 for _, median in found)
    assert at_least(by_tail, len(found), 0.95), f"{by_tail} of {len(found)}: seed {seed}"
    assert at_most(by_median, len(found), 0.03), f"{by_median} of {len(found)}: seed {seed}"


def test_a_tail_that_only_wanders_is_steady(seed, dice):
    found = [tail_drifts(dice, float(dice.uniform(0.3, 0.9)), (99,))[0] for _ in range(STEADY)]
    convicted = sum(abs(tail or 0) >= 20 for tail in found)
    assert at_most(convicted, len(found), 0.01), f"{convicted} of {len(found)}: seed {seed}"


@pytest.mark.parametrize("seconds", [10, 60, 300, 5000])
def test_a_line_is_a_trend_of_its_size(seconds):
    rising = list(np.linspace(80, 634, seconds))
    found = trend(rising)
    assert found.change_percent == pytest.approx(100 * 554 / 357, rel=0.12)
    assert found.chance < 1e-6
    assert trend(rising[::-1]).change_percent == pytest.approx(-found.change_percent, rel=0.05)


def test_a_trend_that_scatter_may_hide_cannot_be_told():
    """None is not 0: the run does not show that there was no trend."""
    assert drift_percent([1.0] * (SHORTEST_S - 1), 10) is None
    wild = [100, 300, 90, 500, 110, 250, 480, 130, 320, 400, 150, 450]
    assert abs(trend(wild).change_percent) >= 10
    assert drift_percent(wild, 10) is None
    assert drift_percent(wild, 10_000) == 0


@pytest.mark.parametrize("value", [0, 7.5])
def test_what_stays_the_same_has_no_trend(value):
    assert drift_percent([value] * 30, 10) == 0


def test_a_single_bad_second_is_no_trend():
    for bad in range(30):
        assert drift_percent([100 + s % 3 + 5000 * (s == bad) for s in range(30)], 10) == 0


@pytest.mark.parametrize("seconds", [60, 300, 2000])
@pytest.mark.parametrize("after", [0.0, 50.0, 150.0])
def test_a_step_in_mid_run_is_a_trend(seconds, after):
    """As of a host that is slowed down, or of an app that ceases to answer."""
    stepped = [100.0] * (seconds // 2 - 1) + [after] * (seconds // 2)
    assert abs(drift_percent(stepped, 10)) >= 10


def test_a_small_trend_is_told_as_it_is():
    """Whether it is too much is for limits.yml to say."""
    assert drift_percent([100 + 0.1 * second for second in range(30)], 10) == pytest.approx(3, 0.1)
