"""Sample what slows CPUs down: a low frequency, heat, or the quota of a control group.

If the kernel does not report a value, as in most virtual machines, its column is always None.
"""

import os
from pathlib import Path

import psutil

Row = dict[str, float | int | None]

CPUS = Path("/sys/devices/system/cpu")
PROC = Path("/proc")


class Frequency:
    """Samples the mean frequency of the usable CPUs, and the mean one that they can sustain."""

    def __init__(self, cpus: Path = CPUS) -> None:
        usable = sorted(os.sched_getaffinity(0))
        self._folders = [cpus / f"cpu{number}" / "cpufreq" for number in usable]
        self._full_mhz = self._mean_mhz("base_frequency") or self._mean_mhz("cpuinfo_max_freq")

    def _mean_mhz(self, name: str) -> float | None:
        """Return the mean over all CPUs of a file in kHz, in MHz; None unless each CPU has it."""
        values = [_number(folder / name) for folder in self._folders]
        told = [value for value in values if value is not None]
        return round(sum(told) / len(told) / 1000, 1) if len(told) == len(values) else None

    def sample(self) -> Row:
        """Return `cpu_mhz`, the frequency now, and `cpu_full_mhz`, the one that can be sustained.

        Without cpufreq, `cpu_mhz` is what /proc/cpuinfo says.
        """
        now = self._mean_mhz("scaling_cur_freq")
        if now is None and (told := psutil.cpu_freq()):
            now = told.current or None
        return {"cpu_mhz": now, "cpu_full_mhz": self._full_mhz}


class Heat:
    """Samples how often CPUs were throttled by heat since boot (Intel's thermal_throttle)."""

    def __init__(self, cpus: Path = CPUS) -> None:
        usable = sorted(os.sched_getaffinity(0))
        self._folders = [cpus / f"cpu{number}" / "thermal_throttle" for number in usable]

    def sample(self) -> Row:
        """Return the sum over cores and packages; None if the CPUs do not count it."""
        counts = [
            _number(folder / f"{what}_throttle_count")
            for folder in self._folders
            for what in ("core", "package")
        ]
        told = [count for count in counts if count is not None]
        return {"thermal_throttles": sum(told) if told else None}


class Quota:
    """Samples CPU quotas of a process's control groups: its own group and all groups above it.

    It reads cpu.stat of version 1 and version 2 groups: the number of periods in which a quota was
    enforced, and the number of those in which it was used up.
    """

    columns = {"quota_periods": "nr_periods", "quota_throttles": "nr_throttled"}

    def __init__(self, pid: int, proc: Path = PROC) -> None:
        try:
            groups = (proc / str(pid) / "cgroup").read_text()
            mounts = (proc / "self" / "mountinfo").read_text()
        except OSError:
            groups = mounts = ""
        folders = cpu_groups(groups, mounts)
        self._groups = [folder for folder in folders if "nr_throttled" in cpu_stat(folder)]

    def sample(self) -> Row:
        """Return the two counters; all are None if no group has them, or once a group is gone."""
        stats = [cpu_stat(group) for group in self._groups]
        if not stats or not all("nr_throttled" in stat for stat in stats):
            return dict.fromkeys(self.columns)
        return {name: sum(stat.get(key, 0) for stat in stats) for name, key in self.columns.items()}


def cpu_groups(groups: str, mountinfo: str) -> list[Path]:
    """Return folders of a process's CPU control groups, from its own up to the topmost visible one.

    `groups` is the text of its /proc/<pid>/cgroup, and `mountinfo` that of /proc/self/mountinfo.
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
    """Return root in the file system, mount point, kind and options of each mount (proc(5))."""
    mounts = []
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        words, (kind, _, options) = before.split(), after.split(" ", 2)
        mounts.append((words[3], Path(words[4]), kind, options.split(",")))
    return mounts


def cpu_stat(group: Path) -> dict[str, int]:
    """Return the numbers in a control group's cpu.stat; an empty mapping if it cannot be read."""
    try:
        pairs = (line.split() for line in (group / "cpu.stat").read_text().splitlines())
        return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2}
    except (OSError, ValueError):
        return {}


def _number(file: Path) -> int | None:
    try:
        return int(file.read_text())
    except (OSError, ValueError):
        return None
