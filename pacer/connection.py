"""One of the run's connections: it carries one request at a time."""

import asyncio
import socket
import struct
from typing import Protocol, cast

from pacer.response import BadResponse, ResponseReader


class Owner(Protocol):
    """What a connection asks of the generator. Times: ns from the start of the measured part."""

    request: bytes
    keepalive: bool

    def now(self) -> int:
        """The present moment."""

    def connect(self, connection: "Connection") -> "asyncio.Task[None]":
        """Begin to open it."""

    def sent(self, connection: "Connection", now: int) -> None:
        """Its request has been written."""

    def answered(self, connection: "Connection", now: int) -> None:
        """Its answer is complete, in its reader: count it."""

    def failed(self, connection: "Connection", kind: str, message: str) -> None:
        """Its request came to nothing: count it."""

    def release(self, connection: "Connection") -> None:
        """It is free for another request."""

    def replace(self, connection: "Connection", *, was_busy: bool, lingers: bool) -> None:
        """It is retired: put a new one in its place; if it lingers, close it when time is up."""


class Connection(asyncio.Protocol):
    """A place for a TCP connection, opened when a request needs it.

    States: free (open or not), `busy` connecting, `busy` and `waiting` for an answer, `retired`.
    A retired one takes no requests; its socket, if any, is on its way out.
    """

    __slots__ = (
        "_opening",
        "_owner",
        "_transport",
        "_unwritten",
        "answers",
        "busy",
        "due",
        "index",
        "reader",
        "retired",
        "sent_at",
        "taken_at",
        "waiting",
    )

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
        self.due = 0
        self.taken_at = 0
        self.sent_at = 0
        self.answers = 0  # of measured requests; handed on to the one that takes its place

    @property
    def open(self) -> bool:
        """Whether its TCP connection stands."""
        return self._transport is not None

    def take(self, due: int, now: int) -> None:
        """Send the request that was due at `due`, connecting first where needed."""
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
        transport.write(self._owner.request)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The TCP connection stands: send what it was opened for."""
        opened = cast(asyncio.Transport, transport)
        self._opening = None
        if self.retired:
            opened.abort()
            return
        opened.set_write_buffer_limits(high=0)  # write at once, and tell of each byte left over
        self._transport = opened
        self._send(opened, self._owner.now())

    def connect_failed(self, message: str) -> None:
        """There will be no TCP connection."""
        self._opening = None
        if not self.retired:
            self._fail("connect", message)

    def pause_writing(self) -> None:
        """The kernel has not taken the whole request yet."""
        self._unwritten = True

    def resume_writing(self) -> None:
        """Now it has."""
        self._unwritten = False

    def data_received(self, data: bytes) -> None:
        """Bytes of an answer."""
        if not self.waiting:
            self.retire()  # nobody asked: whatever it is, the next answer could not be told from it
            return
        try:
            complete = self.reader.feed(data)
        except BadResponse as error:
            self._fail("read", str(error))
            return
        if complete:
            self._complete()

    def eof_received(self) -> None:
        """The server closes, which completes some answers and breaks others off."""
        if not self.waiting:
            self.retire()
        elif self.reader.eof():
            self._complete()
        else:
            self._broken(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """The TCP connection is gone."""
        if self.waiting:
            self._broken(exc)
        self._transport = None

    def expire(self, timeout_s: float) -> None:
        """Its request has taken too long."""
        if self.waiting:
            self._fail("timeout", f"no complete answer within {timeout_s:g} s")
        else:
            self._fail("connect", f"no connection within {timeout_s:g} s")

    def retire(self, *, at_once: bool = True) -> None:
        """Take no more requests, and close; unless `at_once`, when the server does so first.

        Who closes first keeps the port in TIME_WAIT, and a client has few ports.
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
        """Close its socket, if there is one, and stop opening one."""
        if self._opening is not None:
            self._opening.cancel()
        if self._transport is not None:
            self._transport.abort()

    def shut(self) -> None:
        """The run is over: close, and count nothing any more."""
        self.retired = True
        self.busy = self.waiting = False
        self.close()

    def reset(self) -> None:
        """Close its socket, if there still is one, so that its port is free at once."""
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
        self._owner.failed(self, kind, message)
        self.retire()
