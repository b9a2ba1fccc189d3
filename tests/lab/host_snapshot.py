"""What a host is: settings, files, units, services, users, packages; and what differs afterwards.

Run on a host as root (`python3 - < host_snapshot.py`) it prints the host's state as JSON, with
nothing but Python's own library. `differences` compares two of them, but for what docs/hosts.md
says stays.
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

State = dict[str, dict[str, str]]  # kind -> name -> what can be said of it

APART = ("/proc", "/sys", "/dev", "/run")  # not on a disk


def take() -> State:
    """The state of the host that this runs on."""
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
    """The lines that a command prints."""
    done = subprocess.run(shlex.split(command), check=True, capture_output=True, text=True)
    return done.stdout.splitlines()


def table(command: str, name: int, says: int) -> Iterator[tuple[str, str]]:
    """Two columns of what a command prints."""
    for line in words(command):
        columns = line.split()
        yield columns[name], columns[says]


def accounts(database: str) -> Iterator[tuple[str, str]]:
    """Users or groups by name, with all that is said of them."""
    for line in words(f"getent {database}"):
        name, _, rest = line.partition(":")
        yield name, rest


def sysctls() -> Iterator[tuple[str, str]]:
    """All that can be set; what can only be read is a count of something."""
    for folder, _, names in os.walk("/proc/sys"):
        for path in (Path(folder) / name for name in names):
            if path.stat().st_mode & stat.S_IWUSR:
                try:
                    yield str(path.relative_to("/proc/sys")), " ".join(path.read_text().split())
                except (OSError, UnicodeDecodeError):
                    continue  # it can only be written, or not without something else


def databases() -> Iterator[tuple[str, str]]:
    """What PostgreSQL and Redis hold, and PostgreSQL's settings, where they run."""
    running = dict(table("systemctl list-units --state=running --no-legend --plain", 0, 3))
    if any(unit.startswith("postgresql@") for unit in running):
        as_postgres = "runuser -u postgres --"
        # each dump bears a random word of its own, in lines that guard psql
        dump = [line for line in words(f"{as_postgres} pg_dumpall") if "restrict " not in line]
        yield "postgresql", hashlib.sha256("\n".join(dump).encode()).hexdigest()[:12]
        settings = "psql -XAt -c 'SELECT name, setting FROM pg_settings'"
        for line in words(f"{as_postgres} {settings}"):
            yield f"postgresql {line.partition('|')[0]}", line.partition("|")[2]
    if "redis-server.service" in running:
        yield "redis", " ".join(sorted(words("redis-cli --scan")))


def files() -> Iterator[tuple[str, str]]:
    """Everything on the disk, with kind, mode, owner and content."""
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
    """Kind, mode, owner, and a digest of the content or a link's target."""
    found = path.lstat()
    said = f"{stat.filemode(found.st_mode)} {found.st_uid}:{found.st_gid}"
    if stat.S_ISLNK(found.st_mode):
        return f"{said} -> {path.readlink()}"
    if stat.S_ISREG(found.st_mode):
        return f"{said} {hashlib.sha256(path.read_bytes()).hexdigest()[:12]}"
    return said


def differences(before: State, after: State, stays: dict[str, list[str]]) -> list[str]:
    """What differs between two states, one line each, but for names that may.

    `stays` has patterns of names by kind.
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
