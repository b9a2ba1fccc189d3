"""Sample a host. Each probe is a class whose `sample()` returns its columns, listed in `probes`.

A column named `*_percent` is a share of the time since the previous sample. All others are the
kernel's own counters and gauges, unchanged, so that no information is lost.
"""

import contextlib
import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import psutil

from telemetry.cost import Busy, Pss, Used
from telemetry.link import Link, counter
from telemetry.slowed import Frequency, Heat, Quota
from telemetry.sockets import Address, Sockets

Row = dict[str, float | int | None]


class Probe(Protocol):
    """Samples one aspect of the host."""

    def sample(self) -> Row:
        """Return the values of its columns now; the columns are the same every time."""


class Clock:
    """Samples three clocks of the host.

    `t_s` is the wall clock (Unix time), `monotonic_s` the time since boot, and `suspended_s` how
    long the host slept since boot. The clocks are read one right after the other. Of several tries,
    the one that took the least time counts.
    """

    tries = 5

    def __init__(self, read_ns: Callable[[int], int] = time.clock_gettime_ns) -> None:
        self._read_ns = read_ns

    def _read(self) -> tuple[int, int, int, int]:
        """Return, in nanoseconds, how long the reading took, and monotonic, wall and boot time."""
        before = self._read_ns(time.CLOCK_MONOTONIC)
        wall, boot = self._read_ns(time.CLOCK_REALTIME), self._read_ns(time.CLOCK_BOOTTIME)
        took = self._read_ns(time.CLOCK_MONOTONIC) - before
        return took, before + took // 2, wall, boot

    def sample(self) -> Row:
        """Return the times in seconds, rounded to milliseconds."""
        _, monotonic, wall, boot = min(self._read() for _ in range(self.tries))
        return {
            "t_s": round(wall / 1e9, 3),
            "monotonic_s": round(monotonic / 1e9, 3),
            "suspended_s": round((boot - monotonic) / 1e9, 3),
        }


class Cpu:
    """Samples the CPUs that this host may use: a lab host has only those it is pinned to."""

    def __init__(self) -> None:
        self._cpus = sorted(os.sched_getaffinity(0))
        self._before = self._times()

    def _times(self) -> list[tuple[float, float, float]]:
        """Return total, busy and stolen seconds since boot, for each CPU."""
        every = psutil.cpu_times(percpu=True)
        times = []
        for cpu in self._cpus:
            t = every[cpu]
            total = t.user + t.nice + t.system + t.idle + t.iowait + t.irq + t.softirq + t.steal
            times.append((total, total - t.idle - t.iowait, t.steal))
        return times

    def sample(self) -> Row:
        """Return the use of all CPUs together and of each, in percent (0 to 100).

        `cpu_percent` and each `cpuN_percent` include stolen time, which `steal_percent` and each
        `cpuN_steal_percent` show by itself.
        """
        now = self._times()
        deltas = [
            tuple(b - a for a, b in zip(old, new, strict=True))
            for old, new in zip(self._before, now, strict=True)
        ]
        self._before = now
        total = sum(delta[0] for delta in deltas)
        row: Row = {
            "cpu_percent": _share(sum(delta[1] for delta in deltas), total),
            "steal_percent": _share(sum(delta[2] for delta in deltas), total),
        }
        for cpu, delta in zip(self._cpus, deltas, strict=True):
            row[f"cpu{cpu}_percent"] = _share(delta[1], delta[0])
            row[f"cpu{cpu}_steal_percent"] = _share(delta[2], delta[0])
        return row


class Scheduler:
    """Samples run queue, context switches and load of the whole machine, which lab hosts share."""

    def sample(self) -> Row:
        """Return context switches since boot, processes that can run now, and the load average."""
        stat = _key_values(Path("/proc/stat"))
        return {
            "ctx_switches": stat["ctxt"],
            "run_queue": stat["procs_running"],
            "load1": os.getloadavg()[0],
        }


class Memory:
    """Samples memory and swap of the whole machine."""

    def sample(self) -> Row:
        """Return bytes in use, and bytes that were swapped in and out since boot."""
        memory, swap = psutil.virtual_memory(), psutil.swap_memory()
        return {
            "memory_used_bytes": memory.total - memory.available,
            "swap_used_bytes": swap.used,
            "swap_in_bytes": swap.sin,
            "swap_out_bytes": swap.sout,
        }


class Network:
    """Samples the counters of the data link's interface; all are None if it does not exist."""

    columns = {
        "net_rx_bytes": "rx_bytes",
        "net_tx_bytes": "tx_bytes",
        "net_rx_packets": "rx_packets",
        "net_tx_packets": "tx_packets",
        "net_rx_errors": "rx_errors",
        "net_tx_errors": "tx_errors",
        "net_rx_drops": "rx_dropped",
        "net_tx_drops": "tx_dropped",
    }

    def __init__(self, interface: str) -> None:
        self._interface = interface

    def sample(self) -> Row:
        """Return each counter since the interface came up."""
        return {column: counter(self._interface, name) for column, name in self.columns.items()}


class Tcp:
    """Samples TCP's counters and numbers of sockets in this host's network namespace."""

    def sample(self) -> Row:
        """Return counters since the host's boot, and how many connections stand now."""
        snmp = _paired_lines(Path("/proc/net/snmp"))["Tcp"]
        extra = _paired_lines(Path("/proc/net/netstat"))["TcpExt"]
        sockets = Path("/proc/net/sockstat").read_text().split("TCP:")[1].split()
        return {
            "tcp_segments_sent": snmp["OutSegs"],  # without retransmitted ones
            "tcp_retransmits": snmp["RetransSegs"],
            "tcp_established": snmp["CurrEstab"],
            "tcp_time_wait": int(sockets[sockets.index("tw") + 1]),
            "listen_overflows": extra["ListenOverflows"],
            "listen_drops": extra["ListenDrops"],
        }


class OpenFiles:
    """Samples the number of open files of the whole machine."""

    def sample(self) -> Row:
        """Return how many files are open now."""
        return {"open_files": int(Path("/proc/sys/fs/file-nr").read_text().split()[0])}


class App:
    """Samples the processes of the app under test: its main process and all below it."""

    columns = (
        "app_cpu_percent",
        "app_busiest_percent",
        "app_busy_processes",
        "app_runnable_percent",
        "app_rss_bytes",
        "app_processes",
        "app_processes_ended",
    )
    busy_percent = 80  # of a core: a process that takes as much has hardly time to wait

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._before: dict[int, float] = {}
        self._runnable_s: dict[int, float] = {}
        self._ended = 0
        self._at = time.monotonic()

    def sample(self) -> Row:
        """Return CPU in percent of one core, resident memory and number of processes.

        `app_busiest_percent` is the CPU of the process that took most, `app_busy_processes` the
        number of those that were hardly ever idle. `app_runnable_percent` is how long a process ran
        or waited for a CPU, of the one that did so longest. All are None once the app has ended.
        `app_processes_ended` counts the processes that the
        previous sample saw and this one did not: if a server replaces a dead worker at once, their
        number alone would not show it.
        """
        now, rss, seen = time.monotonic(), 0, {}
        try:
            main = psutil.Process(self._pid)
            for process in [main, *main.children(recursive=True)]:
                try:
                    times = process.cpu_times()
                    rss += process.memory_info().rss
                except psutil.NoSuchProcess:
                    continue
                seen[process.pid] = times.user + times.system
        except psutil.NoSuchProcess:
            return dict.fromkeys(self.columns)
        self._ended += len(self._before.keys() - seen.keys())
        elapsed_s, self._at, first = now - self._at, now, not self._before
        runnable_s = {pid: _runnable_s(pid) for pid in seen}
        wanted_s = [now_s - self._runnable_s.get(pid, now_s) for pid, now_s in runnable_s.items()]
        self._runnable_s = runnable_s
        used_s = [cpu_s - self._before.get(pid, cpu_s) for pid, cpu_s in seen.items()]
        self._before = seen
        busy = [one for one in used_s if 100 * one >= self.busy_percent * elapsed_s]
        return {
            "app_cpu_percent": None if first else _share(sum(used_s), elapsed_s),
            "app_busiest_percent": None if first else _share(max(used_s), elapsed_s),
            "app_busy_processes": None if first else len(busy),
            "app_runnable_percent": _share(max(wanted_s), elapsed_s) if any(wanted_s) else None,
            "app_rss_bytes": rss,
            "app_processes": len(seen),
            "app_processes_ended": self._ended,
        }


class Postgresql:
    """Samples the database's clients by state and its counters, over one open psql session.

    Of the active ones, `pg_lock_waits` wait for each other, `pg_io_waits` for disks, and
    `pg_client_waits` for the app to read or to write.
    """

    columns = (
        "pg_active",
        "pg_idle",
        "pg_idle_in_transaction",
        "pg_lock_waits",
        "pg_io_waits",
        "pg_client_waits",
        "pg_commits",
        "pg_blocks_hit",
        "pg_blocks_read",
    )
    # The session of this probe does not count itself.
    query = (
        "select count(*) filter (where state = 'active'), count(*) filter (where state = 'idle'),"
        " count(*) filter (where state like 'idle in transaction%'),"
        " count(*) filter (where state = 'active'"
        " and wait_event_type in ('Lock', 'LWLock', 'BufferPin')),"
        " count(*) filter (where state = 'active' and wait_event_type = 'IO'),"
        " count(*) filter (where state = 'active' and wait_event_type = 'Client'),"
        " max(d.xact_commit), max(d.blks_hit), max(d.blks_read)"
        " from pg_stat_database d left join pg_stat_activity a"
        " on a.datid = d.datid and a.pid <> pg_backend_pid()"
        " where d.datname = current_database();"
    )

    def __init__(self, database: str) -> None:
        self._psql = subprocess.Popen(
            ["psql", "-X", "-q", "-A", "-t", "-F", " ", "-d", database],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # a Ctrl-C at the terminal must not reach psql
        )

    def sample(self) -> Row:
        """Return the columns; all are None once PostgreSQL has gone."""
        values: list[str] = []
        try:
            if self._psql.stdin and self._psql.stdout:
                self._psql.stdin.write(self.query + "\n")
                self._psql.stdin.flush()
                values = self._psql.stdout.readline().split()
        except BrokenPipeError:
            pass
        if len(values) != len(self.columns):
            return dict.fromkeys(self.columns)
        return dict(zip(self.columns, map(int, values), strict=True))


class Own:
    """Samples what this sampling itself costs."""

    def __init__(self) -> None:
        self._before = (time.monotonic(), time.process_time())

    def sample(self) -> Row:
        """Return the CPU used, in percent of a core since the sample before, and in all."""
        now = (time.monotonic(), time.process_time())
        (wall, cpu), self._before = self._before, now
        return {
            "telemetry_cpu_percent": _share(now[1] - cpu, now[0] - wall),  # of one core
            "telemetry_cpu_usec": round(1e6 * now[1]),
        }


def probes(
    link: Link,
    pid: int | None,
    database: str | None,
    services: Mapping[str, int] | None = None,
    memory: Sequence[str] = (),
    asked: Mapping[str, Address] | None = None,
) -> list[Probe]:
    """Return all probes of a host. Those of app, database and services are there only if given.

    `services` has the main process of each, `memory` is the command that reads the memory of the
    app, and `asked` says where services listen that programs of this host ask over TCP.
    """
    chosen: list[Probe] = [
        Clock(),
        Cpu(),
        Busy(),
        Scheduler(),
        Frequency(),
        Heat(),
        Quota(os.getpid() if pid is None else pid),
        Memory(),
        Network(link.interface),
        link,
        Tcp(),
        Sockets(asked),
        OpenFiles(),
    ]
    if pid is not None:
        chosen += [App(pid), Used("app", pid)]
    chosen += [Used(name, main) for name, main in (services or {}).items()]
    if memory:
        chosen.append(Pss(memory))
    if database is not None:
        chosen.append(Postgresql(database))
    return [*chosen, Own()]


def _runnable_s(pid: int) -> float:
    """Return how long the threads of a process ran or waited for a CPU; 0 if that is not known."""
    total_ns = 0
    with contextlib.suppress(OSError, ValueError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            ran, waited, _ = (thread / "schedstat").read_text().split()
            total_ns += int(ran) + int(waited)
    return total_ns / 1e9


def _share(part: float, whole: float) -> float | None:
    """Return `part` in percent of `whole`; None if `whole` is zero."""
    return round(100 * part / whole, 2) if whole > 0 else None


def _key_values(path: Path) -> dict[str, int]:
    """Return the numbers by key, from a file with one key and one number on each line."""
    pairs = (line.split() for line in path.read_text().splitlines())
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2}


def _paired_lines(path: Path) -> dict[str, dict[str, int]]:
    """Return tables of numbers from pairs of lines 'Name: key ...' and 'Name: number ...'.

    /proc/net/snmp has this format.
    """
    lines = path.read_text().splitlines()
    tables = {}
    for keys, numbers in zip(lines[::2], lines[1::2], strict=True):
        name, *names = keys.split()
        tables[name.rstrip(":")] = dict(zip(names, map(int, numbers.split()[1:]), strict=True))
    return tables
