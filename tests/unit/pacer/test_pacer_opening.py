"""Connections are opened through TLS, through Unix sockets, and to second addresses."""

import asyncio
import contextlib
import errno
import json
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from runs_of_pacer import OK, UNDISTURBED

from pacer import probe as probing
from pacer.closed_loop import ClosedLoop
from pacer.generator import Generator
from pacer.open_loop import OpenLoop
from pacer.opening import SILENT_S, Opener
from pacer.options import parse
from pacer.plan import split
from pacer.request import build, parse_url
from pacer.tls import Trust

LOAD = ("--rate", "100", "--connections", "4", "--duration", "0.5", *UNDISTURBED)

Pacer = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file with the key and the certificate of 'localhost' and 127.0.0.1."""
    folder = tmp_path_factory.mktemp("tls")
    file = folder / "both.pem"
    names = "subjectAltName=DNS:localhost,IP:127.0.0.1"
    files = {"-keyout": folder / "key.pem", "-out": folder / "certificate.pem"}
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext", names),
            *(str(word) for pair in files.items() for word in pair),
        ],
        check=True,
        capture_output=True,
    )
    file.write_text("".join(one.read_text() for one in files.values()))
    return file


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError, asyncio.IncompleteReadError):
        while True:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(OK)
            await writer.drain()


@contextlib.contextmanager
def running(make: Callable[[], Any]) -> Iterator[asyncio.Server]:
    """Run the server that the coroutine makes, in a thread, while the block runs."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(make(), loop).result(60)
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(60)


@pytest.fixture
def https(certificate: Path) -> Iterator[str]:
    """Return the URL of a server that speaks TLS."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    with running(lambda: asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)) as server:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


@pytest.fixture
def unix(tmp_path: Path) -> Iterator[str]:
    """Return the path of a Unix socket that a server listens on."""
    path = str(tmp_path / "app.sock")
    with running(lambda: asyncio.start_unix_server(answer, path)):
        yield path


# --- https ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("load", "least"), [(LOAD, 4), (("--closed", *LOAD[2:]), 0)])
def test_https(
    https: str, certificate: Path, pacer: Pacer, load: tuple[str, ...], least: int
) -> None:
    figures = pacer(https, *load, "--ca-file", str(certificate), "--processes", "2")
    assert figures["ok"] == figures["due"] >= figures["connections_opened"]
    assert figures["handshake_us"]["count"] == figures["connections_opened"]
    # A closed loop opens none if the machine stalls for as long as it lasts
    assert least <= figures["connections_opened"] <= 4
    assert figures["handshake_us"]["min"] != 0
    assert (figures["ca_file"], figures["insecure"]) == (str(certificate), False)


def test_a_certificate_is_checked(https: str, pacer: Pacer) -> None:
    figures = pacer(https, *LOAD)
    assert figures["errors"]["connect"] == figures["due"] == 50
    (text,) = figures["error_texts"]
    assert "certificate verify failed" in text["text"]
    (problem,) = figures["problems"]
    assert problem.startswith("50 requests could not be sent and count as errors.connect")
    assert "--ca-file" in problem
    assert "self-signed certificate" in problem
    trusting = pacer(https, *LOAD, "--insecure")
    assert (trusting["ok"], trusting["problems"]) == (50, [])


def test_a_certificate_of_another_name(https: str, certificate: Path, pacer: Pacer) -> None:
    url = https.replace("127.0.0.1", "127.0.0.2")  # where nothing listens
    assert pacer(url, *LOAD, "--ca-file", str(certificate))["errors"]["connect"] == 50
    sock = socket.create_server(("127.0.0.2", int(https.rpartition(":")[2].strip("/"))))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    with running(lambda: asyncio.start_server(answer, sock=sock, ssl=context)):
        figures = pacer(url, *LOAD, "--ca-file", str(certificate))
    assert "IP address mismatch" in figures["error_texts"][0]["text"]
    (problem,) = figures["problems"]
    assert "for '127.0.0.2'): ask by a name that is in it, or take any" in problem


def test_no_tls_on_the_other_side(answering: Callable[..., str], pacer: Pacer) -> None:
    url = answering(lambda _: OK).replace("http:", "https:")
    figures = pacer(url, *LOAD, "--timeout", "2", "--insecure")
    assert figures["sent"] == 0
    assert figures["errors"]["connect"] + figures["unsent"] == figures["due"] == 50
    texts = {one["text"] for one in figures["error_texts"]}
    assert texts <= {"no connection within 2 s"}


class _SlowHandshake(asyncio.Protocol):
    """Passes bytes on to a server, but for 0.3 s from the first, so that the handshake lasts."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._early: list[bytes] = []
        self._other: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._mine: Any = transport

    async def _join(self) -> None:
        outer = self

        class Back(asyncio.Protocol):
            def data_received(self, data: bytes) -> None:
                outer._mine.write(data)

        loop = asyncio.get_running_loop()
        self._other, _ = await loop.create_connection(Back, "127.0.0.1", self._port)
        self._other.write(b"".join(self._early))

    def data_received(self, data: bytes) -> None:
        if self._other is None:
            if not self._early:
                loop = asyncio.get_running_loop()
                loop.call_later(0.3, lambda: asyncio.ensure_future(self._join()))
            self._early.append(data)
        else:
            self._other.write(data)


def test_who_waits_for_a_handshake_at_a_rate(https: str, pacer: Pacer) -> None:
    port = int(https.rpartition(":")[2].strip("/"))

    async def slow() -> asyncio.Server:
        loop = asyncio.get_running_loop()
        return await loop.create_server(lambda: _SlowHandshake(port), "127.0.0.1", 0)

    with running(slow) as server:
        url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        load = ("--rate", "2", "--connections", "1", "--duration", "0.6", *UNDISTURBED)
        figures = pacer(url, *load, "--insecure")
    assert figures["handshake_us"]["min"] >= 300_000
    assert figures["ok"] == figures["due"]
    assert figures["response_us"]["max"] >= 300_000


def test_the_handshake_is_no_part_of_a_closed_loops_times() -> None:
    words = ["--url", "https://127.0.0.1:1/", "--connections", "1", "--duration", "1"]

    async def due_after_a_handshake(kind: type[Generator], load: list[str], due: int) -> int:
        (plan,) = split(parse([*words, *load]), [("127.0.0.1", 1)])
        loop = kind(plan, lambda _: None)
        connection = loop._connections[0]
        connection.due = due
        loop.opened(connection, 700)
        return connection.due

    for due, moved in ((5, 705), (-900, -200), (-5, -1)):  # one of the warm-up remains one
        assert asyncio.run(due_after_a_handshake(ClosedLoop, ["--closed"], due)) == moved
        assert asyncio.run(due_after_a_handshake(OpenLoop, ["--rate", "1"], due)) == due


# --- Unix sockets ---------------------------------------------------------------------------------


def test_unix_socket(unix: str, pacer: Pacer) -> None:
    figures = pacer("http://app.example/x", *LOAD, "--unix-socket", unix)
    assert figures["ok"] == 50
    assert figures["unix_socket"] == unix
    figures = pacer("http://app.example/x", *LOAD, "--unix-socket", unix, "--no-keepalive")
    assert figures["ok"] == figures["connections_opened"] == 50


def test_no_such_unix_socket(tmp_path: Path, pacer: Pacer) -> None:
    figures = pacer("http://app/", *LOAD, "--unix-socket", str(tmp_path / "none"))
    assert figures["errors"]["connect"] == 50
    assert "No such file" in figures["first_errors"]["connect"]


def test_a_full_queue_of_a_unix_socket_is_waited_for(tmp_path: Path) -> None:
    path = str(tmp_path / "full.sock")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path)
        listening.listen(0)
        with socket.socket(socket.AF_UNIX) as first:
            first.connect(path)

            async def open_another() -> None:
                opening = asyncio.ensure_future(
                    Opener([], unix_socket=path).open(asyncio.Protocol())
                )
                await asyncio.sleep(0.05)
                assert not opening.done()
                accepted, _ = listening.accept()
                await opening
                accepted.close()

            asyncio.run(open_another())


def test_a_server_that_closes_before_the_handshake(monkeypatch: pytest.MonkeyPatch) -> None:
    """It did so between two steps of uvloop, which ended the load process."""
    connect = Opener._connect

    async def closed(self: Opener, factory: Callable[[], asyncio.Protocol]) -> asyncio.Transport:
        transport = await connect(self, factory)
        while not transport.is_closing():
            await asyncio.sleep(0)
        return transport

    async def open_one(listening: socket.socket) -> None:
        listening.setblocking(False)
        opener = Opener([listening.getsockname()], trust=Trust("localhost", insecure=True))
        opening = asyncio.ensure_future(opener.open(asyncio.Protocol()))
        accepted, _ = await asyncio.get_running_loop().sock_accept(listening)
        accepted.close()
        await opening

    monkeypatch.setattr(Opener, "_connect", closed)
    with (
        socket.create_server(("127.0.0.1", 0)) as listening,
        pytest.raises(ConnectionResetError, match="before the TLS handshake"),
    ):
        asyncio.run(open_one(listening))


# --- several addresses ----------------------------------------------------------------------------


class _Silent:
    """An address whose queue of connections is full, so that it does not answer at all."""

    def __enter__(self) -> int:
        self._listening = socket.create_server(("127.0.0.3", 0), backlog=0)
        port = int(self._listening.getsockname()[1])
        self._others = [socket.socket() for _ in range(3)]
        for other in self._others:
            other.setblocking(False)
            other.connect_ex(("127.0.0.3", port))
        return port

    def __exit__(self, *_: object) -> None:
        for one in (self._listening, *self._others):
            one.close()


def test_a_second_address_when_the_first_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []
    connected_to = Opener._connected_to

    async def noted(self: Opener, address: tuple[str, int]) -> socket.socket:
        tried.append(address[0])
        return await connected_to(self, address)

    monkeypatch.setattr(Opener, "_connected_to", noted)
    with _Silent() as port, socket.create_server(("127.0.0.4", port)):

        async def open_two() -> float:
            opener = Opener([("127.0.0.3", port), ("127.0.0.4", port)])
            began = time.monotonic()
            await opener.open(asyncio.Protocol())
            took_s = time.monotonic() - began
            await opener.open(asyncio.Protocol())
            return took_s

        assert asyncio.run(open_two()) >= SILENT_S * 0.9
    # The address that has answered is tried first from then on
    assert tried[:3] == ["127.0.0.3", "127.0.0.4", "127.0.0.4"]


def test_a_second_address_when_the_first_refuses(answering: Callable[..., str]) -> None:
    port = int(answering(lambda _: OK).rpartition(":")[2].strip("/"))

    async def open_one() -> None:
        await Opener([("127.0.0.3", port), ("127.0.0.1", port)]).open(asyncio.Protocol())

    asyncio.run(open_one())


@pytest.mark.parametrize(
    ("addresses", "error"),
    [
        ([("127.0.0.3", 9), ("127.0.0.4", 9)], errno.ECONNREFUSED),
        ([("::1", 9), ("127.0.0.4", 9)], errno.ECONNREFUSED),  # also where there is no ::1 at all
        ([("127.0.0.4", 9), ("::1", 9)], errno.ECONNREFUSED),
    ],
)
def test_no_address_answers(addresses: list[tuple[str, int]], error: int) -> None:
    with pytest.raises(OSError, match=".") as caught:
        asyncio.run(_open(addresses))
    assert caught.value.errno == error


async def _open(addresses: list[tuple[str, int]]) -> None:
    await Opener(addresses).open(asyncio.Protocol())


# --- the probe ------------------------------------------------------------------------------------


def probe(*options: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "pacer.probe", "--timeout", "60", *options],
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_probe_checks_a_certificate(https: str) -> None:
    class FirstFailed(Exception):
        pass

    def sleep(_: float) -> None:
        raise FirstFailed  # instead of another attempt

    target = parse_url(https)
    request = build(target, keepalive=False)
    with pytest.raises(FirstFailed) as caught:
        probing.probe(target, request, 60, trust=Trust("127.0.0.1"), sleep=sleep)
    assert "certificate verify failed" in str(caught.value.__context__)


def test_the_probe_asks_in_the_same_ways(https: str, unix: str, certificate: Path) -> None:
    for options in (
        ("--url", https, "--insecure"),
        ("--url", https, "--ca-file", str(certificate)),
        ("--url", "http://app.example/", "--unix-socket", unix),
    ):
        result = probe(*options)
        assert result.returncode == 0, result.stderr
        assert json.loads(result.stdout)["status"] == 200
    assert probe("--url", "http://127.0.0.1/", "--insecure").returncode == 2
