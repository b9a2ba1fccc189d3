"""Correct answers, failed ones and those that come too late to be good are told apart."""

import asyncio
import csv
import random
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogReader
from runs_of_pacer import OK, UNDISTURBED

from pacer.merge import new_histogram
from testbed.tools import parse
from tests.unit.draws import seed

__all__ = ["seed"]  # fixtures
FAILED = b"HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\nno"
WRONG = OK.replace(b"hello", b"jello")
HELLO = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"  # its SHA-256
LOADS = {"open": ("--rate", "300", *UNDISTURBED), "closed": ("--closed", *UNDISTURBED)}

Pacer = Callable[..., dict[str, Any]]
Serve = Callable[..., str]


@pytest.fixture
def answering_after(serve: Serve) -> Callable[[Callable[[int], tuple[float, bytes]]], str]:
    """Return a function that starts a server; its function says after what time comes which answer.

    That function gets the number of the request.
    """

    def start(plan: Callable[[int], tuple[float, bytes]]) -> str:
        count = 0

        async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal count
            while True:
                await reader.readuntil(b"\r\n\r\n")
                count += 1
                delay_s, answer = plan(count)
                await asyncio.sleep(delay_s)
                writer.write(answer)
                await writer.drain()

        return serve(handler)

    return start


def histogram(figures: dict[str, Any], name: str) -> HdrHistogram:
    return HdrHistogram.decode(figures["histograms"][f"{name}_us"])


def recorded(figures: dict[str, Any], below_us: float) -> int:
    """Return how many correct answers took less than so many microseconds."""
    return sum(
        step.count_added_in_this_iter_step
        for step in histogram(figures, "correct").get_recorded_iterator()
        if step.value_iterated_to < below_us
    )


@pytest.mark.parametrize("loop", LOADS)
@pytest.mark.parametrize("failure", [FAILED, WRONG])
def test_quick_failures_are_not_quick_answers(
    answering_after: Any, pacer: Pacer, tmp_path: Path, loop: str, failure: bytes, seed: int
) -> None:
    one_in = random.Random(seed).randrange(10, 100)  # noqa: S311 - no secret
    sys.stdout.write(f"one answer in {one_in} is correct")
    log = tmp_path / "latency.hdr"
    timeline = tmp_path / "timeline.csv"
    figures = pacer(
        answering_after(lambda n: (0.06, OK) if n % one_in == 0 else (0.001, failure)),
        *LOADS[loop],
        *("--connections", "20", "--duration", "1.2", "--expect-sha256", HELLO),
        *("--hdr", str(log), "--timeline", str(timeline)),
    )
    correct, failed = figures["correct_us"], figures["failed_us"]
    assert correct["count"] == figures["ok"] == figures["due"] // one_in
    assert failed["count"] == figures["due"] - figures["ok"]
    assert correct["count"] == 0 or correct["min"] >= 60_000
    quickest = [times["min"] for times in (correct, failed) if times["count"]]
    assert figures["response_us"]["min"] == min(quickest, default=None)
    both = histogram(figures, "correct")
    both.add(histogram(figures, "failed"))
    assert both.encode() == histogram(figures, "response").encode()
    reader = HistogramLogReader(str(log), new_histogram())
    logged = {"correct": 0, "failed": 0}
    while (interval := reader.get_next_interval_histogram()) is not None:
        logged[interval.get_tag()] += interval.get_total_count()
    reader.close()
    assert logged == {"correct": correct["count"], "failed": failed["count"]}
    with timeline.open() as file:
        rows = list(csv.DictReader(file))
    assert all(int(row["correct_p50_us"] or 60_000) >= 60_000 for row in rows)
    output = parse((tmp_path / "pacer.json").read_text())
    assert output.correct == figures["ok"]
    for told, times in ((output.correct_us, correct), (output.failed_us, failed)):
        assert (told and (told.min, told.mean)) == (
            (times["min"], times["mean"]) if times["count"] else None
        )


@pytest.mark.parametrize("loop", LOADS)
def test_a_correct_answer_after_the_deadline_is_not_good(
    answering_after: Any, pacer: Pacer, tmp_path: Path, loop: str, seed: int
) -> None:
    within_ms = random.Random(seed).randrange(40, 150)  # noqa: S311 - no secret
    sys.stdout.write(f"good within {within_ms} ms")
    late_s = (within_ms + 50) / 1000
    figures = pacer(
        answering_after(lambda n: (0.001 if n % 3 else late_s, OK)),
        *LOADS[loop],
        *("--connections", "50", "--duration", "1", "--good-within", str(within_ms)),
    )
    assert figures["good_within_ms"] == within_ms
    assert figures["ok"] == figures["due"] == figures["correct_us"]["count"]
    assert figures["good"] <= figures["due"] - figures["due"] // 3
    # The same by the histogram, which rounds to three digits
    assert recorded(figures, within_ms * 990) <= figures["good"]
    assert figures["good"] <= recorded(figures, within_ms * 1010)
    assert figures["goodput_rps"] == pytest.approx(figures["good_in_window"] / 1, abs=0.001)
    assert figures["good_in_window"] <= figures["ok_in_window"] <= figures["ok"]
    output = parse((tmp_path / "pacer.json").read_text())
    assert (output.good_within_ms, output.correct) == (within_ms, figures["ok"])
    assert output.goodput_rps == figures["goodput_rps"]


def test_without_a_deadline_every_correct_answer_is_good(
    answering_after: Any, pacer: Pacer
) -> None:
    url = answering_after(lambda n: (0.2 if n % 3 else 0, OK))
    figures = pacer(url, *LOADS["closed"], "--connections", "3", "--duration", "0.5")
    assert figures["good_within_ms"] is None
    assert figures["good"] == figures["ok"] == figures["due"]


@pytest.mark.parametrize(
    "answer",
    [
        b'HTTP/1.1 200 OK\nContent-Type: application/json\nContent-Length: 11\n\n{"ok":true}',
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n5\nhello\n0\n\n",
    ],
)
def test_answers_that_curl_reads(answering: Serve, pacer: Pacer, answer: bytes) -> None:
    load = ("--rate", "50", "--connections", "4", "--duration", "1", *UNDISTURBED)
    figures = pacer(answering(lambda _: answer), *load)
    assert figures["ok"] == figures["due"] == 50
    assert figures["connections_opened"] == 4
