"""Check with which command each load generator is called."""

import pytest

from testbed.model.kinds import STANDARD_METHODS
from testbed.model.request import WITH_A_BODY
from testbed.tools import generators
from testbed.tools.ab import Ab
from testbed.tools.pacer import Pacer
from testbed.tools.table import GENERATORS
from testbed.tools.tool import Target
from testbed.tools.wrk import Wrk
from testbed.tools.wrk2 import Wrk2
from tests.unit.testbed.asked_loads import AB, POST, SATURATION, TARGET, spec


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


HEADERS = {"Accept": "text/plain", "X-Tenant": "a b"}


@pytest.mark.parametrize("one", GENERATORS.values(), ids=lambda one: one.name)
@pytest.mark.parametrize("method", [*STANDARD_METHODS, "PROPFIND", "REPORT", "QUERY", "X.~'y"])
def test_each_generator_sends_headers_and_the_methods_it_says(one, method):
    asked = spec(**({} if one.holds_a_rate else SATURATION), generator=one.name, threads=1,
                 duration_s=30)  # fmt: skip
    chosen, problem = generators.asking(asked, {method}, in_turn=False)
    assert chosen == asked
    if not one.can_ask(method):
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
    asked = spec(**SATURATION | {"generator": "hey", "duration_s": 30, "timeout_s": 3} | changes)
    return GENERATORS["hey"].command(generators.choose(asked, {"hey"}), target, "/run/x", cpus=4)


def test_hey_is_called_for_a_time():
    command = hey(TARGET)
    assert command[:3] == ["hey", "-z", "30s"]
    assert command[command.index("-c") + 1] == "400"
    assert command[command.index("-cpus") + 1] == "12"  # its threads
    assert command[command.index("-t") + 1] == "3"
    # What it would do by itself, and no other generator does
    assert {"-disable-compression", "-disable-redirects"} <= set(command)
    assert not {"-disable-keepalive", "-D", "-T", "-h2", "-q"} & set(command)
    assert "-disable-keepalive" in hey(TARGET, keepalive=False)


def test_hey_posts_a_file():
    command = hey(POST)
    assert command[command.index("-m") + 1] == "POST"
    assert command[command.index("-D") + 1] == "/run/x/body"
    assert command[command.index("-T") + 1] == "application/json"


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
