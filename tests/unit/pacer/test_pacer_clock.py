"""What pacer does when: by a clock that each test sets, for what a real one shows may be late."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from runs_of_pacer import OK

from pacer.closed_loop import ClosedLoop
from pacer.connection import Connection
from pacer.generator import Generator
from pacer.merge import Merge
from pacer.open_loop import OpenLoop
from pacer.options import parse
from pacer.plan import split
from pacer.tally import Frame


class Nowhere:
    """A transport that takes everything and passes nothing on."""

    def write(self, data: bytes) -> None:
        pass

    def abort(self) -> None:
        pass


class Load:
    """One load process's load, with connections that are open and lead nowhere."""

    def __init__(self, kind: type[Generator], *words: str) -> None:
        (plan,) = split(parse(["--url", "http://127.0.0.1:1/", *words]), [("127.0.0.1", 1)])
        self.frames: list[Frame] = []
        self.generator: Any = kind(plan, self.frames.append)
        self.generator.now = lambda: self.now_ns
        self.generator._origin = time.monotonic_ns()  # it has been started
        self.generator._next_chores = plan.start_ns
        for connection in self.connections:
            connection._transport = Nowhere()  # type: ignore[assignment]

    @property
    def connections(self) -> list[Connection]:
        found: list[Connection] = self.generator._connections
        return found

    def at(self, moment_s: float) -> None:
        """Let the timer expire at that moment; nothing has run since it last did."""
        self.now_ns = round(moment_s * 1e9)
        self.generator._on_timer()

    def answered(self, place: int, moment_s: float, answer: bytes = OK) -> None:
        self.now_ns = round(moment_s * 1e9)
        self.connections[place].data_received(answer)

    def end(self) -> Merge:
        """Stop the load; return what became of its requests."""
        self.generator.stop()
        merge = Merge()
        for frame in self.frames:
            if frame.kind == "tally":
                merge.add(frame)
        assert merge.measured.balanced
        assert merge.warmup.balanced
        return merge

    def times_us(self, name: str) -> list[int]:
        return [value for frame in self.frames for value in getattr(frame.tally, name)]


Test = Callable[[], Coroutine[Any, Any, None]]


def on_a_loop(test: Test) -> Callable[[], None]:
    """Make a test of a coroutine, as a generator needs an event loop."""

    def run() -> None:
        asyncio.run(test())

    run.__name__ = test.__name__
    run.__doc__ = test.__doc__
    return run


OPEN = ("--rate", "10", "--duration", "1", "--connections")
CLOSED = ("--closed", "--duration", "1", "--connections")


# --- open loop ------------------------------------------------------------------------------------


@on_a_loop
async def test_what_the_warm_up_left_waiting_is_given_up_not_served_first() -> None:
    load = Load(OpenLoop, *OPEN, "1", "--warmup", "2")
    load.at(-2)
    load.at(0)
    load.answered(0, 0.05)  # so the connection takes up the first measured request
    load.answered(0, 0.06)
    told = load.end()
    assert (told.warmup.due, told.warmup.ok, told.warmup.unsent) == (20, 1, 19)
    assert (told.measured.due, told.measured.ok) == (1, 1)


@on_a_loop
async def test_lag_lasts_until_the_request_is_written() -> None:
    load = Load(OpenLoop, *OPEN, "2")
    load.at(0)
    load.at(0.13)  # a connection is free, so that the request of 0.1 s is written now
    load.end()
    assert load.times_us("lag") == [0, 30_000]


@on_a_loop
async def test_who_waits_for_a_connection_lags_until_the_generator_knows_of_it() -> None:
    load = Load(OpenLoop, *OPEN, "1")
    load.at(0)
    load.at(0.23)
    load.answered(0, 0.5)
    load.end()
    # the request of 0.1 s is written at 0.5 s, and the server is to blame for the rest
    assert load.times_us("lag") == [0, 130_000, 30_000, 200_000, 100_000, 0]


@pytest.mark.parametrize(("since", "ok", "overdue"), [("due", 1, 1), ("sent", 2, 0)])
def test_time_outs_count_from_when_a_request_was_due_or_sent(
    since: str, ok: int, overdue: int
) -> None:
    async def run() -> None:
        load = Load(OpenLoop, *OPEN, "1", "--timeout", "0.5", "--timeout-from", since)
        load.at(0)
        load.at(0.2)
        load.answered(0, 0.48)
        load.answered(0, 0.9)  # it was due at 0.1 s and sent at 0.48 s
        told = load.end().measured
        assert (told.ok, told.timeout, told.overdue) == (ok, overdue, overdue)

    asyncio.run(run())


@on_a_loop
async def test_who_has_waited_longer_than_the_time_out_is_not_sent() -> None:
    load = Load(OpenLoop, *OPEN, "1", "--timeout", "0.5")
    load.at(0)
    load.at(0.49)
    load.answered(0, 0.65)  # 0.1 s is too long ago, and 0.2 s is not
    load.answered(0, 0.69)
    told = load.end().measured
    assert (told.ok, told.overdue, told.unsent) == (1, 1, 1 + 3)  # three wait when it ends


@on_a_loop
async def test_a_connection_whose_request_timed_out_takes_no_other() -> None:
    load = Load(OpenLoop, *OPEN, "1", "--timeout", "0.5")
    first = load.connections[0]
    load.at(0)
    load.at(0.55)
    assert first.retired
    assert load.connections[0].busy
    assert not load.connections[0].open
    told = load.end().measured
    assert (told.timeout, told.overdue, told.sent) == (1, 0, 1)


@on_a_loop
async def test_a_connection_that_the_server_closed_while_it_was_free_is_opened_again() -> None:
    load = Load(OpenLoop, *OPEN, "1")
    first = load.connections[0]
    load.at(0)
    load.answered(0, 0.01)
    first.eof_received()
    assert first.retired
    load.at(0.1)
    assert load.connections[0] is not first
    assert load.connections[0].busy
    assert load.end().measured.errors == 0


# --- closed loop ----------------------------------------------------------------------------------


@on_a_loop
async def test_a_hung_server_gets_one_request_of_each_connection() -> None:
    load = Load(ClosedLoop, *CLOSED, "8", "--timeout", "3")
    for tenth in range(20):
        load.at(tenth / 10)
    told = load.end().measured
    assert told.due == told.sent == told.unanswered == 8


@on_a_loop
async def test_after_a_failure_a_connection_pauses() -> None:
    load = Load(ClosedLoop, *CLOSED, "1")
    load.at(0)
    load.connections[0].connection_lost(None)
    for moment_s, begun in ((0.05, False), (0.099, False), (0.1, True)):
        load.at(moment_s)
        assert load.connections[0].busy == begun
    told = load.end().measured
    assert (told.due, told.read, told.unsent) == (2, 1, 1)  # it had yet to connect


@on_a_loop
async def test_after_a_time_out_the_next_request_follows_at_once() -> None:
    load = Load(ClosedLoop, *CLOSED, "1", "--timeout", "0.3")
    load.at(0)
    load.at(0.35)
    assert load.connections[0].busy
    told = load.end().measured
    assert (told.due, told.timeout) == (2, 1)


@on_a_loop
async def test_nothing_begins_after_the_measured_part() -> None:
    load = Load(ClosedLoop, *CLOSED, "1")
    load.at(0.999)
    load.answered(0, 1)
    assert not load.connections[0].busy
    assert load.end().measured.due == 1


@on_a_loop
async def test_a_correct_answer_within_the_deadline_is_good_and_a_later_one_is_not() -> None:
    load = Load(ClosedLoop, *CLOSED, "1", "--good-within", "50")
    load.at(0)
    load.answered(0, 0.05)
    load.answered(0, 0.11)
    told = load.end().measured
    assert (told.ok, told.good) == (2, 1)
