"""pacer tells how evenly its connections were served."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from runs_of_pacer import LOAD, OK

Pacer = Callable[..., dict[str, Any]]
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@pytest.mark.parametrize("processes", ["1", "2"])
def test_connections_that_are_never_answered(
    serve: Callable[[Handler], str], pacer_until: Pacer, processes: str
) -> None:
    requests: list[int] = []  # of each connection

    async def every_other(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        place = len(requests)
        requests.append(0)
        while True:
            await reader.readuntil(b"\r\n\r\n")
            requests[place] += 1
            if place % 2:
                writer.write(OK)

    def are_served() -> bool:
        """Whether half of the connections have sent 13 requests, so have read 12 answers."""
        return len(requests) == 8 and min(requests[1::2]) > 12

    load = ("--rate", "250", "--connections", "8", "--timeout", "600")
    figures = pacer_until(serve(every_other), are_served, *load, "--processes", processes)
    answers = figures["answers_per_connection"]
    assert answers["connections"] == 8
    assert answers["none"] == 4
    assert answers["min"] == answers["p5"] == 0
    assert answers["mean"] == figures["completed"] / 8
    assert answers["p95"] == answers["max"] >= 12


def test_a_connection_opened_again_is_the_same(answering: Callable[..., str], pacer: Pacer) -> None:
    closing = OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    figures = pacer(answering(lambda _: closing, once=True), *LOAD)
    assert figures["connections_opened"] == 100
    answers = figures["answers_per_connection"]
    assert answers["connections"] == 8
    assert answers["mean"] == 100 / 8
    assert answers["none"] == 0


def test_the_warm_up_does_not_count(answering: Callable[..., str], pacer: Pacer) -> None:
    figures = pacer(answering(lambda _: OK), *LOAD, "--warmup", "0.4")
    assert figures["answers_per_connection"]["mean"] == 100 / 8
