"""TCP sockets by state, of sockets that a test brings into these states."""

import socket

import pytest

from telemetry.sockets import COLUMNS, Sockets

MANY = 300  # so many that those of whatever else runs on this machine do not matter
FEW = 140


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
