"""Ratios of trials: what the interval is computed from, and what it says of very little.

How often it holds the true ratio is asked in test_intervals.py.
"""

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from analysis.ratio import Estimate, Span, estimate, interval_text, number, share

FIGURES = st.floats(0.01, 1e6)
TRIALS = st.lists(FIGURES, min_size=1, max_size=5)
SEVERAL = st.lists(FIGURES, min_size=2, max_size=5)
UNKNOWN = Estimate(None, 0, math.inf, "unpaired")


def exact(values):
    return [Span.exact(value) for value in values]


def ends(found):
    return (found.low, found.high)


def test_more_trials_make_a_narrower_interval():
    few, many = (estimate(exact([9, 11] * n), exact([1, 1.1] * n)) for n in (1, 4))
    assert few.low < many.low < 1.0 * many.value < many.high < few.high


def test_in_pairs_what_disturbs_a_whole_trial_cancels():
    of, to = exact([200, 100, 400]), exact([100, 50, 200])
    assert ends(estimate(of, to, paired=True)) == (pytest.approx(2), pytest.approx(2))
    apart = estimate(of, to)
    assert apart.low < 1 < 4 < apart.high
    assert apart.value == 2


TWO, THREE = exact([6, 7]), exact([2, 3, 4])


@pytest.mark.parametrize(
    ("found", "label"),
    [
        (estimate(TWO, TWO, paired=True), "95 % interval (t, 2 pairs of trials)"),
        (estimate(TWO, THREE), "95 % interval (t, 2 trials against 3, unpaired)"),
        (share(THREE), "95 % interval (t, 3 trials)"),
        (
            estimate(TWO[:1], THREE),
            "interval is not known (one trial tells nothing of spread)",
        ),
    ],
)
def test_the_label_says_how_the_interval_came_about(found, label):
    assert found.label == found.document()["interval_is"] == label


@pytest.mark.parametrize(
    "found",
    [
        estimate(exact([6]), exact([2])),
        estimate(exact([6, 6]), exact([2])),
        estimate(exact([6]), exact([2, 2, 2])),
        share(exact([3])),
    ],
)
def test_one_trial_has_a_ratio_but_no_interval_and_decides_nothing(found):
    assert found.value == 3
    assert found.how == "one trial"
    assert found.lies(0, math.inf) == found.lies(2, 4) == found.lies(10, 20) == "across"
    assert found.chance_outside(1, 1) == 1
    assert found.interval() == "not known (one trial)"
    assert (found.document()["low"], found.document()["high"]) == (None, None)


@pytest.mark.parametrize("trials", [2, 3])
@pytest.mark.parametrize("paired", [True, False])
def test_zeros(trials, paired):
    none, some = exact([0.0] * trials), exact([5.0] * trials)
    assert ends(estimate(none, some, paired=paired)) == (0, 0)
    infinite = estimate(some, none, paired=paired)
    assert infinite.value == infinite.low == infinite.high == math.inf
    unknown = estimate(none, none, paired=paired)
    assert (unknown.value, unknown.low, unknown.high) == (None, 0, math.inf)
    assert unknown.chance_outside(1, 1) == 1


def test_one_failure_among_trials_without_any_is_not_more_than_none():
    found = estimate(exact([0, 0, 7]), exact([0, 0, 0]))
    assert (found.value, found.low, found.high) == (math.inf, 0, math.inf)
    assert found.lies(0.95, 1.05) == "across"


def test_some_zeros_among_the_trials_leave_the_ratio_nearly_open():
    found = estimate(exact([10, 11, 12]), exact([0, 0, 6]))
    assert found.value == pytest.approx(11 / 2)
    assert found.low < 1 < 100 < found.high < math.inf


def test_a_lower_bound_leaves_the_interval_open_on_its_side():
    slow, quick = [Span.at_least(8.0)] * 3, exact([2.0, 2.0, 2.0])
    assert ends(estimate(slow, quick)) == (pytest.approx(4), math.inf)
    assert ends(estimate(quick, slow)) == (0, pytest.approx(0.25))
    assert estimate(slow, slow).value is None
    assert ends(estimate(slow, slow)) == (0, math.inf)


def test_an_interval_is_as_wide_as_the_bounds_of_its_figures():
    found = estimate([Span(10, 8, 12)] * 3, [Span(2, 2, 4)] * 3)
    assert (found.value, *ends(found)) == (5, pytest.approx(2), pytest.approx(6))


def test_a_share_has_the_interval_of_its_mean_from_none_to_all():
    assert ends(share(exact([0, 0, 0]))) == (0, 0)
    found = share(exact([1, 2, 3]))
    assert ends(found) == (0, pytest.approx(2 + 4.3027 / 3**0.5, rel=1e-4))
    assert ends(share(exact([99, 100, 100])))[1] == 100
    assert ends(share([Span(1, 1, 5)] * 2)) == (1, 5)


@given(SEVERAL, st.data(), st.booleans())
def test_the_interval_holds_the_estimate(of, data, paired):
    size = {"min_size": len(of), "max_size": len(of)} if paired else {"min_size": 2, "max_size": 5}
    to = data.draw(st.lists(FIGURES, **size))
    found = estimate(exact(of), exact(to), paired=paired)
    assert 0 <= found.low <= found.value <= found.high


@given(SEVERAL, SEVERAL, st.floats(1, 1.5))
def test_a_p_value_of_less_than_5_percent_is_an_interval_outside_the_range(of, to, factor):
    found = estimate(exact(of), exact(to))
    chance = found.chance_outside(1 / factor, factor)
    assume(abs(chance - 0.05) > 1e-6)
    assert (chance < 0.05) == (found.lies(1 / factor, factor) in ("below", "above"))


@given(st.permutations([3.0, 5.0, 11.0, 4.0]))
def test_unpaired_trials_count_alike_whatever_their_order(values):
    one, other = (estimate(exact(v), exact([2.0, 2.5])) for v in (values, sorted(values)))
    assert ends(one) == pytest.approx(ends(other))


@given(st.permutations(range(4)))
def test_pairs_count_alike_whatever_their_order(order):
    of, to = [3.0, 5.0, 11.0, 4.0], [1.0, 3.0, 4.0, 2.0]
    first = estimate(exact(of), exact(to), paired=True)
    again = estimate(exact(of[i] for i in order), exact(to[i] for i in order), paired=True)
    assert ends(again) == pytest.approx(ends(first))


@given(SEVERAL, SEVERAL)
def test_a_ratio_is_the_reciprocal_of_the_one_back(a, b):
    there, back = estimate(exact(a), exact(b)), estimate(exact(b), exact(a))
    assert math.isclose(there.low, 1 / back.high)
    assert math.isclose(there.high, 1 / back.low)
    assert there.chance_outside(0.8, 1.25) == pytest.approx(back.chance_outside(0.8, 1.25))


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
    assert Estimate(1.5, low, high, "unpaired").lies(1, 2) == place


def test_where_nothing_is_known_no_range_is_an_answer():
    assert UNKNOWN.lies(0, math.inf) == "across"


def test_in_json_infinity_is_none():
    document = Estimate(math.inf, 2, math.inf, "unpaired").document()
    assert (document["value"], document["low"], document["high"]) == (None, 2, None)


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
        (1.0832, 1.0841, "1.083 to 1.084"),  # with three digits, both were 1.08
        (0.99996, 1.00004, "0.99996 to 1.0000"),
        (1.0000001, 1.0000002, "1.00 to 1.00"),  # they differ by nothing that anybody measures
        (1.08, 1.08, "1.08 to 1.08"),
        (0, 0, "0 to 0"),
        (2, math.inf, "at least 2.00"),
        (0, math.inf, "any ratio at all"),
        (math.inf, math.inf, "infinitely many times (the other side is zero)"),
    ],
)
def test_intervals_in_words(low, high, text):
    assert interval_text(low, high) == text
