"""Ask the kernel, by rtnetlink(7), by which interface it would send a packet.

`ip route get` shows the same, but would start a program for each sample.
"""

import ipaddress
import socket
import struct

# linux/netlink.h, linux/rtnetlink.h
_REQUEST, _NEW_ROUTE, _GET_ROUTE = 1, 24, 26
_DESTINATION, _SOURCE, _OUT_INTERFACE = 1, 2, 4
_HEADER = struct.Struct("=IHHII")  # length, type, flags, sequence, port
_ROUTE = struct.Struct(
    "=BBB9x"
)  # family, bits of destination and of source; only answers use the rest
_ATTRIBUTE = struct.Struct("=HH")  # length, type


def interface_to(peer: str, own: str) -> str | None:
    """Return the interface by which packets from the address `own` to `peer` would leave.

    Return None if there is no such route, or if `own` is not an address of this host.
    """
    number = index_to(peer, own)
    try:
        return None if number is None else socket.if_indextoname(number)
    except OSError:  # the interface has gone meanwhile
        return None


def index_to(peer: str, own: str) -> int | None:
    """Return the number of that interface; None where `interface_to` returns None."""
    target, source = ipaddress.ip_address(peer), ipaddress.ip_address(own)
    family = socket.AF_INET if target.version == 4 else socket.AF_INET6
    bits = target.max_prefixlen
    asked = _ROUTE.pack(family, bits, bits)
    asked += _attribute(_DESTINATION, target.packed) + _attribute(_SOURCE, source.packed)
    head = _HEADER.pack(_HEADER.size + len(asked), _GET_ROUTE, _REQUEST, 1, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as kernel:
        kernel.settimeout(1)
        try:
            kernel.send(head + asked)
            return _out_interface(kernel.recv(1 << 14))
        except OSError:
            return None


def _attribute(kind: int, value: bytes) -> bytes:
    return _ATTRIBUTE.pack(_ATTRIBUTE.size + len(value), kind) + value


def _out_interface(answer: bytes) -> int | None:
    """Return the number of the interface in the kernel's answer; None if the answer is an error."""
    length, kind, *_ = _HEADER.unpack_from(answer)
    at = _HEADER.size + _ROUTE.size
    while kind == _NEW_ROUTE and at + _ATTRIBUTE.size <= length:
        size, name = _ATTRIBUTE.unpack_from(answer, at)
        if name == _OUT_INTERFACE:
            return int(struct.unpack_from("=I", answer, at + _ATTRIBUTE.size)[0])
        at += max(_ATTRIBUTE.size, (size + 3) & ~3)
    return None
