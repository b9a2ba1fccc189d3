"""Read what a host is: for campaign.json, and to recognise the host and its link again."""

import json
import subprocess
import time
from pathlib import Path
from typing import Annotated, Any

import ansible.release
import fabric
from pydantic import BaseModel, ConfigDict, Field

from testbed.errors import Exit, TestbedError
from testbed.host_roles import HostRole
from testbed.hosts.failures import CommandFailed, NotAnAnswer
from testbed.hosts.linkproof import Look
from testbed.hosts.remote import Remote, ask
from testbed.model.campaign import HostRecord, Sysctl
from testbed.model.link import Nic
from testbed.model.service import SERVICES
from testbed.paths import ROOT
from testbed.tools.table import INSTALLED

# Debian packages whose versions affect the figures, as patterns of dpkg-query.
PACKAGES = (
    *(service.package for service in SERVICES.values() if service.package is not None),
    "python3",
    "python3-psutil",
    *(tool.package for tool in INSTALLED if tool.package is not None),
    "openssh-server",
    "systemd",
    "libc6",
    "linux-image-[0-9]*",
)


# sudo allows exactly these (roles/bench_user and roles/link_delay)
JOURNAL_OPTIONS = ("-n", "12", "-o", "json", "--all", "--no-pager")
JOURNAL_TIMEOUT_S = 10  # of waiting for words; only where they never come does it take so long


def journal(remote: Remote, unit: str, awaited: tuple[str, ...] = ("",)) -> str:
    """Return the last lines that one of the testbed's units logged since its latest start.

    What a process wrote may arrive in the journal after the process has ended. So wait, for some
    seconds at most, until one of the `awaited` texts is there.
    """
    command = ["sudo", "-n", "journalctl", "-u", unit, *JOURNAL_OPTIONS]
    deadline = time.monotonic() + JOURNAL_TIMEOUT_S
    while True:
        words = "\n".join(since_start(remote.run(command, check=False).stdout.splitlines()))
        if any(text in words for text in awaited) or time.monotonic() > deadline:
            return words
        time.sleep(0.1)


def since_start(entries: list[str]) -> list[str]:
    """Return the messages of a unit's latest start, from journal entries in JSON.

    systemd gives each start an id of its own, and logs at least that it starts the unit. So the
    last id is that of the latest start. What a process wrote has no id if the process had ended
    before the journal read it; it belongs to the start that was logged before.
    """
    found = [_entry(line) for line in entries]
    starts = [start for start, _ in found]
    latest = next((start for start in reversed(starts) if start is not None), None)
    begins = starts.index(latest) if found else 0
    return [message for start, message in found[begins:] if start in (latest, None)]


def _entry(line: str) -> tuple[str | None, str]:
    """Return the id of the start that an entry belongs to, None if it has none, and its message."""
    try:
        fields = dict(json.loads(line))
    except (ValueError, TypeError, RecursionError):
        return None, line
    start = fields.get("INVOCATION_ID") or fields.get("_SYSTEMD_INVOCATION_ID")
    message = fields.get("MESSAGE")
    if isinstance(message, list):  # its bytes, as it holds what is no text
        of_bytes = (one for one in message if isinstance(one, int) and one in range(256))
        message = bytes(of_bytes).decode(errors="replace")
    return start if isinstance(start, str) else None, str(message or "")


class DescribedNic(BaseModel):
    """The data link's interface in the output of `telemetry describe`."""

    model_config = ConfigDict(extra="allow")

    interface: str
    mac: str | None
    mtu: int
    speed_mbit_per_s: int | None
    full_duplex: bool | None


class Described(BaseModel):
    """The part of the output of `telemetry describe` that the control side uses."""

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
    """The recorded part of tuning.json, which roles/kernel_tuning writes on a host."""

    sysctls: list[Sysctl]


def describe(remote: Remote) -> dict[str, Any]:
    """Return the host's description by its telemetry program.

    Raises TestbedError, with the remedy, if the host is not provisioned.
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
    """Return the options that tell the telemetry program of `remote` where the data link is."""
    return [
        f"--interface={remote.host.bench_interface}",
        f"--address={remote.host.bench_address}",
        f"--peer={peer.host.bench_address}",
    ]


def link_look(remote: Remote, peer: Remote) -> Look:
    """Return the state of the host's end of the data link, and all of its interfaces.

    Raises TestbedError, with the remedy, if this testbed did not provision the host.
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
    """Return how many seconds the host's clock is ahead of this machine's.

    Of several readings, the one with the shortest round trip counts. The host's time is taken to be
    that in the middle of the round trip (Cristian's algorithm). The error is at most half a round
    trip, some 30 ms.
    """
    readings = []
    for _ in range(samples):
        before = time.time()
        there = ask(remote, "date +%s.%N", float)
        after = time.time()
        readings.append((after - before, there - (before + after) / 2))
    return round(min(readings)[1], 4)


def identity(remote: Remote, found: dict[str, Any]) -> str:
    """Return a text that identifies this host, on this link, since its last boot."""
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
    """Return the data link's interface from a host's description."""
    return Nic.model_validate({key: found["nic"][key] for key in Nic.model_fields})


def record(remote: Remote, found: dict[str, Any]) -> HostRecord:
    """Return the host's record, with the settings of provisioning as the kernel reads them now."""
    tuned = ask(remote, ["cat", f"{remote.facts.testbed_etc}/tuning.json"], Tuned)
    role: HostRole = remote.host.role
    kept = {key: found[key] for key in HostRecord.model_fields if key in found}
    return HostRecord.model_validate(kept | {"role": role, "sysctls": tuned.sysctls})


def control_side() -> dict[str, str]:
    """Return the commit and the versions of the software that measures."""
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
