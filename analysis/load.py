"""Read a results folder, as testbed/model/results.py declares it, into memory.

A folder that cannot be trusted to hold a campaign is refused with one clear message. A file that a
run merely lacks (telemetry, a histogram) is None here and 'not recorded' in the report.
"""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import pandas as pd

from analysis.histogram import Histogram, Histograms, LatencyCurve, read_histograms
from testbed import files, store
from testbed.errors import TestbedError
from testbed.model.kinds import ROLES, HostRole
from testbed.model.results import (
    CAMPAIGN_FILE,
    HISTOGRAM_FILE,
    RUN_FILE,
    TIMELINE_FILE,
    Campaign,
    Finding,
    RunRecord,
    telemetry_file,
)
from testbed.texts import shown_name
from testbed.tools.due import Counted

MOST_COLUMNS = 1000  # of a timeline or of telemetry, which have dozens
PLACE = "name a folder below results/"


@dataclass(frozen=True)
class LoadedRun:
    """One run with its curves.

    `notes` has a sentence for each file that is there but cannot be read. `edited` has a sentence
    for each file that was changed after it was written; such a run is invalid, whatever its record
    says.
    """

    record: RunRecord
    timeline: pd.DataFrame | None = None
    telemetry: dict[HostRole, pd.DataFrame] = field(default_factory=dict)
    histogram: Histogram | None = None
    parts: dict[str, Histogram] = field(default_factory=dict)  # of a mix, by name
    notes: list[str] = field(default_factory=list)
    edited: list[str] = field(default_factory=list)

    @property
    def latency(self) -> LatencyCurve | None:
        """Response times by percentile of the answers; None if the run has no histogram."""
        return self.histogram.curve if self.histogram else None

    @property
    def counted(self) -> Counted | None:
        """The histogram over the whole run, for percentiles of the requests due."""
        return self.histogram.counted if self.histogram else None


@dataclass(frozen=True)
class LoadedCampaign:
    """A results folder: the campaign, its runs in the order planned, and what is missing."""

    folder: Path
    campaign: Campaign
    runs: list[LoadedRun]
    not_measured: list[str]  # run ids that were planned and have no folder
    unplanned: list[str]  # run folders that the campaign does not list; not counted

    def counted(self, record: RunRecord) -> Counted | None:
        """Return the histogram of one run's response times; None if it has none."""
        return self._histograms.get(record.run_id)

    @cached_property
    def _histograms(self) -> dict[str, Counted]:
        return {run.record.run_id: found for run in self.runs if (found := run.counted)}

    @property
    def calibration(self) -> bool:
        """Whether any run's generator shared the host with the server."""
        return any(run.record.calibration for run in self.runs)


def load(folder: Path) -> LoadedCampaign:
    """Read the campaign in `folder`.

    Raises TestbedError, naming the file, if there is no such folder, it is not a campaign, a
    schema version is unknown, a JSON file is malformed or does not fit, a run folder is
    half-written, or nothing has been measured yet.
    """
    files.check_folder(folder, PLACE)
    campaign_file = folder / CAMPAIGN_FILE
    if not campaign_file.is_file():
        raise TestbedError(
            f"{shown_name(folder)}: not a campaign: no {CAMPAIGN_FILE} in it",
            remedy="name the campaign's own folder, results/<campaign>",
        )
    campaign, is_edited = store.read_as_found(campaign_file, Campaign)
    edited = [f"{CAMPAIGN_FILE} was edited after it was written"] if is_edited else []
    present = {path.name for path in folder.iterdir() if _is_run_folder(path, campaign)}
    runs = [
        _load_run(folder / run_id, campaign, edited)
        for run_id in campaign.runs
        if run_id in present
    ]
    if not runs:
        raise TestbedError(
            f"{shown_name(folder)}: none of the {len(campaign.runs)} planned runs has been "
            "measured",
            remedy="run or resume the campaign first",
        )
    return LoadedCampaign(
        folder=folder,
        campaign=campaign,
        runs=runs,
        not_measured=[run_id for run_id in campaign.runs if run_id not in present],
        unplanned=sorted(map(shown_name, present - set(campaign.runs))),
    )


def _is_run_folder(path: Path, campaign: Campaign) -> bool:
    """Return whether the path is the folder of a finished run.

    It has a planned name or holds a run.json. A hidden folder is a run still being written.
    """
    if path.name.startswith(".") or not path.is_dir():
        return False
    return path.name in campaign.runs or (path / RUN_FILE).is_file()


def _load_run(folder: Path, campaign: Campaign, edited: list[str]) -> LoadedRun:
    """Return a run with its curves. `edited` says what was edited in the campaign as a whole."""
    record, edits = store.read_run(folder, campaign)
    edited = [*edited, *edits]
    notes: list[str] = []
    telemetry: dict[HostRole, pd.DataFrame] = {}
    for role in ROLES:
        table = _read_csv(folder / telemetry_file(role), notes)
        if table is not None:
            telemetry[role] = table
    histograms = _read_latency(folder / HISTOGRAM_FILE, notes)
    return LoadedRun(
        record=_marked(record, edited),
        timeline=_read_csv(folder / TIMELINE_FILE, notes),
        telemetry=telemetry,
        histogram=histograms.whole,
        parts=histograms.parts,
        notes=notes,
        edited=edited,
    )


def _marked(record: RunRecord, edited: list[str]) -> RunRecord:
    """Return the record, made invalid with the reasons if anything of the run was edited."""
    if not edited:
        return record
    findings = [Finding(check="edited", verdict="invalid", sentence=one) for one in edited]
    return record.model_copy(
        update={"verdict": "invalid", "findings": [*findings, *record.findings]}
    )


def _is_readable(path: Path, notes: list[str]) -> bool:
    """Whether a file of a run can be read into memory; where it is there and cannot, note why."""
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
    numbers: pd.DataFrame = table.apply(pd.to_numeric, errors="coerce")
    return numbers


def _read_latency(path: Path, notes: list[str]) -> Histograms:
    if _is_readable(path, notes):
        try:
            return read_histograms(path)
        except ValueError as error:
            notes.append(f"{path.name} could not be read: {error}")
    return Histograms(None, {})
