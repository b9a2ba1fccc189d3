"""pacer's closed loop against real servers whose times are known."""

import asyncio
import json
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hdrh.histogram import HdrHistogram

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
CLOSED = ("--closed", "--connections", "8", "--duration", "0.5")

Pacer = Callable[..., dict[str, Any]]
Answering = Callable[..., str]
Serve = Callable[..., str]


def broken(figures: dict[str, Any]) -> dict[str, int]:
    return {name: count for name, count in figures["errors"].items() if count}


@pytest.fixture
def delaying(serve: Serve) -> Callable[[Callable[[int], float]], str]:
    """Return a function that starts a server whose answer number n takes as long as asked."""

    def start(delay_s: Callable[[int], float]) -> str:
        count = 0

        async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal count
            while True:
                await reader.readuntil(b"\r\n\r\n")
                count += 1
                await asyncio.sleep(delay_s(count))
                writer.write(OK)
                await writer.drain()

        return serve(handler)

    return start


@contextmanager
def refusing() -> Iterator[str]:
    """Hold a port that refuses connections."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{unused.getsockname()[1]}/"


@pytest.mark.parametrize("processes", [1, 3])
def test_every_request_begun_is_told(answering: Answering, pacer: Pacer, processes: int) -> None:
    url = answering(lambda _: OK)
    figures = pacer(url, *CLOSED, "--warmup", "0.2", "--processes", str(processes))
    assert (figures["loop"], figures["rate_rps"], figures["arrivals"]) == ("closed", None, None)
    assert figures["due"] == figures["ok"] > 0
    assert figures["warmup"]["due"] == figures["warmup"]["ok"] > 0
    assert broken(figures) == {}
    assert (figures["unsent"], figures["unanswered"]) == (0, 0)
    assert figures["response_us"] == figures["service_us"]  # all connections were open
    assert figures["lag_us"]["count"] == 0
    assert figures["answers_per_connection"]["connections"] == 8


@pytest.mark.parametrize("most_percent", [0.5, 10])
def test_slow_answers_are_told_as_they_were(
    delaying: Callable[[Callable[[int], float]], str], pacer: Pacer, most_percent: float
) -> None:
    """Other generators add samples around a slow answer, which Little's law does not allow."""
    lots = random.SystemRandom()
    every = round(100 / lots.uniform(most_percent / 3, most_percent))
    slow_s = lots.uniform(0.25, 0.45)
    sys.stdout.write(f"every {every}th answer takes {slow_s:.3f} s, the others 2 ms")
    slow = 0

    def delay_s(number: int) -> float:
        nonlocal slow
        slow += number % every == 0
        return slow_s if number % every == 0 else 0.002

    figures = pacer(delaying(delay_s), "--closed", "--connections", "10", "--duration", "2")
    answers, times = figures["completed"], figures["response_us"]
    assert figures["due"] == figures["ok"] == answers == times["count"]
    assert slow == answers // every
    # Each answer has one time, and all times together are not more than the connections had
    busy_s = answers * times["mean"] / 1e6
    assert 10 * 2 / 2 < busy_s < 10 * (2 + times["max"] / 1e6)
    # As many are slow as the server made so, or more if this machine delayed quick ones as well
    histogram = HdrHistogram.decode(figures["histograms"]["response_us"])
    quick = sum(
        step.count_added_in_this_iter_step
        for step in histogram.get_recorded_iterator()
        if step.value_iterated_to < slow_s * 1e6 * 0.99
    )
    assert quick <= answers - slow
    rank = 100 * (1 - slow / answers / 2)  # in the middle of the slow ones
    assert histogram.get_value_at_percentile(rank) >= slow_s * 1e6 * 0.99


def test_an_overlong_answer_is_a_timeout_and_the_next_request_follows(
    delaying: Callable[[Callable[[int], float]], str], pacer: Pacer
) -> None:
    url = delaying(lambda number: 5.0 if number % 20 == 0 else 0.005)
    figures = pacer(url, *CLOSED[:-1], "1", "--timeout", "0.3")
    assert broken(figures) == {"timeout": figures["due"] - figures["ok"]}
    assert figures["errors"]["timeout"] > 0
    assert figures["response_us"]["max"] < 5_000_000


def test_a_hung_server_gets_one_request_of_each_connection_at_a_time(
    delaying: Callable[[Callable[[int], float]], str], pacer: Pacer
) -> None:
    figures = pacer(delaying(lambda _: 60), *CLOSED, "--timeout", "3")
    assert figures["due"] == figures["sent"] == 8
    assert broken(figures) == {"timeout": 8}


def test_a_refused_connection_is_counted_and_does_not_spin(pacer: Pacer) -> None:
    with refusing() as url:
        figures = pacer(url, *CLOSED)
    assert broken(figures) == {"connect": figures["due"]}
    # Each of 8 connections tries at once, and then not more than once in a tenth of a second
    assert 8 <= figures["due"] <= 8 * 6


def test_a_server_that_hangs_up_is_counted_and_does_not_spin(
    answering: Answering, pacer: Pacer
) -> None:
    figures = pacer(answering(lambda _: None), *CLOSED)
    assert broken(figures) == {"read": figures["due"]}
    assert 8 <= figures["due"] <= 8 * 6


def test_a_server_that_comes_back_is_asked_again(answering: Answering, pacer: Pacer) -> None:
    url = answering(lambda exchange: None if exchange.number <= 16 else OK)
    figures = pacer(url, *CLOSED[:-1], "1")
    assert figures["errors"]["read"] == 16
    assert figures["ok"] == figures["due"] - 16 > 8


def test_a_connection_for_each_request(answering: Answering, pacer: Pacer) -> None:
    url = answering(lambda _: OK, once=True)
    figures = pacer(url, *CLOSED, "--no-keepalive")
    assert figures["due"] == figures["ok"] == figures["connections_opened"] > 8
    # Opening the connection is part of what the client waits for
    assert figures["response_us"]["mean"] > figures["service_us"]["mean"]


def test_failed_answers_are_counted_apart_from_correct_ones(
    answering: Answering, pacer: Pacer
) -> None:
    def answer(exchange: Any) -> bytes:
        return OK if exchange.number % 10 == 0 else OK.replace(b"200 OK", b"500 No")

    figures = pacer(answering(answer), *CLOSED)
    assert broken(figures) == {"status": figures["due"] - figures["ok"]}
    assert figures["errors"]["status"] >= 8 * figures["ok"] > 0
    assert figures["throughput_rps"] > figures["goodput_rps"]


def test_the_counts_of_an_interrupted_loop_add_up(
    answering: Answering, command: Callable[[str], list[str]], tmp_path: Path, adds_up: Any
) -> None:
    file = tmp_path / "p.json"
    words = [*command(answering(lambda _: OK)), "--closed", "--connections", "5"]
    with subprocess.Popen([*words, "--duration", "600", "--json", str(file)]) as run:
        time.sleep(2)
        run.send_signal(signal.SIGINT)
        assert run.wait(60) == 130
    figures = json.loads(file.read_text())
    adds_up(figures)
    assert figures["complete"] is False
