"""Ask the kernel, by sock_diag(7), for TCP sockets by state and the lengths of listen queues.

/proc/net/tcp has the same as text, but reading it costs more. The kernel leaves out sockets in
TIME-WAIT, of which there are tens of thousands if each request has a new connection; their number
is in /proc/net/sockstat.
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
_TOLD = struct.Struct(
    "=xB54xI"
)  # state, receive queue; a listening socket's is the connections that wait

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
LISTENING = 10
COLUMNS = (*dict.fromkeys(STATES.values()), "listen_queue")


class Sockets:
    """Samples IPv4 sockets in this host's network namespace, except the established ones.

    Other columns have the number of established sockets.
    """

    def sample(self) -> Row:
        """Return counts by state, and `listen_queue`: connections that no program has accepted yet.

        All are None if the kernel does not tell them.
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
    """Yield state and receive queue of each socket in one of the asked states. Raises OSError."""
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
