"""A control group for each lab host: it tells which processes are the host's, beyond doubt.

A recorded process id could since belong to somebody else; membership of a control group that
only the lab makes cannot.
"""

import os
import signal
from pathlib import Path

MOUNTS = Path("/proc/self/mountinfo")


def unified_mount(mountinfo: str) -> Path | None:
    """Where the version 2 hierarchy is mounted, by /proc/self/mountinfo's text."""
    return next((where for where, kind, _ in _cgroup_mounts(mountinfo) if kind == "cgroup2"), None)


def hierarchies(mountinfo: str) -> list[Path]:
    """Every place where systemd-nspawn makes groups: version 2, and systemd's own of version 1."""
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
    """The version 2 group of that name, made if need be."""
    mount = unified_mount(MOUNTS.read_text())
    if mount is None:
        raise FileNotFoundError("no cgroup2 file system is mounted")
    group = mount / name
    group.mkdir(exist_ok=True)
    return group


def find(name: str) -> list[Path]:
    """The groups of that name, in every hierarchy."""
    groups = [mount / name for mount in hierarchies(MOUNTS.read_text())]
    return [group for group in groups if group.is_dir()]


def is_populated(name: str) -> bool:
    """Whether any process is in the group or below it, by the kernel's own account.

    Unlike a walk over the groups, this does not miss a process that moves meanwhile.
    """
    mount = unified_mount(MOUNTS.read_text())
    try:
        return mount is not None and "populated 1" in (mount / name / "cgroup.events").read_text()
    except OSError:  # no such group
        return False


def processes(name: str) -> list[int]:
    """Ids of the processes in the group and all below it, as this process namespace sees them."""
    found: set[int] = set()
    for group in find(name):
        for members in [group / "cgroup.procs", *group.rglob("cgroup.procs")]:
            try:
                found.update(int(line) for line in members.read_text().split())
            except OSError:  # the group went away meanwhile
                continue
    return sorted(found - {0})


def send(name: str, number: signal.Signals, *, only: str | None = None) -> None:
    """Signal the group's processes; with `only`, those whose command has that name."""
    for pid in processes(name):
        try:
            if only is None or Path(f"/proc/{pid}/comm").read_text().strip() == only[:15]:
                os.kill(pid, number)
        except (ProcessLookupError, FileNotFoundError):  # ended meanwhile
            continue


def remove(name: str) -> None:
    """Remove the (empty) groups of that name with all below."""
    for group in find(name):
        below = sorted((p for p in group.rglob("*") if p.is_dir()), reverse=True)
        for folder in [*below, group]:
            try:
                folder.rmdir()
            except OSError:  # busy: the check at the end of `down` names it
                continue
