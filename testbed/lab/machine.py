"""Check what labs need of the machine, and change and restore its settings for them.

The settings are put back when the last lab goes down.
"""

import contextlib
import fcntl
import json
import os
import resource
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from testbed.errors import Exit, TestbedError
from testbed.lab import cgroups
from testbed.lab.command import run
from testbed.lab.names import CACHE_FOLDER, LABS_FOLDER

Say = Callable[[str], None]

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")
NAMESPACES = Path("/run/netns")
FOUND = LABS_FOLDER / ".machine.json"  # has the settings found before the first lab
DISK_NEEDED_B = 2 * 1000**3

# the package of Debian and Ubuntu, by tool
TOOLS = {
    "ip": "iproute2",
    "tc": "iproute2",
    "nft": "nftables",
    "mmdebstrap": "mmdebstrap",
    "systemd-nspawn": "systemd-container",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "prlimit": "util-linux",
    "setpriv": "util-linux",
    "unshare": "util-linux",
    "taskset": "util-linux",
}
RELEASES = {("debian", "12"), ("debian", "13"), ("ubuntu", "24.04")}


@dataclass(frozen=True)
class Release:
    """The distribution of the machine, and so of the lab's hosts."""

    distribution: str
    version: str
    codename: str


@dataclass(frozen=True)
class Found:
    """The machine's state before the first lab."""

    boot_id: str
    ip_forward: str
    netns_mounted: bool


def release(os_release: str) -> Release:
    """Return the release that the text of /etc/os-release names.

    Raises TestbedError if it is not supported.
    """
    pairs = (line.split("=", 1) for line in os_release.splitlines() if "=" in line)
    facts = {key: value.strip("\"'") for key, value in pairs}
    found = Release(
        facts.get("ID", ""), facts.get("VERSION_ID", ""), facts.get("VERSION_CODENAME", "")
    )
    if (found.distribution, found.version) not in RELEASES:
        raise TestbedError(
            f"{facts.get('PRETTY_NAME', 'this system')} is not supported as a lab",
            remedy="use Debian 12, Debian 13 or Ubuntu 24.04, or real hosts (inventory/baremetal)",
            exit_code=Exit.NOT_READY,
        )
    return found


def check() -> Release:
    """Return the machine's release if a lab can run here.

    Raises TestbedError, with one line for each thing that is missing.
    """
    check_rights()
    missing = sorted({package for tool, package in TOOLS.items() if not shutil.which(tool)})
    if missing:
        raise TestbedError(
            f"the lab needs packages that are not installed: {', '.join(missing)}",
            remedy=f"script/bootstrap, or apt-get install {' '.join(missing)}",
            exit_code=Exit.NOT_READY,
        )
    found = release(Path("/etc/os-release").read_text())
    problems = [problem for problem in (_no_namespaces(), _no_cgroups(), _no_disk()) if problem]
    if problems:
        raise TestbedError("\n".join(problems), exit_code=Exit.NOT_READY)
    return found


def check_rights() -> None:
    """Raise TestbedError if this process is not root."""
    if os.geteuid() != 0:
        raise TestbedError(
            "the lab needs root: it makes network namespaces and boots containers",
            remedy="run it as root (sudo -i)",
            exit_code=Exit.NOT_READY,
        )


def _no_namespaces() -> str | None:
    probe = run(["unshare", "--net", "--mount", "--pid", "--fork", "true"], check=False)
    if probe.returncode == 0:
        return None
    return f"namespaces cannot be made here ({probe.stderr.strip()}): a container without rights?"


def _no_cgroups() -> str | None:
    mount = cgroups.unified_mount(cgroups.MOUNTS.read_text())
    if mount is None:
        return "no cgroup2 file system is mounted (mount -t cgroup2 none /sys/fs/cgroup)"
    if not os.access(mount, os.W_OK) or os.statvfs(mount).f_flag & os.ST_RDONLY:
        return f"{mount} is read-only: a container without rights?"
    return None


def _no_disk() -> str | None:
    parent = next(path for path in (LABS_FOLDER, *LABS_FOLDER.parents) if path.exists())
    free = shutil.disk_usage(parent).free
    if free >= DISK_NEEDED_B:
        return None
    return f"{parent} has {free / 1e9:.1f} GB free; a lab needs {DISK_NEEDED_B / 1e9:.0f} GB"


def most_open_files(wanted: int) -> int:
    """Return how many files a host's process may have open: `wanted`, if the machine allows it.

    Root without CAP_SYS_RESOURCE (in a container) cannot exceed its own hard limit.
    """
    wanted = min(wanted, int(Path("/proc/sys/fs/nr_open").read_text()))
    if run(["prlimit", f"--nofile={wanted}:{wanted}", "true"], check=False).returncode == 0:
        return wanted
    return resource.getrlimit(resource.RLIMIT_NOFILE)[1]


@contextlib.contextmanager
def lock(say: Say) -> Iterator[None]:
    """Let only one lab command run on this machine while the block runs.

    Labs share the image and the machine's settings. The kernel frees the lock when its holder ends,
    however it ends.
    """
    CACHE_FOLDER.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(CACHE_FOLDER, os.O_RDONLY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another lab command to finish")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def boot_id() -> str:
    """Return a text that differs after every boot of the machine."""
    return BOOT_ID.read_text().strip()


def labs() -> list[str]:
    """Return the names of the labs that exist, whole or half-made; an empty list without one."""
    if not LABS_FOLDER.is_dir():
        return []
    return sorted(path.name for path in LABS_FOLDER.iterdir() if path.is_dir())


def prepare() -> None:
    """Let the machine forward packets. The setting found before is recorded first."""
    found = _found()
    if found is None or found.boot_id != boot_id():
        found = Found(boot_id(), FORWARDING.read_text().strip(), os.path.ismount(NAMESPACES))
        write_json(FOUND, asdict(found))
    if FORWARDING.read_text().strip() != "1":
        FORWARDING.write_text("1")


def restore() -> None:
    """Put back the settings that `prepare` found, if no lab is left."""
    if labs():
        return
    found = _found()
    if found and found.boot_id == boot_id():
        if FORWARDING.read_text().strip() != found.ip_forward:
            FORWARDING.write_text(found.ip_forward)
        # `ip netns add` mounts this folder on itself at its first use and never takes it away
        if (
            not found.netns_mounted
            and os.path.ismount(NAMESPACES)
            and not any(NAMESPACES.iterdir())
        ):
            run(["umount", str(NAMESPACES)])
            NAMESPACES.rmdir()
    FOUND.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # it does not exist, or holds something of the user's
        LABS_FOLDER.rmdir()


def _found() -> Found | None:
    try:
        return Found(**json.loads(FOUND.read_text()))
    except FileNotFoundError:
        return None


def write_json(path: Path, content: object) -> None:
    """Write the file completely or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    partial.write_text(json.dumps(content, indent=2) + "\n")
    partial.replace(path)
