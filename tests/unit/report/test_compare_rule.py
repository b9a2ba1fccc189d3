"""What the rule of comparing holds for whatever two sides measured."""

from hypothesis import assume, given
from hypothesis import strategies as st

from analysis.compare.rule import judge
from analysis.ratio import Span, estimate

FIGURES = st.floats(0.01, 1e6)
TRIALS = st.lists(FIGURES, min_size=2, max_size=4)
OPPOSITE = {"better": "worse", "worse": "better", "same": "same", "undecided": "undecided"}


def change(a, b):
    """Return B/A."""
    return estimate(b, a)


def spans(values):
    return [Span.exact(value) for value in values]


@given(TRIALS, TRIALS, st.floats(1, 1.5), st.booleans())
def test_swapping_a_and_b_turns_better_into_worse(a, b, factor, more_is_better):
    there, back = (
        judge(change(spans(one), spans(other)), factor, more_is_better=more_is_better)
        for one, other in ((a, b), (b, a))
    )
    assert back == OPPOSITE[there]


@given(TRIALS, st.floats(1, 1.5))
def test_identical_campaigns_are_never_better_or_worse(values, factor):
    found = judge(change(spans(values), spans(values)), factor, more_is_better=True)
    assert found in ("same", "undecided")


@given(TRIALS, TRIALS, st.floats(1, 1.5))
def test_more_of_what_is_good_is_less_of_what_is_bad(a, b, factor):
    found = change(spans(a), spans(b))
    good, bad = (judge(found, factor, more_is_better=which) for which in (True, False))
    assert bad == OPPOSITE[good]


@given(TRIALS, TRIALS, st.floats(1.01, 1.5))
def test_more_tolerance_never_makes_a_cell_worse(a, b, factor):
    found = change(spans(a), spans(b))
    strict, lenient = (judge(found, limit, more_is_better=True) for limit in (1.0, factor))
    assume(strict in ("better", "worse", "same"))
    assert lenient in (strict, "same", "undecided")
