"""Find out who uses this host's CPUs while nothing of the testbed runs on it."""

import os
import time
from statistics import fmean
from typing import Any

import psutil

from telemetry.cost import Busy
from telemetry.describe import governor
from telemetry.probes import Cpu, Scheduler

READINGS = 10  # of the run queue, each of which shows only one moment
BUSIEST = 3  # how many names of processes are reported
NAMED_PERCENT = 5.0  # of one CPU; a process that uses less is not named


def look(window_s: float) -> dict[str, Any]:
    """Return what used this host's CPUs during `window_s` seconds, without this process itself."""
    before = _cpu_seconds()
    begin, cpu, busy, scheduler = time.monotonic(), Cpu(), Busy(), Scheduler()
    began, queue = busy.sample()["host_cpu_usec"], []
    for _ in range(READINGS):
        time.sleep(window_s / READINGS)
        queue.append((scheduler.sample()["run_queue"] or 1) - 1)
    ended, share = busy.sample()["host_cpu_usec"], cpu.sample()["cpu_percent"]
    elapsed_s, after = time.monotonic() - begin, _cpu_seconds()
    return {
        "window_s": round(elapsed_s, 3),
        "cpus": len(os.sched_getaffinity(0)),
        "cpu_percent": share,
        "host_cpu_ms_per_s": None
        if began is None or ended is None
        else round((ended - began) / elapsed_s / 1000, 3),
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
