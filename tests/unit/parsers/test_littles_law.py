"""A mean latency that so many connections cannot have at that rate holds samples of wrk's own."""

import itertools
import re
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from printing import Ab, Wrk, ab, wrk

from testbed.tools import parse

SAID = "samples that were never measured"


def run_of(times_us: list[int], connections: int, asked_s: int) -> Wrk:
    """A closed loop: each connection takes the times in turn, one request after the other."""
    latency_us = []
    for first in range(connections):
        turns = itertools.islice(itertools.cycle(times_us), first, None)
        ends = itertools.accumulate(turns)
        left = list(itertools.takewhile(lambda end: end <= asked_s * 10**6, ends))
        latency_us += [after - before for before, after in itertools.pairwise([0, *left])]
    return Wrk(
        asked_s=asked_s,
        threads=1,
        connections=connections,
        latency_us=latency_us,
        requests=len(latency_us),
        runtime_us=asked_s * 10**6,
    )


def corrected(run: Wrk) -> list[int]:
    """Its latencies with the samples that wrk adds."""
    interval = run.runtime_us // max(1, run.requests // run.connections)
    added = [
        between
        for latency in run.latency_us
        if latency >= 2 * interval
        for between in range(latency - interval, interval, -interval)
    ]
    return run.latency_us + added


loops = st.builds(
    run_of,
    st.lists(st.integers(20_000, 900_000), min_size=1, max_size=8),
    st.integers(1, 6),
    st.integers(1, 10),
)


@given(loops)
def test_what_was_measured_is_never_doubted(run):
    assert SAID not in " ".join(parse(wrk(run)).problems)


@example(run_of([2_000] * 499 + [400_000], 10, 10))
@given(loops)
def test_what_wrk_adds_is_said_where_it_shows(run):
    latency_us = corrected(run)
    text = wrk(
        Wrk(**(vars(run) | {"latency_us": latency_us}))  # as many requests as before
    )
    under_way = sum(latency_us) / len(latency_us) / 1e6 * run.rate
    said = SAID in " ".join(parse(text).problems)
    if under_way > run.connections * 1.2:
        assert said
    if len(latency_us) == run.requests:
        assert not said


def stalls(**changes) -> str:
    """What wrk printed of a server of which one answer in 500 took 0.4 s, the others 2 ms."""
    run = {"threads": 1, "connections": 10, "requests": 84_534, "latency_us": [37_000]}
    return wrk(Wrk(**(run | changes)))


def test_the_sentence_says_what_is_allowed():
    (sentence,) = parse(stalls()).problems
    assert sentence.startswith(
        "A mean latency of 37.00ms is more than the 3.55 ms that 10 connections at 2814.99 "
        "requests/s allow (Little's law)"
    )


@pytest.mark.parametrize(
    "text",
    [
        stalls(connections=120),
        stalls(timeout=80_000),  # late ones count as requests, and have no latency
        "$ wrk -t1 -c10 -d30s -s pipeline.lua http://h/\n" + stalls(),
        "$ wrk2 -t1 -c10 -d30s -R3000 http://h/\n" + stalls(),  # from when they were due
        stalls().replace("84534 requests", "94534 requests"),  # contradict the rate
    ],
)
def test_where_it_may_be_so_nothing_is_said(text):
    assert SAID not in " ".join(parse(text).problems)


def test_nothing_is_said_of_what_is_told_to_be_wrk2s():
    assert SAID in " ".join(parse(stalls()).problems)
    assert parse(stalls(), "wrk2").problems == []


def test_whole_milliseconds_of_ab_have_room():
    """2 connections at 3000/s allow 0.67 ms, which ab prints as 1."""
    run = Ab(concurrency=2, complete=3000, seconds=1.0, times_ms=[1])
    assert SAID not in " ".join(parse(ab(run)).problems)
    run.times_ms = [2]
    assert SAID in " ".join(parse(ab(run)).problems)


RECORDED = Path(__file__).parents[2] / "contract" / "parsers" / "fixtures"


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("$ h2load --h1 -D2 -c10 -t2 http://h/\n", True),
        ("$ h2load --h1 -D2 -c10 -t2 -m 16 http://h/\n", False),
        ("", False),  # it does not print how many streams each connection had
    ],
)
def test_h2load_is_doubted_if_its_command_line_shows_no_streams(command, said):
    text = (RECORDED / "h2load-plain.txt").read_text()
    assert text.count("     149us") == 1
    output = parse(command + text.replace("     149us", "     400us"))
    assert output.latency_us.mean == 400
    assert (SAID in " ".join(output.problems)) == said


@pytest.mark.parametrize(("command", "said"), [("$ hey -z 1s -c 4 http://h/\n", True), ("", False)])
def test_hey_is_doubted_if_its_command_line_tells_the_connections(command, said):
    text = (RECORDED / "hey-plain.txt").read_text()
    text = re.sub(r"Average:\t\d\.\d{4}", "Average:\t0.0040", text)
    assert (SAID in " ".join(parse(command + text).problems)) == said
