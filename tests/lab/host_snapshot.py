"""Describe a host: settings, files, units, services, users, packages; and compare two states.

Run on a host as root (`python3 - < host_snapshot.py`), it prints the host's state as JSON, and
needs only Python's standard library. `differences` compares two states, except for what
docs/hosts.md says may stay.
"""

import hashlib
import json
import os
import shlex
import stat
import subprocess
import sys
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

State = dict[str, dict[str, str]]  # by kind and name, a text that describes it

APART = ("/proc", "/sys", "/dev", "/run")  # these are not on a disk


def take() -> State:
    """Return the state of the host that this runs on."""
    return {
        "sysctl": dict(sysctls()),
        "file": dict(files()),
        "unit": dict(table("systemctl list-unit-files --no-legend", name=0, says=1)),
        "service": dict(
            table("systemctl list-units --state=active,failed --no-legend --plain", 0, 2)
        ),
        "user": dict(accounts("passwd")),
        "group": dict(accounts("group")),
        "package": dict(
            table("dpkg-query -W -f '${binary:Package} ${Status} ${Version}\\n'", 0, 4)
        ),
        "socket": dict(table("ss -Hlntu", 4, 1)),
        "link": dict.fromkeys(words("ip -brief address") + words("tc qdisc show"), "is there"),
        "run": {path.name: kind(path) for path in Path("/run").iterdir()},
        "database": dict(databases()),
    }


def words(command: str) -> list[str]:
    """Return the lines that a command prints."""
    done = subprocess.run(shlex.split(command), check=True, capture_output=True, text=True)
    return done.stdout.splitlines()


def table(command: str, name: int, says: int) -> Iterator[tuple[str, str]]:
    """Yield two columns of a command's output, those with the numbers `name` and `says`."""
    for line in words(command):
        columns = line.split()
        yield columns[name], columns[says]


def accounts(database: str) -> Iterator[tuple[str, str]]:
    """Yield users or groups by name, with all their other fields."""
    for line in words(f"getent {database}"):
        name, _, rest = line.partition(":")
        yield name, rest


def sysctls() -> Iterator[tuple[str, str]]:
    """Yield all settings that can be written. Those that can only be read are counters."""
    for folder, _, names in os.walk("/proc/sys"):
        for path in (Path(folder) / name for name in names):
            if path.stat().st_mode & stat.S_IWUSR:
                try:
                    yield str(path.relative_to("/proc/sys")), " ".join(path.read_text().split())
                except (OSError, UnicodeDecodeError):
                    continue  # it can only be written, or cannot be read in this state


def databases() -> Iterator[tuple[str, str]]:
    """Yield what PostgreSQL and Redis hold, and PostgreSQL's settings, if they run."""
    running = dict(table("systemctl list-units --state=running --no-legend --plain", 0, 3))
    if any(unit.startswith("postgresql@") for unit in running):
        as_postgres = "runuser -u postgres --"
        # each dump has a random word in two lines that protect psql
        dump = [line for line in words(f"{as_postgres} pg_dumpall") if "restrict " not in line]
        yield "postgresql", hashlib.sha256("\n".join(dump).encode()).hexdigest()[:12]
        settings = "psql -XAt -c 'SELECT name, setting FROM pg_settings'"
        for line in words(f"{as_postgres} {settings}"):
            yield f"postgresql {line.partition('|')[0]}", line.partition("|")[2]
    if "redis-server.service" in running:
        yield "redis", " ".join(sorted(words("redis-cli --scan")))


def files() -> Iterator[tuple[str, str]]:
    """Yield everything on the disk, with kind, mode, owner and content."""
    for folder, folders, names in os.walk("/"):
        here = Path(folder)
        folders[:] = [
            name
            for name in folders
            if str(here / name) not in APART and not (here / name).is_mount()
        ]
        for path in (here / name for name in folders + names):
            yield str(path), kind(path)


def kind(path: Path) -> str:
    """Return kind, mode and owner, and a digest of the content or of a link's target."""
    found = path.lstat()
    said = f"{stat.filemode(found.st_mode)} {found.st_uid}:{found.st_gid}"
    if stat.S_ISLNK(found.st_mode):
        return f"{said} -> {path.readlink()}"
    if stat.S_ISREG(found.st_mode):
        return f"{said} {hashlib.sha256(path.read_bytes()).hexdigest()[:12]}"
    return said


def differences(before: State, after: State, stays: dict[str, list[str]]) -> list[str]:
    """Return a line for each difference between two states, except for names that may differ.

    `stays` has patterns of these names by kind.
    """
    found = []
    for what in before:
        for name in sorted(before[what].keys() | after[what].keys()):
            was, is_now = before[what].get(name, "absent"), after[what].get(name, "absent")
            if was != is_now and not any(fnmatchcase(name, p) for p in stays.get(what, [])):
                found.append(f"{what} {name}: {was} -> {is_now}")
    return found


if __name__ == "__main__":
    sys.stdout.write(json.dumps(take()))
