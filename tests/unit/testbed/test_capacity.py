import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from testbed.asked import capacity, plan, threshold
from testbed.asked.capacity import answer, meets, most_probes, next_rate
from testbed.asked.probe import Probe
from testbed.errors import TestbedError
from testbed.model.experiment import Capacity, LoadSpec, PlannedRun
from testbed.model.results import Failure, Finding
from testbed.model.tool_output import Errors
from testbed.tools import generators
from tests.unit.draws import at_least, at_most, dice, seed
from tests.unit.report import builder

__all__ = ["dice", "seed"]  # fixtures
SEARCHES = 200  # a hundredth of a second each
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
    assert 4400 < low <= 5000
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


@pytest.mark.parametrize("mostly_late", [False, True])  # a pause, or a run that was bad throughout
def test_a_bad_probe_does_not_throw_the_answer_down(mostly_late):
    """At 277/s of a capacity of 1000/s, one run misses because of its host."""
    limits = LIMITS.model_copy(update={"most_probes": 12})
    bad, probes = iter([False, False, True]), []
    while not isinstance(rate := next_rate(limits, probes), str):
        margin = 8 * math.log(rate / 1000)
        one = Probe(rate, margin, mostly_late=margin > 1)
        probes.append(Probe(rate, 5.0, mostly_late=mostly_late) if next(bad, False) else one)
    assert [probe.met for probe in probes[:3]] == [True, True, False]
    low, estimate, high = answer(limits, probes)
    assert low <= 1000 <= high
    assert 800 < estimate < 1250


def test_probes_that_were_mostly_late_bound_the_capacity_from_above():
    """Seen in a lab: an interval up to 16,000/s, although 400, 427 and 1644/s had missed."""
    margins = {50: -2, 100: -2, 200: -1.5, 290: -0.5, 400: 3, 427: 3, 1644: 4}

    def interval(*, mostly_late):
        told = (Probe(rate, one, mostly_late and one > 0) for rate, one in margins.items())
        return answer(LIMITS, list(told))

    low, estimate, high = interval(mostly_late=True)
    assert 200 < low <= 290 < estimate < 400 < high < 800
    assert interval(mostly_late=False)[2] > 2000  # pauses could explain all three


def test_a_gap_between_margin_and_verdict_is_closed():
    """A run that missed by errors only has no margin; one that met never has one above 0."""
    slow = probe_of(errors=Errors(timeout=1))
    assert capacity.probe_of(slow, LIMITS).margin == math.inf
    assert capacity.probe_of(probe_of(p99_us=5000.0), LIMITS).margin == math.log(0.5)
    assert capacity.probe_of(probe_of(requests=0, unsent=4000, p99_us=None), LIMITS).margin > 0


def hit(dice):
    """What a hiccup does to a run: how many times slower it is, and the log of a pause's p99."""
    return (1.0, dice.uniform(0.2, 4)) if dice.random() < 0.5 else (dice.uniform(1.3, 3), -math.inf)


def test_the_interval_holds_the_truth(dice, seed, monkeypatch):
    """It does in 97 of 100 searches or more, and seldom reaches far.

    So many searches that intervals which hold the truth in 85 of 100 fail the test.

    The servers are M/M/1 queues by their law, p99 = ln(100) / (1 - load) of a service time.
    bench/capacity.py simulates M/M/c and M/D/c, request by request, and has more searches.
    """
    monkeypatch.setattr(threshold, "STEP", 0.02)  # half as fine, and twice as quick
    held, absurd = 0, 0
    for number in range(SEARCHES):
        sd, hiccups = (0.03, 0.05, 0.1)[number % 3], (0, 0.02, 0.05)[number // 3 % 3]
        load = dice.uniform(0.3, 0.95)  # at which a typical run just meets the objective
        truth = 1000 * load
        from_rps = truth * 2 ** dice.uniform(-4, 1)
        limits = LIMITS.model_copy(  # the more rates are possible, the longer a search takes
            update={"from_rps": from_rps, "to_rps": max(from_rps, truth * dice.uniform(1.5, 3))}
        )

        def run(rate, load=load, sd=sd, hiccups=hiccups):
            slowed, paused = hit(dice) if dice.random() < hiccups else (1.0, -math.inf)
            ran = slowed * rate / 1000 / math.exp(sd * dice.standard_normal())
            slower = slowed * (1 - load) / max(1 - ran, 1e-3) * math.exp(0.1 * dice.normal())
            late = slower * math.log(2) / math.log(100) > 1  # the median, beyond the objective
            return Probe(rate, max(math.log(slower), paused), mostly_late=late)

        probes = []
        while not isinstance(rate := next_rate(limits, probes), str):
            probes.append(run(rate))
        low, _, high = answer(limits, probes)
        held += (low or 0) <= truth <= (high or math.inf)
        absurd += (high or 0) > 8 * truth
    assert at_least(held, SEARCHES, 0.97), f"{held}: seed {seed}"
    assert at_most(absurd, SEARCHES, 0.05), f"{absurd}: seed {seed}"


def probe_of(**changes):
    """A probe's record; 4000 requests due, all of them answered unless changed."""
    values = {"due": 4000, "requests": 4000, "p99_us": 9000.0} | changes
    return builder.run(1, "flask", "index", figures=builder.output(**values))


@pytest.mark.parametrize(
    ("changes", "mostly_late"),
    [
        ({"p50_us": 1500.0, "p99_us": 900_000.0}, False),  # as of a pause
        ({"p50_us": 10_001.0, "p99_us": 20_000.0}, True),
        ({"p50_us": 9000.0, "p99_us": 9000.0}, False),  # it met the objective
        ({"unsent": 1}, False),
        ({"requests": 1999, "unsent": 2001}, True),
        ({"requests": 2001, "unsent": 1999, "max_us": 9500.0}, False),
        ({"errors": Errors(status=2001)}, True),  # fast failures are no answers in time
        ({"requests": 0, "unsent": 4000, "p99_us": None, "p50_us": None}, True),
        ({"p50_us": None, "p99_us": 900_000.0}, False),  # not known
    ],
)
def test_which_probes_were_mostly_late(changes, mostly_late):
    assert capacity.probe_of(probe_of(**changes), LIMITS).mostly_late == mostly_late


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
