"""Collect what the checks of a run look at.

The functions are pure, except that they read the run's own files.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from statistics import fmean

from testbed.host_roles import ROLES, HostRole
from testbed.model.endpoint import Statement
from testbed.model.link import LinkRecord
from testbed.model.results import TIMELINE_FILE, RunRecord, telemetry_file
from testbed.model.tool_output import RequestFigures, ToolOutput

Samples = list[dict[str, float]]
BEYOND_ALL = 1e30  # no counter, time or rate of a host is as large; counters have 64 bits


@dataclass(frozen=True)
class Expected:
    """What a run is compared with."""

    # The statements declared for the endpoint, or for each part of a mix, by its name
    statements: Mapping[str, list[Statement]] = field(default_factory=dict)
    # As it was verified; None for a calibration, which does not use the link
    link: LinkRecord | None = None
    # Rows by table in the campaign's first run; None if this is the first
    first_rows: Mapping[str, int] | None = None
    # Settings when the campaign began
    first_postgresql: Mapping[str, str] = field(default_factory=dict)
    # Number of workers, by each app that is compared
    workers: Mapping[str, int] = field(default_factory=dict)
    unequal_workers: str | None = None  # the experiment's reason for unequal workers
    # Database connections that the pool of a worker has at most; 0 if each of its threads has one
    # of its own; None if nothing tells
    worker_connections: int | None = None
    threads: int | None = None  # of all workers; None if the app has none, or if nothing tells


@dataclass(frozen=True)
class Evidence:
    """What the checks of a run look at. `folder` is the run's own, with its telemetry."""

    run: RunRecord
    folder: Path
    expected: Expected

    @property
    def requests(self) -> list[tuple[str, ToolOutput | RequestFigures]]:
        """The figures of all requests, and those of each part of a mix with the words ' to NAME'.

        The list is empty if the run has no figures.
        """
        output = self.run.output
        if output is None:
            return []
        parts = output.by_request.items() if self.run.weights else ()
        return [("", output), *((f" to {name}", figures) for name, figures in parts)]

    @cached_property
    def telemetry(self) -> dict[HostRole, Samples]:
        """Samples by host; an empty list for a host of which nothing was recorded."""
        return {role: self._samples(role) for role in ROLES}

    @cached_property
    def measured(self) -> dict[HostRole, Samples]:
        """The part of `telemetry` within the measured part of the run.

        Samples before and after it (warm-up, idling) would dilute rates and shares. If the measured
        part is too short to contain samples, all are returned.
        """
        return {role: self.inside(role) or all_ for role, all_ in self.telemetry.items()}

    def inside(self, role: HostRole) -> Samples:
        """Return a host's samples within the measured part.

        The list is empty if the measured part is not known or too short.
        """
        host = self.run.before.get(role)
        if self.run.measured_from is None or host is None or host.clock_offset_s is None:
            return []
        start_s = self.run.measured_from.timestamp() + host.clock_offset_s
        # a sample's shares are those of the interval before it
        first_s, last_s = (
            start_s + self.run.telemetry_interval_s,
            start_s + self.run.load.duration_s,
        )
        inside = [row for row in self.telemetry[role] if first_s <= row["t_s"] <= last_s]
        return inside if len(inside) > 1 else []

    @cached_property
    def timeline(self) -> Samples:
        """The generator's whole seconds of the measured part; empty if it records none."""
        rows = [row for row in _rows(self.folder / TIMELINE_FILE) if row.get("phase") == "measured"]
        seconds = [_numbers(row) for row in rows[: int(self.run.load.duration_s)]]
        return [second for second in seconds if "completed" in second]

    def _samples(self, role: HostRole) -> Samples:
        samples = map(_numbers, _rows(self.folder / telemetry_file(role)))
        return [sample for sample in samples if "t_s" in sample]


def _rows(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file by column; an empty list if there is no file that can be read.

    A host made the file, so it may be cut off or hold anything.
    """
    if not path.is_file():
        return []
    try:
        with path.open(newline="", encoding="utf-8", errors="replace") as stream:
            return list(csv.DictReader(stream, restval=""))
    except csv.Error:  # a field without end
        return []


def _numbers(row: dict[str, str]) -> dict[str, float]:
    """Return the fields of a row that are numbers of a size that a host can mean."""
    found = {}
    for key, text in row.items():
        try:
            number = float(text)
        except (TypeError, ValueError):  # a list if the row has more fields than the heading
            continue
        if abs(number) < BEYOND_ALL:
            found[key] = number
    return found


def column(samples: Samples, name: str) -> list[float]:
    """Return the values of one column from the samples that have it."""
    return [sample[name] for sample in samples if name in sample]


def mean(samples: Samples, name: str) -> float | None:
    """Return the mean of a column; None if there are no values."""
    values = column(samples, name)
    return fmean(values) if values else None


def growth(samples: Samples, name: str) -> float | None:
    """Return by how much a counter grew over the samples; None if the host does not report it."""
    values = column(samples, name)
    return values[-1] - values[0] if len(values) > 1 else None
