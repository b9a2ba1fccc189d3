"""What goes wrong is told by class, and what comes late or never: pacer against real servers."""

import asyncio
import hashlib
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from runs_of_pacer import LOAD, OK, UNDISTURBED, errors, wait_until

ONE_BY_ONE = (*LOAD, "--connections", "1")  # so that answers come in the order of requests

Pacer = Callable[..., dict[str, Any]]
Answering = Callable[..., str]
ProcessServer = Callable[..., tuple["subprocess.Popen[str]", str]]


def test_refused(refusing: str, pacer: Pacer) -> None:
    figures = pacer(refusing, *LOAD, "--processes", "2", "--warmup", "0.1")
    assert errors(figures) == {"connect": 100}
    assert figures["due"] == 100
    assert figures["sent"] == 0
    assert figures["complete"] is True
    assert figures["throughput_rps"] == 0
    assert figures["response_us"]["mean"] is None
    assert figures["answers_per_connection"]["none"] == 8
    assert "111" in figures["first_errors"]["connect"]


def test_unknown_host(pacer: Pacer) -> None:
    figures = pacer("http://no-such-host.invalid/", *LOAD)
    assert errors(figures) == {"connect": 100}
    assert "cannot resolve 'no-such-host.invalid'" in figures["first_errors"]["connect"]


def test_status(answering: Answering, pacer: Pacer) -> None:
    statuses = {1: b"404 Not Found", 2: b"500 Oh", 3: b"302 Found"}

    def answer(exchange: Any) -> bytes:
        status = statuses.get(exchange.number % 5, b"200 OK")
        return b"HTTP/1.1 %s\r\nContent-Length: 0\r\n\r\n" % status

    figures = pacer(answering(answer), *ONE_BY_ONE)
    assert errors(figures) == {"status": 40}
    assert figures["ok"] == 60
    assert figures["goodput_rps"] == pytest.approx(figures["ok_in_window"] / 0.4)
    # Three of five are correct, so of those in the window, which may end within the five
    assert figures["ok_in_window"] == pytest.approx(figures["answered_in_window"] * 0.6, abs=2)
    assert figures["first_errors"]["status"] == "404"


def test_wrong_body(answering: Answering, pacer: Pacer) -> None:
    def answer(exchange: Any) -> bytes:
        if exchange.number % 10 == 1:
            return OK.replace(b"hello", b"jello")
        return b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhell" if exchange.number == 2 else OK

    url = answering(answer)
    digest = hashlib.sha256(b"hello").hexdigest()
    figures = pacer(url, *ONE_BY_ONE, "--expect-sha256", digest, "--expect-length", "5")
    assert errors(figures) == {"wrong_body": 11}
    assert figures["ok"] == 89
    assert figures["bodies_checked"] == 100
    assert digest in figures["first_errors"]["wrong_body"]
    sampled = pacer(url, *LOAD, "--expect-sha256", digest, "--check-every", "4")
    assert sampled["bodies_checked"] == 25


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (None, "closed before a complete answer"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", "closed before a complete answer"),
        (b"220 mail.example ESMTP\r\n", "not an HTTP/1.x answer"),
    ],
)
def test_broken_answers(
    answering: Answering, pacer: Pacer, answer: bytes | None, message: str
) -> None:
    figures = pacer(answering(lambda _: answer, once=True), *LOAD)
    assert errors(figures) == {"read": 100}
    assert message in figures["first_errors"]["read"]


def test_breaking_off_a_large_request(
    serve: Callable[..., str], pacer: Pacer, tmp_path: Path
) -> None:
    async def handler(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")

    (tmp_path / "body").write_bytes(bytes(30_000_000))
    figures = pacer(
        serve(handler),
        *("--rate", "10", "--connections", "2", "--duration", "0.5", *UNDISTURBED),
        *("--body-file", str(tmp_path / "body")),
    )
    assert figures["errors"]["write"] == 5


def test_timeouts(serve: Callable[..., str], pacer: Pacer) -> None:
    """What is sent times out, on a connection that carries nothing else."""
    requests: list[int] = []  # of each connection

    async def handler(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        place = len(requests)
        requests.append(0)
        while True:
            await reader.readuntil(b"\r\n\r\n")
            requests[place] += 1

    url = serve(handler)
    figures = pacer(
        url, "--rate", "40", "--connections", "4", "--duration", "1", "--timeout", "0.3"
    )
    found = figures["errors"]["timeout"]
    # Four connections, each good for one at 0, 0.3, 0.6, 0.9 and 1.2 s at best
    assert found == figures["sent"] <= 20
    # One that the machine stalled for as long could not be connected
    assert errors(figures).keys() <= {"timeout", "connect"}
    assert figures["due"] == 40
    assert figures["completed"] == figures["unanswered"] == 0
    wait_until(lambda: sum(requests) == found, "the server has seen each request")
    assert set(requests) <= {0, 1}
    texts = {one["text"] for one in figures["error_texts"] if one["kind"] == "timeout"}
    assert texts == ({"no complete answer within 0.3 s"} if found else set())


@pytest.fixture
def in_turn(serve: Callable[..., str]) -> str:
    """The URL of a server that takes 50 ms for each answer on a connection."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await reader.readuntil(b"\r\n\r\n")
            await asyncio.sleep(0.05)
            writer.write(OK)

    return serve(handler)


# One connection, 50 ms an answer: a fifth of them gets through in time
OVERLOAD = ("--rate", "100", "--connections", "1", "--duration", "1", "--warmup", "0.2")


def test_overload_is_told(in_turn: str, pacer: Pacer) -> None:
    figures = pacer(in_turn, *OVERLOAD, *UNDISTURBED, "--timeout-from", "sent")
    assert figures["due"] == 100
    assert figures["unsent"] > 50
    assert figures["unsent"] + figures["completed"] == 100
    assert figures["completed"] <= 42  # in the second measured and the one that pacer waits after
    assert figures["late"] >= figures["sent"] - 1  # the first may find the connection free
    assert figures["answered_in_window"] <= 21
    assert figures["warmup"]["unsent"] + figures["warmup"]["ok"] == 20


def test_a_request_that_waits_for_a_connection_has_its_whole_time_out(
    in_turn: str, pacer: Pacer
) -> None:
    figures = pacer(in_turn, *OVERLOAD, *UNDISTURBED)
    assert figures["due"] == figures["ok"] == 100
    assert figures["response_us"]["max"] >= 99 * 50_000 - 1_000_000
    # the first one is answered at once, those behind it wait for their turn
    assert figures["service_us"]["mean"] < figures["response_us"]["mean"]


def test_time_outs_count_from_when_a_request_was_due(in_turn: str, pacer: Pacer) -> None:
    """What exactly times out when the clock says so is in test_pacer_clock.py."""
    figures = pacer(in_turn, *OVERLOAD, "--timeout", "0.5")
    assert (figures["response_us"]["max"] or 0) <= 500_000
    # A request waits for those before it: the first ten come in time at most, and then some just
    # before their time-out, whose answers are too late
    assert figures["ok"] <= 13
    assert figures["unsent"] > 50
    # One that the machine stalled for as long could not be connected
    late = figures["errors"]["timeout"] + figures["errors"]["connect"]
    assert late == 100 - figures["ok"] - figures["unsent"]
    assert figures["overdue"] <= figures["errors"]["timeout"]
    assert figures["answered_in_window"] >= figures["ok_in_window"]


def test_lag_lasts_until_the_request_is_written(answering: Answering, pacer: Pacer) -> None:
    """With open connections enough, nothing but lag lies between due and sent.

    A server that a stall of the machine keeps from answering has its part of the time in between.
    """
    load = ("--rate", "100", "--connections", "100", "--warmup", "1.2", "--duration", "1")
    figures = pacer(answering(lambda _: OK), *load, *UNDISTURBED)
    assert figures["connections_opened"] == 0
    assert figures["lag_us"]["count"] == figures["completed"] == 100
    waited_us = figures["response_us"]["mean"] - figures["service_us"]["mean"]
    assert 0 <= figures["lag_us"]["mean"] <= waited_us + 1  # of rounding


def test_an_answer_after_the_time_out_is_not_correct(answering: Answering, pacer: Pacer) -> None:
    """The server answers everything, and each tenth request after the time-out."""

    slow = 0

    def answer(exchange: Any) -> bytes:
        nonlocal slow
        if exchange.number % 10 == 0:
            slow += 1
            time.sleep(0.6)  # all wait, as the server has a thread
        return OK

    for loop in (("--rate", "50"), ("--closed",)):
        options = (*loop, "--connections", "4", "--duration", "1", "--timeout", "0.4")
        slow = 0
        figures = pacer(answering(answer), *options)
        assert figures["errors"]["timeout"] >= slow
        assert (figures["response_us"]["max"] or 0) <= 400_000
        assert figures["unanswered"] == 0


def test_a_server_that_dies(process_server: ProcessServer, pacer: Pacer) -> None:
    _, url = process_server(50)
    figures = pacer(url, *LOAD)
    assert 42 <= figures["ok"] <= 50  # the last one of each connection may have died with it
    assert figures["errors"]["connect"] >= 40
    assert errors(figures).keys() <= {"connect", "read", "write"}
    assert figures["ok"] + sum(errors(figures).values()) == 100
    assert figures["complete"] is True
