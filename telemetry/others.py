"""Find out who uses this host's CPUs while nothing of the testbed runs on it."""

import os
import time
from statistics import fmean
from typing import Any

import psutil

from telemetry.describe import governor
from telemetry.probes import Cpu, Scheduler

READINGS = 10  # of the run queue, each of which shows only one moment
BUSIEST = 3  # how many names of processes are told
NAMED_PERCENT = 5.0  # of one CPU; a process that uses less is not named


def look(window_s: float) -> dict[str, Any]:
    """Return what used this host's CPUs during `window_s` seconds, without this process itself."""
    cpu, scheduler = Cpu(), Scheduler()
    begin, before = time.monotonic(), _cpu_seconds()
    queue = []
    for _ in range(READINGS):
        time.sleep(window_s / READINGS)
        queue.append((scheduler.sample()["run_queue"] or 1) - 1)
    share, after = cpu.sample()["cpu_percent"], _cpu_seconds()
    elapsed_s = time.monotonic() - begin
    return {
        "window_s": round(elapsed_s, 3),
        "cpus": len(os.sched_getaffinity(0)),
        "cpu_percent": share,
        "run_queue": round(fmean(queue), 2),
        "governor": governor(),
        "busiest": _busiest(before, after, elapsed_s),
    }


def _cpu_seconds() -> dict[tuple[int, float], tuple[str, float]]:
    """Return name and CPU seconds of every other process, by process id and start time."""
    found = {}
    for process in psutil.process_iter(["name", "create_time", "cpu_times"]):
        facts = process.info
        if process.pid != os.getpid() and facts["cpu_times"] is not None:
            used = facts["cpu_times"].user + facts["cpu_times"].system
            found[process.pid, facts["create_time"]] = (facts["name"] or "?", used)
    return found


def _busiest(
    before: dict[tuple[int, float], tuple[str, float]],
    after: dict[tuple[int, float], tuple[str, float]],
    elapsed_s: float,
) -> list[dict[str, Any]]:
    """Return the names that used the most CPU time in between, summed over processes of that name.

    A process that is new in `after` counts from zero.
    """
    used_s: dict[str, float] = {}
    for key, (name, used) in after.items():
        used_s[name] = used_s.get(name, 0.0) + used - before.get(key, (name, 0.0))[1]
    shares = sorted(((100 * used / elapsed_s, name) for name, used in used_s.items()), reverse=True)
    return [
        {"name": name, "cpu_percent": round(share, 1)}
        for share, name in shares[:BUSIEST]
        if share >= NAMED_PERCENT
    ]
