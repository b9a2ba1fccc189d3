"""List what a lab could leave behind on the machine, as sentences that can be compared."""

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

from testbed.lab import machine


def take(name: str) -> set[str]:
    """Return traces that the lab of that name could have left, and the machine's own settings.

    Other labs, and what their tests make beside them, may come and go while the tests run, so
    traces with their names are left out.
    """
    others = re.compile(rf"(testbed[-_]|tb[a-z]?-|{machine.LABS_FOLDER}/)(?!{name}\b)\w")
    found = {line for lines in _LISTS for line in lines() if not others.search(line)}
    if not set(machine.labs()) - {name}:
        found.add(f"ip_forward {machine.FORWARDING.read_text().strip()}")
    return found | set(_processes(name))


def _words(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def _namespaces() -> list[str]:
    return [f"namespace {line.split()[0]}" for line in _words("ip", "netns").splitlines()]


def _links() -> list[str]:
    return [f"link {link['ifname']}" for link in json.loads(_words("ip", "-j", "link"))]


def _rules() -> list[str]:
    """Return each line with its table, which shows who made it."""
    found, table = [], ""
    for line in _words("nft", "list", "ruleset").splitlines():
        table = line if line.startswith("table") else table
        found.append(f"nft {table} {line.strip()}")
    return found


def _mounts() -> list[str]:
    # /run/netns exists as long as any lab does
    places = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    return [f"mount {place}" for place in places if place != "/run/netns"]


def _groups() -> list[str]:
    return [f"control group {path}" for path in Path("/sys/fs/cgroup").rglob("testbed-*")]


def _files() -> list[str]:
    nspawn = Path("/run/systemd/nspawn")
    return [f"file {path}" for path in [*machine.LABS_FOLDER.glob("*"), *nspawn.rglob("*")]]


_LISTS: list[Callable[[], list[str]]] = [_namespaces, _links, _rules, _mounts, _groups, _files]


def _processes(name: str) -> list[str]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            group = (process / "cgroup").read_text()
            if (process / "stat").read_text().rpartition(")")[2].split()[0] == "Z":
                continue  # it has ended, but its parent has not asked for the exit status yet
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
        except OSError:  # the process has ended meanwhile
            continue
        if f"testbed-{name}-" in group or f"{machine.LABS_FOLDER}/{name}/" in command:
            found.append(f"process {command}")
    return found
