"""Put each lab host into a control group, which shows for certain which processes are its own.

A recorded process id could belong to another process by now. Only the lab creates this control
group, so its members are the lab's.
"""

import os
import signal
from pathlib import Path

MOUNTS = Path("/proc/self/mountinfo")


def unified_mount(mountinfo: str) -> Path | None:
    """Return where the version 2 hierarchy is mounted; None if it is not mounted.

    `mountinfo` is the text of /proc/self/mountinfo.
    """
    return next((where for where, kind, _ in _cgroup_mounts(mountinfo) if kind == "cgroup2"), None)


def hierarchies(mountinfo: str) -> list[Path]:
    """Return every place where systemd-nspawn makes groups: version 2, and systemd's version 1."""
    return [
        where
        for where, kind, options in _cgroup_mounts(mountinfo)
        if kind == "cgroup2" or "name=systemd" in options.split(",")
    ]


def _cgroup_mounts(mountinfo: str) -> list[tuple[Path, str, str]]:
    mounts = []
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        kind, _, options = after.split(" ", 2)
        if kind in ("cgroup", "cgroup2"):
            mounts.append((Path(before.split()[4]), kind, options))
    return mounts


def make(name: str) -> Path:
    """Return the version 2 group of that name, which is made if it does not exist."""
    mount = unified_mount(MOUNTS.read_text())
    if mount is None:
        raise FileNotFoundError("no cgroup2 file system is mounted")
    group = mount / name
    group.mkdir(exist_ok=True)
    return group


def find(name: str) -> list[Path]:
    """Return the groups of that name in every hierarchy; an empty list if there are none."""
    groups = [mount / name for mount in hierarchies(MOUNTS.read_text())]
    return [group for group in groups if group.is_dir()]


def is_populated(name: str) -> bool:
    """Return whether the kernel reports any process in the group or below it.

    Unlike a walk over the groups, this does not miss a process that moves meanwhile.
    """
    mount = unified_mount(MOUNTS.read_text())
    try:
        return mount is not None and "populated 1" in (mount / name / "cgroup.events").read_text()
    except OSError:  # there is no such group
        return False


def processes(name: str) -> list[int]:
    """Return the ids of the processes in the group and below, as seen in this process namespace."""
    found: set[int] = set()
    for group in find(name):
        for members in [group / "cgroup.procs", *group.rglob("cgroup.procs")]:
            try:
                found.update(int(line) for line in members.read_text().split())
            except OSError:  # the group went away meanwhile
                continue
    return sorted(found - {0})


def send(name: str, number: signal.Signals, *, only: str | None = None) -> None:
    """Send a signal to the group's processes; with `only`, to those whose command has that name."""
    for pid in processes(name):
        try:
            if only is None or Path(f"/proc/{pid}/comm").read_text().strip() == only[:15]:
                os.kill(pid, number)
        except (ProcessLookupError, FileNotFoundError):  # ended meanwhile
            continue


def remove(name: str) -> None:
    """Remove the (empty) groups of that name and all groups below them."""
    for group in find(name):
        below = sorted((p for p in group.rglob("*") if p.is_dir()), reverse=True)
        for folder in [*below, group]:
            try:
                folder.rmdir()
            except OSError:  # busy: the check at the end of `down` names it
                continue
