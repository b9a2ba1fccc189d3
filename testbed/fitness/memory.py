"""Check that there is enough space, and that memory answers without delay."""

from testbed.fitness.subject import NOT_TOLD, Judged, Subject
from testbed.fitness.table import limit

MB = 1e6


def huge_pages(subject: Subject) -> Judged:
    """Check that transparent huge pages are made only for programs that ask for them."""
    found = subject.facts.memory.huge_pages
    if found is None:
        return NOT_TOLD
    return Judged("warn" if found == "always" else "ok", found)


def swap(subject: Subject) -> Judged:
    """Check that no swap is on. Swap in use is worse than unused swap."""
    areas = subject.facts.memory.swaps
    if areas is None:
        return NOT_TOLD
    if not areas:
        return Judged("ok", "none")
    used, size = sum(one.used_bytes for one in areas), sum(one.size_bytes for one in areas)
    found = f"{', '.join(one.path for one in areas)}: {used / MB:.0f} of {size / MB:.0f} MB used"
    return Judged("warn" if used else "note", found)


def free_memory(subject: Subject) -> Judged:
    """Check that app, database and telemetry fit into free memory."""
    memory = subject.facts.memory
    found = f"{memory.available_bytes / MB:.0f} of {memory.total_bytes / MB:.0f} MB"
    return _room("free_memory", memory.available_bytes, found)


def free_disk(subject: Subject) -> Judged:
    """Check that a run's files fit into each folder that the testbed writes to."""
    disks = subject.facts.disks
    if not disks:
        return NOT_TOLD
    absent = sorted(folder for folder, disk in disks.items() if disk is None)
    if absent:
        return Judged("fail", f"no folder {', '.join(absent)}")
    room = {folder: disk.free_bytes for folder, disk in disks.items() if disk}
    found = ", ".join(f"{folder} {free / MB:.0f} MB" for folder, free in room.items())
    return _room("free_disk", min(room.values()), found)


def _room(check: str, free_bytes: int, found: str) -> Judged:
    if free_bytes < limit(check, "fail_below_mb") * MB:
        return Judged("fail", found)
    return Judged("warn" if free_bytes < limit(check, "warn_below_mb") * MB else "ok", found)
