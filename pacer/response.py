"""Read HTTP/1.1 answers as their bytes come in (RFC 9112).

What curl reads is read here, too: lines that end in LF alone, blanks before a header's colon, a
length with a plus sign, the transfer coding `identity`, which says nothing, and a status line that
claims to be of HTTP/2, as some gateways pass on. What curl refuses is refused: a status that has
not three digits or begins with 0, a tab after the version, a NUL. Where this differs from curl on
purpose, pacer/README.md says so. Whether an answer is read or refused does not depend on the pieces
in which it comes in.

Most answers of a benchmark arrive in one piece and with the same head as the one before. So `feed`
first looks the head up among those already seen; all other answers take the slower, general path.
"""

import re
from dataclasses import dataclass
from enum import Enum

MAX_HEAD_BYTES = 64 * 1024
MAX_LINE_BYTES = (
    8 * 1024
)  # with its end, of the line with a chunk's size and extensions, or of a trailer
MAX_HEADS_REMEMBERED = 512

# Values of Head.length if the head does not say how long the body is.
CHUNKED = -1
UNTIL_CLOSE = -2
INTERIM = -3  # status 1xx: the head of the actual answer follows

_STARTS = (b"HTTP/1.", b"HTTP/2")
_STATUS_LINE = re.compile(
    rb"HTTP/(?:1\.([01]) |2\.0 |2[ \t])[ \t]*([1-9]\d\d)(?:\D.*)?", re.IGNORECASE | re.DOTALL
)
_END_OF_HEAD = re.compile(rb"\n\r?\n")
_LONGEST_END = 3  # bytes of it, at most
_LENGTH = re.compile(r"\+?0*(\d{1,18})", re.ASCII)  # less than an exabyte
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})(?:[ \t;].*)?", re.DOTALL)


class BadResponse(ValueError):
    """Raised if the bytes are not an HTTP/1.x answer."""


@dataclass(frozen=True, slots=True)
class Head:
    """What a head says about its answer. `length`: body bytes, or one of the constants above."""

    status: int
    length: int
    keep_alive: bool


def parse_headers(raw: bytes) -> list[tuple[str, str]]:
    """Return the names (in lower case) and values of a head, without its first line.

    Raises BadResponse for a line that is not a header.
    """
    headers: list[tuple[str, str]] = []
    for ended in raw.rstrip(b"\r\n").split(b"\n")[1:]:
        line = ended.removesuffix(b"\r")
        if line[:1] in (b" ", b"\t") and headers:  # obsolete line folding
            name, value = headers[-1]
            headers[-1] = (name, f"{value} {line.strip().decode('latin-1')}")
            continue
        raw_name, colon, raw_value = line.partition(b":")
        if not colon or raw_name[:1] in (b" ", b"\t"):
            raise BadResponse(f"not a header: {line[:80]!r}")
        name, value = raw_name.strip().decode("latin-1"), raw_value.strip().decode("latin-1")
        headers.append((name.lower(), value))
    return headers


def joined_headers(raw: bytes) -> dict[str, str]:
    """Return the values of a head by name (in lower case), those of one name joined by ', '.

    Raises BadResponse for a line that is not a header.
    """
    headers: dict[str, str] = {}
    for name, value in parse_headers(raw):
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def parse_head(raw: bytes, *, to_head_request: bool) -> Head:
    """Return what a head says; `raw` has its status line, headers and empty line.

    Raises BadResponse if it is not a head, or if it contradicts itself about the body's length.
    """
    first_line = raw.partition(b"\n")[0].removesuffix(b"\r")
    match = _STATUS_LINE.fullmatch(first_line)
    if match is None:
        raise BadResponse(f"not an HTTP/1.x status line: {first_line[:80]!r}")
    if b"\0" in raw:
        raise BadResponse(f"a NUL in the head: {raw[:200]!r}")
    status = int(match[2])
    options: set[str] = set()
    codings: list[str] = []
    lengths: set[str] = set()
    for name, value in parse_headers(raw):
        if name == "content-length":
            lengths.update(part.strip() for part in value.split(","))
        elif name == "transfer-encoding":
            named = (coding.strip() for coding in value.lower().split(","))
            codings += [coding for coding in named if coding not in ("", "identity")]
        elif name == "connection":
            options.update(option.strip() for option in value.lower().split(","))
    keep_alive = (match[1] != b"0" or "keep-alive" in options) and "close" not in options
    if status == 101:
        raise BadResponse("the server switches protocols (101)")
    if status < 200:
        return Head(status, INTERIM, keep_alive)
    if to_head_request or status in (204, 304):
        return Head(status, 0, keep_alive)
    if codings:
        chunked = codings[-1] == "chunked"
        return Head(status, CHUNKED if chunked else UNTIL_CLOSE, keep_alive and chunked)
    if not lengths:
        return Head(status, UNTIL_CLOSE, keep_alive=False)
    numbers = {told[1] if (told := _LENGTH.fullmatch(one)) else None for one in lengths}
    length = numbers.pop()
    if numbers or length is None:
        raise BadResponse(f"contradictory or bad Content-Length in {raw[:200]!r}")
    return Head(status, int(length), keep_alive)


class _Stage(Enum):
    HEAD = 1
    BODY = 2
    CHUNK_SIZE = 3
    CHUNK = 4
    TRAILER = 5
    DONE = 6


class ResponseReader:
    """Read the answers of one connection, one after the other.

    After `feed` or `eof` returned True, these attributes describe the answer: `head`,
    `body_length`, `body` and `raw_head` (if `keep_body` was set before the answer came),
    `total_bytes`, and `surplus`, which is true if bytes followed that belong to no answer.
    """

    __slots__ = (
        "_buffer",
        "_heads",
        "_left",
        "_parts",
        "_scanned",
        "_stage",
        "body",
        "body_length",
        "head",
        "keep_body",
        "raw_head",
        "surplus",
        "to_head_request",
        "total_bytes",
    )

    def __init__(
        self,
        *,
        to_head_request: bool = False,
        keep_body: bool = False,
        heads: dict[bytes, Head] | None = None,
    ) -> None:
        self.to_head_request = to_head_request
        self._heads: dict[bytes, Head] = {} if heads is None else heads  # may be shared
        self.keep_body = keep_body
        self._stage = _Stage.DONE
        self._buffer = bytearray()
        self._parts: list[bytes] = []
        self._left = 0  # bytes of the body or chunk still to come
        self._scanned = 0  # bytes of the buffer already searched for the end of the head
        self.head: Head = Head(0, 0, keep_alive=False)
        self.raw_head = b""
        self.body = b""
        self.body_length = 0
        self.total_bytes = 0
        self.surplus = False

    @property
    def started(self) -> bool:
        """Whether a part of an answer has come in, but not all of it."""
        return self._stage is not _Stage.DONE

    def feed(self, data: bytes) -> bool:
        """Take bytes in, and return whether they complete an answer.

        Raises BadResponse if they cannot be an answer; the connection is then of no further use.
        """
        if self._stage is _Stage.DONE:
            end = data.find(b"\r\n\r\n") + 4
            if end > 3:
                head = self._heads.get(data[:end])
                if head is not None and head.length == len(data) - end and not self.to_head_request:
                    self.head = head
                    self.body_length = head.length
                    self.total_bytes = len(data)
                    self.surplus = False
                    if self.keep_body:
                        self.body = data[end:]
                        self.raw_head = data[:end]
                    return True
            self._begin()
        self._buffer += data
        self.total_bytes += len(data)
        return self._advance()

    def eof(self) -> bool:
        """Handle that the server closed, and return whether that completes an answer."""
        if self._stage is _Stage.BODY and self.head.length == UNTIL_CLOSE:
            return self._finish()
        return False

    def _begin(self) -> None:
        self._stage = _Stage.HEAD
        self._buffer.clear()
        self._parts.clear()
        self._scanned = 0
        self.body = b""
        self.body_length = 0
        self.total_bytes = 0
        self.surplus = False

    def _finish(self) -> bool:
        self._stage = _Stage.DONE
        self.surplus = bool(self._buffer)
        if self.keep_body:
            self.body = b"".join(self._parts)
        return True

    def _advance(self) -> bool:
        """Read on through the buffer, as far as its bytes go."""
        while True:
            if self._stage is _Stage.HEAD:
                if not self._take_head():
                    return False
            elif self._stage is _Stage.BODY:
                self._take_body(len(self._buffer) if self._left < 0 else self._left)
                return self._finish() if self._left == 0 else False
            elif self._stage is _Stage.CHUNK:
                self._take_body(self._left)
                if self._left > 0 or not self._take_chunk_end():
                    return False
            else:
                line = self._take_line()
                if line is None:
                    return False
                if self._stage is _Stage.CHUNK_SIZE:
                    self._start_chunk(line)
                elif not line:  # the empty line after the trailers
                    return self._finish()

    def _take_head(self) -> bool:
        buffer = self._buffer
        if not any(start.startswith(buffer[: len(start)].upper()) for start in _STARTS):
            raise BadResponse(f"not an HTTP/1.x answer: {bytes(buffer[:80])!r}")
        ended = _END_OF_HEAD.search(buffer, max(0, self._scanned - _LONGEST_END + 1))
        end = ended.end() if ended else len(buffer)
        if end > MAX_HEAD_BYTES:
            raise BadResponse(f"a head of more than {MAX_HEAD_BYTES} bytes")
        if ended is None:
            self._scanned = len(buffer)
            return False
        raw = bytes(buffer[:end])
        del buffer[:end]
        self._scanned = 0
        self.raw_head = raw
        self.head = self._meaning(raw)
        self._left = self.head.length
        if self.head.length == CHUNKED:
            self._stage = _Stage.CHUNK_SIZE
        elif self.head.length != INTERIM:
            self._stage = _Stage.BODY
        return True

    def _meaning(self, raw: bytes) -> Head:
        if self.to_head_request:  # the same head means something else there
            return parse_head(raw, to_head_request=True)
        head = self._heads.get(raw)
        if head is None:
            head = parse_head(raw, to_head_request=False)
            if len(self._heads) >= MAX_HEADS_REMEMBERED:
                self._heads.clear()
            self._heads[raw] = head
        return head

    def _take_body(self, wanted: int) -> None:
        part = bytes(self._buffer[:wanted])
        del self._buffer[: len(part)]
        self.body_length += len(part)
        if self.keep_body:
            self._parts.append(part)
        if self._left >= 0:
            self._left -= len(part)

    def _take_line(self) -> bytes | None:
        end = self._buffer.find(b"\n") + 1
        if (end or len(self._buffer)) > MAX_LINE_BYTES:
            raise BadResponse(f"a line of more than {MAX_LINE_BYTES} bytes in a chunked body")
        if not end:
            return None
        line = bytes(self._buffer[: end - 1]).removesuffix(b"\r")
        del self._buffer[:end]
        return line

    def _start_chunk(self, line: bytes) -> None:
        match = _CHUNK_SIZE.fullmatch(line)
        if match is None:
            raise BadResponse(f"not the size of a chunk: {line[:80]!r}")
        self._left = int(match[1], 16)
        self._stage = _Stage.CHUNK if self._left else _Stage.TRAILER

    def _take_chunk_end(self) -> bool:
        buffer = self._buffer
        if not buffer.startswith((b"\r\n", b"\n")):
            if bytes(buffer[:2]) in (b"", b"\r"):
                return False
            raise BadResponse(f"a chunk longer than its size: {bytes(buffer[:80])!r}")
        del buffer[: buffer.index(b"\n") + 1]
        self._stage = _Stage.CHUNK_SIZE
        return True
