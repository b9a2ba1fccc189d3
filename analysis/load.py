"""Read a results folder, as testbed/model/ declares its files, into memory.

A folder that cannot be trusted to hold a campaign is refused with one clear message. A file that a
run merely lacks (telemetry, a histogram) is None here and 'not recorded' in the report.
"""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import pandas as pd

from analysis.curves import Curves
from analysis.histogram import Histogram, LatencyCurve
from testbed import files, store
from testbed.errors import TestbedError
from testbed.host_roles import HostRole
from testbed.model.campaign import Campaign
from testbed.model.results import CAMPAIGN_FILE, RUN_FILE, Finding, RunRecord
from testbed.texts import shown_name
from testbed.tools.due import Counted

PLACE = "name a folder below results/"


@dataclass(frozen=True)
class LoadedRun:
    """One run with its curves, which are read when they are first asked for.

    `edited` has a sentence for each file that was changed after it was written; such a run is
    invalid, whatever its record says.
    """

    record: RunRecord
    curves: Curves = field(default_factory=Curves)
    edited: list[str] = field(default_factory=list)

    @property
    def timeline(self) -> pd.DataFrame | None:
        """The generator's figures by second; None if there are none."""
        return self.curves.timeline

    @property
    def telemetry(self) -> dict[HostRole, pd.DataFrame]:
        """The samples of each host that has any."""
        return self.curves.telemetry

    @property
    def histogram(self) -> Histogram | None:
        """Response times of all requests; None if the run has no histogram."""
        return self.curves.histograms.whole

    @property
    def parts(self) -> dict[str, Histogram]:
        """Response times of each part of a mix, by its name."""
        return self.curves.histograms.parts

    @property
    def notes(self) -> list[str]:
        """A sentence for each file that is there but cannot be read."""
        return self.curves.notes

    @property
    def latency(self) -> LatencyCurve | None:
        """Response times by percentile of the answers; None if the run has no histogram."""
        return self.histogram.curve if self.histogram else None

    @property
    def counted(self) -> Counted | None:
        """The answers over the whole run, for percentiles of the requests due; None without any."""
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
    """Return a run. `edited` says what was edited in the campaign as a whole."""
    record, edits = store.read_run(folder, campaign)
    edited = [*edited, *edits]
    return LoadedRun(_marked(record, edited), Curves(folder), edited)


def _marked(record: RunRecord, edited: list[str]) -> RunRecord:
    """Return the record, made invalid with the reasons if anything of the run was edited."""
    if not edited:
        return record
    findings = [Finding(check="edited", verdict="invalid", sentence=one) for one in edited]
    return record.model_copy(
        update={"verdict": "invalid", "findings": [*findings, *record.findings]}
    )
