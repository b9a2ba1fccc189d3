"""The services that a workload needs beside its app, as systemd on the server host has them."""

from dataclasses import dataclass

from testbed.errors import Exit, Interrupted, TestbedError
from testbed.model.catalogue import Service
from testbed.remote import Remote

# What systemd calls each, and the user; Debian runs a PostgreSQL per cluster and version
UNITS: dict[Service, tuple[str, str]] = {
    "postgresql": ("postgresql@*.service", "PostgreSQL"),
    "redis": ("redis-server.service", "Redis"),
}


@dataclass(frozen=True)
class Unit:
    """A unit's state. `invocation`: another one after each start; empty where it never ran."""

    name: str
    state: str
    invocation: str


def running(server: Remote, services: list[Service]) -> dict[Service, Unit]:
    """Each service's unit. Raises TestbedError if one does not run."""
    found = {service: _look(server, service) for service in services if service in UNITS}
    for service, unit in found.items():
        if unit.state != "active":
            raise TestbedError(
                f"server host: {UNITS[service][1]} does not run ({unit.name} is {unit.state})",
                remedy=f"start it there: systemctl start {unit.name}",
                exit_code=Exit.NOT_READY,
            )
    return found


def check_undisturbed(server: Remote, before: dict[Service, Unit]) -> None:
    """Raise Interrupted if a service was stopped or started anew since `before`."""
    for service, then in before.items():
        now = _look(server, service)
        if now.state != "active":
            what = f"was stopped during the run ({now.name} is {now.state})"
        elif now != then:
            what = f"was started anew during the run ({now.name})"
        else:
            continue
        raise Interrupted(
            f"server host: {UNITS[service][1]} {what}",
            remedy="what stopped it stands in its journal there: "
            f"journalctl -u {now.name} --since '-10 min'",
        )


def _look(server: Remote, service: Service) -> Unit:
    """The service's unit; of several, the one that runs."""
    pattern, _ = UNITS[service]
    told = server.run(
        ["systemctl", "show", "--all", pattern, "-pId", "-pActiveState", "-pInvocationID"]
    ).stdout
    units = []
    for block in told.split("\n\n"):
        facts = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        if "Id" in facts:
            state, invocation = facts.get("ActiveState", ""), facts.get("InvocationID", "")
            units.append(Unit(facts["Id"], state, invocation))
    absent = Unit(pattern.replace("@*", ""), "not there", "")
    return min(units, key=lambda unit: unit.state != "active", default=absent)
