"""Read a results folder, as testbed/model/results.py declares it, into memory.

What cannot be trusted to be a campaign is refused with one clear message. What a run merely lacks
(a telemetry file, a histogram) is None here, and 'not recorded' in the report.
"""

import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import pandas as pd
from pydantic import BaseModel, ValidationError

from analysis.histogram import LatencyCurve, read_curve
from testbed.errors import TestbedError
from testbed.model.results import SCHEMA_VERSION, Campaign, HostRole, RunRecord

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True)
class LoadedRun:
    """One run with its curves. `notes`: sentences about files that are there but unreadable."""

    record: RunRecord
    timeline: pd.DataFrame | None = None
    telemetry: dict[HostRole, pd.DataFrame] = field(default_factory=dict)
    latency: LatencyCurve | None = None
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class LoadedCampaign:
    """A results folder: the campaign, its runs in the order planned, and what is not there."""

    folder: Path
    campaign: Campaign
    runs: list[LoadedRun]
    not_measured: list[str]  # run ids that were planned and have no folder
    unplanned: list[str]  # run folders that the campaign does not list; not counted

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
    if not folder.is_dir():
        raise TestbedError(f"{folder}: no such folder", remedy="name a folder below results/")
    campaign_file = folder / "campaign.json"
    if not campaign_file.is_file():
        raise TestbedError(
            f"{folder}: not a campaign: no campaign.json in it",
            remedy="name the campaign's own folder, results/<campaign>",
        )
    campaign = read_model(campaign_file, Campaign)
    present = {path.name for path in folder.iterdir() if _is_run_folder(path, campaign)}
    runs = [_load_run(folder / run_id, campaign) for run_id in campaign.runs if run_id in present]
    if not runs:
        raise TestbedError(
            f"{folder}: none of the {len(campaign.runs)} planned runs has been measured",
            remedy="run or resume the campaign first",
        )
    return LoadedCampaign(
        folder=folder,
        campaign=campaign,
        runs=runs,
        not_measured=[run_id for run_id in campaign.runs if run_id not in present],
        unplanned=sorted(present - set(campaign.runs)),
    )


def _is_run_folder(path: Path, campaign: Campaign) -> bool:
    """Hidden folders are runs still being written; others need a run.json or a planned name."""
    if path.name.startswith(".") or not path.is_dir():
        return False
    return path.name in campaign.runs or (path / "run.json").is_file()


def _load_run(folder: Path, campaign: Campaign) -> LoadedRun:
    run_file = folder / "run.json"
    if not run_file.is_file():
        raise TestbedError(
            f"{folder}: half-written run: no run.json in it",
            remedy="resume the campaign, which redoes this run, or remove the folder",
        )
    record = read_model(run_file, RunRecord)
    if record.run_id != folder.name:
        raise TestbedError(f"{run_file}: run_id '{record.run_id}' is not its folder's name")
    if record.campaign != campaign.campaign:
        raise TestbedError(
            f"{run_file}: belongs to campaign '{record.campaign}', not '{campaign.campaign}'",
            remedy="keep each campaign's runs in its own folder",
        )
    notes: list[str] = []
    telemetry: dict[HostRole, pd.DataFrame] = {}
    roles: list[HostRole] = ["server", "client"]
    for role in roles:
        table = _read_csv(folder / f"telemetry-{role}.csv", notes)
        if table is not None:
            telemetry[role] = table
    return LoadedRun(
        record=record,
        timeline=_read_csv(folder / "timeline.csv", notes),
        telemetry=telemetry,
        latency=_read_latency(folder / "latency.hdr", notes),
        notes=notes,
    )


def read_model(path: Path, model: type[M]) -> M:
    """The JSON file as `model`. Raises TestbedError with file, place and problem."""
    try:
        data = json.loads(
            path.read_text(encoding="utf-8"),
            parse_constant=_refuse,
            parse_float=_finite,
            parse_int=_count,
        )
    except (ValueError, RecursionError) as error:
        raise TestbedError(
            f"{path}: not valid JSON: {error}",
            remedy="the file was cut off or edited; redo the run or restore the file",
        ) from error
    version = data.get("schema_version") if isinstance(data, dict) else None
    if version != SCHEMA_VERSION or isinstance(version, bool):
        raise TestbedError(
            f"{path}: schema_version {version!r} is not known here (known: {SCHEMA_VERSION})",
            remedy="read it with the version of the testbed that wrote it, or a newer one",
        )
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise TestbedError("\n".join(_problem(path, item) for item in error.errors())) from error


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a figure")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        _refuse(text)
    return value


def _count(text: str) -> int:
    _finite(text)  # one of hundreds of digits cannot be reckoned with
    return int(text)


def _problem(path: Path, item: Any) -> str:
    key = ".".join(str(part) for part in item["loc"]) or "(the whole file)"
    return f"{path}: {key}: {item['msg']}"


def _read_csv(path: Path, notes: list[str]) -> pd.DataFrame | None:
    """Every column as numbers (what is no number becomes NaN); None if there is nothing to read."""
    if not path.is_file():
        return None
    try:
        table = pd.read_csv(path, on_bad_lines="skip", encoding="utf-8", comment="#")
    except (ValueError, OSError) as error:  # pandas' parser and encoding errors are ValueErrors
        notes.append(f"{path.name} could not be read: {error}")
        return None
    if table.empty:
        return None
    numbers: pd.DataFrame = table.apply(pd.to_numeric, errors="coerce")
    return numbers


def _read_latency(path: Path, notes: list[str]) -> LatencyCurve | None:
    if not path.is_file():
        return None
    try:
        return read_curve(path)
    except ValueError as error:
        notes.append(f"{path.name} could not be read: {error}")
        return None
