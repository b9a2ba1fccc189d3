"""What a run finds on its hosts, beside what provisioning made of them."""

import re
from collections.abc import Mapping
from pathlib import Path

from testbed.errors import Interrupted, TestbedError
from testbed.hosts import hosts, link
from testbed.hosts.linkproof import PEER, LinkUnfit, speed_problem, state_problem
from testbed.hosts.remote import Remote, ask
from testbed.hosts.remotes import Remotes, at_once
from testbed.lab import delay_line
from testbed.model.kinds import HostRole
from testbed.model.results import Before, LinkState
from testbed.run.session import Session

WINDOW_S = 0.5  # tells 2 % of a CPU (a tick of 10 ms); longer would cost every run more
GENERATOR_OPEN_FILES = "generator-open-files.txt"  # as the shell says that becomes the generator
OPEN_FILES = re.compile(r"^Max open files\s+(\d{1,18})\s", re.MULTILINE)


def before(remotes: Remotes) -> dict[HostRole, Before]:
    """All hosts for a moment, at the same time. Raises CommandFailed or HostUnreachable."""
    return at_once(remotes, lambda one: _look(one, remotes[PEER[one.host.role]]))


def _look(remote: Remote, peer: Remote) -> Before:
    program = f"{remote.facts.testbed_prefix}/bin/telemetry"
    options = [f"--window={WINDOW_S}", *hosts.link_options(remote, peer)]
    looked = ask(remote, [program, "others", *options], Before)
    return looked.model_copy(update={"clock_offset_s": hosts.clock_offset_s(remote)})


def link_now(session: Session) -> dict[HostRole, LinkState]:
    """Both hosts' ends of the data link now."""
    return {role: look.state for role, look in link.look(session.remotes).items()}


def check_link(session: Session, states: Mapping[HostRole, LinkState]) -> None:
    """Raise LinkUnfit if the link cannot be measured over. A calibration does not use it."""
    if session.link is None:
        return
    lab = session.inventory.facts.testbed_lab is not None
    for role, state in states.items():
        host, peer = session.remotes[role].host, session.remotes[PEER[role]].host
        ways = {host.bench_interface, *([delay_line.DEVICE] if lab else [])}
        problem = state_problem(host, peer, state, ways)
        if problem := problem or speed_problem(role, state, session.link):
            raise problem


def link_fault(session: Session, before: Mapping[HostRole, Before]) -> Interrupted | None:
    """What of the link made a run fail, so that it is not what the app did; None if nothing did.

    Where nobody can tell, because a host is lost, that is the cause that counts.
    """
    if session.link is None:
        return None
    try:
        states = link_now(session)
        check_link(session, states)
    except LinkUnfit as error:
        return error
    except TestbedError:
        return None
    for role, state in states.items():
        look = before[role].link if role in before else None
        if look and look.carrier_changes != state.carrier_changes:
            return Interrupted(
                f"{role} host: the data link ({state.interface}) lost its carrier during the run",
                remedy="look at cable, cards and switch",
            )
    return None


def open_files(remote: Remote, pid: int) -> int | None:
    """How many files a process may have open; None if it has ended."""
    limits = remote.run(["cat", f"/proc/{pid}/limits"], check=False).stdout
    found = OPEN_FILES.search(limits)
    return int(found[1]) if found else None


def generator_open_files(raw: Path) -> int | None:
    """How many files the generator might open; None if it was never started. `raw`: the run's."""
    try:
        return int((raw / GENERATOR_OPEN_FILES).read_text())
    except (OSError, ValueError):
        return None
