from dataclasses import replace
from datetime import UTC, datetime

import pytest

from pacer.options import MAX_PROCESSES, MAX_RATE_RPS
from testbed.asked import plan
from testbed.errors import TestbedError
from testbed.model.experiment import LoadSpec
from testbed.model.load import Load
from testbed.model.request import METHODS, WITH_A_BODY
from testbed.model.results import Before
from testbed.tools import generators
from testbed.tools.ab import Ab
from testbed.tools.pacer import Pacer
from testbed.tools.table import GENERATORS
from testbed.tools.tool import Target
from testbed.tools.wrk import Wrk
from testbed.tools.wrk2 import Wrk2

TARGET = Target("http://198.19.0.10:8080/index", "GET", 18, "ab" * 32)


def spec(**changes):
    data = {
        "mode": "constant_rate",
        "rate_rps": 4000,
        "connections": 400,
        "threads": 12,
        "duration_s": 300,
        "warmup_s": 10,
        "timeout_s": 10,
    }
    return LoadSpec.model_validate(data | changes)


SATURATION = {"mode": "saturation", "rate_rps": None}


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


def test_wrk_is_called_as_in_the_article():
    load = generators.choose(spec(**SATURATION, generator="wrk", duration_s=30), {"wrk"})
    command = Wrk().command(load, TARGET, "/run/x", cpus=4)
    assert command[:4] == ["wrk", "-t12", "-c400", "-d30s"]
    assert "--latency" in command
    assert "-R" not in command
    assert command[-1] == TARGET.url
    assert "-d10s" in Wrk().warm_up(load, TARGET, "/run/x", cpus=4)


def test_wrk2_is_given_the_rate():
    load = generators.choose(spec(), {"wrk2"})
    command = Wrk2().command(load, TARGET, "/run/x", cpus=4)
    assert command[:6] == ["wrk2", "-t12", "-c400", "-d300s", "-R", "4000"]


def test_rates_are_passed_on_as_they_are():
    whole = generators.choose(spec(rate_rps=765_432), {"wrk2"})
    assert "765432" in Wrk2().command(whole, TARGET, "/run/x", cpus=4)
    third = generators.choose(spec(rate_rps=1000 / 3), {"pacer"})
    assert "--rate=333.333333333" in Pacer().command(third, TARGET, "/run/x", cpus=4)


@pytest.mark.parametrize(
    "changes",
    [
        {"rate_rps": 33.3},
        {"mode": "ramp", "rate_rps": None, "ramp": {"of": "users", "steps": [3, 4], "think_s": 3}},
    ],
)
def test_wrk2_is_refused_rates_that_it_does_not_take(changes):
    assert "whole requests per second" in generators.misfit(spec(generator="wrk2", **changes))


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


def test_pacer_compares_every_answer_and_takes_a_process_a_cpu():
    load = generators.choose(spec(), {"pacer"})
    command = Pacer().command(load, TARGET, "/run/x", cpus=4)
    assert {"--rate=4000", "--processes=4", "--warmup=10", "--duration=300"} <= set(command)
    assert {"--expect-length=18", f"--expect-sha256={'ab' * 32}"} <= set(command)
    assert Pacer().processes(load, cpus=64) == 12


def test_pacer_saturates_in_a_closed_loop():
    load = generators.choose(spec(**SATURATION), {"pacer"})
    command = Pacer().command(load, TARGET, "/run/x", cpus=4)
    assert {"--closed", "--connections=400", "--warmup=10", "--duration=300"} <= set(command)
    assert not [word for word in command if word.startswith("--rate")]


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


def test_a_warm_up_with_a_rate_of_its_own_is_a_load_of_its_own():
    slow = spec(rate_rps=10, warmup_rate_rps=200)
    pacer, wrk2 = Pacer(), Wrk2()
    load = generators.choose(slow, {"pacer"})
    assert not pacer.warms_up_itself(load)
    assert pacer.warms_up_itself(generators.choose(spec(), {"pacer"}))
    assert {"--rate=10", "--warmup=0"} <= set(pacer.command(load, TARGET, "/run/x", cpus=4))
    warm_up = pacer.warm_up(load, TARGET, "/run/x", cpus=4)
    assert {"--rate=200", "--duration=10", "--connections=400"} <= set(warm_up)
    assert not [word for word in warm_up if "/run/x" in word]  # its figures are thrown away
    load = generators.choose(slow, {"wrk2"})
    assert wrk2.warm_up(load, TARGET, "/run/x", cpus=4)[3:6] == ["-d10s", "-R", "200"]
    assert wrk2.command(load, TARGET, "/run/x", cpus=4)[3:6] == ["-d300s", "-R", "10"]


def test_a_load_without_a_rate_has_none_for_its_warm_up():
    with pytest.raises(ValueError, match="warmup_rate_rps is for loads that hold a rate"):
        spec(**SATURATION, warmup_rate_rps=200)


HEADERS = {"Accept": "text/plain", "X-Tenant": "a b"}


@pytest.mark.parametrize("one", GENERATORS.values(), ids=lambda one: one.name)
@pytest.mark.parametrize("method", METHODS)
def test_each_generator_sends_headers_and_the_methods_it_says(one, method):
    asked = spec(**({} if one.holds_a_rate else SATURATION), generator=one.name, threads=1,
                 duration_s=30)  # fmt: skip
    chosen, problem = generators.asking(asked, {method}, in_turn=False)
    assert chosen == asked
    if method not in one.methods:
        assert problem.startswith(f"{one.name} cannot ask with {method}: take ")
        return
    assert problem is None
    body = {"body_file": "/b", "content_type": "a/b"} if method in WITH_A_BODY else {}
    target = Target(TARGET.url, method, headers=HEADERS, **body)
    command = one.command(generators.choose(asked, {one.name}), target, "/run/x", cpus=4)
    given = {word.removeprefix("--header=") for word in command}
    assert {"Accept: text/plain", "X-Tenant: a b"} <= given
    as_options = {("ab", "HEAD"): "-i", ("ab", "POST"): "-p", ("h2load", "POST"): "-d"}
    told = as_options.get((one.name, method), method)
    assert method == "GET" or told in " ".join([*command, *one.files(target).values()])


def test_what_cannot_be_asked_with_a_generator_is_for_another_one():
    closed = spec(**SATURATION, threads=1, duration_s=30)
    wrk = closed.model_copy(update={"generator": "wrk"})
    assert generators.asking(wrk, {"HEAD", "GET"}, in_turn=False)[1] == (
        "wrk cannot ask with HEAD: take pacer, ab or hey"
    )
    assert generators.asking(wrk, {"GET"}, in_turn=True)[1] == (
        "wrk asks one request again and again: take pacer"
    )
    assert generators.asking(closed, {"HEAD"}, in_turn=False) == (closed, None)
    chosen, problem = generators.asking(spec(), {"HEAD"}, in_turn=False)
    assert (chosen.generator, problem) == ("pacer", None)
    chosen, problem = generators.asking(spec(), {"GET"}, in_turn=True)
    assert (chosen.generator, problem) == ("pacer", None)


POST = Target("http://198.19.0.10:8080/add", "POST", None, None, "application/json", "/run/x/body")


def test_wrk_sends_a_body_by_a_script():
    load = generators.choose(spec(**SATURATION, generator="wrk", keepalive=False), {"wrk"})
    command = Wrk().command(load, POST, "/run/x", cpus=4)
    assert command[command.index("-s") + 1] == "/run/x/request.lua"
    assert command[command.index("-H") + 1] == "Connection: close"
    assert "Content-Type: application/json" in command
    script = Wrk().files(POST)["request.lua"]
    assert 'wrk.method = "POST"' in script
    assert 'io.open("/run/x/body", "rb")' in script
    assert Wrk().files(TARGET) == {}


def test_pacer_sends_a_body_and_does_not_compare_an_answer_that_varies():
    load = generators.choose(spec(keepalive=False), {"pacer"})
    command = Pacer().command(load, POST, "/run/x", cpus=4)
    assert {"--body-file=/run/x/body", "--header=Content-Type: application/json"} <= set(command)
    assert "--no-keepalive" in command
    assert not [word for word in command if word.startswith("--expect")]


AB = {**SATURATION, "generator": "ab", "threads": 1, "connections": 100, "timeout_s": 2.5}


def ab(target, **changes):
    load = generators.choose(spec(**AB | {"duration_s": 30} | changes), {"ab", "wrk"})
    return Ab().command(load, target, "/run/x", cpus=4)


def test_ab_is_called_for_a_time():
    command = ab(TARGET)
    assert command[0] == "ab"
    assert command[-1] == TARGET.url
    assert {"-r", "-c100", "-t30", "-s3", "-k"} <= set(command)
    # -t sets 50000 requests, so the number must come after it
    assert command.index("-t30") < command.index("-n1500000")
    assert not {"-l", "-p", "-T"} & set(command)
    assert "-k" not in ab(TARGET, keepalive=False)


def test_ab_posts_a_file_and_does_not_compare_an_answer_that_varies():
    command = ab(POST)
    assert command[command.index("-p") + 1] == "/run/x/body"
    assert command[command.index("-T") + 1] == "application/json"
    assert "-l" in command


def test_ab_is_never_taken_by_itself():
    with pytest.raises(TestbedError, match="no pacer there"):
        generators.choose(spec(**SATURATION), {"ab"})


def test_ab_has_one_thread_and_no_rate():
    assert "threads must be 1" in generators.misfit(spec(**AB | {"threads": 2}))
    assert "ab cannot hold a rate" in generators.misfit(spec(generator="ab", threads=1))
    assert "at most 600 s" in generators.misfit(spec(**AB | {"duration_s": 601}))
    assert generators.misfit(spec(**AB)) is None


def test_h2load_speaks_http_1_1_and_keeps_its_connections():
    asked = spec(**SATURATION, generator="h2load", duration_s=30)
    load = generators.choose(asked, {"h2load"})
    command = GENERATORS["h2load"].command(load, POST, "/run/x", cpus=4)
    assert {"--h1", "-t12", "-c400", "-D30"} <= set(command)
    assert command[command.index("-d") + 1] == "/run/x/body"
    assert command[command.index("-H") + 1] == "Content-Type: application/json"
    assert "-d" not in GENERATORS["h2load"].command(load, TARGET, "/run/x", cpus=4)
    closing = spec(**SATURATION, generator="h2load", keepalive=False)
    assert "keepalive must be true" in generators.misfit(closing)
    assert "cannot hold a rate" in generators.misfit(spec(generator="h2load"))


def hey(target, **changes):
    asked = spec(**SATURATION | {"generator": "hey", "duration_s": 30, "timeout_s": 2.5} | changes)
    return GENERATORS["hey"].command(generators.choose(asked, {"hey"}), target, "/run/x", cpus=4)


def test_hey_is_called_for_a_time():
    command = hey(TARGET)
    assert command[:3] == ["hey", "-z", "30s"]
    assert command[command.index("-c") + 1] == "400"
    assert command[command.index("-cpus") + 1] == "12"  # its threads
    assert command[command.index("-t") + 1] == "3"
    # What it would do by itself, and no other generator does
    assert {"-disable-compression", "-disable-redirects"} <= set(command)
    assert not {"-disable-keepalive", "-D", "-T", "-h2"} & set(command)
    assert "-disable-keepalive" in hey(TARGET, keepalive=False)


def test_hey_posts_a_file():
    command = hey(POST)
    assert command[command.index("-m") + 1] == "POST"
    assert command[command.index("-D") + 1] == "/run/x/body"
    assert command[command.index("-T") + 1] == "application/json"


def test_heys_throttle_is_not_taken_for_a_rate():
    assert "hey cannot hold a rate" in generators.misfit(spec(generator="hey"))
    assert "-q" not in hey(TARGET)
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
    with pytest.raises(ValueError, match="belongs to|must rise"):
        spec(**changes)


HOST = Before(window_s=0.5, cpus=2, cpu_percent=0, run_queue=0, governor=None, clock_offset_s=-2.5)
PACER_SAYS = '{"started_at": "2026-03-02T09:30:05.500000+00:00"}'


@pytest.mark.parametrize(
    ("changes", "output", "host", "moment"),
    [
        ({}, PACER_SAYS, HOST, datetime(2026, 3, 2, 9, 30, 8, tzinfo=UTC)),
        ({}, '{"started_at": null}', HOST, None),  # interrupted before it began
        ({}, PACER_SAYS, HOST.model_copy(update={"clock_offset_s": None}), None),
        (SATURATION, "Running 30s test @ http://198.19.0.10:8080/", HOST, None),
    ],
)
def test_the_measured_part_is_placed_on_the_control_sides_clock(changes, output, host, moment):
    load = generators.choose(spec(**changes), {"wrk", "pacer"})
    assert generators.measured_from(output, load, host) == moment


@pytest.mark.parametrize("one", GENERATORS.values(), ids=GENERATORS)
def test_every_generator_leaves_what_its_figures_are_read_from(one):
    assert one.saturates or one.holds_a_rate
    assert one.output in one.leaves
    assert set(one.files(POST)) <= set(one.reads)


@pytest.mark.parametrize("one", GENERATORS.values(), ids=GENERATORS)
def test_every_generator_asks_the_target(one):
    rate = {} if one.holds_a_rate else SATURATION
    load = generators.choose(spec(**rate, generator=one.name, threads=1), {one.name})
    for command in (
        one.command(load, TARGET, "/run/x", cpus=4),
        one.warm_up(
            load.model_copy(update={"warmup_rate_rps": load.rate_rps}), TARGET, "/run/x", cpus=4
        ),
    ):
        assert command[0] == one.name
        assert [word for word in command if word.endswith(TARGET.url)]
