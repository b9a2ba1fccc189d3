"""The probe waits for any answer, and says what it got or why it got none."""

import asyncio
import base64
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pacer import probe
from pacer.request import build, parse_url


def run(url: str, *options: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "pacer.probe", "--url", url, *options],
        cwd=Path(probe.__file__).parents[1],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_an_answer(answering: Callable[..., str]) -> None:
    seen: list[Any] = []

    def answer(exchange: Any) -> bytes:
        seen.append(exchange)
        return (
            b"HTTP/1.1 503 Busy\r\nSet-Cookie: a\r\nset-cookie: b\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n2\r\n\xff\x00\r\n0\r\n\r\n"
        )

    url = answering(answer)
    result = run(
        url + "x?y", "--timeout", "60", "--method", "PUT", "--body", "in", "--header", "A: b"
    )
    assert result.returncode == 0
    assert result.stderr == ""
    document = json.loads(result.stdout)
    assert document["status"] == 503
    assert document["headers"] == {"set-cookie": "a, b", "transfer-encoding": "chunked"}
    assert base64.b64decode(document["body_base64"]) == b"\xff\x00"
    assert document["attempts"] == 1
    assert document["waited_s"] > 0
    assert seen[0].head.startswith("PUT /x?y HTTP/1.1\r\n")
    assert "\r\nA: b\r\n" in seen[0].head
    assert seen[0].body == b"in"


def test_waiting_for_a_server_that_comes_late(answering: Callable[..., str]) -> None:
    unused = socket.socket()  # keeps the port from others, refuses connections, and shares it
    unused.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    unused.bind(("127.0.0.1", 0))
    port = unused.getsockname()[1]
    target = parse_url(f"http://127.0.0.1:{port}/")
    served = threading.Event()

    async def serve_once() -> None:
        async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            await writer.drain()
            writer.close()

        async with await asyncio.start_server(handler, "127.0.0.1", port, reuse_port=True):
            while not served.is_set():
                await asyncio.sleep(0.01)

    server = threading.Thread(target=asyncio.run, args=(serve_once(),))
    sleeps: list[float] = []

    def sleep(duration_s: float) -> None:
        sleeps.append(duration_s)
        if len(sleeps) == 3:
            server.start()
        time.sleep(duration_s)

    answer = probe.probe(target, build(target, keepalive=False), 300, sleep=sleep)
    served.set()
    server.join()
    unused.close()
    assert (answer.status, answer.body) == (200, b"ok")
    assert answer.attempts == len(sleeps) + 1 >= 4


def test_trying_again_after_broken_answers(answering: Callable[..., str]) -> None:
    answers = [None, b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"]

    def answer(exchange: Any) -> Any:
        if exchange.number <= len(answers):
            return answers[exchange.number - 1]
        return b"HTTP/1.0 200 OK\r\n\r\nuntil close"

    url = answering(answer, once=True)
    result = run(url, "--timeout", "300")
    assert result.returncode == 0, result.stderr
    document = json.loads(result.stdout)
    assert document["attempts"] == 4
    assert base64.b64decode(document["body_base64"]) == b"until close"


@pytest.mark.parametrize("url", ["http://127.0.0.1:{port}/", "http://no-such-host.invalid/"])
def test_no_answer(url: str) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        result = run(url.format(port=unused.getsockname()[1]), "--timeout", "0.2")
    assert result.returncode == 1
    assert result.stdout == ""
    [line] = result.stderr.splitlines()
    assert "no answer within 0.2 s" in line
    assert "refused" in line or "not known" in line or "name resolution" in line


def test_a_server_that_never_answers(serve: Callable[..., str]) -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    result = run(serve(handler), "--timeout", "0.3")
    assert result.returncode == 1
    assert "timed out" in result.stderr


@pytest.mark.parametrize(
    "options",
    [["--timeout", "0"], ["--timeout", "x"], ["--timeout", "1", "--header", "x"], ["--time", "1"]],
)
def test_bad_options(options: list[str]) -> None:
    result = run("http://127.0.0.1:1/", *options)
    assert result.returncode == 2
    assert len(result.stderr.splitlines()) == 1
