"""The services that a workload needs besides its app, on the server host.

The service upstream is none of them: a run starts it on the client (testbed/run/upstream.py).
To add one, write a file for it and list it here. What others know of it is a row in
testbed/model/service.py; CONTRIBUTING.md says what its role takes.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from testbed.errors import Exit, Interrupted, TestbedError
from testbed.hosts.remote import Remote
from testbed.hosts.services.postgresql import PostgreSql
from testbed.hosts.services.redis import Redis
from testbed.hosts.services.service import Need, Service
from testbed.model.service import ServiceName

__all__ = ["TABLE", "Need", "Service", "Unit", "check_undisturbed", "running", "used"]

PROPERTIES = ("Id", "ActiveState", "InvocationID", "MainPID")
TABLE: dict[ServiceName, Service] = {"postgresql": PostgreSql(), "redis": Redis()}


@dataclass(frozen=True)
class Unit:
    """The state of a unit. `invocation` changes at each start; it is empty before the first."""

    name: str
    state: str
    invocation: str
    main_pid: int | None = field(default=None, compare=False)  # None: systemd names none


def used(need: Need) -> list[Service]:
    """Return the services on the server host that a workload names; an empty list without one."""
    return [TABLE[name] for name in need.workload.services if name in TABLE]


def running(server: Remote, services: Iterable[Service]) -> dict[Service, Unit]:
    """Return each service's unit. Raises TestbedError if a service does not run."""
    found = {service: _look(server, service) for service in services}
    for service, unit in found.items():
        if unit.state != "active":
            raise TestbedError(
                f"server host: {service.title} does not run ({unit.name} is {unit.state})",
                remedy=f"start it there: systemctl start {unit.name}",
                exit_code=Exit.NOT_READY,
            )
    return found


def check_undisturbed(server: Remote, before: dict[Service, Unit]) -> None:
    """Raise Interrupted if a service was stopped or restarted since `before`."""
    for service, then in before.items():
        now = _look(server, service)
        if now.state != "active":
            what = f"was stopped during the run ({now.name} is {now.state})"
        elif now != then:
            what = f"was started anew during the run ({now.name})"
        else:
            continue
        raise Interrupted(
            f"server host: {service.title} {what}",
            remedy="what stopped it stands in its journal there: "
            f"journalctl -u {now.name} --since '-10 min'",
        )


def _look(server: Remote, service: Service) -> Unit:
    """Return the service's unit; if there are several, the one that runs."""
    told = server.run(
        ["systemctl", "show", "--all", service.unit, *(f"-p{name}" for name in PROPERTIES)]
    ).stdout
    units = []
    for block in told.split("\n\n"):
        facts = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        if "Id" in facts:
            state, invocation = facts.get("ActiveState", ""), facts.get("InvocationID", "")
            pid = facts.get("MainPID", "")
            main_pid = int(pid) if re.fullmatch(r"[1-9]\d{0,9}", pid) else None
            units.append(Unit(facts["Id"], state, invocation, main_pid))
    absent = Unit(service.unit.replace("@*", ""), "not there", "")
    return min(units, key=lambda unit: unit.state != "active", default=absent)
