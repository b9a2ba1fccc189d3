"""Find out what the control side lacks: a line for each need, and how to mend what is missing."""

import os
import platform
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata

from command import reaching
from testbed import store
from testbed.errors import Exit, TestbedError
from testbed.hosts import inventory
from testbed.hosts.inventory import Inventory
from testbed.paths import ROOT
from testbed.terminal import Terminal
from testbed.texts import plain

LOCK = ROOT / "requirements.lock"
PIN = re.compile(r"^([A-Za-z0-9][\w.-]*)==([^\s;\\]+)\s*(;[^\\]*)?", re.MULTILINE)
BOOTSTRAP = "script/bootstrap"
TOOLS = ("git", "ssh")  # always; the others are the lab's own
LAB_TOOLS = ("ip", "tc", "nft", "mmdebstrap", "systemd-nspawn")
OLDEST_PYTHON = (3, 11)


@dataclass(frozen=True)
class Need:
    """One thing that is needed. It is there if there is no remedy."""

    name: str
    found: str
    wanted: str
    mend: str = ""

    @property
    def text(self) -> str:
        """Return a line with its verdict first; if it is missing, what was wanted and a remedy."""
        if not self.mend:
            return f"ok    {self.name}: {self.found}"
        return f"fail  {self.name}: {self.found} (wanted: {self.wanted})\n      -> {self.mend}"


def examine(place: str | None) -> None:
    """Print what is found, as it is found. Exit code 3 if something is missing."""
    say = Terminal(markup=False, highlight=False)
    missing = False
    for one in _needs(place):
        say.print(plain(one.text), soft_wrap=True)
        missing = missing or bool(one.mend)
    if missing:
        sys.exit(Exit.NOT_READY)


def _needs(place: str | None) -> Iterator[Need]:
    yield _python()
    yield _packages()
    yield _results()
    known, sound = _inventory(place)
    of_lab = known is not None and known.facts.testbed_lab is not None
    for tool in (*TOOLS, *(LAB_TOOLS if of_lab else ())):
        yield _tool(tool)
    yield sound
    if known is not None:
        yield from _reached(known)


def _python() -> Need:
    wanted = ".".join(map(str, OLDEST_PYTHON))
    mend = "" if sys.version_info >= OLDEST_PYTHON else "use Debian 12 or newer, then bootstrap"
    return Need("Python", platform.python_version(), f"{wanted} or newer", mend)


def _packages() -> Need:
    """Compare the installed packages with the lock, of which those of other machines are left."""
    pins = {name: version for name, version, marker in PIN.findall(LOCK.read_text()) if not marker}
    others = [
        f"{name} {found or 'missing'}"
        for name, version in pins.items()
        if (found := _version(name)) != version
    ]
    found = f"{len(pins) - len(others)} of {len(pins)}"
    if others:
        found += f"; {', '.join(others[:3])}" + (" …" if len(others) > 3 else "")
    return Need("Python packages", found, "as requirements.lock says", BOOTSTRAP if others else "")


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _tool(name: str) -> Need:
    path = shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin")
    return Need(name, path or "missing", "on the PATH", "" if path else BOOTSTRAP)


def _results() -> Need:
    """Look whether results could be written. A folder that is not there yet is not made."""
    folder = store.folder()
    nearest = next(one for one in (folder, *folder.resolve().parents) if one.exists())
    try:
        with tempfile.TemporaryFile(dir=nearest):
            pass
    except OSError as error:
        mend = f"make {nearest} a folder that you may write, or choose one with --results"
        return Need("results", f"{folder}: {error.strerror}", "a writable folder", mend)
    return Need("results", str(folder), "a writable folder")


def _inventory(place: str | None) -> tuple[Inventory | None, Need]:
    name = place or "that of ansible.cfg"
    try:
        return inventory.load(place), Need("inventory", name, "two hosts, without errors")
    except TestbedError as error:
        mend = error.remedy or "correct it (docs/hosts.md)"
        return None, Need("inventory", error.message, "two hosts, without errors", mend)


def _reached(known: Inventory) -> Iterator[Need]:
    """Connect to the hosts. A lab that is not up is not contacted."""
    wanted, remedy = "an SSH connection", "see docs/hosts.md"
    try:
        found = reaching.reach(known)
    except TestbedError as error:
        yield Need("hosts", error.message, wanted, error.remedy or remedy)
        return
    try:
        for role, problem in found.problems.items():
            address = known.hosts[role].ansible_host
            mend = problem and (problem.remedy or remedy)
            yield Need(f"{role} host", f"{address}, {found.said(role)}", wanted, mend or "")
    finally:
        found.close()
