"""Ask whether the hosts are fit to measure, and let Ansible mend what it may."""

from testbed import fitness
from testbed.errors import Exit, TestbedError
from testbed.fitness import HostFacts, Subject
from testbed.host_roles import HostRole
from testbed.hosts import playbook
from testbed.hosts.failures import CommandFailed
from testbed.hosts.linkproof import PEER
from testbed.hosts.remote import Remote, ask
from testbed.hosts.remotes import Remotes, at_once
from testbed.model.campaign import Fitness
from testbed.tools.table import LINK_TOOL

PLAYBOOK = "playbooks/fit.yml"


def check(remotes: Remotes, clocks_ahead_s: dict[HostRole, float]) -> dict[HostRole, list[Fitness]]:
    """Return the result of every check of all hosts, which are asked at the same time.

    `clocks_ahead_s` says how many seconds each host's clock is ahead of this machine's. Raises
    TestbedError if a host does not answer as it should.
    """
    told = at_once(remotes, lambda one: _ask(one, remotes[PEER[one.host.role]]))
    return {
        role: fitness.judge(
            Subject(
                role=role,
                facts=told[role],
                other=told[PEER[role]],
                address=one.host.bench_address,
                peer=remotes[PEER[role]].host.bench_address,
                interface=one.host.bench_interface,
                open_files_wanted=one.facts.testbed_limit_nofile,
                upstream_port=one.facts.testbed_upstream_port,
                clock_ahead_s=clocks_ahead_s[role],
                other_clock_ahead_s=clocks_ahead_s[PEER[role]],
            )
        )
        for role, one in remotes.items()
    }


def _ask(remote: Remote, other: Remote) -> HostFacts:
    """Return the raw facts of one host. Raises TestbedError if it cannot tell them."""
    facts = remote.facts
    of_role = {"server": facts.testbed_app_port, "client": facts.testbed_upstream_port}
    command = [
        f"{facts.testbed_prefix}/bin/telemetry",
        "fitness",
        f"--interface={remote.host.bench_interface}",
        f"--peer={other.host.bench_address}",
        *(f"--port={port}" for port in (LINK_TOOL.port, of_role[remote.host.role])),
        *(f"--folder={folder}" for folder in (facts.testbed_prefix, facts.testbed_run)),
    ]
    try:
        return ask(remote, command, HostFacts)
    except CommandFailed as error:
        remedy = "run `ansible-playbook site.yml` for this inventory"
        raise TestbedError(f"{error}", remedy=remedy, exit_code=Exit.NOT_READY) from error


def fix(inventory: str | None, *, ask_password: bool) -> None:
    """Let Ansible change what the inventory allows (host_fitness_allow), and show its output.

    `ask_password` makes it ask for sudo's password. Raises TestbedError if Ansible fails.
    """
    playbook.play(PLAYBOOK, inventory, ask_password=ask_password)


def news(found: dict[HostRole, list[Fitness]]) -> list[str]:
    """Return a line for each thing that is not fit, to be shown when a campaign begins."""
    return [
        f"{role}: {row.level}: {row.title}: {row.found} (wanted: {row.wanted})"
        for role, rows in found.items()
        for row in rows
        if row.level in ("warn", "fail")
    ]


def exit_code(found: dict[HostRole, list[Fitness]], *, strict: bool) -> int:
    """Return 0, or NOT_READY if a host failed a check or, with `strict`, was warned about."""
    refused = ("fail", "warn") if strict else ("fail",)
    levels = {row.level for rows in found.values() for row in rows}
    return Exit.NOT_READY if levels & set(refused) else 0
