"""Intervals of ratios against known truth, in settings that are drawn anew each time.

A simulation errs itself: tests/unit/draws.py says how seldom that makes a test fail.
"""

import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from analysis.intervals import holm, mean_of, paired, unpaired
from bench.intervals import Setting, called_worse, decided, held, shown
from tests.unit.draws import dice, seed, surely_within

__all__ = ["dice", "seed"]  # fixtures
CAMPAIGNS = 20_000


def spread(dice):
    return math.exp(dice.uniform(math.log(0.01), math.log(0.2)))


@pytest.mark.parametrize("time", range(12))
def test_paired_intervals_hold_the_true_ratio_in_93_to_97_of_100_campaigns(seed, dice, time):
    trials = int(dice.integers(2, 11))
    setting = Setting((trials, trials), (spread(dice), spread(dice)), dice.uniform(0, 0.15), True)
    count = held(setting, paired, CAMPAIGNS, dice)
    assert surely_within(count, CAMPAIGNS, 0.93, 0.97), f"{count}: seed {seed}, {setting}"


@pytest.mark.parametrize("time", range(12))
def test_unpaired_intervals_hold_the_true_ratio_in_93_to_97_of_100_campaigns(seed, dice, time):
    trials, sd = int(dice.integers(2, 11)), spread(dice)
    other = min(0.2, sd * math.exp(dice.uniform(math.log(1 / 4), math.log(4))))
    setting = Setting((trials, trials), (sd, other), dice.uniform(0, 0.15), False)
    count = held(setting, unpaired, CAMPAIGNS, dice)
    assert surely_within(count, CAMPAIGNS, 0.93, 0.97), f"{count}: seed {seed}, {setting}"


@pytest.mark.parametrize("time", range(12))
def test_so_do_those_of_sides_with_unlike_trials_and_unlike_scatter(seed, dice, time):
    """Where few trials stand against many, it may be nearly all: so many cells do not cry wolf."""
    trials = tuple(int(number) for number in dice.integers(3, 21, size=2))
    setting = Setting(trials, (spread(dice), spread(dice)), dice.uniform(0, 0.15), False)
    count = held(setting, unpaired, CAMPAIGNS, dice)
    most = 0.97 if trials[0] == trials[1] else 1.0
    assert surely_within(count, CAMPAIGNS, 0.93, most), f"{count}: seed {seed}, {setting}"


@pytest.mark.parametrize("time", range(8))
def test_an_app_is_called_worse_than_itself_in_5_of_100_comparisons_at_most(seed, dice, time):
    """Also where one side has more trials than the other, or scatters more."""
    trials = int(dice.integers(2, 11))
    more, sd = int(dice.integers(trials + 1, 22)), spread(dice)
    sides = ((trials, more), (sd, spread(dice))) if time % 2 else ((trials, trials), (sd, sd))
    setting = Setting(*sides, dice.uniform(0, 0.15), False)
    cells, factor = int(dice.integers(2, 13)), dice.choice([1.0, 1.05])
    count, _ = called_worse(setting, cells, factor, 4000, dice)
    what = f"{count}: seed {seed}, {cells} cells, factor {factor}, {setting}"
    assert surely_within(count, 4000, 0, 0.05), what


@pytest.mark.parametrize("fit", [paired, unpaired])
def test_a_difference_that_could_be_shown_is_shown_in_75_to_85_of_100_repetitions(seed, dice, fit):
    trials, sd = int(dice.integers(3, 11)), spread(dice)
    setting = Setting((trials, trials), (sd, sd), dice.uniform(0, 0.15), fit is paired)
    surely_shown(setting, fit, dice, seed)


@pytest.mark.parametrize("time", range(2))
def test_so_is_one_of_sides_with_unlike_trials_and_unlike_scatter(seed, dice, time):
    trials = tuple(int(number) for number in dice.integers(3, 21, size=2))
    setting = Setting(trials, (spread(dice), spread(dice)), dice.uniform(0, 0.15), False)
    surely_shown(setting, unpaired, dice, seed)


def surely_shown(setting, fit, dice, seed):
    cells = int(dice.integers(1, 61))
    count = shown(setting, fit, 0.05 / cells, 4000, dice)
    what = f"{count}: seed {seed}, {cells} cells, {setting}"
    assert surely_within(count, 4000, 0.75, 0.85), what


def test_without_a_correction_six_cells_would_cry_wolf(dice):
    setting = Setting((5, 5), (0.05, 0.05), 0, False)
    with_holm, without = called_worse(setting, 6, 1.0, 4000, dice)
    assert without > 2 * with_holm


def test_pairs_tell_a_difference_that_blocks_would_hide(dice):
    setting = Setting((5, 5), (0.03, 0.03), 0.1, True)
    in_pairs, apart = (decided(setting, fit, 1.1, 4000, dice) for fit in (paired, unpaired))
    assert surely_within(in_pairs, 4000, 0.9, 1)
    assert surely_within(apart, 4000, 0, 0.3)


def test_of_pairs_of_logarithms_that_scatter_little_the_interval_is_that_of_scipy():
    of, to = [410.0, 395.0, 402.0, 420.0], [101.0, 99.0, 104.0, 102.0]
    theirs = scipy.stats.ttest_rel(np.log(of), np.log(to)).confidence_interval()
    ours = paired(of, to)
    assert (float(ours.low()), float(ours.high())) == pytest.approx(np.exp(theirs), rel=0.001)


def test_without_pairs_the_interval_is_that_of_scipy():
    of, to = [410.0, 395.0, 402.0, 420.0], [101.0, 99.0, 104.0, 100.0]
    theirs = scipy.stats.ttest_ind(np.log(of), np.log(to), equal_var=False).confidence_interval()
    ours = unpaired(of, to)
    assert (float(ours.low()), float(ours.high())) == pytest.approx(np.exp(theirs), rel=0.001)


def test_of_two_trials_a_side_the_interval_is_a_little_narrower_than_that_of_scipy():
    of, to = [410.0, 395.0], [101.0, 99.0]
    theirs = scipy.stats.ttest_ind(np.log(of), np.log(to), equal_var=False).confidence_interval()
    ours, wide = unpaired(of, to), np.exp(theirs)
    assert wide[0] < float(ours.low()) < float(ours.high()) < wide[1]


@given(st.lists(st.floats(0.01, 100), min_size=2, max_size=6), st.floats(0.1, 10))
def test_the_p_value_is_where_the_interval_stops_lying_beyond_the_limit(of, limit):
    for fit in (paired, unpaired):
        found = fit(of, [1.0, 1.2] * (len(of) // 2) + [1.1] * (len(of) % 2))
        chance = float(found.chance_above(limit))
        if 1e-6 < chance < 1 - 1e-6:
            assert float(found.low(1 - chance)) == pytest.approx(limit)


def test_a_mean_of_zero_is_below_another_only_where_that_is_surely_above_zero():
    for fit in (paired, unpaired):
        rare, steady = fit([0, 0, 3], [0, 0, 0]), fit([7, 8, 9], [0, 0, 0])
        assert (float(rare.low()), float(rare.high())) == (0, math.inf)
        assert float(steady.low()) == math.inf
        assert float(rare.chance_above(1)) > 0.4 > 0.05 > float(steady.chance_above(1))
        assert float(fit([0, 0, 0], [7, 8, 9]).high()) == 0


def test_the_mean_of_ratios_that_scatter_differently_holds_the_truth(dice, seed):
    """Points of a question: each has its own ratio, trials of its own, and a scatter of its own."""
    for _ in range(6):
        points, trials = int(dice.integers(2, 6)), int(dice.integers(3, 9))
        logs, ratios = dice.uniform(-1, 1, points), []
        for log in logs:
            noise = dice.normal(0, spread(dice), (2, CAMPAIGNS, trials))
            blocks = dice.normal(0, 0.1, (CAMPAIGNS, trials))
            ratios.append(paired(np.exp(log + blocks + noise[0]), np.exp(blocks + noise[1])))
        found, truth = mean_of(ratios), math.exp(logs.mean())
        count = int(((found.low() <= truth) & (truth <= found.high())).sum())
        assert surely_within(count, CAMPAIGNS, 0.93, 0.98), (seed, points, trials, count)


def test_holm_s_correction():
    """Worked by hand: 4 times 0.005, 3 times 0.01, and so on, never less than before."""
    assert holm([0.01, 0.03, 0.02, 0.005]) == pytest.approx([0.03, 0.04, 0.04, 0.02])
    assert holm([0.9, 0.04]) == pytest.approx([0.9, 0.08])
    assert holm([0.2]) == [0.2]
    assert holm([]) == []
