"""Ask the kernel, by rtnetlink(7), by which interface it would send a packet.

`ip route get` shows the same, but would start a program for each sample.
"""

import ipaddress
import socket
import struct

from telemetry import netlink

# linux/rtnetlink.h
_NEW_ROUTE, _GET_ROUTE = 24, 26
_DESTINATION, _SOURCE, _OUT_INTERFACE = 1, 2, 4
# family, bits of destination and of source; only answers use the rest
_ROUTE = struct.Struct("=BBB9x")
_INDEX = struct.Struct("=I")


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
    asked += netlink.attribute(_DESTINATION, target.packed)
    asked += netlink.attribute(_SOURCE, source.packed)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as kernel:
        kernel.settimeout(1)
        try:
            kernel.send(netlink.message(_GET_ROUTE, netlink.REQUEST, asked))
            return _out_interface(kernel.recv(1 << 14))
        except OSError:
            return None


def _out_interface(answer: bytes) -> int | None:
    """Return the number of the interface in the kernel's answer; None if the answer is an error."""
    length, kind, *_ = netlink.HEADER.unpack_from(answer)
    if kind != _NEW_ROUTE:
        return None
    told = dict(netlink.attributes(answer[:length], netlink.HEADER.size + _ROUTE.size))
    return int(_INDEX.unpack(told[_OUT_INTERFACE])[0]) if _OUT_INTERFACE in told else None
