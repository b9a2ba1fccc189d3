"""pacer against real servers on loopback: what becomes of each request is told as it was."""

import asyncio
import contextlib
import hashlib
import os
import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogReader
from runs_of_pacer import UNDISTURBED, wait_until

from pacer.merge import new_histogram

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
LOAD = ("--rate", "250", "--connections", "8", "--duration", "0.4", *UNDISTURBED)  # 100 requests
ONE_BY_ONE = (*LOAD, "--connections", "1")  # so that answers come in the order of requests

Pacer = Callable[..., dict[str, Any]]
Answering = Callable[..., str]
ProcessServer = Callable[..., tuple["subprocess.Popen[str]", str]]


def errors(figures: dict[str, Any]) -> dict[str, int]:
    """Classes that occurred."""
    return {name: count for name, count in figures["errors"].items() if count}


# --- the normal case ------------------------------------------------------------------------------


@pytest.mark.parametrize("processes", [1, 3])
def test_all_is_well(answering: Answering, pacer: Pacer, tmp_path: Path, processes: int) -> None:
    url = answering(lambda _: OK)
    figures = pacer(
        url,
        *("--rate", "300", "--connections", "9", "--duration", "1.5", "--warmup", "0.5"),
        *UNDISTURBED,
        *("--processes", str(processes), "--timeline", str(tmp_path / "t.csv")),
        *("--hdr", str(tmp_path / "h.hdr")),
    )
    assert figures["complete"] is True
    assert figures["due"] == figures["ok"] == 450
    warmup = figures["warmup"]
    assert warmup["due"] == 150
    assert warmup["ok"] == 150 - warmup["unsent"]  # a stalled machine may leave some waiting
    assert figures["bytes"] == 450 * len(OK)
    assert errors(figures) == {}
    assert figures["measured_s"] == 1.5
    assert figures["throughput_rps"] == pytest.approx(figures["answered_in_window"] / 1.5, abs=0.1)
    assert figures["connections_opened"] == 0  # all in the warm-up
    shared = figures["answers_per_connection"]
    assert (shared["connections"], shared["none"], shared["mean"]) == (9, 0, 50)
    ranks = [shared[rank] for rank in ("min", "p5", "p50", "p95", "max")]
    assert ranks == sorted(ranks)
    assert figures["response_us"]["mean"] >= figures["service_us"]["mean"]
    assert len(figures["processes"]) == processes + 1
    assert all(process["cpu_percent"] > 0 for process in figures["processes"])
    _check_timeline((tmp_path / "t.csv").read_text(), figures)
    _check_histograms(tmp_path / "h.hdr", figures)


def _check_timeline(text: str, figures: dict[str, Any]) -> None:
    header, *lines = text.splitlines()
    rows = [dict(zip(header.split(","), line.split(","), strict=True)) for line in lines]
    assert [row["second"] for row in rows][:3] == ["-1", "0", "1"]
    assert [row["phase"] for row in rows][:3] == ["warmup", "measured", "measured"]
    for name in ("due", "sent", "completed", "ok"):
        total = sum(int(row[name]) for row in rows)
        assert total == figures[name] + figures["warmup"][name]
    assert [int(row["due"]) for row in rows][:3] == [150, 300, 150]


def _check_histograms(log: Path, figures: dict[str, Any]) -> None:
    reader = HistogramLogReader(str(log), new_histogram())
    summed = new_histogram()
    while reader.add_next_interval_histogram(summed) is not None:
        pass
    reader.close()
    decoded = HdrHistogram.decode(figures["histograms"]["response_us"])
    for histogram in (summed, decoded):
        assert histogram.get_total_count() == figures["completed"]
        for name, value in figures["response_us"]["percentiles"].items():
            found = histogram.get_value_at_percentile(float(name))
            assert min(found, figures["response_us"]["max"]) == value


def test_summary(answering: Answering, command: Callable[[str], list[str]]) -> None:
    result = subprocess.run(
        [*command(answering(lambda _: OK)), *LOAD], capture_output=True, text=True, check=True
    )
    assert "Requests/sec: " in result.stdout
    assert "100 requests due, 100 sent, 100 answered, 100 correct" in result.stdout
    assert "99%" in result.stdout
    assert result.stderr == ""  # no progress where nobody watches


def test_quiet(answering: Answering, command: Callable[[str], list[str]]) -> None:
    result = subprocess.run(
        [*command(answering(lambda _: OK)), *LOAD, "--quiet"], capture_output=True, check=True
    )
    assert (result.stdout, result.stderr) == (b"", b"")


def test_progress_on_a_terminal(answering: Answering, command: Callable[[str], list[str]]) -> None:
    ours, theirs = os.openpty()
    subprocess.run(
        [*command(answering(lambda _: OK)), *LOAD, "--duration", "1.2"],
        stdout=subprocess.DEVNULL,
        stderr=theirs,
        check=True,
    )
    os.close(theirs)
    shown = _rest_of(ours).decode()
    os.close(ours)
    assert re.search(r"s left: \d+ answers/s, 0 errors/s, p50", shown)
    assert "\n" not in shown


def _rest_of(terminal: int) -> bytes:
    """Return what was written to the terminal; it comes in pieces, and then there is an error."""
    pieces: list[bytes] = []
    with contextlib.suppress(OSError):
        while piece := os.read(terminal, 10_000):
            pieces.append(piece)
    return b"".join(pieces)


def test_errors_of_the_warm_up_do_not_count(answering: Answering, pacer: Pacer) -> None:
    def answer(exchange: Any) -> bytes:
        busy = exchange.number <= 10
        return OK.replace(b"200 OK", b"503 Busy") if busy else OK

    figures = pacer(answering(answer), *LOAD, "--warmup", "1")
    warmup = figures["warmup"]
    counted = figures["errors"]["status"]  # none, unless the machine stalls for nearly a second
    assert warmup["errors"]["status"] == 10 - counted
    assert warmup["ok"] == warmup["sent"] - (10 - counted)
    assert figures["due"] == 100
    assert figures["ok"] == 100 - counted


def test_a_name_with_several_addresses(answering: Answering, pacer: Pacer) -> None:
    """localhost is often ::1 first, where this server does not listen."""
    figures = pacer(answering(lambda _: OK).replace("127.0.0.1", "localhost"), *LOAD)
    assert figures["ok"] == 100


def test_poisson_arrivals(answering: Answering, pacer: Pacer) -> None:
    options = (*LOAD, "--arrivals", "poisson", "--seed", "5", "--processes", "2")
    url = answering(lambda _: OK)
    first, second = pacer(url, *options), pacer(url, *options)
    assert first["seed"] == 5
    assert first["due"] == first["ok"] == second["due"]
    assert first["due"] != 100
    assert first["due"] == pytest.approx(100, abs=50)


def test_head(answering: Answering, pacer: Pacer) -> None:
    head = OK.removesuffix(b"hello")
    figures = pacer(answering(lambda _: head), *LOAD, "--method", "HEAD", "--expect-length", "0")
    assert figures["ok"] == 100
    assert figures["bytes"] == 100 * len(head)


def test_what_is_sent(answering: Answering, pacer: Pacer, tmp_path: Path) -> None:
    body = os.urandom(300_000)  # more than a socket takes at once
    (tmp_path / "body").write_bytes(body)
    seen: list[Any] = []

    def answer(exchange: Any) -> bytes:
        seen.append(exchange)
        return b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"

    figures = pacer(
        answering(answer),
        *("--rate", "20", "--connections", "2", "--duration", "0.5", *UNDISTURBED),
        *("--method", "PUT"),
        *("--body-file", str(tmp_path / "body"), "--header", "X-A: b"),
    )
    assert figures["ok"] == figures["due"] == 10
    assert all(exchange.head.startswith("PUT / HTTP/1.1\r\n") for exchange in seen)
    assert all("\r\nX-A: b\r\n" in exchange.head for exchange in seen)
    assert all(exchange.body == body for exchange in seen)


# --- connections ----------------------------------------------------------------------------------


def test_connections_are_kept(answering: Answering, pacer: Pacer) -> None:
    turns: list[int] = []

    def answer(exchange: Any) -> bytes:
        turns.append(exchange.turn)
        return OK

    figures = pacer(answering(answer), *LOAD)
    assert figures["connections_opened"] == 8
    assert max(turns) >= 100 / 8


def test_no_keepalive(answering: Answering, pacer: Pacer) -> None:
    seen: list[Any] = []

    def answer(exchange: Any) -> bytes:
        seen.append(exchange)
        return OK

    figures = pacer(answering(answer), *LOAD, "--no-keepalive")
    assert figures["connections_opened"] == figures["ok"] == 100
    assert figures["keepalive"] is False
    assert {exchange.turn for exchange in seen} == {1}
    assert all("\r\nConnection: close\r\n" in exchange.head for exchange in seen)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\n\r\nhello",
    ],
)
def test_a_server_that_closes(answering: Answering, pacer: Pacer, answer: bytes) -> None:
    figures = pacer(answering(lambda _: answer, once=True), *LOAD, "--expect-length", "5")
    assert figures["ok"] == figures["connections_opened"] == 100
    assert errors(figures) == {}


def test_a_server_that_closes_without_a_word(answering: Answering, pacer: Pacer) -> None:
    """As one does whose time for idle connections is up: here each is idle for 0.8 s.

    If the machine stalls for so long, a request may be on its way when the server closes.
    """
    options = ("--rate", "10", "--connections", "8", "--duration", "2", *UNDISTURBED)
    figures = pacer(answering(lambda _: OK, once=True), *options, "--expect-length", "5")
    assert figures["ok"] == figures["connections_opened"]
    assert figures["ok"] + figures["errors"]["read"] + figures["errors"]["write"] == 20
    assert figures["ok"] >= 8  # the first one of each connection


def test_a_server_that_announces_closing_and_does_not(answering: Answering, pacer: Pacer) -> None:
    answer = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    # longer than pacer waits for such a server; few requests, for each opens a connection
    options = ("--rate", "25", "--connections", "8", "--duration", "1.4", *UNDISTURBED)
    figures = pacer(answering(lambda _: answer), *options)
    assert figures["ok"] == figures["connections_opened"] == 35


def test_unasked_for_bytes_are_no_answer(answering: Answering, pacer: Pacer) -> None:
    figures = pacer(answering(lambda _: OK + OK), *LOAD)
    assert figures["ok"] == figures["connections_opened"] == 100


# --- errors ---------------------------------------------------------------------------------------


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
