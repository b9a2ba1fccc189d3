"""Start small real servers, and run pacer against them as its users do."""

import asyncio
import contextlib
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from runs_of_pacer import LONG, interrupted_after, wait_until
from some_mixes import mix_of

from pacer.tally import Tally

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
REPOSITORY = Path(__file__).resolve().parents[3]


@contextlib.contextmanager
def listening(handler: Handler) -> Iterator[str]:
    """Run a server in a separate thread while the block runs; yield its URL."""
    loop = asyncio.new_event_loop()
    url: list[str] = []
    up = threading.Event()

    async def quietly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await handler(reader, writer)
        writer.close()

    async def serve() -> None:
        server = await asyncio.start_server(quietly, "127.0.0.1", 0, backlog=1024)
        url.append(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
        up.set()
        await asyncio.Event().wait()

    async def main() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await serving

    serving = loop.create_task(serve())
    thread = threading.Thread(target=loop.run_until_complete, args=(main(),), daemon=True)
    thread.start()
    assert up.wait(60)
    try:
        yield url[0]
    finally:
        loop.call_soon_threadsafe(serving.cancel)
        thread.join(60)


@pytest.fixture
def serve() -> Iterator[Callable[[Handler], str]]:
    """Return a function that starts a server with a given handler; it ends with the test."""
    with contextlib.ExitStack() as stack:
        yield lambda handler: stack.enter_context(listening(handler))


@pytest.fixture
def refusing() -> Iterator[str]:
    """The URL of a port that refuses connections, and that nobody else can take meanwhile."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{unused.getsockname()[1]}/"


@dataclass(frozen=True)
class Exchange:
    """One request as the server saw it. `number` counts requests, `turn` those of a connection."""

    head: str
    body: bytes
    number: int
    turn: int


async def read_request(reader: asyncio.StreamReader) -> tuple[str, bytes]:
    """Return head and body of the next request.

    Raises IncompleteReadError if the client has closed the connection.
    """
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    lengths = [line for line in head.splitlines() if line.lower().startswith("content-length:")]
    body = await reader.readexactly(int(lengths[0].split(":")[1])) if lengths else b""
    return head, body


@pytest.fixture
def answering(serve: Callable[[Handler], str]) -> Callable[..., str]:
    """Return a function that starts a server whose answers another function makes.

    The latter returns the bytes of an answer, or None to close the connection instead. With `once`
    the connection is closed after each answer.
    """

    def start(answer: Callable[[Exchange], bytes | None], *, once: bool = False) -> str:
        count = 0

        async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal count
            turn = 0
            while True:
                head, body = await read_request(reader)
                count, turn = count + 1, turn + 1
                data = answer(Exchange(head, body, count, turn))
                if data is None:
                    return
                writer.write(data)
                await writer.drain()
                if once:
                    return

        return serve(handler)

    return start


@pytest.fixture
def pacer(tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Return a function that runs pacer, checks that its counts add up, and returns its JSON."""

    def run(url: str, *options: str, exit_code: int = 0) -> dict[str, Any]:
        result = subprocess.run(
            [*pacer_command(url), *options, "--json", str(tmp_path / "pacer.json")],
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert "Traceback" not in result.stderr
        assert result.returncode == exit_code, result.stderr
        figures: dict[str, Any] = json.loads((tmp_path / "pacer.json").read_text())
        assert_adds_up(figures)
        return figures

    return run


@pytest.fixture
def pacer_until(tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Return a function that interrupts pacer when a condition comes true; it returns the JSON."""

    def run(url: str, condition: Callable[[], bool], *options: str) -> dict[str, Any]:
        file = tmp_path / "interrupted.json"
        words = [*pacer_command(url), *LONG, *options, "--json", str(file)]
        result = interrupted_after(words, lambda _: wait_until(condition, "enough of the load"))
        assert (result.returncode, result.stderr) == (130, "")
        figures: dict[str, Any] = json.loads(file.read_text())
        assert_adds_up(figures)
        assert figures["complete"] is False
        return figures

    return run


def pacer_command(url: str) -> list[str]:
    """Return the command `python -m pacer --url URL`."""
    return [sys.executable, "-m", "pacer", "--url", url]


@pytest.fixture
def command() -> Callable[[str], list[str]]:
    """Return a function that makes the beginning of pacer's command line."""
    return pacer_command


def assert_every_request_ended_once(figures: dict[str, Any]) -> None:
    """Assert the equations of FORMAT.md that also hold for each request of a mix."""
    errors = figures["errors"]
    broken = errors["read"] + errors["write"] + errors["timeout"]
    left = figures["unsent"] + figures["unanswered"]
    assert figures["due"] == figures["completed"] + errors["connect"] + broken + left
    assert figures["sent"] == figures["completed"] + broken + figures["unanswered"]
    assert figures["completed"] == figures["ok"] + errors["status"] + errors["wrong_body"]
    assert figures["response_us"]["count"] == figures["completed"]
    assert figures["service_us"]["count"] == figures["completed"]
    assert figures["correct_us"]["count"] == figures["ok"]
    assert figures["failed_us"]["count"] == errors["status"] + errors["wrong_body"]


def assert_adds_up(figures: dict[str, Any]) -> None:
    """Assert the equations of FORMAT.md."""
    errors = figures["errors"]
    assert_every_request_ended_once(figures)
    assert figures["good"] == figures["ok"] or figures["good_within_ms"] is not None
    assert figures["lag_us"]["count"] == (figures["due"] if figures["loop"] == "open" else 0)
    assert all("could not be sent" in problem for problem in figures["problems"])
    assert sum(figures["status_codes"].values()) == figures["completed"]
    for kind, count in errors.items():
        texts = [one for one in figures["error_texts"] if one["kind"] == kind]
        assert count == sum(one["count"] for one in texts)
    for name in ("due", "sent", "completed", "ok", "good", "unsent", "unanswered"):
        if figures["by_request"]:
            assert figures[name] == sum(one[name] for one in figures["by_request"].values())
    for one in figures["by_request"].values():
        assert_every_request_ended_once(one)
    for name in ("due", "sent", "completed", "ok"):
        of_processes = [p[name] for p in figures["processes"] if p["role"] == "load"]
        assert figures[name] == sum(of_processes)


@pytest.fixture
def adds_up() -> Callable[[dict[str, Any]], None]:
    """Return a function that asserts the equations of FORMAT.md."""
    return assert_adds_up


@pytest.fixture
def tally() -> Callable[..., Tally]:
    """Return a function that makes a tally with given counts and samples."""

    def make(**values: Any) -> Tally:
        result = Tally()
        for name, value in values.items():
            if isinstance(value, list):
                getattr(result, name).extend(value)
            else:
                setattr(result, name, value)
        return result

    return make


_FAST_SERVER = """
import asyncio, os, sys, uvloop
left = int(sys.argv[1])
OK = b"HTTP/1.1 200 OK\\r\\nContent-Length: 5\\r\\n\\r\\nhello"
class Answer(asyncio.Protocol):
    def connection_made(self, transport): self.transport = transport
    def data_received(self, data):
        global left
        if left == 0: os._exit(0)
        left -= 1
        self.transport.write(OK)
async def main():
    server = await asyncio.get_running_loop().create_server(Answer, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()
uvloop.run(main())
"""


@pytest.fixture
def process_server() -> Iterator[Callable[..., tuple["subprocess.Popen[str]", str]]]:
    """Return a function that starts a fast server in a separate process; it returns it and the URL.

    The server can be stopped and continued. With `answers`, it dies after so many answers.
    """
    servers: list[subprocess.Popen[str]] = []

    def start(answers: int = -1) -> tuple["subprocess.Popen[str]", str]:
        server = subprocess.Popen(
            [sys.executable, "-c", _FAST_SERVER, str(answers)], stdout=subprocess.PIPE, text=True
        )
        servers.append(server)
        assert server.stdout is not None
        return server, f"http://127.0.0.1:{server.stdout.readline().strip()}/"

    yield start
    for server in servers:
        server.kill()
        server.communicate()


@pytest.fixture
def file_of(tmp_path: Path) -> Callable[..., str]:
    """Return a function that writes requests to a file and returns its path."""

    def write(*requests: dict[str, Any]) -> str:
        file = tmp_path / "mix.json"
        file.write_text(json.dumps(mix_of(*requests)))
        return str(file)

    return write
