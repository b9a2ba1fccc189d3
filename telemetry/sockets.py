"""TCP sockets by state, and who waits in listen queues, asked of the kernel by sock_diag(7).

What /proc/net/tcp has as text, without its cost: sockets in TIME-WAIT, tens of thousands where each
request has a connection of its own, are left out by the kernel (their number is in sockstat).
"""

import socket
import struct
from collections.abc import Iterator

Row = dict[str, float | int | None]

# linux/netlink.h, linux/sock_diag.h, linux/inet_diag.h
_NETLINK_SOCK_DIAG = 4
_SOCK_DIAG_BY_FAMILY = 20
_REQUEST_DUMP = 0x301  # NLM_F_REQUEST | NLM_F_DUMP
_ERROR, _DONE = 2, 3
_HEADER = struct.Struct("=IHHII")  # length, type, flags, sequence, port
_ASKED = struct.Struct("=BBBxI48x")  # family, protocol, extensions, states; any address
_TOLD = struct.Struct("=xB54xI")  # state, receive queue: of a listening socket, who waits there

# states of linux/tcp_states.h -> column
STATES = {
    2: "tcp_syn_sent",
    3: "tcp_syn_received",
    4: "tcp_fin_wait",  # 1: our end is closed, and that not yet acknowledged
    5: "tcp_fin_wait",  # 2: it is, and the other end still open
    8: "tcp_close_wait",  # the other end is closed, and the program here has not closed its own
    9: "tcp_last_ack",
    11: "tcp_last_ack",  # CLOSING: both ends closed at once
}
LISTENING = 10
COLUMNS = (*dict.fromkeys(STATES.values()), "listen_queue")


class Sockets:
    """Sockets over IPv4 in this host's network namespace; established ones are in other columns."""

    def sample(self) -> Row:
        """Counts by state, and `listen_queue`: connections that no program has accepted yet.

        All None where the kernel does not tell.
        """
        counts = dict.fromkeys(COLUMNS, 0)
        try:
            for state, queued in _dump():
                if state == LISTENING:
                    counts["listen_queue"] += queued
                elif state in STATES:
                    counts[STATES[state]] += 1
        except OSError:
            return dict.fromkeys(COLUMNS)
        return {**counts}


def _dump() -> Iterator[tuple[int, int]]:
    """State and receive queue of each socket in one of the states asked for. Raises OSError."""
    states = sum(1 << state for state in (*STATES, LISTENING))
    asked = _ASKED.pack(socket.AF_INET, socket.IPPROTO_TCP, 0, states)
    head = _HEADER.pack(_HEADER.size + len(asked), _SOCK_DIAG_BY_FAMILY, _REQUEST_DUMP, 1, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_SOCK_DIAG) as kernel:
        kernel.settimeout(1)
        kernel.send(head + asked)
        while True:
            data = kernel.recv(1 << 16)
            start = 0
            while start < len(data):
                length, kind, *_ = _HEADER.unpack_from(data, start)
                if kind == _DONE:
                    return
                if kind == _ERROR:
                    raise OSError("the kernel has no sock_diag for TCP")
                yield _TOLD.unpack_from(data, start + _HEADER.size)
                start += (length + 3) & ~3
