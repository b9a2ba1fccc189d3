"""HTTP/1.1, as far as a service needs it that knows one question: GET /value?id=17."""

import asyncio
import re
from collections.abc import Callable

QUESTION = re.compile(rb"GET /value\?id=(\d{1,18}) HTTP/1\.1\r\n")
END = b"\r\n\r\n"
MOST_BYTES = 16 * 1024  # of a request; clients send a few hundred
REFUSED = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


def answer(number: bytes) -> bytes:
    """Return the whole answer to the question for this id."""
    body = b'{"id": %d, "value": "value of %d"}' % (int(number), int(number))
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    return head % len(body) + body


class Connection(asyncio.Protocol):
    """A client's connection, which is kept open. Its questions are answered one after the other.

    `ask` is called with the connection for each question; whoever gave it calls `reply` when the
    answer is due. `gone` is called if the client left before that, `strange` for what is no
    question.
    """

    def __init__(
        self,
        ask: Callable[["Connection"], None],
        gone: Callable[[], None],
        strange: Callable[[], None],
    ) -> None:
        self._ask, self._gone, self._strange = ask, gone, strange
        self._read = b""
        self._number: bytes | None = None  # of the question that waits for its answer
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport, over which answers go back."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - for the type alone
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """Call `gone` if the client left before its question was answered."""
        self._transport = None
        if self._number is not None:
            self._number = None
            self._gone()

    def data_received(self, data: bytes) -> None:
        """Take bytes of questions in."""
        self._read += data
        self._next()

    def _next(self) -> None:
        """Ask the next complete question, unless an earlier one still waits for its answer."""
        if self._number is not None or self._transport is None:
            return
        head, end, rest = self._read.partition(END)
        if not end and len(self._read) <= MOST_BYTES:
            return
        asked = QUESTION.match(head + b"\r\n")
        if not end or asked is None:
            self._strange()
            self._transport.write(REFUSED)
            self._transport.close()
            return
        self._read, self._number = rest, asked[1]
        self._ask(self)

    @property
    def waits(self) -> bool:
        """Return whether a question still waits for its answer."""
        return self._number is not None

    def reply(self) -> None:
        """Answer the question, and take the next."""
        if self._number is None or self._transport is None:
            return
        self._transport.write(answer(self._number))
        self._number = None
        self._next()
