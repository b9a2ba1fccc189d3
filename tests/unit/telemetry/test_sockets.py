"""TCP sockets by state, of sockets that a test brings into these states."""

import fcntl
import os
import socket
import tempfile
import time
from pathlib import Path

import pytest

from telemetry.sockets import COLUMNS, Address, Sockets

MANY = 450  # so many that those of whatever else runs on this machine do not matter
FEW = 220


@pytest.fixture(autouse=True)
def alone():
    """Waits until no other process has one of these tests: their own sockets are many."""
    lock = Path(tempfile.gettempdir(), f"testbed-sockets-{os.getuid()}.lock")
    with lock.open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


@pytest.fixture
def listening():
    with socket.create_server(("127.0.0.1", 0), backlog=MANY) as server:
        yield server


def grown(before):
    """Which counts have grown since by many, and must have grown by exactly our own but for few."""
    now = Sockets().sample()
    found = {name for name in COLUMNS if now[name] - before[name] > FEW}
    assert all(abs(now[name] - before[name] - MANY) < FEW for name in found)
    return found


def test_sockets_are_counted_by_state(listening):
    before = Sockets().sample()
    clients = [socket.create_connection(listening.getsockname()) for _ in range(MANY)]
    assert grown(before) == {"listen_queue"}
    accepted = [listening.accept()[0] for _ in clients]
    assert grown(before) == set()
    for client in clients:
        client.close()
    assert grown(before) == {"tcp_fin_wait", "tcp_close_wait"}
    for connection in accepted:
        connection.close()
    assert grown(before) == set()


def test_a_kernel_that_does_not_tell_is_no_zero(monkeypatch):
    def refused(*_):
        raise OSError

    monkeypatch.setattr("telemetry.sockets.socket.socket", refused)
    assert Sockets().sample() == dict.fromkeys(COLUMNS)


def seen_of(service, sockets, **expected):
    """Sample until the kernel tells these counts: what was sent takes a moment to arrive."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        found = sockets.sample()
        if all(found[f"{service}_{name}"] == count for name, count in expected.items()):
            return found
    raise AssertionError(found)


def test_who_waits_for_the_answer_of_a_service_is_counted(listening):
    sockets = Sockets({"upstream": Address(*listening.getsockname())})
    own = [socket.create_connection(listening.getsockname()) for _ in range(20)]
    its = [listening.accept()[0] for _ in own]
    seen_of("upstream", sockets, waiting=0, connections=20)
    time.sleep(0.05)  # the kernel's clock ticks at least once between what is sent and received
    for one in own[:12]:
        one.send(b"?")
    seen_of("upstream", sockets, waiting=12, connections=20)
    time.sleep(0.05)
    for one in its[:5]:
        one.send(b"!")
    seen_of("upstream", sockets, waiting=7, connections=20)  # the answers are there, though unread
    for one in (*own, *its):
        one.close()


def test_what_no_program_has_read_is_counted_by_who_made_the_connection(listening):
    before = Sockets().sample()
    clients = [socket.create_connection(listening.getsockname()) for _ in range(MANY)]
    for client in clients:
        client.send(b"?")
    accepted = [listening.accept()[0] for _ in clients]
    assert grown(before) == {"tcp_unread_in"}
    for connection in accepted:
        connection.recv(9)
        connection.send(b"!")
    assert grown(before) == {"tcp_unread_out"}
    for connection in (*clients, *accepted):
        connection.close()


def test_the_fullest_listen_queue_is_told(listening):
    clients = [socket.create_connection(listening.getsockname()) for _ in range(MANY // 2)]
    assert Sockets().sample()["listen_queue_percent"] >= 50
    for client in clients:
        client.close()
