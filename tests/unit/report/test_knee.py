"""The knee of curves whose truth is known."""

import math

import numpy as np
import pytest

from analysis.knee import knee
from tests.unit.draws import at_least, dice, seed

__all__ = ["dice", "seed"]  # fixtures
RATES = np.arange(50, 1000, 50)


def mm1(rates):
    """p99 in seconds of a server that can do 1000/s; rate / p99 is greatest at 500/s."""
    return math.log(100) / (1000 - np.asarray(rates))


def test_it_is_at_half_the_capacity_of_one_worker():
    assert knee(zip(RATES, mm1(RATES), strict=True)) == 500
    assert knee(zip(RATES, 60 * mm1(RATES), strict=True)) == 500  # whatever the unit is


@pytest.mark.parametrize(
    "points",
    [
        [],
        [(100, 1.0), (200, 1.0), (400, 90.0)],  # too few
        [(rate, 1.0) for rate in RATES],  # flat up to the highest: it lies beyond
        [(rate, rate**2) for rate in RATES],  # it lies below the lowest
        [(rate, math.inf) for rate in RATES],
    ],
)
def test_where_there_is_none_none_is_told(points):
    assert knee(points) is None


def test_scatter_and_pauses_of_single_runs_do_not_move_it_far(dice, seed):
    held = 0
    for _ in range(200):
        rates = dice.uniform(30, 60) * 2.0 ** np.arange(5)
        rates = np.r_[rates, 920 * np.exp(0.03 * dice.normal(size=6))]
        times = mm1(np.minimum(rates, 995)) * np.exp(0.1 * dice.normal(size=len(rates)))
        times = np.where(dice.random(len(rates)) < 0.02, 20 * times, times)
        found = knee(zip(rates, times, strict=True))
        held += found is not None and 250 <= found <= 1000
    assert at_least(held, 200, 0.95), f"{held}: seed {seed}"
