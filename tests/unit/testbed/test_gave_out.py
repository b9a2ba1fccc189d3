"""What gave out first: the rule is tried on servers of which that is known."""

import csv
import random
from collections import Counter

import pytest

from testbed.model.tool_output import Distribution, Errors
from testbed.validity import Evidence, Expected, gave_out, seen
from tests.unit.draws import at_least, seed
from tests.unit.testbed import steady_state
from tests.unit.testbed.bottlenecks import KINDS, draw
from tests.unit.testbed.simulated_server import Simulation
from tests.unit.testbed.sound_run import LINK, LOAD, OUTPUT, QUIET, ROW, RUN

__all__ = ["seed"]  # fixtures
WRK2 = {"tool": "wrk2", "due": None, "unsent": None}


def simulated(server, dice):
    """Return the load, the generator's figures and the rows by host of a simulated run."""
    run = Simulation(server, dice)
    rate = server.rate_rps
    load = LOAD.model_copy(
        update={
            "mode": "constant_rate" if rate else "saturation",
            "rate_rps": rate,
            "connections": server.connections,
            "duration_s": server.duration_s,
        }
    )
    mean_us = 1e6 * sum(run.times) / len(run.times) if run.times else None
    busy = run.rows["client"]
    output = OUTPUT.model_copy(
        update={
            "duration_s": server.duration_s,
            "requests": run.done,
            "correct": run.done,
            "due": run.due or None,
            "unsent": run.unsent if run.due else None,
            "service_us": Distribution(mean=mean_us, max=1e6 * max(run.times, default=0)),
            "errors": Errors(connect=0, timeout=0),
            "busiest_process_cpu_percent": sum(row["cpu_percent"] for row in busy) / len(busy),
            "lag_us": None,
        }
    )
    return load, output, run.rows


def judged(folder, load, output, rows, worker_connections=None, threads=None):
    """Return what the rule says of a run with these figures and samples."""
    for role, samples in rows.items():
        with (folder / f"telemetry-{role}.csv").open("w", newline="") as stream:
            writer = csv.DictWriter(stream, fieldnames=list(samples[0]))
            writer.writeheader()
            writer.writerows(samples)
    changes = {"load": load, "output": output, "before": {"server": QUIET}}
    expected = Expected(link=LINK, worker_connections=worker_connections, threads=threads)
    return gave_out.of_run(Evidence(RUN.model_copy(update=changes), folder, expected))


def mostly_right(judge, kinds, each, seed):
    """At least 97 of 100 are right, and of each kind 90 of 100; 'unknown' is wrong.

    Of a kind with more than one wrong answer in ten, more are drawn: ten tell too little.
    """
    found = Counter()
    for kind in kinds:
        found.update((kind, judge(kind)) for _ in range(each))
        if found[kind, kind] < 0.9 * each:
            found.update((kind, judge(kind)) for _ in range(each, 60))
    of = Counter()
    for (kind, _), count in found.items():
        of[kind] += count
    wrong = {pair: count for pair, count in found.items() if pair[0] != pair[1]}
    assert all(at_least(found[kind, kind], of[kind], 0.9) for kind in kinds), (seed, wrong)
    assert at_least(of.total() - sum(wrong.values()), of.total(), 0.97), (seed, wrong)


def test_the_rule_finds_what_gave_out_of_simulated_servers(tmp_path, seed):
    dice = random.Random(seed)  # noqa: S311 - draws of a test

    def judge(kind):
        return judged(tmp_path, *simulated(draw(kind, dice), dice)).what

    mostly_right(judge, KINDS, 10, seed)


def test_the_rule_finds_what_gave_out_by_operational_laws(tmp_path, seed):
    dice = random.Random(seed)  # noqa: S311 - draws of a test

    def judge(kind):
        make = steady_state.KINDS[kind]
        return judged(tmp_path, *steady_state.samples(make(dice), dice)).what

    mostly_right(judge, steady_state.KINDS, 40, seed)


@pytest.mark.parametrize(
    ("told", "what"),
    [
        ({"correct": 6000}, "nothing"),
        ({"correct": 5940}, "nothing"),
        ({"correct": 5930}, "unknown"),
        ({"correct": 6000, "unsent": 61}, "unknown"),
        # wrk2 counts neither correct answers nor requests due
        (WRK2 | {"errors": Errors(status=59)}, "nothing"),
        (WRK2 | {"errors": Errors(status=3000)}, "unknown"),
        (WRK2 | {"requests": 3000}, "unknown"),
        (WRK2 | {"requests": None}, "unknown"),
        (WRK2 | {"duration_s": None}, "unknown"),
    ],
)
def test_a_rate_is_met_by_correct_answers_to_the_requests_due(tmp_path, told, what):
    output = OUTPUT.model_copy(update={"correct": None} | told)
    rows = {"server": [{"monotonic_s": 1, "cpu_percent": 50}]}
    assert judged(tmp_path, LOAD, output, rows).what == what


def test_where_nothing_can_be_told_it_is_said_that_others_had_the_cpus(tmp_path):
    others = {"cpu_percent": 100, "app_runnable_percent": 20}
    rows = [
        ROW | others | {"t_s": ROW["t_s"] + one, "monotonic_s": one, "app_cpu_usec": 1e5 * one}
        for one in (1, 2, 3)
    ]
    found = judged(tmp_path, LOAD, OUTPUT.model_copy(update={"correct": 3000}), {"server": rows})
    assert found.what == "unknown"
    assert found.sentence.endswith("were in use to 100 %, but mostly by others than the app")


@pytest.mark.parametrize(("completed", "grew"), [([100, 98, 101], False), ([60, 55, 70], True)])
def test_a_backlog_shows_in_a_short_run_as_well(completed, grew):
    seconds = [{"due": 100, "completed": one} for one in completed]
    assert seen._grew(seconds) is grew


def of_sessions(tmp_path, active, idle, unread, worker_connections, threads=None):
    """What gave out where 100 requests are under way, whose database sessions are known."""
    sample = {
        "cpu_percent": 16, "pg_active": active, "pg_idle": idle, "pg_idle_in_transaction": 0,
        "pg_lock_waits": 0, "pg_io_waits": 0, "pg_client_waits": 0, "tcp_unread_in": unread,
    }  # fmt: skip
    rows = [ROW | sample | {"t_s": ROW["t_s"] + one, "monotonic_s": one} for one in (1, 2, 3)]
    load = LOAD.model_copy(update={"mode": "saturation", "rate_rps": None, "connections": 100})
    a_second = OUTPUT.model_copy(update={"service_us": Distribution(mean=1e6), "due": None})
    return judged(tmp_path, load, a_second, {"server": rows}, worker_connections, threads)


@pytest.mark.parametrize(
    ("active", "idle", "unread", "what"),
    [
        (4, 2, 0, "pool"),  # one of six workers, of four connections each, had all of the requests
        (12, 2, 0, "pool"),  # three had them
        (20, 4, 0, "pool"),  # nearly all of them
        (4, 20, 0, "unknown"),  # the pools were filled in advance, and hardly used
        (3, 1, 0, "unknown"),  # no pool was used up
        (10, 6, 84, "workers"),  # each of 16 has a request, and is two thirds of it in the database
    ],
)
def test_a_pool_of_each_worker_gives_out_before_all_connections_are_in_use(
    tmp_path, active, idle, unread, what
):
    found = of_sessions(tmp_path, active, idle, unread, worker_connections=4)
    assert found.what == what, found.sentence


@pytest.mark.parametrize(
    ("active", "idle", "unread", "pool", "threads", "what"),
    [
        (16, 0, 0, 0, 16, "workers"),  # its server reads requests before a thread is free for them
        (14, 0, 0, 0, 16, "workers"),  # the same; each thread connects anew for each request
        (6, 0, 0, None, 6, "workers"),  # behind a proxy and before a pooler, whose sessions suffice
        (8, 1, 84, 0, 16, "workers"),  # half of the time, a thread has no session yet
        (8, 1, 0, 0, 100, "unknown"),  # each has a thread; most wait for what is not seen
        (8, 0, 0, 4, 32, "pool"),  # 24 threads wait for the connections that 8 of them have
        (4, 0, 0, None, 6, "pool"),  # of a pooler's sessions there are fewer than threads
        (20, 0, 0, 10, None, "pool"),  # a loop's
        (95, 0, 0, None, 5, "database"),  # those threads are not what works on requests
    ],
)
def test_a_thread_with_a_connection_of_its_own_waits_for_no_pool(
    tmp_path, active, idle, unread, pool, threads, what
):
    found = of_sessions(tmp_path, active, idle, unread, pool, threads)
    assert found.what == what, found.sentence
