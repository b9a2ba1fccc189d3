"""Probes of what slows CPUs down: a low frequency, heat, a control group's quota.

Where the kernel does not tell, as in most virtual machines, a column is None and stays so.
"""

import os
from pathlib import Path

import psutil

Row = dict[str, float | int | None]

CPUS = Path("/sys/devices/system/cpu")
PROC = Path("/proc")


class Frequency:
    """The CPUs' mean frequency, and the one that they can keep up: both of those usable here."""

    def __init__(self, cpus: Path = CPUS) -> None:
        usable = sorted(os.sched_getaffinity(0))
        self._folders = [cpus / f"cpu{number}" / "cpufreq" for number in usable]
        self._full_mhz = self._mean_mhz("base_frequency") or self._mean_mhz("cpuinfo_max_freq")

    def _mean_mhz(self, name: str) -> float | None:
        """Of files in kHz; None unless every CPU has one."""
        values = [_number(folder / name) for folder in self._folders]
        told = [value for value in values if value is not None]
        return round(sum(told) / len(told) / 1000, 1) if len(told) == len(values) else None

    def sample(self) -> Row:
        """`cpu_mhz` now (without cpufreq, what /proc/cpuinfo says), and `cpu_full_mhz`."""
        now = self._mean_mhz("scaling_cur_freq")
        if now is None and (told := psutil.cpu_freq()):
            now = told.current or None
        return {"cpu_mhz": now, "cpu_full_mhz": self._full_mhz}


class Heat:
    """How often CPUs were throttled because of heat, since boot (Intel's thermal_throttle)."""

    def __init__(self, cpus: Path = CPUS) -> None:
        usable = sorted(os.sched_getaffinity(0))
        self._folders = [cpus / f"cpu{number}" / "thermal_throttle" for number in usable]

    def sample(self) -> Row:
        """Of cores and packages together."""
        counts = [
            _number(folder / f"{what}_throttle_count")
            for folder in self._folders
            for what in ("core", "package")
        ]
        told = [count for count in counts if count is not None]
        return {"thermal_throttles": sum(told) if told else None}


class Quota:
    """CPU quotas of the control groups that a process is in, of its own and of all above it.

    Version 1 and 2 alike, by cpu.stat: periods that a quota was enforced in, and those of them in
    which it was used up.
    """

    columns = {"quota_periods": "nr_periods", "quota_throttles": "nr_throttled"}

    def __init__(self, pid: int, proc: Path = PROC) -> None:
        try:
            groups = (proc / str(pid) / "cgroup").read_text()
            mounts = (proc / "self" / "mountinfo").read_text()
        except OSError:
            groups = mounts = ""
        found = [_cpu_stat(folder) for folder in cpu_groups(groups, mounts)]
        self._files = [file for file, stat in found if "nr_throttled" in stat]

    def sample(self) -> Row:
        """All None where no group has a quota's counters, or once one is gone."""
        stats = [_cpu_stat(file.parent)[1] for file in self._files]
        if not stats or not all("nr_throttled" in stat for stat in stats):
            return dict.fromkeys(self.columns)
        return {name: sum(stat.get(key, 0) for stat in stats) for name, key in self.columns.items()}


def cpu_groups(groups: str, mountinfo: str) -> list[Path]:
    """Folders of a process's CPU control groups, from its own up to the topmost one visible here.

    `groups`: its /proc/<pid>/cgroup; `mountinfo`: /proc/self/mountinfo.
    """
    folders: list[Path] = []
    for line in groups.splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        for root, mount, kind, options in _mounts(mountinfo):
            if kind == "cgroup2" if not controllers else "cpu" in options and kind == "cgroup":
                inside = Path(path.removeprefix(root.rstrip("/")).lstrip("/"))
                folders += [mount / level for level in (inside, *inside.parents)]
                break
    return list(dict.fromkeys(folders))


def _mounts(mountinfo: str) -> list[tuple[str, Path, str, list[str]]]:
    """Root within the file system, mount point, kind, and options of each mount (proc(5))."""
    mounts = []
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        words, (kind, _, options) = before.split(), after.split(" ", 2)
        mounts.append((words[3], Path(words[4]), kind, options.split(",")))
    return mounts


def _cpu_stat(folder: Path) -> tuple[Path, dict[str, int]]:
    file = folder / "cpu.stat"
    try:
        pairs = (line.split() for line in file.read_text().splitlines())
        return file, {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2}
    except (OSError, ValueError):
        return file, {}


def _number(file: Path) -> int | None:
    try:
        return int(file.read_text())
    except (OSError, ValueError):
        return None
