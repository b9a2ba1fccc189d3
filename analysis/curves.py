"""Read the curves of a run from its folder, each when it is first asked for.

So thousands of runs can be looked through for their records alone. A file that a run lacks, or that
cannot be read, gives None.
"""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import pandas as pd

from analysis.histogram import Histograms, read_histograms
from testbed import files
from testbed.host_roles import ROLES, HostRole
from testbed.model.results import HISTOGRAM_FILE, TIMELINE_FILE, telemetry_file

MOST_COLUMNS = 1000  # of a timeline or of telemetry, which have dozens


@dataclass
class Curves:
    """What a run has over time. Without a folder it has nothing but the histograms given."""

    folder: Path | None = None
    given: Histograms | None = None
    _notes: list[str] = field(default_factory=list, repr=False)

    @cached_property
    def timeline(self) -> pd.DataFrame | None:
        """The generator's figures by second; None if there are none."""
        return self._table(TIMELINE_FILE)

    @cached_property
    def telemetry(self) -> dict[HostRole, pd.DataFrame]:
        """The samples of each host that has any."""
        found = {role: self._table(telemetry_file(role)) for role in ROLES}
        return {role: table for role, table in found.items() if table is not None}

    @cached_property
    def histograms(self) -> Histograms:
        """Response times; those of a run without a log are empty."""
        if self.given is not None:
            return self.given
        if self.folder is not None and _is_readable(self.folder / HISTOGRAM_FILE, self._notes):
            try:
                return read_histograms(self.folder / HISTOGRAM_FILE)
            except ValueError as error:
                self._notes.append(f"{HISTOGRAM_FILE} could not be read: {error}")
        return Histograms(None, {})

    @property
    def notes(self) -> list[str]:
        """A sentence for each file that is there but cannot be read. Reads all of them."""
        _ = self.timeline, self.telemetry, self.histograms
        return sorted(self._notes)

    def _table(self, name: str) -> pd.DataFrame | None:
        return None if self.folder is None else _read_csv(self.folder / name, self._notes)


def _is_readable(path: Path, notes: list[str]) -> bool:
    """Return whether a run's file can be read into memory. If it is there and cannot, note why."""
    try:
        other, size = files.kind(path), path.stat().st_size
    except FileNotFoundError:
        return False
    except OSError as error:
        other, size = error.strerror, 0
    if size > files.LARGEST_BYTES:
        other = f"{size:,} bytes, of which at most {files.LARGEST_BYTES:,} are read"
    if other is not None:
        notes.append(f"{path.name} could not be read: {other}")
    return other is None


def _check_columns(path: Path) -> None:
    """Raise ValueError for a table so wide that pandas would take hours to read it."""
    with path.open("rb") as stream:
        if any(line.count(b",") >= MOST_COLUMNS for line in stream):
            raise ValueError(f"more than {MOST_COLUMNS:,} columns")


def _read_csv(path: Path, notes: list[str]) -> pd.DataFrame | None:
    """Return a CSV file with all columns as numbers; None if it is missing, empty or unreadable.

    A field that is not a number becomes NaN. Why a file cannot be read is added to `notes`.
    """
    if not _is_readable(path, notes):
        return None
    try:
        _check_columns(path)
        table = pd.read_csv(path, on_bad_lines="skip", encoding="utf-8", comment="#")
    except (ValueError, OSError) as error:  # pandas' parser and encoding errors are ValueErrors
        notes.append(f"{path.name} could not be read: {error}")
        return None
    if table.empty:
        return None
    for name in table.select_dtypes(exclude="number"):
        table[name] = pd.to_numeric(table[name], errors="coerce")
    return table
