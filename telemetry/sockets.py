"""Ask the kernel, by sock_diag(7), for TCP sockets by state and what waits in their queues.

/proc/net/tcp has the same as text, but reading it costs more. The kernel leaves out sockets in
TIME-WAIT, of which there are tens of thousands if each request has a new connection; their number
is in /proc/net/sockstat.
"""

import socket
import struct
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from telemetry import netlink

Row = dict[str, float | int | None]

# linux/netlink.h, linux/sock_diag.h, linux/inet_diag.h, linux/tcp.h
_NETLINK_SOCK_DIAG = 4
_SOCK_DIAG_BY_FAMILY = 20
_ERROR, _DONE = 2, 3
_ASKED = struct.Struct("=BBBxI48x")  # family, protocol, extensions, states; any address
# state, own port, other port, other address, receive queue, send queue; the queues of a listening
# socket are the connections that wait, and the most that may
_TOLD = struct.Struct("=xBxx2s2s16x4s12x12x4xII8x")
_INFO = 2  # INET_DIAG_INFO; its bit among the extensions is 1 << (_INFO - 1)
# of struct tcp_info: milliseconds since data was last sent, and since some was last received;
# segments with data that were received and sent (Linux 4.6)
_DATA = struct.Struct("=44xI4xI96xII")

# states of linux/tcp_states.h and their columns
STATES = {
    2: "tcp_syn_sent",
    3: "tcp_syn_received",
    4: "tcp_fin_wait",  # FIN-WAIT-1: this end has closed, which is not yet acknowledged
    5: "tcp_fin_wait",  # FIN-WAIT-2: that is acknowledged, and the other end is still open
    8: "tcp_close_wait",  # the other end has closed, and the program here has not
    9: "tcp_last_ack",
    11: "tcp_last_ack",  # CLOSING: both ends closed at once
}
ESTABLISHED, SYN_SENT, LISTENING = 1, 2, 10
BY_STATE = tuple(dict.fromkeys(STATES.values()))
QUEUES = ("listen_queue", "listen_queue_percent", "tcp_unread_in", "tcp_unread_out")
COLUMNS = (*BY_STATE, *QUEUES)


class Address(NamedTuple):
    """Where a service listens."""

    host: str  # an IPv4 address
    port: int


class _Socket(NamedTuple):
    state: int
    own_port: int
    peer: Address
    queued: int  # bytes that no program has read; listening: connections that none has accepted
    most_queued: int  # listening: how many connections may wait
    owed: bool  # what was sent last has not been answered; False if it was not asked for


class Sockets:
    """Samples IPv4 sockets in this host's network namespace, and who waits for an answer in them.

    `asked` has services that programs of this host ask over TCP, by their names.
    """

    def __init__(self, asked: Mapping[str, Address] | None = None) -> None:
        self._asked = dict(asked or {})

    def sample(self) -> Row:
        """Return counts by state, the queues, and how the services are asked.

        - `listen_queue`: connections that no program has accepted yet; `listen_queue_percent`: of
          the most that the fullest of the queues takes
        - `tcp_unread_in`: connections with bytes that no program has read yet, for instance a
          request whose worker is busy; of those that others made to this host
        - `tcp_unread_out`: the same of those that this host made, for instance answers
        - `<service>_waiting`: connections to a service over which it owes an answer, by when data
          was sent and received last; `<service>_connections`: all that are open to it

        All are None if the kernel does not report them.
        """
        try:
            sockets = list(_dump(with_times=bool(self._asked)))
        except OSError:
            return dict.fromkeys((*COLUMNS, *self._service_columns()))
        counts = dict.fromkeys((*COLUMNS, *self._service_columns()), 0)
        listening = [one for one in sockets if one.state == LISTENING]
        ports = {one.own_port for one in listening}
        for one in listening:
            counts["listen_queue"] += one.queued
            full = round(100 * one.queued / (one.most_queued or 1))
            counts["listen_queue_percent"] = max(counts["listen_queue_percent"], full)
        for one in sockets:
            if one.state in STATES:
                counts[STATES[one.state]] += 1
            elif one.state == ESTABLISHED and one.queued:
                counts["tcp_unread_in" if one.own_port in ports else "tcp_unread_out"] += 1
            if one.state in (ESTABLISHED, SYN_SENT):
                self._count_asked(one, counts)
        return {**counts}

    def _count_asked(self, one: _Socket, counts: dict[str, int]) -> None:
        for name, address in self._asked.items():
            if one.peer == address:
                counts[f"{name}_connections"] += 1
                counts[f"{name}_waiting"] += one.owed and not one.queued

    def _service_columns(self) -> list[str]:
        return [f"{name}_{what}" for name in self._asked for what in ("waiting", "connections")]


def _dump(*, with_times: bool) -> Iterator[_Socket]:
    """Yield each socket in one of the asked states. Raises OSError.

    Established ones in which nothing waits are left out, unless it is asked when data was sent.
    """
    states = sum(1 << state for state in (*STATES, ESTABLISHED, LISTENING))
    extensions = 1 << (_INFO - 1) if with_times else 0
    asked = _ASKED.pack(socket.AF_INET, socket.IPPROTO_TCP, extensions, states)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_SOCK_DIAG) as kernel:
        kernel.settimeout(1)
        kernel.send(netlink.message(_SOCK_DIAG_BY_FAMILY, netlink.REQUEST | netlink.DUMP, asked))
        while True:
            data = kernel.recv(1 << 16)
            start = 0
            while start < len(data):
                length, kind, *_ = netlink.HEADER.unpack_from(data, start)
                if kind == _DONE:
                    return
                if kind == _ERROR:
                    raise OSError("the kernel has no sock_diag for TCP")
                state, *_, queued, _ = _TOLD.unpack_from(data, start + netlink.HEADER.size)
                if with_times or queued or state != ESTABLISHED:
                    yield _read(data[start + netlink.HEADER.size : start + length])
                start += netlink.padded(length)


def _read(told: bytes) -> _Socket:
    state, own, other, host, queued, most_queued = _TOLD.unpack_from(told)
    return _Socket(
        state=state,
        own_port=int.from_bytes(own, "big"),
        peer=Address(socket.inet_ntoa(host), int.from_bytes(other, "big")),
        queued=queued,
        most_queued=most_queued,
        owed=state == ESTABLISHED and _is_owed(told),
    )


def _is_owed(told: bytes) -> bool:
    """Return whether an answer is owed over a connection, from a socket's attributes.

    It is if data was sent later than any was received. Both may be in one tick of the kernel's
    clock, 1 to 10 ms, as when a connection is used again at once. Then it is if more segments were
    sent than received: a small question and its answer are one each.
    """
    for kind, value in netlink.attributes(told, _TOLD.size):
        if kind == _INFO and len(value) >= _DATA.size:
            sent_ms, received_ms, received, sent = _DATA.unpack_from(value)
            if sent_ms != received_ms:
                return bool(sent_ms < received_ms)
            return bool(sent > received)
    return False
