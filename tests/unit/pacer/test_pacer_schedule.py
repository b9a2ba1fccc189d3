"""The schedule: when requests are due."""

import math
from itertools import pairwise
from statistics import mean, stdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacer.schedule import NS_PER_S, Arrivals, Schedule


def whole(schedule: Schedule, processes: int) -> list[int]:
    """All processes' due times, in order."""
    parts = [
        list(
            Schedule(
                arrivals=schedule.arrivals,
                rate_rps=schedule.rate_rps,
                warmup_s=schedule.warmup_s,
                duration_s=schedule.duration_s,
                seed=schedule.seed,
                index=index,
                processes=processes,
            )
        )
        for index in range(processes)
    ]
    for part in parts:
        assert part == sorted(part)
    return sorted(due for part in parts for due in part)


def test_deterministic_is_exact() -> None:
    due = list(Schedule("constant", rate_rps=4, warmup_s=0.5, duration_s=1))
    assert due == [-500_000_000, -250_000_000, 0, 250_000_000, 500_000_000, 750_000_000]


def test_a_long_run_does_not_drift() -> None:
    due = list(Schedule("constant", rate_rps=3, warmup_s=0, duration_s=100_000))
    assert len(due) == 300_000
    assert due[-3] == 99_999 * NS_PER_S


@given(
    rate=st.floats(min_value=0.5, max_value=3000),
    duration=st.floats(min_value=0.05, max_value=2),
    warmup=st.floats(min_value=0, max_value=1),
    processes=st.integers(min_value=1, max_value=5),
)
def test_processes_share_it(rate: float, duration: float, warmup: float, processes: int) -> None:
    schedule = Schedule("constant", rate, warmup, duration)
    due = list(schedule)
    assert whole(schedule, processes) == due
    measured = [moment for moment in due if moment >= 0]
    assert measured == list(Schedule("constant", rate, 0, duration))  # whatever the warm-up
    assert abs(len(measured) - rate * duration) <= 1
    assert all(abs(later - sooner - NS_PER_S / rate) <= 1 for sooner, later in pairwise(due))


@pytest.mark.parametrize(("rate", "duration", "count"), [(30, 0.1, 3), (10, 0.3, 3), (7, 0.7, 5)])
def test_counts_where_floats_mislead(rate: float, duration: float, count: int) -> None:
    assert len(list(Schedule("constant", rate, 0, duration))) == count


@pytest.mark.parametrize("processes", [1, 3])
def test_poisson_has_the_rate_and_its_spread(processes: int) -> None:
    due = whole(Schedule("poisson", 1000, 1, 20, seed=7), processes)
    assert min(due) >= -NS_PER_S
    assert max(due) < 20 * NS_PER_S
    assert len(due) == pytest.approx(21_000, abs=5 * math.sqrt(21_000))
    gaps = [later - sooner for sooner, later in pairwise(due)]
    assert stdev(gaps) / mean(gaps) == pytest.approx(1, abs=0.03)  # exponential: 1


def test_poisson_repeats_with_its_seed_only() -> None:
    def due(seed: int, index: int = 0) -> list[int]:
        return list(Schedule("poisson", 100, 0, 5, seed=seed, index=index, processes=2))

    assert due(1) == due(1)
    assert due(1) != due(2)
    assert due(1) != due(1, index=1)


@pytest.mark.parametrize("arrivals", ["constant", "poisson"])
def test_each_iteration_is_the_same(arrivals: Arrivals) -> None:
    schedule = Schedule(arrivals, 500, 0.5, 1, seed=3)
    first, second = iter(schedule), iter(schedule)
    assert [next(first) for _ in range(100)] == [next(second) for _ in range(100)]
