"""Define the load of most tests, and follow a pacer that runs: its processes, what has happened."""

import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import psutil

PATIENCE_S = 120
LONG = ("--duration", "600")  # of a load that a test ends
UNDISTURBED = ("--timeout", "60")  # longer than any stall of the machine that runs the tests
LOAD = ("--rate", "250", "--connections", "8", "--duration", "0.4", *UNDISTURBED)  # 100 requests
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


def errors(figures: dict[str, Any]) -> dict[str, int]:
    """Return the classes of errors that occurred, with how many there were of each."""
    return {name: count for name, count in figures["errors"].items() if count}


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Wait for the condition; fail if it does not come true."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        time.sleep(0.02)


def load_pids(process: "subprocess.Popen[Any]", count: int) -> list[int]:
    """Return the ids of the load processes, once there are so many."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    pids: list[int] = []

    def are_there() -> bool:
        pids[:] = [int(pid) for pid in children.read_text().split()]
        return len(pids) == count

    wait_until(are_there, "load processes")
    return pids


def wait_until_connected(*pids: int) -> None:
    """Wait until the load is on: each of its processes has a connection."""
    for pid in pids:
        wait_until(
            lambda pid=pid: any(c.raddr for c in psutil.Process(pid).net_connections("tcp")),
            "a connection",
        )


def stopped(process: psutil.Process, duration_s: float) -> tuple[float, float]:
    """Stop the process for so long; return from when to when, by the wall clock, at least."""
    process.suspend()
    wait_until(lambda: process.status() == psutil.STATUS_STOPPED, "the process stands still")
    began = time.time()
    time.sleep(duration_s)
    ended = time.time()
    process.resume()
    return began, ended


def interrupted_after(
    words: Sequence[str], meanwhile: Callable[["subprocess.Popen[str]"], None]
) -> "subprocess.CompletedProcess[str]":
    """Run the command, do something meanwhile, and interrupt it when that is done."""
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            meanwhile(process)
            process.send_signal(signal.SIGINT)
            output, complaints = process.communicate(timeout=PATIENCE_S)
        finally:
            process.kill()
    return subprocess.CompletedProcess(words, process.returncode, output, complaints)
