"""One host of a lab: its root file system, its boot and its end."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from testbed.errors import Exit, TestbedError
from testbed.lab import cgroups, roots
from testbed.lab.command import delete, run
from testbed.lab.cpus import listed
from testbed.lab.machine import Say
from testbed.lab.names import HostNames, LabNames

BOOT_TIMEOUT_S = 180  # enough for a slow machine that does other things, too
STOP_TIMEOUT_S = 15
POLL_S = 0.05
OPEN_FILES = (
    1048576  # the most that units in a host may ask for (testbed_limit_nofile in group_vars)
)


def start(
    image: Path,
    host: HostNames,
    cpus: Sequence[int] | None,
    open_files: int,
    shown_folders: Sequence[str],
) -> None:
    """Boot the host, detached from this process and its terminal.

    Raises TestbedError if it cannot be started.
    """
    group = cgroups.make(host.machine)
    # Enter the control group first, detach then: whatever happens, `down` finds the process.
    enter = ["sh", "-c", 'echo $$ > "$0" && exec setsid --fork "$@"', str(group / "cgroup.procs")]
    pin = ["taskset", "--cpu-list", listed(cpus)] if cpus else []
    with host.log.open("w") as log:
        done = subprocess.run(
            [*enter, *pin, *roots.enter(image, host), *_nspawn(host, open_files, shown_folders)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            check=False,
            env={
                "PATH": os.environ["PATH"],
                "SYSTEMD_NSPAWN_API_VFS_WRITABLE": "network",  # /proc/sys/net, for tuning
                "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1",  # newer systemd boots on nothing else
            },
        )
    if done.returncode != 0:
        raise TestbedError(
            f"{host.hostname} could not be started:\n{console_end(host)}",
            exit_code=Exit.NOT_READY,
        )


def _nspawn(host: HostNames, open_files: int, shown_folders: Sequence[str]) -> list[str]:
    return [
        "systemd-nspawn",
        "--quiet",
        "--boot",
        "--settings=no",
        "--register=no",
        "--keep-unit",
        "--private-users=no",
        "--link-journal=no",
        "--resolv-conf=off",
        "--timezone=off",
        "--capability=CAP_NET_ADMIN",  # the host may configure its own namespace
        f"--rlimit=RLIMIT_NOFILE={min(1024, open_files)}:{open_files}",
        f"--network-namespace-path=/run/netns/{host.machine}",
        f"--machine={host.machine}",
        f"--hostname={host.hostname}",
        f"--directory={host.root}",
        *(f"--bind-ro={folder}" for folder in shown_folders),
    ]


def ssh_command(lab: LabNames, host: HostNames, *command: str) -> list[str]:
    """Return an ssh command line that uses only the lab's key and knows only the lab's hosts."""
    options = ["BatchMode=yes", "IdentitiesOnly=yes", "StrictHostKeyChecking=yes"]
    options += [f"UserKnownHostsFile={lab.known_hosts}", "ConnectTimeout=5", "LogLevel=ERROR"]
    flags = [word for option in options for word in ("-o", option)]
    where = ["-F", "none", "-i", str(lab.private_key), *flags, f"root@{host.address}"]
    return ["ssh", *where, *command]


def wait_until_up(lab: LabNames, host: HostNames, say: Say) -> None:
    """Wait until the host accepts logins and has finished booting.

    Raises TestbedError, with the end of the host's console, if it takes too long.
    """
    deadline = time.monotonic() + BOOT_TIMEOUT_S
    _wait(host, deadline, "answers on its SSH port", lambda: answers(host))
    _wait(
        host,
        deadline,
        "lets us in",
        lambda: run(ssh_command(lab, host, "true"), check=False).returncode == 0,
    )
    left_s = max(5.0, deadline - time.monotonic())
    boot = ssh_command(lab, host, "systemctl", "is-system-running", "--wait")
    state = run(boot, timeout_s=left_s, check=False).stdout.strip()
    if state != "running":
        failed = ssh_command(lab, host, "systemctl", "--failed", "--plain", "--no-legend")
        units = run(failed, check=False).stdout.strip()
        say(f"{host.hostname} is {state or 'in an unknown state'}: {units}")


def answers(host: HostNames) -> bool:
    """Return whether something listens on the host's SSH port."""
    try:
        with socket.create_connection((host.address, 22), timeout=1):
            return True
    except OSError:
        return False


def _wait(host: HostNames, deadline: float, what: str, condition: Callable[[], bool]) -> None:
    while not condition():
        ended = not is_running(host)
        if ended or time.monotonic() > deadline:
            problem = "ended while booting" if ended else f"not up after {BOOT_TIMEOUT_S} s"
            raise TestbedError(
                f"{host.hostname} {problem} (waited until it {what}); its console's end:\n"
                f"{console_end(host)}",
                exit_code=Exit.NOT_READY,
            )
        time.sleep(POLL_S)


def console_end(host: HostNames, lines: int = 15) -> str:
    """Return the last lines that the host printed on its console."""
    try:
        text = host.log.read_text(errors="replace")
    except FileNotFoundError:
        return "  (nothing)"
    return "\n".join(f"  {line}" for line in text.splitlines()[-lines:]) or "  (nothing)"


def is_running(host: HostNames) -> bool:
    """Return whether any process of the host is alive."""
    return cgroups.is_populated(host.machine)


def stop(hosts: Sequence[HostNames], *, power_off: bool) -> None:
    """End the hosts, all at once. Without `power_off`, or if it takes too long, kill them.

    A host that has not finished booting does not react to the request to power off.
    """
    if power_off:
        for host in hosts:
            # systemd-nspawn passes this on as the request to power off
            cgroups.send(host.machine, signal.SIGTERM, only="systemd-nspawn")
    deadline = time.monotonic() + (STOP_TIMEOUT_S if power_off else 0)
    for host in hosts:
        while is_running(host) and time.monotonic() < deadline:
            time.sleep(POLL_S)
        killing_until = time.monotonic() + STOP_TIMEOUT_S
        while is_running(host) and time.monotonic() < killing_until:
            cgroups.send(host.machine, signal.SIGKILL)
            time.sleep(POLL_S)
        cgroups.remove(host.machine)


def remove_files(lab: LabNames) -> None:
    """Delete the lab's folder. Mounts below it are unmounted first, never emptied."""
    for mount in mounts_below(lab.folder):
        run(["umount", "--lazy", str(mount)])
    if lab.folder.exists():
        delete(lab.folder)


def mounts_below(folder: Path) -> list[Path]:
    """Return the mounts that the machine sees at or below the folder, the deepest first."""
    lines = cgroups.MOUNTS.read_text().splitlines()
    places = [Path(line.split()[4].encode().decode("unicode_escape")) for line in lines]
    return sorted((place for place in places if place.is_relative_to(folder)), reverse=True)
