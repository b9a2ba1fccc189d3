"""Connect, reserve and clear the hosts of a testbed together, by their roles."""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import TypeVar

from testbed import lab
from testbed.errors import Exit, TestbedError
from testbed.host_roles import HostRole
from testbed.hosts.inventory import Inventory
from testbed.hosts.process import Process
from testbed.hosts.remote import Remote

Remotes = Mapping[HostRole, Remote]
T = TypeVar("T")

LEASE = "testbed-lease.service"  # made by roles/bench_user; it runs while the hosts are reserved
RESERVE_TIMEOUT_S = 20


def at_once(remotes: Remotes, ask: Callable[[Remote], T]) -> dict[HostRole, T]:
    """Return what each host answers; all are asked at the same time. Raises what `ask` raises."""
    with ThreadPoolExecutor(len(remotes)) as pool:
        return dict(zip(remotes, pool.map(ask, remotes.values()), strict=True))


@contextmanager
def held(inventory: Inventory, *, cleared: bool = True) -> Iterator[Remotes]:
    """Connect to all hosts and reserve them while the block runs.

    With `cleared`, what an earlier campaign left running on them is ended first. Raises
    TestbedError if a host cannot be reached, or if somebody else uses it.
    """
    remotes = connect(inventory)
    try:
        with reserved(remotes):
            if cleared:
                clear(remotes)
            yield remotes
    finally:
        for remote in remotes.values():
            remote.close()


def connect(inventory: Inventory) -> Remotes:
    """Return connections to all hosts.

    Raises HostUnreachable, and TestbedError for a lab that is not up. Such a lab is not contacted,
    as its addresses could belong to anybody.
    """
    lab.check_up(inventory.facts.testbed_lab)
    remotes = {role: Remote(host, inventory.facts) for role, host in inventory.hosts.items()}
    at_once(remotes, Remote.open)
    return remotes


@contextmanager
def reserved(remotes: Remotes) -> Iterator[None]:
    """Reserve the hosts while the block runs.

    Each host's lock is held by a process there that ends with this connection, so that no lock
    outlives its holder. The host's lease unit waits for the lock. Once the lock is free, everything
    that may run only under the lease (apps, a delay of the data link) is stopped, even if this side
    cannot do it. Raises TestbedError if somebody else holds a lock.
    """
    with ExitStack() as stack:
        for remote in remotes.values():
            lock = f"{remote.facts.testbed_run}/in-use"
            # The lease of a campaign that has just ended holds the lock for a moment: wait for 2 s
            holder = remote.start(f"flock -w 2 {lock} sh -c 'echo held; exec sleep infinity'")
            stack.callback(holder.stop)
            _wait_until_held(holder, lock)
        yield


def _wait_until_held(holder: Process, lock: str) -> None:
    deadline = time.monotonic() + RESERVE_TIMEOUT_S
    while "held" not in holder.output:
        code = holder.wait(0.05)
        if code == 1:  # flock's own exit code after its time-out
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


def clear(remotes: Remotes) -> None:
    """Stop and remove what a campaign that was killed, or that lost its hosts, left on them."""
    listing = ["systemctl", "list-units", "--plain", "--no-legend", "--full", "testbed-*.service"]
    for remote in remotes.values():  # apps, and the data link's delay
        for unit in re.findall(r"^testbed-\S+", remote.run(listing).stdout, re.MULTILINE):
            if unit == LEASE:  # the lease waits for the lock, which is held here now
                continue
            remote.run(["sudo", "-n", "systemctl", "stop", unit])
            remote.run(["sudo", "-n", "systemctl", "reset-failed", unit], check=False)
        kept = ["-mindepth", "1", "-maxdepth", "1", "!", "-name", "in-use"]
        remote.run(["find", remote.facts.testbed_run, *kept, "-exec", "rm", "-rf", "{}", "+"])
