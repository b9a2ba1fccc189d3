"""Hold every packet between two network namespaces for a while: a delay where there is no netem.

A program of its own: `python -m testbed.lab.delay_line --delay-us 22500 END END`, each END as
NAMESPACE/INTERFACE/ADDRESS. In each namespace the other end's address is routed into a TUN device;
what comes out of it here is held, then sent over the interface it would have taken by itself. So
shaping and counters of the link work as without a delay, and addresses stay where they are.

It ends when its standard input is closed, hence with whoever started it, however that ended. The
devices go with it, with them the routes, and packets take the link as before.
"""

import argparse
import contextlib
import ctypes
import fcntl
import gc
import json
import os
import select
import socket
import struct
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

from testbed.errors import Exit, TestbedError
from testbed.lab.command import output, run
from testbed.lab.machine import NAMESPACES

DEVICE = "delay0"
TUN = "/dev/net/tun"
DEVICE_QUEUE = 10_000  # packets that wait for this program; none is lost while it does not run
HELD_B = 64 * 1024**2  # what a gigabit link carries in half a second, the longest delay one way
SEND_BUFFER_B = 4 * 1024**2  # more than the link's own queue: that one decides what is dropped
BURST = 64  # packets read at once, before those that are due have their turn
PRIORITY = 1  # the lowest of real-time ones: it has to be in time, and shares CPUs with lab hosts

# linux/if_tun.h, linux/if_ether.h, asm-generic/socket.h, linux/sched.h
TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 0x0001, 0x1000
ETH_P_IP = 0x0800
SO_SNDBUFFORCE = 32
CLONE_NEWNET = 0x40000000


class DelayQueue:
    """Packets on their way, each due a fixed time after it came. Drops what exceeds `limit_b`."""

    def __init__(self, delay_s: float, limit_b: int = HELD_B) -> None:
        self._delay_s = delay_s
        self._limit_b = limit_b
        self._held: deque[tuple[float, bytes]] = deque()  # by due time, since all wait equally long
        self._held_b = 0

    def put(self, packet: bytes, now_s: float) -> bool:
        """Take a packet in; False if it is dropped because the queue is full."""
        if self._held_b + len(packet) > self._limit_b:
            return False
        self._held.append((now_s + self._delay_s, packet))
        self._held_b += len(packet)
        return True

    def due(self, now_s: float) -> Iterator[bytes]:
        """Take out the packets that have waited long enough, in the order they came."""
        while self._held and self._held[0][0] <= now_s:
            packet = self._held.popleft()[1]
            self._held_b -= len(packet)
            yield packet

    def wait_s(self, now_s: float) -> float | None:
        """How long until the next packet is due, at least 0; None: none is held."""
        return max(0.0, self._held[0][0] - now_s) if self._held else None


@dataclass(frozen=True)
class End:
    """One end of the link."""

    namespace: str
    interface: str
    address: str

    @classmethod
    def read(cls, text: str) -> Self:
        """NAMESPACE/INTERFACE/ADDRESS."""
        namespace, interface, address = text.split("/")
        return cls(namespace, interface, address)


@dataclass(frozen=True)
class Direction:
    """From one end to the other: packets come from `tun` and leave by `link`."""

    tun: int  # gives IP packets
    link: socket.socket  # takes Ethernet frames
    header: bytes  # of each frame
    mtu: int
    queue: DelayQueue

    def take_in(self) -> None:
        """Read what has come."""
        with contextlib.suppress(BlockingIOError):
            for _ in range(BURST):
                packet = os.read(self.tun, self.mtu)
                if packet[0] >> 4 == 4:  # IPv6 has no address here; its kernel chatter ends here
                    self.queue.put(self.header + packet, time.monotonic())

    def let_go(self) -> None:
        """Send what is due."""
        for frame in self.queue.due(time.monotonic()):
            # the link's queue is full: the packet is lost, as it would be without this program
            with contextlib.suppress(BlockingIOError, OSError):
                self.link.send(frame)


def carry(directions: Sequence[Direction], until: int) -> None:
    """Carry packets until the file descriptor `until` is closed at its other end."""
    while True:
        now_s = time.monotonic()
        waits = [wait for way in directions if (wait := way.queue.wait_s(now_s)) is not None]
        # select waits in microseconds, where poll and epoll round up to the next millisecond
        watched = [until, *(way.tun for way in directions)]
        ready, _, _ = select.select(watched, [], [], min(waits, default=None))
        if until in ready and not os.read(until, 64):
            return
        for way in directions:
            if way.tun in ready:
                way.take_in()
            way.let_go()


def lay(source: End, target: End, delay_s: float) -> Direction:
    """Prepare the way from source to target; it is taken as soon as the route is there.

    Raises TestbedError if the kernel has no TUN devices, or one of another delay line is there.
    """
    own, peer = _interface(source), _interface(target)
    addresses = bytes.fromhex((peer["address"] + own["address"]).replace(":", ""))
    with _inside(source.namespace):
        tun = _open_tun()
        link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)  # 0: receives nothing
        link.setblocking(False)
        link.setsockopt(socket.SOL_SOCKET, SO_SNDBUFFORCE, SEND_BUFFER_B)
        link.bind((source.interface, 0))
    mtu = int(own["mtu"])
    device = ["ip", "-n", source.namespace, "link", "set", DEVICE]
    run([*device, "addrgenmode", "none", "mtu", str(mtu), "txqueuelen", str(DEVICE_QUEUE), "up"])
    header = addresses + struct.pack("!H", ETH_P_IP)
    return Direction(tun, link, header, mtu, DelayQueue(delay_s))


def take_over(source: End, target: End) -> None:
    """Lead packets for the target into the TUN device."""
    route = ["ip", "-n", source.namespace, "route", "replace", f"{target.address}/32"]
    run([*route, "dev", DEVICE, "src", source.address])


def _interface(end: End) -> dict[str, str]:
    listing = output(["ip", "-n", end.namespace, "-j", "link", "show", "dev", end.interface])
    found: dict[str, str] = json.loads(listing)[0]
    return found


def _open_tun() -> int:
    try:
        tun = os.open(TUN, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH", DEVICE.encode(), IFF_TUN | IFF_NO_PI))
    except OSError as error:
        raise TestbedError(
            f"no TUN device '{DEVICE}' could be made: {error.strerror}",
            remedy=f"a link delay takes netem, or {TUN}, in the machine's kernel",
            exit_code=Exit.NOT_READY,
        ) from error
    return tun


@contextlib.contextmanager
def _inside(namespace: str) -> Iterator[None]:
    """Be in a network namespace; what is opened there stays there."""
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    there = os.open(NAMESPACES / namespace, os.O_RDONLY | os.O_CLOEXEC)
    try:
        _enter(there)
        yield
    finally:
        _enter(home)
        os.close(home)
        os.close(there)


def _enter(namespace: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(namespace, CLONE_NEWNET) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"setns: {os.strerror(number)}")


def main(arguments: list[str]) -> int:
    """Print 'ready' when all packets take the way through here; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m testbed.lab.delay_line")
    parser.add_argument("--delay-us", type=float, required=True, help="one way")
    parser.add_argument("ends", type=End.read, nargs=2, metavar="NAMESPACE/INTERFACE/ADDRESS")
    options = parser.parse_args(arguments)
    one, other = options.ends
    try:
        ways = [lay(*ends, options.delay_us / 1e6) for ends in ((one, other), (other, one))]
        for ends in ((one, other), (other, one)):
            take_over(*ends)
    except (TestbedError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return int(Exit.NOT_READY)
    with contextlib.suppress(OSError):  # not everywhere allowed; ping tells whether it is in time
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(PRIORITY))
    gc.disable()  # nothing here refers to itself
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    carry(ways, sys.stdin.fileno())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
