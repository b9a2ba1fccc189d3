"""Hold every packet between two network namespaces for a while, where the kernel has no netem.

This is a program of its own: `python -m testbed.lab.delay_line --delay-us 22500 END END`, where
each END is NAMESPACE/INTERFACE/ADDRESS. In each namespace, packets for the other end's address are
routed into a TUN device. This program reads them there, holds them, and then sends them over the
interface that they would have taken without it. So the link's shaping and counters work as without
a delay, and addresses stay the same.

The program ends when its standard input is closed, and therefore together with its parent process.
The devices and their routes then disappear, and packets take the link as before.
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
DEVICE_QUEUE = (
    10_000  # packets that wait for this program, so that none is lost while it does not get the CPU
)
HELD_B = 64 * 1024**2  # what a gigabit link carries in the longest delay one way, half a second
SEND_BUFFER_B = (
    4 * 1024**2
)  # larger than the link's own queue, so that that queue decides what is dropped
BURST = 64  # packets read at once, before packets that are due are sent
PRIORITY = (
    1  # the lowest real-time priority: the program must be in time, and shares CPUs with lab hosts
)

# linux/if_tun.h, linux/if_ether.h, asm-generic/socket.h, linux/sched.h
TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 0x0001, 0x1000
ETH_P_IP = 0x0800
SO_SNDBUFFORCE = 32
CLONE_NEWNET = 0x40000000


class DelayQueue:
    """Packets under way, each due a fixed time after it came in.

    Packets that would exceed `limit_b` bytes are dropped.
    """

    def __init__(self, delay_s: float, limit_b: int = HELD_B) -> None:
        self._delay_s = delay_s
        self._limit_b = limit_b
        # Sorted by due time, since all wait equally long
        self._held: deque[tuple[float, bytes]] = deque()
        self._held_b = 0

    def put(self, packet: bytes, now_s: float) -> bool:
        """Take a packet in; return False if it is dropped because the queue is full."""
        if self._held_b + len(packet) > self._limit_b:
            return False
        self._held.append((now_s + self._delay_s, packet))
        self._held_b += len(packet)
        return True

    def due(self, now_s: float) -> Iterator[bytes]:
        """Yield and remove the packets that have waited long enough, in the order they came."""
        while self._held and self._held[0][0] <= now_s:
            packet = self._held.popleft()[1]
            self._held_b -= len(packet)
            yield packet

    def wait_s(self, now_s: float) -> float | None:
        """Return the seconds until the next packet is due, at least 0; None if none is held."""
        return max(0.0, self._held[0][0] - now_s) if self._held else None


@dataclass(frozen=True)
class End:
    """One end of the link."""

    namespace: str
    interface: str
    address: str

    @classmethod
    def read(cls, text: str) -> Self:
        """Return the end that a text NAMESPACE/INTERFACE/ADDRESS names."""
        namespace, interface, address = text.split("/")
        return cls(namespace, interface, address)


@dataclass(frozen=True)
class Direction:
    """The way from one end to the other: packets come in by `tun` and leave by `link`."""

    tun: int  # IP packets are read from it
    link: socket.socket  # Ethernet frames are written to it
    header: bytes  # the Ethernet header of each frame
    mtu: int
    queue: DelayQueue

    def take_in(self) -> None:
        """Read the packets that have come."""
        with contextlib.suppress(BlockingIOError):
            for _ in range(BURST):
                packet = os.read(self.tun, self.mtu)
                if packet[0] >> 4 == 4:  # drops what the kernel itself sends by IPv6
                    self.queue.put(self.header + packet, time.monotonic())

    def let_go(self) -> None:
        """Send the packets that are due."""
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
    """Prepare the way from source to target. It is used as soon as the route exists.

    Raises TestbedError if the kernel has no TUN devices, or if another delay line's device exists.
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
    """Route packets for the target into the TUN device."""
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
    """Enter a network namespace while the block runs. What is opened there stays in it."""
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
    """Print 'ready' once all packets come through here; return the exit status at the end."""
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
    with contextlib.suppress(
        OSError
    ):  # not allowed everywhere; ping shows whether the program is in time
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(PRIORITY))
    gc.disable()  # there are no reference cycles here
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    carry(ways, sys.stdin.fileno())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
