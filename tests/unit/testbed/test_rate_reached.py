"""A rate that was not reached: by the generator's fault, or because the server was slow.

The evidence is drawn: pacer's connections are simulated request by request, in front of a server
that answers as drawn, and of a generator that may leave connections idle.
"""

import heapq

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from testbed import validity
from testbed.model.tool_output import Distribution, Errors
from testbed.validity import fault
from tests.unit.draws import at_most, dice, seed
from tests.unit.testbed.sound_run import LOAD, evidence_in, lag, output, rows

__all__ = ["dice", "seed"]  # fixtures
PATIENCE_S = 1  # for so long after the last request was due pacer sends those that wait


@pytest.fixture
def found(tmp_path):
    """Judges a run; the verdicts and sentences of rate_reached."""
    made = evidence_in(tmp_path)

    def findings(**changes):
        judged = validity.judge(made(**changes))
        return [(one.verdict, one.sentence) for one in judged if one.check == "rate_reached"]

    return findings


def due_times(load, arrivals, dice):
    """Return when requests are due: at equal intervals, or at random times (a Poisson process)."""
    number = int(load.rate_rps * load.duration_s)
    if arrivals == "constant":
        return [k / load.rate_rps for k in range(number)]
    return sorted(load.duration_s * dice.random(max(1, dice.poisson(number))))


def pacer(load, takes_s, usable=None, *, from_due=False, due=None):
    """Return the figures of a run whose request k, taken up at a time, takes `takes_s(time)`.

    Of the connections, the generator uses only `usable`, as if it left the others idle. Time-outs
    count from when a request was due, or from when a connection took it up.
    """
    free = [0.0] * (usable or load.connections)
    every = due_times(load, "constant", None) if due is None else due
    service, unsent, timeouts = [], 0, 0
    for due in every:
        at = max(due, free[0])
        until = due + load.timeout_s if from_due else load.duration_s + PATIENCE_S
        if at > until:
            unsent += 1
            continue
        takes = takes_s(at)
        if at - (due if from_due else at) + takes < load.timeout_s:
            service.append(takes)
        else:
            timeouts += 1
        heapq.heapreplace(free, at + min(takes, load.timeout_s))
    times = Distribution(
        mean=1e6 * sum(service) / len(service) if service else None,
        max=1e6 * max(service, default=0),
    )
    return output(
        due=len(every),
        unsent=unsent,
        requests=len(service),
        errors=Errors(timeout=timeouts, connect=0),
        service_us=times,
        duration_s=load.duration_s,
        connections=load.connections,
        unanswered=0,
        answers_per_connection=None,
    )


def load(rate, connections, duration_s, **other):
    changes = {"rate_rps": rate, "connections": connections, "duration_s": duration_s, **other}
    return LOAD.model_copy(update=changes)


@settings(max_examples=40)
@given(
    workers=st.integers(1, 32),
    wait_s=st.floats(0.005, 1),
    connections=st.integers(1, 100),
    asked=st.floats(1.05, 5),  # times what the server carries
    duration_s=st.integers(10, 40),
    scatter=st.floats(0, 0.5),
    from_due=st.booleans(),
    seed=st.integers(0, 10**6),
)
def test_workers_that_wait_are_never_the_generators_fault(
    tmp_path_factory, workers, wait_s, connections, asked, duration_s, scatter, from_due, seed
):
    """Each of the workers waits for something else, and uses no CPU meanwhile."""
    dice = np.random.default_rng(seed)
    carries = min(workers, connections) / wait_s
    asked_load = load(max(1, min(asked * carries, 400)), connections, duration_s)
    in_turn = max(1, connections / workers)  # requests that share a worker wait for each other

    def takes_s(at):
        return wait_s * in_turn * dice.uniform(1 - scatter, 1 + scatter)

    seen = pacer(asked_load, takes_s, from_due=from_due)
    made = evidence_in(tmp_path_factory.mktemp("run"))
    judged = validity.judge(made(output=seen, load=asked_load, server=rows(cpu_percent=2)))
    told = [one for one in judged if one.check == "rate_reached"]
    assert {one.verdict for one in told} <= {"valid"}, told
    assert bool(told) == (seen.unsent >= 0.01 * seen.due)


@settings(max_examples=40)
@given(
    fast_s=st.floats(0.0005, 0.02),
    slow_s=st.floats(0.1, 60),
    from_share=st.floats(0, 0.99),
    connections=st.integers(1, 50),
    rate=st.integers(5, 400),
    duration_s=st.integers(6, 40),
    from_due=st.booleans(),
)
def test_a_server_that_slows_down_or_hangs_is_never_the_generators_fault(
    tmp_path_factory, fast_s, slow_s, from_share, connections, rate, duration_s, from_due
):
    """Most answers were fast, and the mean of the service times is small."""
    asked_load = load(rate, connections, duration_s)

    def takes_s(at):
        return slow_s if at >= from_share * duration_s else fast_s

    seen = pacer(asked_load, takes_s, from_due=from_due)
    made = evidence_in(tmp_path_factory.mktemp("run"))
    judged = validity.judge(made(output=seen, load=asked_load))
    verdicts = {one.verdict for one in judged if one.check == "rate_reached"}
    assert verdicts <= {"valid"}


@settings(max_examples=40)
@given(
    service_s=st.floats(0.0005, 0.05),
    scatter=st.floats(0, 0.5),
    connections=st.integers(20, 400),
    duration_s=st.integers(10, 40),
    used=st.floats(0.1, 0.9),  # of the rate, so much is sent
    arrivals=st.sampled_from(["constant", "poisson"]),
    seed=st.integers(0, 10**6),
)
def test_a_generator_that_leaves_connections_idle_is_always_at_fault(
    tmp_path_factory, service_s, scatter, connections, duration_s, used, arrivals, seed
):
    """It uses so few of its connections that they do not carry the rate."""
    dice = np.random.default_rng(seed)
    usable = max(1, connections // 20)
    rate = usable / service_s / used
    if rate * duration_s > 8000:  # a smaller rate and a slower server are the same to it
        rate, service_s = 8000 / duration_s, service_s * rate * duration_s / 8000
    asked_load = load(rate, connections, duration_s, arrivals=arrivals)

    def takes_s(at):
        return service_s * dice.uniform(1 - scatter, 1 + scatter)

    seen = pacer(asked_load, takes_s, usable, due=due_times(asked_load, arrivals, dice))
    made = evidence_in(tmp_path_factory.mktemp("run"))
    judged = validity.judge(made(output=seen, load=asked_load))
    (told,) = [one for one in judged if one.check == "rate_reached"] or [None]
    if seen.unsent >= 0.05 * seen.due:
        assert told.verdict == "invalid"
        assert "there were free connections for them" in told.sentence
    elif seen.unsent >= 0.01 * seen.due:
        assert told.verdict == "doubtful"


def near_its_capacity(dice, service_s, connections):
    """A server whose connections are just enough, but for the crowds of random arrivals."""
    return connections / service_s * dice.uniform(0.8, 1.1), lambda at: service_s


def that_scatters(dice, service_s, connections):
    return connections / service_s * dice.uniform(
        0.9, 1.5
    ), lambda at: service_s * dice.uniform(0.5, 1.5)


def that_stands_still(dice, service_s, connections):
    begins, ends = np.sort(dice.uniform(0, 40, 2))
    rate = dice.uniform(1, connections / (service_s / 20))
    return rate, lambda at: ends - at if begins <= at < ends else service_s / 20


@pytest.mark.parametrize("server", [near_its_capacity, that_scatters, that_stands_still])
def test_crowds_of_random_arrivals_are_never_the_generators_fault(server, dice, seed):
    """Of runs with losses, fewer than one in a thousand is blamed on the generator."""
    short, blamed = 0, 0
    while short < 150:
        duration_s, connections = dice.integers(6, 41), int(dice.integers(1, 6))
        rate, takes_s = server(dice, dice.uniform(0.1, 2), connections)
        from_due = bool(dice.random() < 0.5)
        asked = load(
            min(max(rate, 1), 60), connections, int(duration_s), arrivals="poisson",
            timeout_from="due" if from_due else "sent", warmup_s=int(dice.integers(2)),
        )  # fmt: skip
        seen = pacer(asked, takes_s, from_due=from_due, due=due_times(asked, "poisson", dice))
        if seen.unsent >= 0.01 * seen.due:
            short += 1
            blamed += fault.of_generator(asked, seen) is not None
    assert at_most(blamed, short, 0.001), f"{blamed} of {short}: seed {seed}"


@pytest.mark.parametrize(
    ("own", "words"),
    [
        (lag(20_000), "the generator lagged, p99 20000 us"),
        (output(busiest_process_cpu_percent=98), "out of CPU time, at 98 % of a core"),
    ],
)
@pytest.mark.parametrize(("unsent", "verdict"), [(120, "doubtful"), (600, "invalid")])
def test_a_generator_that_lags_or_has_no_cpu_left_is_at_fault(found, own, words, unsent, verdict):
    for busy in (1, 50, 99):  # however busy the server was
        shown = own.model_copy(update={"unsent": unsent})
        ((told, sentence),) = found(output=shown, server=rows(cpu_percent=busy))
        assert told == verdict
        assert words in sentence


@pytest.mark.parametrize("own", [lag(20_000), output(busiest_process_cpu_percent=98)])
def test_a_late_generator_is_not_blamed_for_what_the_server_could_not_bear(found, own):
    """Half of the requests kept all connections in use; the run is invalid for being late alone."""
    slow = {"unsent": 3000, "requests": 3000, "unanswered": 0,
            "service_us": Distribution(mean=200_000, max=400_000)}  # fmt: skip
    ((verdict, sentence),) = found(output=own.model_copy(update=slow))
    assert verdict == "valid"
    assert "all 10 connections waited for the server" in sentence


def test_a_lag_that_explains_nothing_is_no_proof(found):
    """Requests that are sent two milliseconds late are sent."""
    ((verdict, _),) = found(output=lag(2000).model_copy(update={"unsent": 600}))
    assert verdict == "valid"


@pytest.mark.parametrize(("busy", "what"), [(2, "unknown"), (99, "all cores")])
def test_what_gave_out_is_told(found, busy, what):
    slow = output(
        unsent=3000, requests=3000, service_us=Distribution(mean=200_000, max=400_000), unanswered=0
    )
    ((verdict, sentence),) = found(output=slow, server=rows(cpu_percent=busy))
    assert verdict == "valid"
    assert sentence.startswith(
        "50.0 % of the requests due were never sent: all 10 connections waited for the server, "
        f"which took 200 ms on average, what gave out first: {what} ("
    )


def test_without_telemetry_and_service_times_nothing_is_proved(found):
    ((verdict, sentence),) = found(output=output(unsent=600), server=[])
    assert verdict == "valid"
    assert "what gave out first: unknown" in sentence


def test_a_rate_that_was_reached_is_no_finding(found):
    for unsent in (0, 59, None):
        assert found(output=output(unsent=unsent)) == []
