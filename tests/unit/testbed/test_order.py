"""The order of cells within trials: balanced by position and by what goes before."""

import itertools
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testbed.asked.order import balanced_orders, seed_of_arrivals, seed_of_part

CELLS = st.integers(1, 12)
SEEDS = st.integers(0, 10**6)


@given(CELLS, st.integers(1, 30), SEEDS)
def test_each_trial_has_every_cell_once_and_no_position_is_one_cell_s(cells, trials, seed):
    orders = balanced_orders(cells, trials, seed)
    assert len(orders) == trials
    assert all(sorted(order) == list(range(cells)) for order in orders)
    at = Counter((position, cell) for order in orders for position, cell in enumerate(order))
    counts = [at[position, cell] for position in range(cells) for cell in range(cells)]
    assert max(counts) - min(counts) <= 1


@given(st.integers(2, 12), SEEDS)
def test_over_a_whole_design_each_cell_follows_each_other_equally_often(cells, seed):
    orders = balanced_orders(cells, cells if cells % 2 == 0 else 2 * cells, seed)
    after = Counter(pair for order in orders for pair in itertools.pairwise(order))
    assert len(after) == cells * (cells - 1)
    assert len(set(after.values())) == 1


@given(st.integers(1, 6).map(lambda half: 2 * half), SEEDS, st.integers(1, 5))
def test_a_steady_drift_affects_an_even_number_of_cells_alike(cells, seed, pairs):
    orders = balanced_orders(cells, 2 * pairs, seed)
    assert len({sum(order.index(cell) for order in orders) for cell in range(cells)}) == 1


def test_two_cells_never_keep_one_order_throughout():
    for seed in range(200):
        first, second, _ = balanced_orders(2, 3, seed)
        assert first != second


@given(CELLS, st.integers(1, 10), SEEDS)
def test_the_same_seed_gives_the_same_orders_and_more_trials_only_add_to_them(cells, trials, seed):
    orders = balanced_orders(cells, trials, seed)
    assert balanced_orders(cells, trials + 3, seed)[:trials] == orders


@pytest.mark.parametrize("cells", [2, 3, 4])
def test_every_order_can_be_the_first(cells):
    firsts = {tuple(balanced_orders(cells, 1, seed)[0]) for seed in range(1000)}
    assert len(firsts) == {2: 2, 3: 6, 4: 24}[cells]


def test_each_part_of_a_series_has_a_seed_of_its_own_that_stays_the_same():
    seeds = [seed_of_part(7, part) for part in ("fair-index", "fair-agents", "as_published-index")]
    assert len(set(seeds)) == 3
    assert seeds[0] == seed_of_part(7, "fair-index") != seed_of_part(8, "fair-index")
    assert seed_of_part(7, "a") == 378282  # a resumed series needs the seeds that it began with


def test_every_run_has_arrivals_of_its_own_and_the_same_when_asked_again():
    runs = ["001-flask-index-default-t1-r100", "001-flask-index-default-t1-r200", "002-a-b-c-t1"]
    seeds = [seed_of_arrivals(7, run) for run in runs]
    assert len(set(seeds)) == len(runs)
    assert seeds == [seed_of_arrivals(7, run) for run in runs]
    assert seeds[0] != seed_of_arrivals(8, runs[0])
