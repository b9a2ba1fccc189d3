"""Declare what the testbed does with any service that a workload may need besides its app."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from testbed.asked.catalogue import Catalogue
from testbed.hosts.remote import Remote
from testbed.model.catalogue import CataloguedApp, Workload
from testbed.model.experiment import PlannedRun
from testbed.model.service import ServiceName

Statements = list[tuple[str, int]]  # SQL texts, each with its number of calls


@dataclass(frozen=True)
class Need:
    """What a workload needs of its services: its name, its declaration and its folder."""

    name: str
    workload: Workload
    folder: Path

    @classmethod
    def of(cls, catalogue: Catalogue, name: str) -> "Need":
        """Return the need of the workload of that name."""
        return cls(name, catalogue.workload(name), catalogue.folders[name])


class Service:
    """A service on the server host. A method that a service does not override does nothing."""

    name: ServiceName  # in workload.yml
    title: str
    unit: str  # systemd's name; a pattern if each version has a unit of its own
    counts_sql = False  # whether `seen` returns statements

    def check_deployed(self, server: Remote, need: Need) -> None:
        """Raise TestbedError unless the server host has what the workload needs of the service."""

    def for_campaign(
        self, server: Remote, planned: Sequence[PlannedRun], apps: Mapping[str, CataloguedApp]
    ) -> Mapping[str, Any]:
        """Return what the campaign's record keeps of it, by field name.

        `apps` are those of the workload, by name. Raises TestbedError if it cannot serve all of the
        planned runs.
        """
        return {}

    def put_back(self, server: Remote, need: Need) -> None:
        """Give it the data that apps must find. Raises TestbedError if that fails."""

    def found(self, server: Remote, need: Need) -> Mapping[str, Any]:
        """Return what the run's record keeps of it before the app starts, by field name."""
        return {}

    def watch(self, server: Remote) -> None:
        """Begin to watch what apps ask of it."""

    def seen(self, server: Remote) -> Statements | None:
        """Return the SQL that apps sent since then; None for a service without SQL."""
        return None

    def logins(self, server: Remote) -> dict[str, int] | None:
        """Return how the app had logged in, with the number of its statements since `watch`.

        Return None for a service that cannot tell.
        """
        return None

    def telemetry_options(self, server: Remote, need: Need) -> list[str]:
        """Return the options with which the server host's telemetry watches it."""
        return []
