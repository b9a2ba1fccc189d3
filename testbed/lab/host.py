"""One host of a lab: its root file system, its boot, its end."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from testbed.errors import Exit, TestbedError
from testbed.lab import cgroups, takeover
from testbed.lab.command import run
from testbed.lab.cpus import listed
from testbed.lab.image import write_all
from testbed.lab.machine import Say
from testbed.lab.names import HostNames, LabNames

BOOT_TIMEOUT_S = 60
STOP_TIMEOUT_S = 15
POLL_S = 0.05
OPEN_FILES = 1048576  # the most that units in a host may ask for (group_vars: testbed_limit_nofile)
# In pip's own order: the later ranks higher.
PIP_FILES = ("/etc/xdg/pip/pip.conf", "/etc/pip.conf", "~/.pip/pip.conf", "~/.config/pip/pip.conf")
RESOLVERS = (Path("/etc/resolv.conf"), Path("/run/systemd/resolve/resolv.conf"))


def copy_roots(image: Path, lab: LabNames) -> None:
    """Copy the image for each host, both at once. Raises TestbedError with cp's last words."""
    copies = [
        subprocess.Popen(  # ends with us, so that a killed `up` does not go on writing
            ["setpriv", "--pdeathsig", "SIGKILL", "cp", "-a", "--reflink=auto", image, host.root],
            stderr=subprocess.PIPE,
            text=True,
        )
        for host in lab.hosts
    ]
    words = [copy.communicate()[1] for copy in copies]
    if any(copy.returncode != 0 for copy in copies):
        raise TestbedError(
            f"the hosts' files could not be copied: {' '.join(words).strip()}",
            exit_code=Exit.NOT_READY,
        )


def make_keys(lab: LabNames) -> None:
    """The lab's own SSH key, a host key for each host, and the known_hosts file that goes with
    them: no key is ever trusted on first use."""
    lab.private_key.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _make_key(lab.private_key, f"testbed-{lab.name}")
    known = []
    for host in lab.hosts:
        host_key = host.root / "etc/ssh/ssh_host_ed25519_key"
        _make_key(host_key, host.hostname)
        known.append(f"{host.address} {host_key.with_suffix('.pub').read_text()}")
    lab.known_hosts.write_text("".join(known))


def _make_key(path: Path, comment: str) -> None:
    run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(path)])


def personalize(host: HostNames, lab: LabNames, environment: Mapping[str, str]) -> list[str]:
    """Give the copied root its own identity and the machine's settings.

    Returns folders of the machine that the host needs to see (pip's local indexes).
    Raises TestbedError if the machine has no name server that the host could reach.
    """
    root = host.root
    settings = pip_settings(environment)
    (root / "root/.ssh").mkdir(mode=0o700, exist_ok=True)
    write_all(
        root,
        {
            "/etc/hostname": f"{host.hostname}\n",
            "/etc/machine-id": f"{uuid.uuid4().hex}\n",
            "/etc/hosts": takeover.hosts_file(
                host.hostname,
                {peer.hostname: peer.bench_address for peer in lab.hosts if peer != host},
            ),
            "/etc/resolv.conf": _resolver(),
            "/etc/pip.conf": takeover.pip_conf(settings),
            "/etc/environment": takeover.environment_file(
                environment, lambda path: (root / path.lstrip("/")).exists()
            ),
            "/etc/ssh/sshd_config.d/testbed-address.conf": f"ListenAddress {host.address}\n",
            "/root/.ssh/authorized_keys": lab.private_key.with_suffix(".pub").read_text(),
        },
    )
    return [folder for folder in takeover.local_folders(settings) if Path(folder).is_dir()]


def pip_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """pip's settings on this machine."""
    files = [Path(name).expanduser() for name in PIP_FILES]
    if environment.get("PIP_CONFIG_FILE"):
        files.append(Path(environment["PIP_CONFIG_FILE"]))
    return takeover.pip_settings([f.read_text() for f in files if f.is_file()], environment)


def _resolver() -> str:
    text = takeover.resolver(path.read_text() for path in RESOLVERS if path.is_file())
    if text is None:
        raise TestbedError(
            "the machine's resolv.conf names no server that a lab host could reach",
            remedy="name one that is not on a loopback address",
            exit_code=Exit.NOT_READY,
        )
    return text


def start(host: HostNames, cpus: Sequence[int] | None, shown_folders: Sequence[str]) -> None:
    """Boot the host, detached from this process and its terminal.

    Raises TestbedError if it cannot be started at all.
    """
    group = cgroups.make(host.machine)
    # Enter the control group first, detach then: whatever happens, `down` finds the process.
    enter = ["sh", "-c", 'echo $$ > "$0" && exec setsid --fork "$@"', str(group / "cgroup.procs")]
    pin = ["taskset", "--cpu-list", listed(cpus)] if cpus else []
    with host.log.open("w") as log:
        done = subprocess.run(
            [*enter, *pin, *_nspawn(host, shown_folders)],
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


def _nspawn(host: HostNames, shown_folders: Sequence[str]) -> list[str]:
    most_files = min(OPEN_FILES, int(Path("/proc/sys/fs/nr_open").read_text()))
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
        "--capability=CAP_NET_ADMIN",  # its namespace is its own to configure
        f"--rlimit=RLIMIT_NOFILE=1024:{most_files}",
        f"--network-namespace-path=/run/netns/{host.machine}",
        f"--machine={host.machine}",
        f"--hostname={host.hostname}",
        f"--directory={host.root}",
        *(f"--bind-ro={folder}" for folder in shown_folders),
    ]


def ssh_command(lab: LabNames, host: HostNames, *command: str) -> list[str]:
    """An ssh command line that takes only the lab's key and knows only the lab's hosts."""
    options = ["BatchMode=yes", "IdentitiesOnly=yes", "StrictHostKeyChecking=yes"]
    options += [f"UserKnownHostsFile={lab.known_hosts}", "ConnectTimeout=5", "LogLevel=ERROR"]
    flags = [word for option in options for word in ("-o", option)]
    where = ["-F", "none", "-i", str(lab.private_key), *flags, f"root@{host.address}"]
    return ["ssh", *where, *command]


def wait_until_up(lab: LabNames, host: HostNames, say: Say) -> None:
    """Wait until the host lets us in and has finished booting.

    Raises TestbedError with the end of the host's console if it takes too long.
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
    """Whether something listens on the host's SSH port."""
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
    """The last lines that the host printed on its console."""
    try:
        text = host.log.read_text(errors="replace")
    except FileNotFoundError:
        return "  (nothing)"
    return "\n".join(f"  {line}" for line in text.splitlines()[-lines:]) or "  (nothing)"


def is_running(host: HostNames) -> bool:
    """Whether any process of the host lives."""
    return cgroups.is_populated(host.machine)


def stop(hosts: Sequence[HostNames]) -> None:
    """Power the hosts off, both at once; kill what does not end in time."""
    for host in hosts:
        # systemd-nspawn passes this on as the request to power off
        cgroups.send(host.machine, signal.SIGTERM, only="systemd-nspawn")
    deadline = time.monotonic() + STOP_TIMEOUT_S
    for host in hosts:
        while is_running(host) and time.monotonic() < deadline:
            time.sleep(POLL_S)
        killing_until = time.monotonic() + STOP_TIMEOUT_S
        while is_running(host) and time.monotonic() < killing_until:
            cgroups.send(host.machine, signal.SIGKILL)
            time.sleep(POLL_S)
        cgroups.remove(host.machine)


def remove_files(lab: LabNames) -> None:
    """Delete the lab's folder. Mounts below it, if any, are taken away first, never emptied."""
    for mount in mounts_below(lab.folder):
        run(["umount", "--lazy", str(mount)])
    if lab.folder.exists():
        with contextlib.suppress(FileNotFoundError):
            run(["rm", "-rf", "--one-file-system", str(lab.folder)], timeout_s=120)
    if lab.folder.exists():
        shutil.rmtree(lab.folder, ignore_errors=True)


def mounts_below(folder: Path) -> list[Path]:
    """Mounts in the machine's own view at or below the folder, the deepest first."""
    lines = cgroups.MOUNTS.read_text().splitlines()
    places = [Path(line.split()[4].encode().decode("unicode_escape")) for line in lines]
    return sorted((place for place in places if place.is_relative_to(folder)), reverse=True)
