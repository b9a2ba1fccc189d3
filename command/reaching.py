"""Connect to the hosts of an inventory, all at once, and say of each whether it answers."""

from dataclasses import dataclass

from testbed import lab
from testbed.errors import TestbedError
from testbed.host_roles import HostRole
from testbed.hosts.inventory import Inventory
from testbed.hosts.remote import Remote
from testbed.hosts.remotes import Remotes, at_once

ANSWERS = "answers"


@dataclass(frozen=True)
class Reached:
    """Connections to all hosts, of which some may have failed."""

    remotes: Remotes
    problems: dict[HostRole, TestbedError | None]

    @property
    def all(self) -> bool:
        """Whether every host answers."""
        return not any(self.problems.values())

    def said(self, role: HostRole) -> str:
        """Return what came of one connection, without the name of the host."""
        problem = self.problems[role]
        if problem is None:
            return ANSWERS
        host = self.remotes[role].host
        return problem.message.removeprefix(f"{role} host at {host.ansible_host}: ")

    def close(self) -> None:
        """Disconnect from all."""
        for remote in self.remotes.values():
            remote.close()


def reach(known: Inventory) -> Reached:
    """Try to connect to every host; each try ends by itself, after a minute at the latest.

    Raises TestbedError for a lab that is not up. It is not contacted, as its addresses could belong
    to anybody.
    """
    lab.check_up(known.facts.testbed_lab)
    remotes = {role: Remote(host, known.facts) for role, host in known.hosts.items()}
    return Reached(remotes, at_once(remotes, _problem))


def _problem(remote: Remote) -> TestbedError | None:
    try:
        remote.open()
    except TestbedError as error:
        return error
    return None
