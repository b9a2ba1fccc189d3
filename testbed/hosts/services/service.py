"""What the testbed does with any service that a workload may need beside its app."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from testbed.asked.catalogue import Catalogue
from testbed.hosts.remote import Remote
from testbed.model.catalogue import Workload

Statements = list[tuple[str, int]]  # texts of SQL, with calls


@dataclass(frozen=True)
class Need:
    """A workload's need of its services: whose data it is, and where its files lie."""

    name: str
    workload: Workload
    folder: Path

    @classmethod
    def of(cls, catalogue: Catalogue, name: str) -> "Need":
        """The need of the workload of that name."""
        return cls(name, catalogue.workload(name), catalogue.folders[name])


class Service:
    """A service on the server host. What one does not override, it has nothing to do for."""

    title: str
    unit: str  # as systemd calls it; a pattern, where there is a unit for each version

    def check_deployed(self, server: Remote, need: Need) -> None:
        """Raise TestbedError unless what the workload needs of it is on the server host."""

    def put_back(self, server: Remote, need: Need) -> None:
        """Give it the data that apps shall find. Raises TestbedError if that fails."""

    def found(self, server: Remote, need: Need) -> Mapping[str, Any]:
        """What of it the run's record keeps, by the record's fields, before the app is started."""
        return {}

    def watch(self, server: Remote) -> None:
        """Begin to watch what apps ask of it."""

    def seen(self, server: Remote) -> Statements | None:
        """The SQL that apps asked since then; None of a service that has no SQL."""
        return None

    def telemetry_options(self, server: Remote, need: Need) -> list[str]:
        """What the server host's telemetry is told, to watch it."""
        return []
