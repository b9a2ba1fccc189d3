"""pacer against real servers on loopback: what becomes of each request is told as it was."""

import contextlib
import json
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogReader
from runs_of_pacer import LOAD, OK, UNDISTURBED, errors

from pacer.merge import new_histogram

REPOSITORY = Path(__file__).resolve().parents[3]
ONE_BY_ONE = (*LOAD, "--connections", "1")  # so that answers come in the order of requests

Pacer = Callable[..., dict[str, Any]]
Answering = Callable[..., str]
ProcessServer = Callable[..., tuple["subprocess.Popen[str]", str]]


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
    assert "Percentiles of 100 answers." in result.stdout
    assert result.stderr == ""  # no progress where nobody watches


@pytest.mark.parametrize("quiet", [["--quiet"], []])
def test_figures_to_standard_output_are_alone_there(
    answering: Answering, command: Callable[[str], list[str]], tmp_path: Path, quiet: list[str]
) -> None:
    result = subprocess.run(
        [*command(answering(lambda _: OK)), *LOAD, "--duration", "0.04", "--json", "-", *quiet],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(result.stdout)["ok"] == 10
    assert ("Requests/sec: " in result.stderr) == (not quiet)
    assert bool(result.stderr) == (not quiet)
    assert not list(tmp_path.iterdir())


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
