"""Find out in what state a run finds its hosts and the data link."""

import re
from collections.abc import Mapping
from pathlib import Path

from testbed.errors import Interrupted, TestbedError
from testbed.host_roles import HostRole
from testbed.hosts import hosts, link
from testbed.hosts.linkproof import PEER, LinkUnfit, speed_problem, state_problem
from testbed.hosts.remote import Remote, ask
from testbed.hosts.remotes import Remotes, at_once
from testbed.lab import delay_line
from testbed.model.link import LinkState
from testbed.model.results import Before
from testbed.run.session import Session
from testbed.tools.tool import OPEN_FILES_LIMIT

WINDOW_S = 0.5  # resolves 2 % of a CPU (a tick of 10 ms); a longer window would delay every run
OPEN_FILES = re.compile(r"^Max open files\s+(\d{1,18})\s", re.MULTILINE)


def before(remotes: Remotes) -> dict[HostRole, Before]:
    """Watch all hosts at the same time for WINDOW_S seconds; return what was seen of each.

    Raises CommandFailed or HostUnreachable.
    """
    return at_once(remotes, lambda one: _look(one, remotes[PEER[one.host.role]]))


def _look(remote: Remote, peer: Remote) -> Before:
    program = f"{remote.facts.testbed_prefix}/bin/telemetry"
    options = [f"--window={WINDOW_S}", *hosts.link_options(remote, peer)]
    looked = ask(remote, [program, "others", *options], Before)
    return looked.model_copy(update={"clock_offset_s": hosts.clock_offset_s(remote)})


def link_now(session: Session) -> dict[HostRole, LinkState]:
    """Return the present state of the data link, as each of the hosts has it."""
    return {role: look.state for role, look in link.look(session.remotes).items()}


def check_link(session: Session, states: Mapping[HostRole, LinkState]) -> None:
    """Raise LinkUnfit if the state of the data link does not allow a measurement.

    A calibration does not use the link, so nothing is checked then.
    """
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
    """Return the error if a fault of the data link made a run fail, and not the app.

    Return None if the link has no fault, and also if a host cannot be asked: then the lost host
    is reported as the cause.
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
    """Return how many files a process may have open; None if the process has ended."""
    limits = remote.run(["cat", f"/proc/{pid}/limits"], check=False).stdout
    found = OPEN_FILES.search(limits)
    return int(found[1]) if found else None


def generator_open_files(raw: Path) -> int | None:
    """Return how many files the generator was allowed to open; None if it was never started.

    `raw` is the folder raw/ of the run.
    """
    try:
        return int((raw / OPEN_FILES_LIMIT).read_text())
    except (OSError, ValueError):
        return None
