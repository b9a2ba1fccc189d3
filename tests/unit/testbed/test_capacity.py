import pytest
from hypothesis import given
from hypothesis import strategies as st

from testbed.asked import plan
from testbed.asked.capacity import Bracket, meets, next_rate
from testbed.errors import TestbedError
from testbed.model.experiment import Capacity, LoadSpec
from testbed.model.results import Failure
from testbed.model.tool_output import Errors
from testbed.tools import generators
from tests.unit.report import builder

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


def probe_of(**changes):
    """A probe's record; 4000 requests due, all of them answered unless changed."""
    values = {"due": 4000, "requests": 4000, "p99_us": 9000.0} | changes
    return builder.run(1, "flask", "index", figures=builder.output(**values))


@pytest.mark.parametrize(
    ("changes", "is_met"),
    [
        ({}, True),
        ({"p99_us": 10_001.0}, False),
        ({"unsent": 1}, False),
        ({"unanswered": 1}, False),
        ({"errors": Errors(timeout=1)}, False),
        ({"requests": 0, "unsent": 4000, "p99_us": None}, False),  # not one answer, and so no p99
    ],
)
def test_what_meets_the_objective(changes, is_met):
    assert meets(probe_of(**changes), LIMITS) == is_met


def test_a_share_of_errors_may_be_allowed():
    limits = LIMITS.model_copy(update={"errors_percent": 1})
    assert meets(probe_of(requests=3960, unanswered=40, max_us=9500.0), limits)
    assert not meets(probe_of(requests=3959, unanswered=41, max_us=9500.0), limits)


def test_its_p99_is_of_the_requests_due():
    # One in a hundred was lost, so the p99 of all is the slowest answer, which took 31 ms
    limits = LIMITS.model_copy(update={"errors_percent": 5})
    assert not meets(probe_of(requests=3960, unanswered=40), limits)
    assert meets(probe_of(requests=3999, unanswered=1), limits)
    fast_failures = {"errors": Errors(status=3990, wrong_body=10), "p99_us": 100.0}
    assert not meets(probe_of(**fast_failures), limits)


@pytest.mark.parametrize(
    "record",
    [
        builder.run(1, "flask", "index", failure=Failure(stage="start", message="no")),
        probe_of(due=None, tool="wrk2"),
        probe_of(p99_us=None),
    ],
)
def test_a_probe_that_cannot_tell_is_no_answer(record):
    with pytest.raises(TestbedError, match="cannot tell"):
        meets(record, LIMITS)


def test_a_search_has_room():
    with pytest.raises(ValueError, match="from_rps must not exceed to_rps"):
        Capacity(from_rps=200, to_rps=100, p99_ms=10, errors_percent=0)


def test_probes_are_made_by_a_generator_that_counts_what_was_due():
    load = {
        "mode": "capacity",
        "connections": 10,
        "threads": 2,
        "duration_s": 10,
        "warmup_s": 1,
        "timeout_s": 2,
        "capacity": LIMITS.model_dump(),
    }
    ((_, first),) = plan.loads(LoadSpec.model_validate(load))
    assert first.at(300).generator == "pacer"
    other = LoadSpec.model_validate(load | {"generator": "wrk2"})
    assert "take pacer to search" in generators.misfit(other)
