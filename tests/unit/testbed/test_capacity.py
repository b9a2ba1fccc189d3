import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from testbed.asked import capacity, plan
from testbed.asked.capacity import answer, meets, most_probes, next_rate
from testbed.asked.probe import Probe
from testbed.errors import TestbedError
from testbed.model.experiment import Capacity, LoadSpec, PlannedRun
from testbed.model.results import Failure, Finding
from testbed.model.tool_output import Errors
from testbed.tools import generators
from tests.unit.draws import at_least, dice, seed
from tests.unit.report import builder

__all__ = ["dice", "seed"]  # fixtures
LIMITS = Capacity(from_rps=100, to_rps=5000, p99_ms=10, errors_percent=0, precision_percent=5)


def searched(limits, margin):
    """The probes of a search, given the margin of each rate, and why it ended."""
    probes = []
    while not isinstance(rate := next_rate(limits, probes), str):
        probes.append(Probe(rate, margin(rate)))
        assert len(probes) < 60
    return probes, rate


@settings(max_examples=10)
@given(st.floats(2, 4900), st.floats(2, 30))
def test_a_steady_server_is_found_with_as_few_probes_as_a_bisection(truth, slope):
    probes, over = searched(LIMITS, lambda rate: slope * math.log(rate / truth))
    low, estimate, high = answer(LIMITS, probes)
    assert low <= truth <= high
    assert abs(estimate - truth) <= max(1, 0.1 * truth)
    assert over == "narrow enough" or len(probes) >= most_probes(LIMITS, estimate)
    assert len(probes) <= most_probes(LIMITS, truth) + 2  # the estimate may lie across a doubling


def test_a_server_that_always_keeps_up_ends_at_the_highest_rate():
    probes, _ = searched(LIMITS, lambda rate: -5)
    assert [probe.rate_rps for probe in probes] == [100, 200, 400, 800, 1600, 3200, 5000]
    low, estimate, high = answer(LIMITS, probes)
    assert 4500 < low <= 5000
    assert (estimate, high) == (None, None)


def test_a_server_that_never_keeps_up_has_no_answer():
    probes, over = searched(LIMITS, lambda rate: math.inf)
    assert probes[0].rate_rps == 100
    assert over in ("no rate met", "most probes made")
    low, estimate, high = answer(LIMITS, probes)
    assert (low, estimate) == (None, None)
    assert high < 10


@settings(max_examples=6)
@given(st.randoms(use_true_random=False))
def test_a_noisy_server_ends_the_search_too(lots):
    probes, _ = searched(LIMITS, lambda rate: lots.uniform(-1, 1))
    low, _, high = answer(LIMITS, probes)
    assert low is None or high is None or low < high


def test_the_most_probes_can_be_declared():
    limits = LIMITS.model_copy(update={"most_probes": 4})
    probes, over = searched(limits, lambda rate: 5 * math.log(rate / 300))
    assert (len(probes), over) == (4, "most probes made")


def test_a_pause_does_not_throw_the_answer_down():
    """At 277/s of a capacity of 1000/s, one run misses because of a pause."""
    limits = LIMITS.model_copy(update={"most_probes": 10})
    pauses = iter([False, False, True])
    probes, _ = searched(
        limits, lambda rate: 5.0 if next(pauses, False) else 8 * math.log(rate / 1000)
    )
    assert [probe.met for probe in probes[:3]] == [True, True, False]
    low, estimate, high = answer(limits, probes)
    assert low <= 1000 <= high
    assert 800 < estimate < 1250


def test_a_gap_between_margin_and_verdict_is_closed():
    """A run that missed by errors only has no margin; one that met never has one above 0."""
    slow = probe_of(errors=Errors(timeout=1))
    assert capacity.probe_of(slow, LIMITS).margin == math.inf
    assert capacity.probe_of(probe_of(p99_us=5000.0), LIMITS).margin == math.log(0.5)
    assert capacity.probe_of(probe_of(requests=0, unsent=4000, p99_us=None), LIMITS).margin > 0


def test_the_interval_holds_the_truth(dice, seed):
    """It does in 97 of 100 searches or more.

    The servers are M/M/1 queues by their law, p99 = ln(100) / (1 - load) of a service time.
    bench/capacity.py simulates M/M/c and M/D/c, request by request, and has more searches.
    """
    held = 0
    for number in range(30):
        sd, hiccups = (0.03, 0.05, 0.1)[number % 3], (0, 0.02, 0.05)[number // 3 % 3]
        load = dice.uniform(0.3, 0.95)  # at which a typical run just meets the objective
        truth = 1000 * load
        limits = LIMITS.model_copy(update={"from_rps": truth * 2 ** dice.uniform(-4, 1)})

        def margin(rate, load=load, sd=sd, hiccups=hiccups):
            ran = rate / 1000 / math.exp(sd * dice.standard_normal())
            slower = (1 - load) / max(1 - ran, 1e-3) * math.exp(0.1 * dice.standard_normal())
            return max(math.log(slower), 2.0 if dice.random() < hiccups else -math.inf)

        low, _, high = answer(limits, searched(limits, margin)[0])
        held += (low or 0) <= truth <= (high or math.inf)
    assert at_least(held, 30, 0.97), f"{held}: seed {seed}"


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


def test_a_probe_without_one_correct_answer_steers_if_nothing_else_was_wrong():
    """Otherwise a search that begins far above the capacity would end after two such probes."""
    none = Finding(check="no_good_answer", verdict="invalid", sentence="not one")
    steal = none.model_copy(update={"check": "steal"})
    overload = probe_of(requests=0, unsent=4000, correct=0, p99_us=None).model_copy(
        update={"verdict": "invalid", "findings": [none]}
    )
    stolen = overload.model_copy(update={"findings": [none, steal]})
    assert capacity.counted([overload, stolen]) == [overload]
    outcomes = [overload] * 2
    first = PlannedRun.model_construct(run_id="001-flask-index-default-t1-r100")
    search = capacity.search(LIMITS, first, lambda rate: overload.load, outcomes)
    halved = round(overload.load.rate_rps / 2)
    assert next(search).run_id == f"001-flask-index-default-t1-r{halved}"
    outcomes += [stolen] * 2
    assert list(search) == []


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
