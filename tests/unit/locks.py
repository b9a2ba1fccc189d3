"""Read the project's lock files in tests."""

import re
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


@dataclass(frozen=True)
class Pin:
    """One package of a lock file."""

    requirement: Requirement
    hashes: tuple[str, ...]

    @property
    def text(self) -> str:
        """Return name==version, with the name in its normalised spelling."""
        return f"{canonicalize_name(self.requirement.name)}{self.requirement.specifier}"

    @property
    def applies(self) -> bool:
        """Return whether this Python on this machine needs the package."""
        return self.requirement.marker is None or self.requirement.marker.evaluate()


def pins(lock: Path) -> list[Pin]:
    """Return all packages of a lock file."""
    lines = re.sub(r"\\\n", " ", re.sub(r"(?m)^\s*#.*\n?", "", lock.read_text())).splitlines()
    return [
        Pin(Requirement(line.partition(" --hash")[0]), tuple(re.findall(r"--hash=(\S+)", line)))
        for line in lines
        if line.strip()
    ]
