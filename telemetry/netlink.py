"""Write and read messages of netlink(7), by which programs and the kernel talk to each other."""

import struct
from collections.abc import Iterator

# linux/netlink.h
REQUEST, DUMP = 0x1, 0x300  # NLM_F_REQUEST, NLM_F_DUMP
HEADER = struct.Struct("=IHHII")  # length, type, flags, sequence, port
_ATTRIBUTE = struct.Struct("=HH")  # length, kind


def message(kind: int, flags: int, body: bytes) -> bytes:
    """Return a message to the kernel."""
    return HEADER.pack(HEADER.size + len(body), kind, flags, 1, 0) + body


def attribute(kind: int, value: bytes) -> bytes:
    """Return an attribute, which must be a multiple of four bytes long if another one follows."""
    return _ATTRIBUTE.pack(_ATTRIBUTE.size + len(value), kind) + value


def attributes(data: bytes, start: int) -> Iterator[tuple[int, bytes]]:
    """Yield the kind and the value of each attribute from `start` to the end of the data."""
    while start + _ATTRIBUTE.size <= len(data):
        length, kind = _ATTRIBUTE.unpack_from(data, start)
        yield kind, data[start + _ATTRIBUTE.size : start + length]
        start += max(_ATTRIBUTE.size, padded(length))


def padded(length: int) -> int:
    """Return the length together with the bytes that fill it up to a multiple of four."""
    return (length + 3) & ~3
