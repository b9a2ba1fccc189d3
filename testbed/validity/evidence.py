"""What the checks of a run look at. Pure but for reading the run's own files."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from statistics import fmean

from testbed.model.catalogue import Statement
from testbed.model.results import (
    AnswerCheck,
    Before,
    Failure,
    HostRole,
    LinkRecord,
    LinkState,
    Load,
    OpenFiles,
    SqlSeen,
)
from testbed.model.tool_output import ToolOutput

Samples = list[dict[str, float]]


@dataclass(frozen=True)
class Evidence:
    """What is known of a run. `folder` is the run's, with its telemetry."""

    load: Load
    output: ToolOutput | None
    answers: list[AnswerCheck]
    sql: list[SqlSeen] | None
    statements: list[Statement]  # that the workload declares for the endpoint
    unit: dict[str, str] | None  # as systemd has it after the load
    failure: Failure | None
    link: LinkRecord | None
    folder: Path
    before: Mapping[HostRole, Before] = field(default_factory=dict)
    link_after: Mapping[HostRole, LinkState] = field(default_factory=dict)  # when the load ended
    open_files: OpenFiles | None = None
    rows: Mapping[str, int] | None = None  # of each table, before the app was started
    first_rows: Mapping[str, int] | None = None  # in the campaign's first run; None: this is it
    postgresql: Mapping[str, str] | None = None  # its settings, before the run; None: not used
    first_postgresql: Mapping[str, str] = field(default_factory=dict)  # as the campaign began
    workers: Mapping[str, int] = field(default_factory=dict)  # by app, of all that are compared
    unequal_workers: str | None = None  # why the experiment wants it so
    telemetry_interval_s: float = 1
    main_pid: int | None = None  # the app's main process as it was started
    measured_from: datetime | None = None  # start of the measured part, control side's clock

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
        host = self.before.get(role)
        if self.measured_from is None or host is None or host.clock_offset_s is None:
            return []
        start_s = self.measured_from.timestamp() + host.clock_offset_s
        # a sample's shares are those of the interval that it ends
        first_s, last_s = start_s + self.telemetry_interval_s, start_s + self.load.duration_s
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
            for row in rows[: int(self.load.duration_s)]
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
