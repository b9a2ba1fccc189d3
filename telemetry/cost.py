"""Sample what serving costs: CPU time of the host, of the app and of services, and memory.

All times are counters in microseconds whose start has no meaning. What the host does not report is
None.
"""

import contextlib
import json
import os
import select
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

from telemetry.slowed import PROC, Row, cpu_groups, cpu_stat

MOST_SHARE = 0.01  # of the time may be spent on reading memory, which takes locks of the app's


class Busy:
    """Samples how long the CPUs that this host may use were not idle, all of them together.

    Kernels measure idle time exactly and estimate most other times from what ran at each tick, so
    this is the time that passed less idle time. Time that a hypervisor took is not the host's own.
    """

    def __init__(self, proc: Path = PROC) -> None:
        self._file = proc / "stat"
        self._names = {f"cpu{number}" for number in os.sched_getaffinity(0)}

    def sample(self) -> Row:
        """Return `host_cpu_usec`; None if the kernel does not count idle time of each CPU."""
        return {"host_cpu_usec": self._usec(time.monotonic())}

    def _usec(self, now_s: float) -> int | None:
        try:
            lines = [line.split() for line in self._file.read_text().splitlines()]
            # user, nice, system, idle, iowait, irq, softirq, steal
            times = [list(map(int, line[1:9])) for line in lines if line[0] in self._names]
            away = sum(idle + iowait + steal for _, _, _, idle, iowait, _, _, steal in times)
        except (OSError, ValueError, IndexError):
            return None
        if len(times) < len(self._names) or not away:
            return None
        return round(1e6 * (len(times) * now_s - away / os.sysconf("SC_CLK_TCK")))


class Used:
    """Samples the CPU time of a program: its main process and all that it started.

    The control group of its unit has it exactly, with processes that have ended. Where there is no
    group of its own it is the sum over the processes of its tree and those that they waited for.
    """

    def __init__(self, name: str, pid: int, proc: Path = PROC) -> None:
        self._name, self._pid, self._most = name, pid, 0
        self._group = own_group(pid, proc)

    def sample(self) -> Row:
        """Return `<name>_cpu_usec`, and whether the group was read (1) or the processes (0)."""
        grouped = self._group is not None
        used = self._of_group() if grouped else self._of_tree()
        return {f"{self._name}_cpu_usec": used, f"{self._name}_cpu_of_group": int(grouped)}

    def _of_group(self) -> int | None:
        return None if self._group is None else cpu_stat(self._group).get("usage_usec")

    def _of_tree(self) -> int | None:
        try:
            main = psutil.Process(self._pid)
            tree = [main, *main.children(recursive=True)]
        except psutil.Error:
            return None
        used_s = 0.0
        for process in tree:
            try:
                times = process.cpu_times()
            except psutil.Error:
                continue
            used_s += times.user + times.system + times.children_user + times.children_system
        # Time of a process that nobody waited for is gone with it
        self._most = max(self._most, round(1e6 * used_s))
        return self._most


def own_group(pid: int, proc: Path = PROC) -> Path | None:
    """Return the control group that holds a process and those that it started, and no others.

    Return None if there is no such group of version 2, or if it cannot be read.
    """
    try:
        groups = (proc / str(pid) / "cgroup").read_text()
        mounts = (proc / "self" / "mountinfo").read_text()
        found = cpu_groups(groups, mounts)
        return next((one for one in found if _counts(one) and _is_its_own(one, pid)), None)
    except (OSError, ValueError, psutil.Error):
        return None


def _counts(group: Path) -> bool:
    return "usage_usec" in cpu_stat(group)


def _is_its_own(group: Path, pid: int) -> bool:
    """Return whether the group has the process and nothing but processes below it.

    The members are read first: what was started since is not among them, and what has ended since
    is not a stranger.
    """
    files = [group / "cgroup.procs", *group.rglob("cgroup.procs")]
    members = {int(line) for file in files for line in file.read_text().split()}
    tree = {pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))}
    strangers = [one for one in members - tree if one == 0 or psutil.pid_exists(one)]
    return pid in members and not strangers


class Pss:
    """Samples the memory of the app's processes, shared pages counted once (PSS).

    Only root may read that of another user's process, so another program is asked for it: it
    answers each line on its standard input with one of JSON (roles/app_deploy/files/app_memory.py).
    It is asked when the sampling begins, and then so seldom that it costs little.
    """

    columns = ("app_pss_bytes", "app_worker_pss_bytes", "app_pss_cpu_usec")

    def __init__(self, command: Sequence[str]) -> None:
        self._due_s, self._cpu_usec = 0.0, 0
        self._reader: subprocess.Popen[bytes] | None = None
        with contextlib.suppress(OSError):
            self._reader = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                start_new_session=True,  # a Ctrl-C at the terminal must not reach it
            )
        self._asked = self._ask()

    def sample(self) -> Row:
        """Return the sum, the mean of the workers, and the CPU time that the reading took so far.

        Workers are all processes but the main one, if there are several. Sum and mean are None
        where there is no new reading. Nothing is waited for: a sample has what the program answered
        since the one before, so that the first reading is of the moment when the sampling began.
        """
        found = self._answer() if self._asked else []
        if not self._asked and time.monotonic() >= self._due_s:
            self._asked = self._ask()
        workers = found[1:] or found
        return {
            "app_pss_bytes": sum(found) if found else None,
            "app_worker_pss_bytes": round(sum(workers) / len(workers)) if found else None,
            "app_pss_cpu_usec": self._cpu_usec,
        }

    def _ask(self) -> bool:
        """Ask for a reading, and return whether that was possible."""
        if self._reader is None or self._reader.stdin is None:
            return False
        try:
            self._reader.stdin.write(b"\n")
        except OSError:
            self._reader = None
        return self._reader is not None

    def _answer(self) -> list[int]:
        """Return the bytes of each process, the main one first; an empty list if none is there yet.

        A program that answers anything else is not asked again.
        """
        stream = self._reader.stdout if self._reader else None
        try:
            if stream and not select.select([stream], [], [], 0)[0]:
                return []
            self._asked = False
            if stream:
                told = json.loads(stream.readline())
                self._cpu_usec = int(told["cpu_usec"])
                self._due_s = time.monotonic() + float(told["took_s"]) / MOST_SHARE
                return [int(one) for one in told["pss_bytes"]]
        except (OSError, ValueError, KeyError, TypeError):
            self._reader = None
        return []
