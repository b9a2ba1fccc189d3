"""Ratios of trials with known truth: what the interval holds, and what it says of very little."""

import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import assume, given
from hypothesis import strategies as st

from analysis.ratio import Estimate, Span, change, estimate, interval_text, number
from analysis.statistics import CONFIDENCE, RESAMPLES

FIGURES = st.floats(0.01, 1e6)
TRIALS = st.lists(FIGURES, min_size=1, max_size=5)
CAMPAIGNS = 300
UNKNOWN = Estimate(None, 0, math.inf, "bootstrap")


def exact(values):
    return [Span.exact(value) for value in values]


def noisy(dice, true, trials, sigma):
    """Trials of a cell of that true mean, with lognormal noise; of many campaigns."""
    noise = dice.lognormal(-(sigma**2) / 2, sigma, (CAMPAIGNS, trials))  # of mean 1
    return (true * noise).tolist()


def held_percent(found, true):
    return 100 * sum(one.low <= true <= one.high for one in found) / len(found)


@pytest.mark.parametrize(("trials", "percent"), [(3, 80), (5, 90)])
def test_with_few_trials_the_interval_holds_the_true_ratio_as_often_as_is_said(trials, percent):
    dice = np.random.default_rng(1)
    sides = dice.normal(100, 5, (400, 2, trials)).tolist()
    found = [estimate(exact(of), exact(to)) for of, to in sides]
    assert held_percent(found, 1) == pytest.approx(percent, abs=5)


@pytest.mark.parametrize(("true", "sigma"), [(2.0, 0.05), (0.25, 0.3)])
def test_with_many_trials_the_interval_holds_the_true_ratio_in_95_of_100_campaigns(true, sigma):
    dice = np.random.default_rng(2)
    of, to = noisy(dice, 1000 * true, 15, sigma), noisy(dice, 1000, 15, sigma)
    found = [estimate(exact(one), exact(other)) for one, other in zip(of, to, strict=True)]
    assert held_percent(found, true) == pytest.approx(100 * CONFIDENCE, abs=4)
    values = [one.value for one in found]
    assert np.mean(values) == pytest.approx(true, rel=0.02)


def test_the_true_share_is_held_too():
    dice = np.random.default_rng(3)
    found = [estimate(exact(values)) for values in noisy(dice, 40, 15, 0.1)]
    assert held_percent(found, 40) == pytest.approx(100 * CONFIDENCE, abs=4)


def test_more_trials_make_a_narrower_interval():
    dice = np.random.default_rng(4)
    widths = []
    for trials in (5, 10, 20):
        of, to = noisy(dice, 2, trials, 0.1), noisy(dice, 1, trials, 0.1)
        found = [estimate(exact(o), exact(t)) for o, t in zip(of[:50], to[:50], strict=True)]
        widths.append(np.mean([one.high - one.low for one in found]))
    assert widths[0] > 1.2 * widths[1] > 1.2 * 1.2 * widths[2]


def test_of_figures_that_are_known_the_interval_is_that_of_scipy():
    of, to = [410.0, 395.0, 402.0, 420.0], [101.0, 99.0, 104.0]
    theirs = scipy.stats.bootstrap(
        (of, to), lambda x, y, axis: x.mean(axis=axis) / y.mean(axis=axis), n_resamples=RESAMPLES,
        method="percentile", rng=np.random.default_rng(9),
    ).confidence_interval  # fmt: skip
    ours = estimate(exact(of), exact(to))
    assert (ours.low, ours.high) == (
        pytest.approx(theirs.low, rel=0.005),
        pytest.approx(theirs.high, rel=0.005),
    )


def test_three_trials_give_an_interval_within_the_range_of_the_ratios():
    found = estimate(exact([100, 110, 120]), exact([50, 52, 54]))
    assert found.how == "bootstrap"
    assert 100 / 54 <= found.low < found.value < found.high <= 120 / 50


def test_fewer_than_three_trials_give_the_range_of_all_ratios():
    found = estimate(exact([10, 30]), exact([2, 5, 4]))
    assert (found.low, found.high, found.how) == (2, 15, "range")


def test_one_trial_on_each_side_gives_their_ratio_and_no_spread():
    assert estimate(exact([6]), exact([2])) == Estimate(3, 3, 3, "one trial")
    assert estimate(exact([0.4])) == Estimate(0.4, 0.4, 0.4, "one trial")
    assert estimate(exact([6]), exact([2, 3])).how == "range"


@pytest.mark.parametrize("trials", [1, 2, 3])
def test_zeros(trials):
    none, some = exact([0.0] * trials), exact([5.0] * trials)
    assert (estimate(none, some).low, estimate(none, some).high) == (0, 0)
    infinite = estimate(some, none)
    assert infinite.value == infinite.low == infinite.high == math.inf
    unknown = estimate(none, none)
    assert (unknown.value, unknown.low, unknown.high) == (None, 0, math.inf)


def test_some_zeros_among_the_trials_leave_the_ratio_open_above():
    found = estimate(exact([10, 11, 12]), exact([0, 0, 6]))
    assert found.value == pytest.approx(11 / 2)
    assert found.low == pytest.approx(11 / 6, rel=0.1)
    assert found.high == math.inf


def test_a_lower_bound_leaves_the_interval_open_on_its_side():
    slow, quick = [Span.at_least(8.0)] * 3, exact([2.0, 2.0, 2.0])
    assert (estimate(slow, quick).low, estimate(slow, quick).high) == (4, math.inf)
    assert (estimate(quick, slow).low, estimate(quick, slow).high) == (0, 0.25)
    assert estimate(slow, slow).value is None


def test_an_interval_is_as_wide_as_the_bounds_of_its_figures():
    found = estimate([Span(10, 8, 12)] * 3, [Span(2, 2, 4)] * 3)
    assert (found.value, found.low, found.high) == (5, 2, 6)


@given(TRIALS, TRIALS)
def test_the_interval_holds_the_estimate_and_lies_within_the_extreme_ratios(of, to):
    found = estimate(exact(of), exact(to))
    tiny = 1e-9 * found.value
    assert found.low - tiny <= found.value <= found.high + tiny
    assert min(of) / max(to) - tiny <= found.low
    assert found.high <= max(of) / min(to) + tiny


@given(st.permutations([3.0, 5.0, 11.0, 4.0]))
def test_few_trials_count_alike_whatever_their_order(values):
    one, other = (estimate(exact(v), exact([2.0, 2.5])) for v in (values, sorted(values)))
    assert (one.low, one.high) == (other.low, other.high)


def test_the_same_trials_always_give_the_same_interval():
    first, second = (estimate(exact([1, 2, 4]), exact([3, 5, 6])) for _ in range(2))
    assert first == second


@given(TRIALS, TRIALS)
def test_a_change_is_the_reciprocal_of_the_one_back(a, b):
    there, back = change(exact(a), exact(b)), change(exact(b), exact(a))
    assume(a != b)
    assert math.isclose(there.low, 1 / back.high)
    assert math.isclose(there.high, 1 / back.low)


@pytest.mark.parametrize(
    ("low", "high", "place"),
    [
        (1.1, 1.9, "within"),
        (1, 2, "within"),  # a limit belongs to its range
        (0.2, 0.9, "below"),
        (2.1, math.inf, "above"),
        (0.9, 1.1, "across"),
        (0.5, 3, "across"),
        (1 - 1e-12, 2 + 1e-12, "within"),  # less than what figures are compared by
    ],
)
def test_where_an_interval_lies(low, high, place):
    assert Estimate(1.5, low, high, "range").lies(1, 2) == place


def test_where_nothing_is_known_no_range_is_an_answer():
    assert UNKNOWN.lies(0, math.inf) == "across"


def test_in_json_infinity_is_none():
    document = Estimate(math.inf, 2, math.inf, "one trial").document()
    assert (document["value"], document["low"], document["high"]) == (None, 2, None)
    assert "nothing is known of spread" in document["interval_is"]


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.000021, "0.0000210"), (2.2206, "2.22"), (13.3, "13.3"), (12345.6, "12,346")],
)
def test_ratios_are_written_out_with_three_digits(value, text):
    assert number(value) == text


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (1.5, 2.5, "1.50 to 2.50"),
        (2, math.inf, "at least 2.00"),
        (0, math.inf, "any ratio at all"),
        (math.inf, math.inf, "infinitely many times (the other side is zero)"),
    ],
)
def test_intervals_in_words(low, high, text):
    assert interval_text(low, high) == text
