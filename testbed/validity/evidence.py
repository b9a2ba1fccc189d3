"""What the checks of a run look at. Pure but for reading the run's own files."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from statistics import fmean

from testbed.model.catalogue import Statement
from testbed.model.kinds import HostRole
from testbed.model.results import LinkRecord, RunRecord

Samples = list[dict[str, float]]


@dataclass(frozen=True)
class Expected:
    """What is known beside a run itself, and what it is held against."""

    statements: list[Statement] = field(default_factory=list)  # declared for the endpoint
    link: LinkRecord | None = None  # as it was verified; None: a calibration does not use it
    first_rows: Mapping[str, int] | None = None  # in the campaign's first run; None: this is it
    first_postgresql: Mapping[str, str] = field(default_factory=dict)  # as the campaign began
    workers: Mapping[str, int] = field(default_factory=dict)  # by app, of all that are compared
    unequal_workers: str | None = None  # why the experiment wants it so


@dataclass(frozen=True)
class Evidence:
    """What the checks of a run look at. `folder` is the run's, with its telemetry."""

    run: RunRecord
    folder: Path
    expected: Expected

    @cached_property
    def telemetry(self) -> dict[HostRole, Samples]:
        """Samples by host; empty where nothing was recorded."""
        return {"server": self._samples("server"), "client": self._samples("client")}

    @cached_property
    def measured(self) -> dict[HostRole, Samples]:
        """Of `telemetry`, what lies in the measured part; all, where that is too short to tell.

        What comes before and after it, warm-up and idling, would dilute rates and shares.
        """
        return {role: self.inside(role) or all_ for role, all_ in self.telemetry.items()}

    def inside(self, role: HostRole) -> Samples:
        """A host's samples of the measured part; none where that is not known, or too short."""
        host = self.run.before.get(role)
        if self.run.measured_from is None or host is None or host.clock_offset_s is None:
            return []
        start_s = self.run.measured_from.timestamp() + host.clock_offset_s
        # a sample's shares are those of the interval that it ends
        first_s, last_s = (
            start_s + self.run.telemetry_interval_s,
            start_s + self.run.load.duration_s,
        )
        inside = [row for row in self.telemetry[role] if first_s <= row["t_s"] <= last_s]
        return inside if len(inside) > 1 else []

    @cached_property
    def timeline(self) -> Samples:
        """The generator's whole seconds of the measured part; empty where it keeps none."""
        path = self.folder / "timeline.csv"
        if not path.is_file():
            return []
        with path.open(newline="") as stream:
            rows = [row for row in csv.DictReader(stream) if row["phase"] == "measured"]
        return [
            {key: float(value) for key, value in row.items() if value and key != "phase"}
            for row in rows[: int(self.run.load.duration_s)]
        ]

    def _samples(self, role: HostRole) -> Samples:
        path = self.folder / f"telemetry-{role}.csv"
        if not path.is_file():
            return []
        with path.open(newline="") as stream:
            rows = list(csv.DictReader(stream))
        return [{key: float(value) for key, value in row.items() if value} for row in rows]


def column(samples: Samples, name: str) -> list[float]:
    """The values of one column, where it has any."""
    return [sample[name] for sample in samples if name in sample]


def mean(samples: Samples, name: str) -> float | None:
    """Mean of a column; None without values."""
    values = column(samples, name)
    return fmean(values) if values else None


def growth(samples: Samples, name: str) -> float | None:
    """By how much a counter grew over the samples; None where the host does not tell."""
    values = column(samples, name)
    return values[-1] - values[0] if len(values) > 1 else None
