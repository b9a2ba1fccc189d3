"""Check which load generator is taken for a load, and what it is refused."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from pacer.arguments import MAX_PROCESSES, MAX_RATE_RPS
from testbed.asked import plan
from testbed.errors import TestbedError
from testbed.model.load import Load
from testbed.model.results import Before
from testbed.tools import generators
from testbed.tools.pacer import Pacer
from testbed.tools.table import GENERATORS
from testbed.tools.wrk2 import Wrk2
from tests.unit.testbed.asked_loads import AB, SATURATION, TARGET, spec


@pytest.mark.parametrize(
    ("changes", "available", "chosen"),
    [
        ({}, {"wrk", "wrk2", "pacer"}, "wrk2"),
        ({}, {"wrk", "pacer"}, "pacer"),
        ({"generator": "pacer"}, {"wrk2", "pacer"}, "pacer"),
        (SATURATION, {"wrk", "wrk2", "pacer"}, "pacer"),
        ({**SATURATION, "generator": "wrk"}, {"wrk", "wrk2", "pacer"}, "wrk"),
        ({"rate_rps": 33.3}, {"wrk2", "pacer"}, "pacer"),  # wrk2 takes whole numbers
    ],
)
def test_auto_takes_the_best_that_is_there(changes, available, chosen):
    assert generators.choose(spec(**changes), available).generator == chosen


@pytest.mark.parametrize(
    ("changes", "available", "missing"),
    [
        ({}, {"wrk"}, "client host: no wrk2 or pacer there"),
        ({"generator": "wrk2"}, {"pacer"}, "client host: no wrk2 there"),
        ({**SATURATION, "from_host": "server"}, {"wrk"}, "server host: no pacer there"),
    ],
)
def test_a_missing_generator_is_told(changes, available, missing):
    with pytest.raises(TestbedError, match=missing):
        generators.choose(spec(**changes), available)


@pytest.mark.parametrize(
    "changes",
    [
        {"rate_rps": 33.3},
        {"mode": "ramp", "rate_rps": None, "ramp": {"of": "users", "steps": [3, 4], "think_s": 3}},
    ],
)
def test_wrk2_is_refused_rates_that_it_does_not_take(changes):
    assert "whole requests per second" in generators.misfit(spec(generator="wrk2", **changes))


@pytest.mark.parametrize("name", sorted(set(GENERATORS) - {"pacer"}))
def test_a_load_for_parts_of_a_second_is_refused_where_it_would_be_rounded(name):
    one = GENERATORS[name]
    kind = {"rate_rps": 40} if one.holds_a_rate else SATURATION
    asked = spec(**kind, generator=name, threads=1, duration_s=5.5)
    assert generators.misfit(asked) == (
        f"{name} measures for whole seconds: duration_s must be one, or take pacer"
    )
    assert generators.misfit(asked.model_copy(update={"duration_s": 5.0})) is None
    for_any = asked.model_copy(update={"generator": "auto"})
    assert generators.candidates(for_any) == ["pacer"]


@pytest.mark.parametrize("rate_rps", [0.5, 10.5])
def test_a_warm_up_is_held_to_the_generator_s_limits(rate_rps):
    asked = spec(generator="wrk2", rate_rps=40, warmup_s=5, warmup_rate_rps=rate_rps)
    assert generators.misfit(asked) == (
        "wrk2 takes whole requests per second: warmup_rate_rps must be one, or take pacer"
    )
    assert generators.misfit(asked.model_copy(update={"warmup_s": 0})) is None
    assert generators.candidates(asked.model_copy(update={"generator": "auto"})) == ["pacer"]
    long = spec(**SATURATION, generator="ab", threads=1, warmup_s=601)
    assert "at most 600 s" in generators.misfit(long)


def test_a_generator_is_refused_rates_beyond_its_own():
    class Slow(Wrk2):
        least_rps, most_rps = 10, 5000

    def problem(rate_rps):
        return generators._misfit(Slow(), spec(rate_rps=rate_rps))

    assert problem(9) == "wrk2 asks at least 10 requests per second"
    assert problem(5001) == "wrk2 asks at most 5,000 requests per second"
    assert [problem(rate_rps) for rate_rps in (10, 4000, 5000)] == [None] * 3


def test_the_limits_of_pacer_are_those_of_its_command_line():
    assert (Pacer().most_rps, Pacer().most_threads) == (MAX_RATE_RPS, MAX_PROCESSES)


def test_all_steps_of_a_ramp_have_one_generator():
    ramp = {"of": "users", "steps": [3, 4], "think_s": 3}
    steps = spec(mode="ramp", rate_rps=None, ramp=ramp, threads=1)
    loads = [load for _, load in plan.loads(steps)]
    assert [load.rate_rps for load in loads] == [1, 4 / 3]  # wrk2 would take the first
    chosen = [generators.choose(load, {"wrk2", "pacer"}).generator for load in loads]
    assert chosen == ["pacer", "pacer"]


@pytest.mark.parametrize("one", GENERATORS.values(), ids=GENERATORS)
def test_a_deadline_takes_a_generator_that_counts_by_it(one):
    kind = SATURATION if one.saturates else {}
    asked = spec(**kind, generator=one.name, threads=1, duration_s=30, good_within_ms=250)
    if one.name == "pacer":
        load = generators.choose(asked, {"pacer"})
        assert "--good-within=250" in one.command(load, TARGET, "/run/x", cpus=4)
    else:
        assert "take pacer" in generators.misfit(asked)


@pytest.mark.parametrize("one", GENERATORS.values(), ids=GENERATORS)
def test_time_outs_from_due_take_a_generator_that_counts_so(one):
    asked = spec(**({} if one.holds_a_rate else SATURATION), generator=one.name, threads=1)
    asked = asked.model_copy(update={"duration_s": 30})
    due = asked.model_copy(update={"timeout_from": "due"})
    sent = asked.model_copy(update={"timeout_from": "sent"})
    assert generators.misfit(asked) is None
    assert generators.misfit(sent) is None
    chosen = {load: generators.choose(load, {one.name}) for load in (asked, due, sent)}
    assert chosen[sent].timeout_from == "sent"
    if one.name == "pacer":
        assert chosen[asked].timeout_from == chosen[due].timeout_from == "due"
        for load in chosen.values():
            command = one.command(load, TARGET, "/run/x", cpus=4)
            assert f"--timeout-from={load.timeout_from}" in command
    else:
        assert chosen[asked].timeout_from == "sent"
        assert "counts time-outs from when a request was sent: take pacer" in (
            generators.misfit(due) or ""
        )


USERS = {"mode": "ramp", "rate_rps": None, "ramp": {"of": "users", "steps": [3, 6], "think_s": 1}}


SEARCH = {
    "mode": "capacity",
    "rate_rps": None,
    "capacity": {"from_rps": 10, "to_rps": 20, "p99_ms": 50, "errors_percent": 1},
}


@pytest.mark.parametrize(
    ("changes", "arrivals"),
    [
        ({}, "constant"),
        ({"arrivals": "poisson"}, "poisson"),
        (USERS, "poisson"),
        ({**USERS, "arrivals": "constant"}, "constant"),
        (SEARCH, "poisson"),
        ({**SEARCH, "arrivals": "constant"}, "constant"),
        (SATURATION, None),
        ({**USERS, "ramp": {"of": "connections", "steps": [1, 2]}}, None),
    ],
)
def test_every_load_says_how_requests_arrive(changes, arrivals):
    asked = spec(**changes, threads=1)
    assert asked.usual_arrivals == arrivals
    for _, step in plan.loads(asked):
        load = generators.choose(step, {"pacer"})
        assert load.arrivals == arrivals
        target = replace(TARGET, seed=7 if arrivals == "poisson" else None)
        command = Pacer().command(load, target, "/run/x", cpus=4)
        told = [word for word in command if word.startswith(("--arrivals", "--seed"))]
        seed = ["--seed=7"] if arrivals == "poisson" else []
        assert told == ([] if arrivals is None else [f"--arrivals={arrivals}", *seed])


def test_a_closed_loop_is_refused_arrivals():
    with pytest.raises(ValueError, match="arrivals is for loads that hold a rate"):
        spec(**SATURATION, arrivals="constant")


@pytest.mark.parametrize("one", GENERATORS.values(), ids=GENERATORS)
def test_a_generator_that_sends_at_constant_intervals_is_refused_others(one):
    asked = spec(generator=one.name, arrivals="poisson", threads=1, duration_s=30)
    if one.name == "pacer":
        assert generators.misfit(asked) is None
    else:
        assert "take pacer" in generators.misfit(asked)


def test_auto_takes_pacer_for_random_arrivals():
    assert generators.candidates(spec()) == ["wrk2", "pacer"]
    assert generators.candidates(spec(arrivals="poisson")) == ["pacer"]
    assert generators.candidates(spec(**USERS)) == ["pacer"]
    users = {**USERS, "arrivals": "constant", "threads": 1}
    assert generators.candidates(spec(**users)) == ["wrk2", "pacer"]
    refusal = generators.misfit(spec(**USERS, generator="wrk2"))
    assert refusal == (
        "wrk2 sends at constant intervals: take pacer for arrivals: poisson, or ask for arrivals: "
        "constant"
    )


def test_a_load_recorded_before_arrivals_were_had_constant_ones():
    load = generators.choose(spec(), {"pacer"}).model_dump()
    del load["arrivals"], load["timeout_from"]
    assert (Load(**load).arrivals, Load(**load).timeout_from) == ("constant", "sent")
    assert Load(**load | {"mode": "saturation", "rate_rps": None}).arrivals is None


def test_auto_takes_pacer_for_a_deadline():
    assert generators.candidates(spec(good_within_ms=250)) == ["pacer"]


def test_a_load_without_a_rate_has_none_for_its_warm_up():
    with pytest.raises(ValueError, match="warmup_rate_rps is for loads that hold a rate"):
        spec(**SATURATION, warmup_rate_rps=200)


def test_what_cannot_be_asked_with_a_generator_is_for_another_one():
    closed = spec(**SATURATION, threads=1, duration_s=30)
    wrk = closed.model_copy(update={"generator": "wrk"})
    others = [name for name, one in GENERATORS.items() if one.saturates and one.can_ask("HEAD")]
    assert {"pacer", "ab", "hey"} <= set(others)
    assert generators.asking(wrk, {"HEAD", "GET"}, in_turn=False)[1] == (
        f"wrk cannot ask with HEAD: take {generators.either(others)}"
    )
    assert generators.asking(wrk, {"GET"}, in_turn=True)[1] == (
        "wrk asks one request again and again: take pacer"
    )
    assert generators.asking(closed, {"HEAD"}, in_turn=False) == (closed, None)
    chosen, problem = generators.asking(spec(), {"HEAD"}, in_turn=False)
    assert (chosen.generator, problem) == ("pacer", None)
    chosen, problem = generators.asking(spec(), {"GET"}, in_turn=True)
    assert (chosen.generator, problem) == ("pacer", None)


@pytest.mark.parametrize(
    ("name", "method", "others"),
    [
        ("wrk", "QUERY", ["pacer", "ab", "h2load", "hey"]),
        ("wrk", "purge", ["pacer", "ab", "h2load"]),
        ("hey", "purge", ["pacer", "ab", "h2load"]),  # it would ask with PURGE
        ("h2load", "HEAD", ["pacer", "ab", "hey"]),
    ],
)
def test_a_method_that_one_generator_cannot_send_is_for_those_that_can(name, method, others):
    asked = spec(**SATURATION, threads=1, duration_s=30, generator=name)
    said = generators.asking(asked, {method, "GET"}, in_turn=False)[1]
    assert said == f"{name} cannot ask with {method}: take {generators.either(others)}"


@pytest.mark.parametrize("name", ["wrk", "pacer", "ab", "h2load", "hey"])
@pytest.mark.parametrize("method", ["PROPFIND", "REPORT", "MKCOL", "M-SEARCH", "PURGE", "TRACE"])
def test_methods_of_others_than_http_itself_are_asked_by_all(name, method):
    asked = spec(**SATURATION, threads=1, duration_s=30, generator=name)
    assert generators.asking(asked, {method}, in_turn=False) == (asked, None)


def test_ab_is_never_taken_by_itself():
    with pytest.raises(TestbedError, match="no pacer there"):
        generators.choose(spec(**SATURATION), {"ab"})


def test_ab_has_one_thread_and_no_rate():
    assert "threads must be 1" in generators.misfit(spec(**AB | {"threads": 2}))
    assert "ab cannot hold a rate" in generators.misfit(spec(generator="ab", threads=1))
    assert "at most 600 s" in generators.misfit(spec(**AB | {"duration_s": 601}))
    assert generators.misfit(spec(**AB)) is None


@pytest.mark.parametrize("name", ["wrk", "ab", "hey"])
def test_a_time_out_that_would_be_rounded_is_refused(name):
    asked = AB | {"generator": name, "timeout_s": 0.5}
    assert generators.misfit(spec(**asked | {"timeout_s": 2})) is None
    told = f"{name} waits for whole seconds: timeout_s must be one, or take pacer"
    assert generators.misfit(spec(**asked)).startswith(told)


def test_auto_passes_over_who_would_round_a_time_out():
    assert generators.candidates(spec(generator="auto", timeout_s=2)) == ["wrk2", "pacer"]
    assert generators.candidates(spec(generator="auto", timeout_s=2.5)) == ["pacer"]
    assert generators.candidates(spec(**SATURATION | {"generator": "auto", "timeout_s": 0.5})) == [
        "pacer"
    ]


def test_heys_throttle_is_not_taken_for_a_rate():
    assert "hey cannot hold a rate" in generators.misfit(spec(generator="hey"))
    with pytest.raises(TestbedError, match="no pacer there"):
        generators.choose(spec(**SATURATION), {"hey"})


def test_a_ramp_of_users_is_a_rising_rate():
    ramp = {"of": "users", "steps": [50, 100], "think_s": 2}
    steps = spec(mode="ramp", rate_rps=None, ramp=ramp)
    load = steps.step(100)
    assert (load.mode, load.rate_rps, load.connections) == ("constant_rate", 50, 100)


def test_a_ramp_of_connections_is_saturation():
    ramp = {"of": "connections", "steps": [4, 8]}
    load = spec(mode="ramp", rate_rps=None, ramp=ramp).step(4)
    assert (load.mode, load.rate_rps, load.connections, load.threads) == ("saturation", None, 4, 4)


@pytest.mark.parametrize(
    "changes",
    [
        {"rate_rps": None},
        {"mode": "saturation"},
        {"ramp": {"of": "users", "steps": [1, 2]}},
        {"mode": "ramp", "rate_rps": None, "ramp": {"of": "users", "steps": [2, 1]}},
        {"mode": "ramp", "rate_rps": None},
    ],
)
def test_loads_that_contradict_themselves_are_refused(changes):
    with pytest.raises(ValueError, match="belongs to|must rise|which is missing"):
        spec(**changes)


HOST = Before(window_s=0.5, cpus=2, cpu_percent=0, run_queue=0, governor=None, clock_offset_s=-2.5)


PACER_SAYS = '{"started_at": "2026-03-02T09:30:05.500000+00:00"}'


@pytest.mark.parametrize(
    ("changes", "output", "host", "moment"),
    [
        ({}, PACER_SAYS, HOST, datetime(2026, 3, 2, 9, 30, 8, tzinfo=UTC)),
        ({}, '{"started_at": null}', HOST, None),  # interrupted before it began
        ({}, PACER_SAYS, HOST.model_copy(update={"clock_offset_s": None}), None),
        ({}, PACER_SAYS, HOST.model_copy(update={"clock_offset_s": 1e18}), None),
        (SATURATION, "Running 30s test @ http://198.19.0.10:8080/", HOST, None),
    ],
)
def test_the_measured_part_is_placed_on_the_control_sides_clock(changes, output, host, moment):
    load = generators.choose(spec(**changes), {"wrk", "pacer"})
    assert generators.measured_from(output, load, host) == moment
