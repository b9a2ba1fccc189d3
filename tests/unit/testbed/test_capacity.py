from hypothesis import given
from hypothesis import strategies as st

from testbed.capacity import Bracket, next_rate
from testbed.model.experiment import Capacity

LIMITS = Capacity(from_rps=100, to_rps=5000, p99_ms=10, errors_percent=0, precision_percent=5)


def searched(limits, is_met):
    """All rates probed, and the bracket at the end."""
    bracket, rates = Bracket(), []
    while (rate := next_rate(limits, bracket)) is not None:
        rates.append(rate)
        bracket = bracket.with_probe(rate, is_met(rate))
        assert len(rates) < 60
    return rates, bracket


@given(st.floats(1, 4999))
def test_the_answer_is_bracketed_as_closely_as_asked(truth):
    rates, bracket = searched(LIMITS, lambda rate: rate <= truth)
    assert len(set(rates)) == len(rates)
    if bracket.met is None:
        assert truth < bracket.missed <= 2
    else:
        assert bracket.met <= truth < bracket.missed
        assert bracket.missed - bracket.met <= max(1, 0.05 * bracket.met)


def test_a_server_that_always_keeps_up_ends_at_the_highest_rate():
    rates, bracket = searched(LIMITS, lambda rate: True)
    assert rates == [100, 200, 400, 800, 1600, 3200, 5000]
    assert bracket == Bracket(met=5000)


def test_a_server_that_never_keeps_up_has_no_answer():
    rates, bracket = searched(LIMITS, lambda rate: False)
    assert rates[0] == 100
    assert bracket.met is None


@given(st.randoms(use_true_random=False))
def test_a_noisy_server_ends_the_search_too(random):
    _, bracket = searched(LIMITS, lambda rate: random.random() < 0.5)
    assert bracket.met is None or bracket.missed is None or bracket.met < bracket.missed


def test_a_contradiction_is_taken_at_its_worst():
    bracket = Bracket().with_probe(400, True).with_probe(200, False)
    assert bracket == Bracket(met=None, missed=200)
    assert bracket.with_probe(800, True) == bracket
