"""Figures survive printing and reading; damaged texts yield no crash, and no figure not in them."""

import contextlib
import dataclasses
import itertools
import math
import random
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from printing import PERCENTILES, Ab, Wrk, ab, at, nearest, spectrum, wrk, wrk2

from testbed.model.tool_output import Distribution, ToolOutput
from testbed.tools import ParseError, parse, parse_all

FIXTURES = sorted((Path(__file__).parents[2] / "contract" / "parsers" / "fixtures").iterdir())
RECORDED = {path.stem: path.read_bytes().decode() for path in FIXTURES}
REFUSED = {
    *("wrk-refused", "wrk-unresolved", "wrk-too-many-threads", "wrk-version"),
    *("pacer-summary", "hey-no-time", "ab-html"),
}
TEXTS = {name: text for name, text in RECORDED.items() if name not in REFUSED}

# wrk prints two decimals, and goes on to the next unit from 85 % of it on.
TWO_DECIMALS = 0.005 / 0.85

counts = st.integers(0, 10**6)
times_us = st.lists(st.integers(1, 60 * 10**6), min_size=1, max_size=40)


def at_work(rate: float, times: list[int]) -> int:
    """The fewest connections that can have made this (Little's law); `rate` per unit of `times`."""
    return math.ceil(rate * sum(times) / len(times))


@st.composite
def wrk_runs(draw: st.DrawFn) -> Wrk:
    runtime_us = draw(st.integers(61 * 10**6, 24 * 3600 * 10**6))
    requests = draw(st.integers(runtime_us // 10**6, 10**9))
    threads = draw(st.integers(1, 64))
    latency_us = draw(times_us)
    least = max(threads, at_work(requests / runtime_us, latency_us))
    return Wrk(
        asked_s=runtime_us // 10**6,
        url=draw(st.sampled_from(["http://h/", "http://[::1]:80/?a=%20", "https://h:1/x,y"])),
        threads=threads,
        connections=draw(st.integers(least, least + 10**5)),
        latency_us=latency_us,
        requests=requests,
        runtime_us=runtime_us,
        bytes=draw(st.integers(requests, 10**15)),
        connect=draw(counts),
        read=draw(counts),
        write=draw(counts),
        timeout=draw(counts),
        status=draw(st.integers(0, requests)),
        uncorrected_us=draw(st.none() | times_us),
    )


def near(value: float, relative: float = TWO_DECIMALS) -> Any:
    return pytest.approx(value, rel=relative, abs=0.0051)


def assert_read_back(run: Wrk, text: str) -> None:
    output = parse(text)
    assert output.problems == []
    assert (output.url, output.requests) == (run.url, run.requests)
    assert (output.threads, output.connections) == (run.threads, run.connections)
    assert output.duration_s == near(run.runtime_us / 1e6)
    assert output.throughput_rps == near(run.rate, 1e-9)
    assert output.goodput_rps == near((run.requests - run.status) / run.runtime_us * 1e6)
    assert output.bytes == near(run.bytes, TWO_DECIMALS)
    errors = output.errors
    assert (errors.connect, errors.read, errors.write) == (run.connect, run.read, run.write)
    assert (errors.timeout, errors.status) == (run.timeout, run.status)
    assert output.latency_us.mean == near(run.mean)
    assert output.latency_us.stdev == near(run.stdev)
    assert output.latency_us.max == near(max(run.latency_us))


@example(
    Wrk(connections=4000, latency_us=[999_999, 999_996]), True
)  # a mean of 1000.00ms, cut to '1000.00m'
@example(
    Wrk(connections=4000, latency_us=[1, 999_995]), True
)  # a maximum that touches the column before
@given(wrk_runs(), st.booleans())
def test_wrk_round_trip(run: Wrk, latency: bool) -> None:
    text = wrk(run, latency=latency)
    assert_read_back(run, text)
    assert parse(text).tool == "wrk"
    percentiles = parse(text).latency_us.percentiles
    assert bool(percentiles) == latency
    for key, value in percentiles.items():
        assert value == near(at(run.latency_us, float(key)))


@given(wrk_runs())
def test_wrk2_round_trip(run: Wrk) -> None:
    text = wrk2(run)
    assert_read_back(run, text)
    output = parse(text)
    assert output.tool == "wrk2"
    assert_percentiles(output.latency_us, run.latency_us)
    if run.uncorrected_us is None:
        assert output.service_us is None
    else:
        assert output.service_us is not None
        assert output.service_us.max == near(max(run.uncorrected_us))
        assert_percentiles(output.service_us, run.uncorrected_us)


def assert_percentiles(read: Distribution, values: list[int]) -> None:
    """The summary's percentiles, and those of the detailed table that it does not have."""
    printed = {f"{Decimal(f'{p / 100:.6f}') * 100:f}": value for p, value, _ in spectrum(values)}
    printed = {f"{Decimal(key).normalize():f}": value for key, value in printed.items()}
    printed |= {f"{Decimal(str(p)).normalize():f}": nearest(values, p) for p in PERCENTILES}
    assert read.percentiles.keys() == printed.keys()
    for key, value in printed.items():
        assert read.percentiles[key] == near(value)


def with_connections(run: Ab) -> Ab:
    """The run on at least as many connections as it takes."""
    least = at_work(run.complete / run.seconds / 1000, run.times_ms)
    return dataclasses.replace(run, concurrency=max(run.concurrency, least))


@given(
    st.builds(
        Ab,
        concurrency=st.integers(1, 10**5),
        seconds=st.integers(1000, 10**7).map(lambda ms: ms / 1000),
        complete=st.integers(10**5, 10**9),
        connect=counts,
        exceptions=counts,
        write=counts,
        status=st.integers(0, 10**5),
        bytes=st.integers(10**9, 10**15),
        times_ms=st.lists(st.integers(3, 1000), min_size=1, max_size=40),
    ).map(with_connections)
)
def test_ab_round_trip(run: Ab) -> None:
    output = parse(ab(run))
    assert output.problems == []
    assert output.url == "http://198.18.0.1:8080/agents"
    assert (output.connections, output.requests) == (run.concurrency, run.complete)
    assert output.bytes == run.bytes
    assert output.duration_s == near(run.seconds, 1e-9)
    assert output.throughput_rps == near(run.complete / run.seconds, 1e-9)
    assert output.goodput_rps == near((run.complete - run.status) / run.seconds, 1e-6)
    errors = output.errors
    assert (errors.connect, errors.read) == (run.connect, run.exceptions)
    assert (errors.write, errors.status, errors.timeout) == (run.write, run.status, None)
    assert output.latency_us.mean == run.mean * 1000
    assert output.latency_us.min == min(run.times_ms) * 1000
    assert output.latency_us.max == max(run.times_ms) * 1000
    for key, value in output.latency_us.percentiles.items():
        assert value == at(run.times_ms, float(key)) * 1000


def read_or_refused(text: str) -> list[ToolOutput]:
    """The outputs in a text, none if it is refused: then with one of its lines."""
    refused = None
    try:
        outputs = parse_all(text)
    except ParseError as error:
        refused, outputs = error, []
    assert bool(outputs) != bool(refused)
    assert refused is None or 1 <= refused.line <= len(re.split(r"\r\n|\n|\r", text))
    return outputs


def figures(data: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """All figures of a document, each with where it stands."""
    if isinstance(data, dict):
        for key, value in data.items():
            yield from figures(value, f"{path}.{key}")
    elif isinstance(data, list):
        for item in data:
            yield from figures(item, f"{path}[{item['stream']}]")  # only flows are a list
    elif isinstance(data, int | float):
        yield path, data


def known(output: ToolOutput) -> set[tuple[str, Any]]:
    return set(figures(output.model_dump(exclude={"problems"})))


@given(st.sampled_from(sorted(TEXTS)), st.floats(0, 1))
def test_what_is_cut_off_is_missing_and_nothing_else_changes(name: str, where: float) -> None:
    text = TEXTS[name]
    cut = text[: round(len(text) * where)]
    outputs = read_or_refused(cut)
    if not outputs:
        return
    whole = parse_all(text)
    assert len(outputs) <= len(whole)
    for output, full in zip(outputs, whole, strict=False):
        new = known(output) - known(full)
        assert not {figure for figure in new if not follows(figure, output)}
        there, was_there = (dict(known(document)) for document in (output, full))
        if any(path in was_there and path not in there for path in LOOKED_FOR):
            assert output.problems or output.tool == "iperf"


LOADS = sorted(name for name in TEXTS if not name.startswith(("iperf", "article")))


# ab gives up without a last line of its own: a report without its head may be of the same run
GAVE_UP = ("ab-refused", "ab-timeout")
WITHOUT_HEAD = ("ab-annotated", "ab-one-failure")


@given(st.lists(st.sampled_from(LOADS), min_size=2, max_size=4))
@example(["ab-stuck", "ab-annotated"])
@example(["hey-cut", "ab-annotated"])
def test_runs_one_after_the_other_take_nothing_from_each_other(names: list[str]) -> None:
    assume(not any(a in GAVE_UP and b in WITHOUT_HEAD for a, b in itertools.pairwise(names)))
    apart = [output for name in names for output in parse_all(TEXTS[name])]
    assert parse_all("".join(f"{TEXTS[name]}\n" for name in names)) == apart


LOOKED_FOR = {".requests", ".throughput_rps", ".duration_s", ".latency_us.mean"}


def follows(figure: tuple[str, Any], output: ToolOutput) -> bool:
    """Whether a figure that the whole text does not give follows from a part of it."""
    path, value = figure
    if output.tool == "iperf":
        # A test that was cut off after its first interval looks like one that was so short; and
        # streams are counted as far as they are there.
        return True
    if path == ".throughput_rps":
        # less a digit that makes no difference, where a hand rounds: '585' of '585.41'
        return value == near((output.requests or 0) / (output.duration_s or 0), 0.005)
    if path == ".goodput_rps" and output.throughput_rps is not None:
        return value <= output.throughput_rps
    if path == ".goodput_rps":
        # worked out from the duration, where the rate has been lost
        # ab counts requests without an answer as complete
        lost = (output.errors.read or 0) if output.tool == "ab" else 0
        good = (output.requests or 0) - (output.errors.status or 0) - lost
        return output.throughput_rps is None and value == good / (output.duration_s or 0)
    return False


@given(st.sampled_from(sorted(TEXTS)), st.randoms(use_true_random=False), st.integers(1, 3))
def test_lines_that_are_lost_never_crash_nor_invent(
    name: str, rng: random.Random, count: int
) -> None:
    lines = TEXTS[name].splitlines(keepends=True)
    for _ in range(min(count, len(lines))):
        del lines[rng.randrange(len(lines))]
    text = "".join(lines)
    outputs = read_or_refused(text)
    everything = [item for full in parse_all(TEXTS[name]) for item in known(full)]
    for output in outputs:
        for path, value in known(output):
            # wrk2 prints some figures twice, of which one is left, with more or fewer digits.
            if any(path == place and value == near(known) for place, known in everything):
                continue
            # Errors are not printed if there were none: a lost line of errors cannot be missed,
            # and goodput rests on it.
            hidden = path.startswith(".errors.") and value == 0
            assert hidden or path == ".goodput_rps" or output.tool == "iperf", (path, value)


def test_h2loads_threads_are_counted_only_if_no_line_of_theirs_is_lost() -> None:
    lines = TEXTS["h2load-plain"].splitlines(keepends=True)
    for lost in itertools.combinations(range(len(lines)), 2):
        text = "".join(line for number, line in enumerate(lines) if number not in lost)
        told = {(output.threads, output.connections) for output in read_or_refused(text)}
        assert told <= {(2, 10), (None, None)}


@given(st.sampled_from([name for name in sorted(TEXTS) if name.startswith("iperf")]), st.randoms())
def test_flows_of_damaged_texts_are_lines_of_the_text(name: str, rng: random.Random) -> None:
    lines = TEXTS[name].splitlines(keepends=True)
    kept = "".join(line for line in lines if rng.random() < 0.8)
    outputs = read_or_refused(kept)
    of_lines = set()
    for line in kept.splitlines(keepends=True):
        with contextlib.suppress(ParseError):
            of_lines |= {flow.model_copy(update=ANY) for flow in parse(line).flows or []}
    for output in outputs:
        assert {flow.model_copy(update=ANY) for flow in output.flows or []} <= of_lines


ANY: dict[str, Any] = {"stream": "", "direction": None}


WORDS = st.sampled_from(
    [
        *(
            "Running 30s test @ http://h/",
            "12 threads and 400 connections",
            "Requests/sec:",
            "-nan%",
        ),
        *("Latency", "50%", "1.2ms", "307445734491.24m", "100 requests in 1.00s", "Socket errors:"),
        *("Complete requests:", "100", "0", "-1", "9" * 40, "This is ApacheBench, Version 2.3"),
        *(
            "[  1]",
            "[SUM]",
            "0.0-1.0 sec",
            "1.06 GBytes",
            "903 Mbits/sec",
            "[ *2]",
            "Server Report:",
        ),
        *("local a port 5001 connected with b port 4", "Server listening on TCP port 5001"),
        *('{"tool": "pacer"}', '{"tool": "pacer", ', "[", "{", "$ wrk -c", "$ ab -n 5", "\n", "\r"),
        *(
            "Latency Distribution",
            "#[Mean    =   1.0, StdDeviation   =   -nan]",
            "Non-2xx responses:",
        ),
        *(
            "Time taken for tests:",
            "seconds",
            "Requests per second:",
            "[#/sec] (mean)",
            "\x00",
            ">",
        ),
        *(
            "apr_pollset_poll: The timeout specified has expired (70007)",
            "Total of 5 requests completed",
        ),
    ]
)


@given(st.lists(WORDS | st.text(max_size=8) | st.just("\n"), max_size=40))
@example(["unable to connect to h", "\n", "x"])
def test_any_text_is_read_or_refused(words: list[str]) -> None:
    for output in read_or_refused(" ".join(words)):
        assert output.model_dump_json()
