"""One connection of a run. It carries one request at a time."""

import asyncio
import socket
import struct
from typing import Protocol, cast

from pacer.mix import Request
from pacer.response import BadResponse, ResponseReader
from pacer.tally import Tally


class Owner(Protocol):
    """What a connection needs of the generator that owns it.

    All times are nanoseconds from the start of the measured part.
    """

    keepalive: bool

    def now(self) -> int:
        """Return the present time."""

    def connect(self, connection: "Connection") -> "asyncio.Task[None]":
        """Begin to open the connection's socket; return the task that does so."""

    def sent(self, connection: "Connection", now: int) -> None:
        """Be told that the connection has written its request."""

    def answered(self, connection: "Connection", now: int) -> None:
        """Count the answer that the connection's reader has read completely."""

    def failed(self, connection: "Connection", kind: str, message: str) -> None:
        """Count the connection's request as failed. `kind` is a class of errors."""

    def release(self, connection: "Connection") -> None:
        """Take the connection back: it is free for another request."""

    def replace(self, connection: "Connection", *, was_busy: bool, lingers: bool) -> None:
        """Put a new connection in the place of one that takes no more requests.

        If it lingers, the server is expected to close it; it is closed here when the time for that
        is up.
        """


class Connection(asyncio.Protocol):
    """A place for a TCP connection, which is opened when a request needs it.

    A connection is in one of these states: free (its socket open or not); `busy` while it connects;
    `busy` and `waiting` for an answer; `retired`. A retired connection takes no more requests, and
    its socket, if it has one, is being closed.
    """

    __slots__ = (
        "_opening",
        "_owner",
        "_transport",
        "_unwritten",
        "answers",
        "broken",
        "busy",
        "due",
        "index",
        "reader",
        "request",
        "retired",
        "sampled",
        "sent_at",
        "taken_at",
        "tally",
        "waiting",
    )

    request: Request  # these two from the first `take` on
    tally: Tally  # where the request counts

    def __init__(self, owner: Owner, index: int, reader: ResponseReader) -> None:
        self._owner = owner
        self._transport: asyncio.Transport | None = None
        self._opening: asyncio.Task[None] | None = None
        self._unwritten = False
        self.index = index
        self.reader = reader
        self.busy = False
        self.waiting = False
        self.retired = False
        self.sampled = False  # whether the answer is wanted for the sample
        self.due = 0
        self.taken_at = 0
        self.sent_at = 0
        # Answers to measured requests; the connection that replaces this one goes on counting
        self.answers = 0
        # Whether its last request failed for want of a connection; the one that replaces it knows
        self.broken = False

    @property
    def open(self) -> bool:
        """Whether its TCP connection is established."""
        return self._transport is not None

    def take(self, request: Request, tally: Tally, due: int, now: int) -> None:
        """Send the request that was due at `due`; connect first if there is no connection."""
        self.request = request
        self.tally = tally
        self.due = due
        self.taken_at = now
        self.busy = True
        if self._transport is None:
            self._opening = self._owner.connect(self)
        else:
            self._send(self._transport, now)

    def _send(self, transport: asyncio.Transport, now: int) -> None:
        self.sent_at = now
        self.waiting = True
        self._owner.sent(self, now)
        transport.write(self.request.data)  # uvloop writes at once, as far as the kernel takes it

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the waiting request: the TCP connection is established."""
        opened = cast(asyncio.Transport, transport)
        self._opening = None
        if self.retired:
            opened.abort()
            return
        # Write at once, and call pause_writing for any byte left over. TLS never writes at once and
        # calls resume_writing late, so with TLS it is called only for a request of many bytes
        if opened.get_extra_info("sslcontext") is None:
            opened.set_write_buffer_limits(high=0)
        self._transport = opened
        self._send(opened, self._owner.now())

    def connect_failed(self, message: str, *, own_limit: bool) -> None:
        """Count the request as failed: the TCP connection could not be opened.

        If the generating host ran out of something, that is no error of the server's, and the
        request was never sent.
        """
        self._opening = None
        if not self.retired:
            self._fail("unsent" if own_limit else "connect", message)

    def pause_writing(self) -> None:
        """Note that the kernel has not taken the whole request yet."""
        self._unwritten = True

    def resume_writing(self) -> None:
        """Note that the kernel has taken the rest of the request."""
        self._unwritten = False

    def data_received(self, data: bytes) -> None:
        """Read bytes of an answer."""
        if not self.waiting:
            self.retire()  # unasked bytes: they would be mixed up with the next answer
            return
        try:
            complete = self.reader.feed(data)
        except BadResponse as error:
            self._fail("read", str(error))
            return
        if complete:
            self._complete()

    def eof_received(self) -> None:
        """Handle that the server closed: this completes some answers and breaks off others."""
        if not self.waiting:
            self.retire()
        elif self.reader.eof():
            self._complete()
        else:
            self._broken(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """Handle that the TCP connection is gone."""
        if self.waiting:
            self._broken(exc)
        self._transport = None

    def expire(self, timeout_s: float) -> None:
        """Count the request as timed out, because it took longer than `timeout_s` seconds."""
        if self.waiting:
            self._fail("timeout", self.too_slow(timeout_s))
        else:
            self._fail("connect", f"no connection within {timeout_s:g} s")

    @staticmethod
    def too_slow(timeout_s: float) -> str:
        """Return what is said of a request whose answer is not complete after `timeout_s`."""
        return f"no complete answer within {timeout_s:g} s"

    def retire(self, *, at_once: bool = True) -> None:
        """Take no more requests and close the connection.

        Unless `at_once`, wait for the server to close first. Whoever closes first keeps the port in
        TIME_WAIT, and a client has few ports.
        """
        if self.retired:
            return
        was_busy = self.busy
        self.retired = True
        self.busy = self.waiting = False
        if at_once:
            self.close()
        self._owner.replace(self, was_busy=was_busy, lingers=not at_once)

    def close(self) -> None:
        """Close the socket, if there is one, and stop opening one."""
        if self._opening is not None:
            self._opening.cancel()
        if self._transport is not None:
            self._transport.abort()

    def shut(self) -> None:
        """Close at the end of the run, and count nothing any more."""
        self.retired = True
        self.busy = self.waiting = False
        self.close()

    def reset(self) -> None:
        """Close the socket, if it is still open, in a way that frees its port at once."""
        if self._transport is not None:
            sock = self._transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._transport.abort()

    def _complete(self) -> None:
        owner = self._owner
        self.waiting = False
        owner.answered(self, owner.now())
        if not (owner.keepalive and self.reader.head.keep_alive):
            self.retire(at_once=False)
        elif self.reader.surplus or self._unwritten:
            self.retire()
        else:
            self.busy = False
            owner.release(self)

    def _broken(self, exc: Exception | None) -> None:
        kind = "write" if isinstance(exc, BrokenPipeError) or self._unwritten else "read"
        self._fail(kind, str(exc or "closed before a complete answer"))

    def _fail(self, kind: str, message: str) -> None:
        self.broken = kind != "timeout"
        self._owner.failed(self, kind, message)
        self.retire()
