"""pacer's closed loop against real servers whose times are known."""

import asyncio
import itertools
import random
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest
from hdrh.histogram import HdrHistogram
from runs_of_pacer import OK, UNDISTURBED

from pacer.closed_loop import PAUSE_NS, ClosedLoop
from pacer.opening import Opener
from pacer.options import parse
from pacer.plan import split
from pacer.tally import Tally
from tests.unit.draws import seed

__all__ = ["seed"]  # fixtures
CLOSED = ("--closed", "--connections", "8", "--duration", "0.5", *UNDISTURBED)

Pacer = Callable[..., dict[str, Any]]
PacerUntil = Callable[..., dict[str, Any]]
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


class Counted:
    """Answers, made by a function of the number of the request, that are counted."""

    def __init__(self, answer: Callable[[int], bytes | None] = lambda _: OK) -> None:
        self.count = 0
        self._answer = answer

    def __call__(self, exchange: Any) -> bytes | None:
        self.count = exchange.number
        return self._answer(exchange.number)

    def reach(self, count: int) -> Callable[[], bool]:
        """Return the condition that so many requests have come."""
        return lambda: self.count >= count


@pytest.mark.parametrize("processes", [1, 3])
def test_every_request_begun_is_told(answering: Answering, pacer: Pacer, processes: int) -> None:
    answer = Counted()
    url = answering(answer)
    figures = pacer(url, *CLOSED, "--warmup", "0.2", "--processes", str(processes))
    assert (figures["loop"], figures["rate_rps"], figures["arrivals"]) == ("closed", None, None)
    warmup = figures["warmup"]
    assert figures["due"] == figures["ok"]
    assert warmup["due"] == warmup["ok"] == answer.count - figures["ok"]
    assert broken(figures) == {}
    assert (figures["unsent"], figures["unanswered"]) == (0, 0)
    # The same, unless a stall left no time to open all connections in the warm-up
    assert figures["connections_opened"] or figures["response_us"] == figures["service_us"]
    assert figures["lag_us"]["count"] == 0
    assert figures["answers_per_connection"]["connections"] == 8


@pytest.mark.parametrize("most_percent", [0.5, 10])
def test_slow_answers_are_told_as_they_were(
    delaying: Callable[[Callable[[int], float]], str],
    pacer: Pacer,
    most_percent: float,
    seed: int,
) -> None:
    """Other generators add samples around a slow answer, which Little's law does not allow."""
    lots = random.Random(seed)  # noqa: S311 - no secret
    every = round(100 / lots.uniform(most_percent / 3, most_percent))
    slow_s = lots.uniform(0.25, 0.45)
    sys.stdout.write(f"every {every}th answer takes {slow_s:.3f} s, the others 2 ms")
    slow, all_s = 0, 0.0

    def delay_s(number: int) -> float:
        nonlocal slow, all_s
        slow += number % every == 0
        takes_s = slow_s if number % every == 0 else 0.002
        all_s += takes_s
        return takes_s

    load = ("--closed", "--connections", "10", "--duration", "2", *UNDISTURBED)
    figures = pacer(delaying(delay_s), *load)
    answers, times = figures["completed"], figures["response_us"]
    assert figures["due"] == figures["ok"] == answers == times["count"]
    assert slow == answers // every
    # Each answer has one time, and all times together are not more than the connections had
    busy_s = answers * (times["mean"] or 0) / 1e6
    assert 0.99 * all_s <= busy_s <= 10 * (2 + (times["max"] or 0) / 1e6)
    # As many are slow as the server made so, or more if this machine delayed quick ones as well
    histogram = HdrHistogram.decode(figures["histograms"]["response_us"])
    quick = sum(
        step.count_added_in_this_iter_step
        for step in histogram.get_recorded_iterator()
        if step.value_iterated_to < slow_s * 1e6 * 0.99
    )
    assert quick <= answers - slow


def test_an_overlong_answer_is_a_timeout_and_the_next_request_follows(
    delaying: Callable[[Callable[[int], float]], str], pacer: Pacer
) -> None:
    slow = 0

    def delay_s(number: int) -> float:
        nonlocal slow
        slow += number % 20 == 0
        return 5.0 if number % 20 == 0 else 0.005

    figures = pacer(delaying(delay_s), *CLOSED, "--duration", "1", "--timeout", "0.3")
    # One that the machine stalled for as long could not be connected
    assert broken(figures).keys() <= {"timeout", "connect"}
    assert sum(broken(figures).values()) == figures["due"] - figures["ok"]
    assert figures["errors"]["timeout"] >= slow
    assert (figures["response_us"]["max"] or 0) <= 300_000


def test_a_hung_server_gets_one_request_of_each_connection_at_a_time(
    delaying: Callable[[Callable[[int], float]], str], pacer_until: PacerUntil
) -> None:
    seen = 0

    def never(number: int) -> float:
        nonlocal seen
        seen = number
        return 600

    figures = pacer_until(delaying(never), lambda: seen >= 8, *CLOSED[:3], "--timeout", "600")
    assert figures["due"] == figures["sent"] == figures["unanswered"] == 8


def test_a_refused_connection_is_counted_and_does_not_spin(refusing: str, pacer: Pacer) -> None:
    figures = pacer(refusing, *CLOSED)
    assert figures["errors"]["connect"] == figures["due"] == sum(broken(figures).values())
    # Each of 8 connections tries at once, and then not more than once in a tenth of a second
    assert figures["due"] <= 8 * 6


def test_after_a_pause_a_refused_connection_is_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tries: list[int] = []
    words = ["--url", "http://127.0.0.1:1/", "--closed", "--connections", "1", "--duration", "600"]
    (plan,) = split(parse(words), [("127.0.0.1", 1)])
    total = Tally()

    async def run() -> None:
        loop = ClosedLoop(plan, lambda frame: total.add(frame.tally))

        async def refused(_: Opener, __: asyncio.Protocol) -> int:
            tries.append(time.monotonic_ns())
            if len(tries) == 4:
                asyncio.get_running_loop().call_soon(loop.stop)
            raise ConnectionRefusedError

        monkeypatch.setattr(Opener, "open", refused)
        loop.start(time.monotonic_ns())
        await loop.finished

    asyncio.run(run())
    assert total.due == total.connect == 4
    assert all(later - one >= PAUSE_NS for one, later in itertools.pairwise(tries))


def test_a_server_that_hangs_up_is_counted_and_does_not_spin(
    answering: Answering, pacer: Pacer
) -> None:
    answer = Counted(lambda _: None)
    figures = pacer(answering(answer), *CLOSED)
    assert figures["errors"]["read"] == figures["due"] == answer.count
    assert figures["due"] <= 8 * 6


def test_a_server_that_comes_back_is_asked_again(
    answering: Answering, pacer_until: PacerUntil
) -> None:
    answer = Counted(lambda number: None if number <= 16 else OK)
    figures = pacer_until(answering(answer), answer.reach(40), *CLOSED[:3], *UNDISTURBED)
    assert broken(figures) == {"read": 16}
    assert figures["ok"] + figures["unanswered"] + figures["unsent"] == figures["due"] - 16
    assert figures["ok"] >= 40 - 16 - 8  # at most one of each connection is on its way


def test_a_connection_for_each_request(answering: Answering, pacer: Pacer) -> None:
    answer = Counted()
    figures = pacer(answering(answer, once=True), *CLOSED, "--no-keepalive")
    assert figures["due"] == figures["ok"] == figures["connections_opened"] == answer.count
    # Opening the connection is part of what the client waits for
    assert not answer.count or figures["response_us"]["mean"] > figures["service_us"]["mean"]


def test_failed_answers_are_counted_apart_from_correct_ones(
    answering: Answering, pacer_until: PacerUntil
) -> None:
    answer = Counted(lambda n: OK if n % 10 == 0 else OK.replace(b"200 OK", b"500 No"))
    figures = pacer_until(answering(answer), answer.reach(100), *CLOSED[:3], *UNDISTURBED)
    assert broken(figures) == {"status": figures["completed"] - figures["ok"]}
    assert figures["errors"]["status"] >= 8 * figures["ok"] > 0
    assert figures["throughput_rps"] > figures["goodput_rps"]


def test_the_counts_of_an_interrupted_loop_add_up(
    answering: Answering, pacer_until: PacerUntil
) -> None:
    answer = Counted()
    words = ("--closed", "--connections", "5", *UNDISTURBED)
    figures = pacer_until(answering(answer), answer.reach(500), *words)
    assert figures["ok"] >= 500 - 5  # at most one of each connection is on its way
