"""What the hosts are, read back from them: for campaign.json and for the link's identity."""

import re
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, Any

import ansible.release
import fabric
from pydantic import BaseModel, ConfigDict, Field

from testbed import lab
from testbed.errors import Exit, TestbedError
from testbed.inventory import Inventory
from testbed.linkproof import Look
from testbed.model.results import HostRecord, HostRole, Nic, Sysctl
from testbed.paths import ROOT
from testbed.remote import CommandFailed, NotAnAnswer, Process, Remote, ask

# Debian packages whose versions bear on the figures; patterns are dpkg-query's.
PACKAGES = (
    "postgresql-[0-9]*",
    "redis-server",
    "python3",
    "python3-psutil",
    "wrk",
    "apache2-utils",
    "iperf",
    "openssh-server",
    "systemd",
    "libc6",
    "linux-image-[0-9]*",
)


LEASE = "testbed-lease.service"  # of roles/bench_user: runs while the hosts are reserved
RESERVE_TIMEOUT_S = 20
JOURNAL_LINES = "12"  # as roles/bench_user and roles/link_delay let us ask for


def connect(inventory: Inventory) -> tuple[Remote, Remote]:
    """Connections to server and client.

    Raises HostUnreachable, and TestbedError for a lab that is not up: its addresses then lead
    nobody knows where, so they are not even tried.
    """
    lab.check_up(inventory.facts.testbed_lab)
    remotes = Remote(inventory.server, inventory.facts), Remote(inventory.client, inventory.facts)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(Remote.open, remotes))
    return remotes


@contextmanager
def reserved(server: Remote, client: Remote) -> Iterator[None]:
    """Keep the hosts to ourselves while the block runs.

    Each host's lock is a process there that ends with our connection, so none gets stale. The
    host's lease waits for the lock: once it is free, what runs only under the lease (apps, a delay
    of the data link) is stopped, even if we cannot do it. Raises TestbedError if somebody else
    holds a lock.
    """
    with ExitStack() as stack:
        for remote in (server, client):
            lock = f"{remote.facts.testbed_run}/in-use"
            # the lease of a campaign that has just ended holds the lock for a moment: 2 s are given
            holder = remote.start(f"flock -w 2 {lock} sh -c 'echo held; exec sleep infinity'")
            stack.callback(holder.stop)
            _wait_until_held(holder, lock)
        yield


def _wait_until_held(holder: Process, lock: str) -> None:
    deadline = time.monotonic() + RESERVE_TIMEOUT_S
    while "held" not in holder.output:
        code = holder.wait(0.05)
        if code == 1:  # flock's own, after its time-out
            raise TestbedError(
                "the hosts are in use: another campaign or link verification is running there",
                remedy="wait for its end",
                exit_code=Exit.NOT_READY,
            )
        if code is not None or time.monotonic() > deadline:
            problem = holder.output.strip() or f"no answer within {RESERVE_TIMEOUT_S} s"
            raise TestbedError(
                f"{holder.host.role} host: cannot be reserved: {problem}",
                remedy=f"what is {lock} on that host? Remove it unless it is a plain file of "
                "its owner; or run `ansible-playbook site.yml`",
                exit_code=Exit.NOT_READY,
            )


def clear(server: Remote, client: Remote) -> None:
    """Stop and remove what a campaign that was killed, or lost its hosts, left running on them."""
    listing = ["systemctl", "list-units", "--plain", "--no-legend", "--full", "testbed-*.service"]
    for remote in (server, client):  # apps, and the data link's delay
        for unit in re.findall(r"^testbed-\S+", remote.run(listing).stdout, re.MULTILINE):
            if unit == LEASE:  # it waits for the lock, which is ours now
                continue
            remote.run(["sudo", "-n", "systemctl", "stop", unit])
            remote.run(["sudo", "-n", "systemctl", "reset-failed", unit], check=False)
        kept = ["-mindepth", "1", "-maxdepth", "1", "!", "-name", "in-use"]
        remote.run(["find", remote.facts.testbed_run, *kept, "-exec", "rm", "-rf", "{}", "+"])


def journal(remote: Remote, unit: str) -> str:
    """The last lines that one of the testbed's units logged, as far back as we may read."""
    command = ["sudo", "-n", "journalctl", "-u", unit, "-n", JOURNAL_LINES, "-o", "cat"]
    return remote.run([*command, "--no-pager"], check=False).stdout


class DescribedNic(BaseModel):
    """The data link's interface as `telemetry describe` has it."""

    model_config = ConfigDict(extra="allow")

    interface: str
    mac: str | None
    mtu: int
    speed_mbit_per_s: int | None
    full_duplex: bool | None


class Described(BaseModel):
    """What of `telemetry describe` the control side relies upon; there may be more."""

    model_config = ConfigDict(extra="allow")

    hostname: str
    os: str
    kernel: str
    cpu_model: str
    cpus: Annotated[int, Field(ge=1, le=100_000)]
    memory_bytes: Annotated[int, Field(ge=1, le=2**60)]
    governor: str | None
    virtual: str | None
    machine_id: str | None
    boot_id: str | None
    nic: DescribedNic | None
    packages: dict[str, str]


class Tuned(BaseModel):
    """What of tuning.json, which roles/kernel_tuning leaves on a host, is recorded."""

    sysctls: list[Sysctl]


def describe(remote: Remote) -> dict[str, Any]:
    """The host as its telemetry program describes it.

    Raises TestbedError with the remedy if the host is not provisioned.
    """
    facts = remote.facts
    command = [
        f"{facts.testbed_prefix}/bin/telemetry",
        "describe",
        f"--interface={remote.host.bench_interface}",
        f"--environments={facts.testbed_prefix}/venvs",
        *(f"--package={name}" for name in PACKAGES),
    ]
    try:
        found = ask(remote, command, Described).model_dump()
    except CommandFailed as error:
        raise TestbedError(
            f"{error}",
            remedy="run `ansible-playbook site.yml` for this inventory",
            exit_code=Exit.NOT_READY,
        ) from error
    if found["nic"] is None:
        names = ", ".join(remote.run(["ls", "/sys/class/net"]).stdout.split())
        raise TestbedError(
            f"{remote.host.role} host: bench_interface '{remote.host.bench_interface}' is none of "
            f"its interfaces: {names}",
            remedy="correct bench_interface in the inventory",
            exit_code=Exit.NOT_READY,
        )
    return found


def link_options(remote: Remote, peer: Remote) -> list[str]:
    """Where the data link is, for the telemetry program of `remote`."""
    return [
        f"--interface={remote.host.bench_interface}",
        f"--address={remote.host.bench_address}",
        f"--peer={peer.host.bench_address}",
    ]


def link_look(remote: Remote, peer: Remote) -> Look:
    """The host's end of the data link now, and all of its interfaces.

    Raises TestbedError with the remedy if the host is not provisioned by this testbed.
    """
    program = f"{remote.facts.testbed_prefix}/bin/telemetry"
    try:
        return ask(remote, [program, "link", *link_options(remote, peer)], Look)
    except (CommandFailed, NotAnAnswer) as error:
        raise TestbedError(
            f"{remote.host.role} host: its telemetry does not tell how the data link is: {error}",
            remedy="run `ansible-playbook site.yml` for this inventory",
            exit_code=Exit.NOT_READY,
        ) from error


def clock_offset_s(remote: Remote, samples: int = 3) -> float:
    """By how much the host's clock is ahead of this machine's, seconds.

    Of several readings, the one with the shortest way there and back counts, taken to lie in its
    middle (Cristian's algorithm); it is off by at most half that way, some 30 ms.
    """
    readings = []
    for _ in range(samples):
        before = time.time()
        there = ask(remote, "date +%s.%N", float)
        after = time.time()
        readings.append((after - before, there - (before + after) / 2))
    return round(min(readings)[1], 4)


def identity(remote: Remote, found: dict[str, Any]) -> str:
    """Who this host is on this link since its last boot."""
    return " ".join(
        str(part)
        for part in (
            found["machine_id"],
            found["boot_id"],
            remote.host.bench_address,
            found["nic"]["mac"],
        )
    )


def nic(found: dict[str, Any]) -> Nic:
    """The data link's interface."""
    return Nic.model_validate({key: found["nic"][key] for key in Nic.model_fields})


def record(remote: Remote, found: dict[str, Any]) -> HostRecord:
    """The host with the settings that provisioning applied, as the kernel reads back now."""
    tuned = ask(remote, ["cat", f"{remote.facts.testbed_etc}/tuning.json"], Tuned)
    role: HostRole = remote.host.role
    kept = {key: found[key] for key in HostRecord.model_fields if key in found}
    return HostRecord.model_validate(kept | {"role": role, "sysctls": tuned.sysctls})


def control_side() -> dict[str, str]:
    """Commit and versions of what measures."""
    return {
        "git_commit": _git("rev-parse", "HEAD") or "unknown",
        "git_changes": "yes" if _git("status", "--porcelain") else "none",
        "ansible-core": ansible.release.__version__,
        "fabric": fabric.__version__,
    }


def _git(*words: str) -> str | None:
    command = ["git", "-C", str(Path(ROOT)), *words]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    return result.stdout.strip() if result.returncode == 0 else None
