"""Measure how exact the lab's delay line is, and how much traffic it carries.

This makes two network namespaces, joined and shaped like those of a lab, and removes them at the
end. For each delay it prints the round trip that ping measures, without other traffic and with
steady packets in both directions; and the throughput of TCP, with the CPU time that it costs. It
needs root, ping and iperf.

    python bench/delay_line.py [--delays 10,45,200] [--duration 5]
"""

import argparse
import contextlib
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY))

from testbed.lab.network import SHAPE  # noqa: E402 - this is a script

INTERFACE = "bench0"
NAMES = (f"tbline{os.getpid()}a", f"tbline{os.getpid()}b")
ADDRESSES = ("198.19.255.1", "198.19.255.2")
PING_EVERY_S = 0.002
# iperf's options: packets at a total rate; and TCP with a window larger than 1 Gbit/s needs
STEADY_RATE = 8000
STEADY = ("-u", "-l", "250", "-b", f"{STEADY_RATE // 2}pps")
FULL = ("-w", "8M")

Trips = np.ndarray[tuple[int], np.dtype[np.float64]]


def output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def inside(name: str, *command: str) -> list[str]:
    return ["ip", "netns", "exec", name, *command]


@contextlib.contextmanager
def namespaces() -> Iterator[None]:
    """Make the two ends of a link like that of a lab, while the block runs."""
    try:
        for name in NAMES:
            output("ip", "netns", "add", name)
        pair = ["ip", "-n", NAMES[0], "link", "add", INTERFACE, "type", "veth"]
        output(*pair, "peer", "name", INTERFACE, "netns", NAMES[1])
        for name, address in zip(NAMES, ADDRESSES, strict=True):
            output("ip", "-n", name, "address", "add", f"{address}/24", "dev", INTERFACE)
            output("ip", "-n", name, "link", "set", INTERFACE, "up")
            output("tc", "-n", name, "qdisc", "add", "dev", INTERFACE, "root", *SHAPE)
        yield
    finally:
        for name in NAMES:
            subprocess.run(["ip", "netns", "delete", name], capture_output=True, check=False)


@contextlib.contextmanager
def line(delay_ms: float) -> Iterator[psutil.Process]:
    """Run a delay line with that round trip, in milliseconds, while the block runs."""
    ends = [f"{name}/{INTERFACE}/{ip}" for name, ip in zip(NAMES, ADDRESSES, strict=True)]
    process = subprocess.Popen(
        [sys.executable, "-m", "testbed.lab.delay_line", f"--delay-us={delay_ms * 500:g}", *ends],
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        if not process.stdout or process.stdout.readline() != "ready\n":
            raise SystemExit("the delay line did not start")
        yield psutil.Process(process.pid)
    finally:
        process.communicate()


def round_trips_ms(count: int) -> Trips:
    """Return the round trips of the pings that were answered."""
    ping = ["ping", "-n", "-c", str(count), "-i", str(PING_EVERY_S), ADDRESSES[1]]
    return np.array(
        [float(ms) for ms in re.findall(r"time=([\d.]+)", output(*inside(NAMES[0], *ping)))]
    )


def packets() -> int:
    """Return how many packets both ends have received so far."""
    counters = [
        json.loads(output("ip", "-n", n, "-s", "-j", "link", "show", INTERFACE)) for n in NAMES
    ]
    return sum(counter[0]["stats64"]["rx"]["packets"] for counter in counters)


@contextlib.contextmanager
def load(duration_s: float, *options: str) -> Iterator[None]:
    """Load the link in both directions while the block runs, and for at least `duration_s`."""
    far = inside(NAMES[1], "iperf", "-s", "-B", ADDRESSES[1], *options)
    near = inside(NAMES[0], "iperf", "-c", ADDRESSES[1], "-d", "-t", f"{duration_s:g}", *options)
    nowhere = subprocess.DEVNULL
    server = subprocess.Popen(far, stdout=nowhere, stderr=nowhere)
    try:
        time.sleep(0.2)  # until it listens
        client = subprocess.Popen(near, stdout=nowhere, stderr=nowhere)
        try:
            yield
            client.wait(timeout=duration_s + 30)
        finally:
            client.kill()
            client.wait()
    finally:
        server.kill()
        server.wait()


def show(name: str, delay_ms: float, trips: Trips) -> None:
    """Print one line about round trips."""
    ratios = np.quantile(trips, (0.5, 0.99, 1)) / delay_ms
    text = ", ".join(f"{n} {r:.3f}" for n, r in zip(("p50", "p99", "max"), ratios, strict=True))
    print(f"  {name:17} {text} of what was asked ({len(trips)} pings)")


def measure(delay_ms: float, duration_s: float) -> None:
    """Measure and print all figures of one delay."""
    print(f"{delay_ms:g} ms")
    pings = round(duration_s / PING_EVERY_S)
    with line(delay_ms) as process:
        show("quiet", delay_ms, round_trips_ms(pings))
        with load(duration_s, *STEADY):
            show(f"{STEADY_RATE} packets/s", delay_ms, round_trips_ms(pings))
        before, cpu_before_s = packets(), sum(process.cpu_times()[:2])
        with load(duration_s, *FULL):
            pass
        carried = packets() - before
        cpu_s = sum(process.cpu_times()[:2]) - cpu_before_s
    print(
        f"  full              {carried / duration_s:.0f} packets/s, "
        f"{cpu_s / carried * 1e6:.1f} us of CPU time each"
    )


def main() -> int:
    """Run with the options of the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--delays",
        type=lambda text: [float(delay) for delay in text.split(",")],
        default=[10.0, 45.0, 200.0],
        help="round trips, milliseconds (10,45,200)",
    )
    parser.add_argument("--duration", type=float, default=5.0, help="of each load, seconds (5)")
    options = parser.parse_args()
    with namespaces():
        for delay_ms in options.delays:
            measure(delay_ms, options.duration)
    return 0


if __name__ == "__main__":
    sys.exit(main())
