"""Write the results folder, each file completely or not at all, and read it back with checks."""

import os
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from testbed import jsonfile, seal
from testbed.errors import TestbedError
from testbed.model.campaign import Campaign
from testbed.model.results import RUN_FILE, Failure, RunRecord
from testbed.paths import ROOT
from testbed.texts import shown_name

FOLDER_VARIABLE = "TESTBED_RESULTS"  # environment variable with another folder than results/
PARTIAL = ".partial-"  # prefix of a run's folder until its run.json is complete

M = TypeVar("M", bound=BaseModel)


def folder() -> Path:
    """Return the folder of campaigns and link verifications."""
    return Path(os.environ.get(FOLDER_VARIABLE) or ROOT / "results")


def dated(name: str, at: datetime) -> str:
    """Return a name for a folder of results that begin at a moment in UTC, which stands first."""
    return f"{moment(at)}-{name}"


def moment(at: datetime) -> str:
    """Return a moment in UTC as names of results folders have it."""
    return f"{at:%Y%m%dT%H%M%SZ}"


def write(path: Path, model: BaseModel) -> None:
    """Write a model as JSON so that a reader sees the old file or the new one, never half of it.

    If the model has a field for a digest, the document carries its digest. Raises TestbedError if
    the file cannot be written, for example because the disk is full.
    """
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("w", encoding="utf-8") as stream:
            stream.write(seal.sealed(model))
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    except OSError as error:
        raise TestbedError(
            f"cannot write {shown_name(path)}: {error.strerror}",
            remedy="free some space or choose another results folder; finished runs are kept",
        ) from error


def read(path: Path, model: type[M]) -> M:
    """Read a model back.

    Raises TestbedError, which names the file and what is wrong in it, for example that it was
    edited after it was written.
    """
    found, edited = read_as_found(path, model)
    if edited:
        raise TestbedError(
            f"{shown_name(path)} was edited after it was written",
            remedy="restore it from a copy; its present content was not measured",
        )
    return found


def read_as_found(path: Path, model: type[M]) -> tuple[M, bool]:
    """Return a model as its file is now, and whether the file was edited after it was written.

    Raises TestbedError, which names the file and what is wrong in it, if it does not fit.
    """
    data = jsonfile.read(path)
    return jsonfile.fit(path, data, model), seal.is_broken(data)


def read_run(folder: Path, campaign: Campaign) -> tuple[RunRecord, list[str]]:
    """Return a run as its folder is now, and a sentence for each change since it was written.

    Raises TestbedError if the folder has no run, or a run of another campaign.
    """
    path = folder / RUN_FILE
    if not path.is_file():
        raise TestbedError(
            f"{shown_name(folder)}: half-written run: no {RUN_FILE} in it",
            remedy="resume the campaign, which redoes this run, or remove the folder",
        )
    record, edited = read_as_found(path, RunRecord)
    if record.run_id != folder.name:
        raise TestbedError(f"{shown_name(path)}: run_id '{record.run_id}' is not its folder's name")
    if record.campaign != campaign.campaign:
        raise TestbedError(
            f"{shown_name(path)}: belongs to campaign '{record.campaign}', "
            f"not '{campaign.campaign}'",
            remedy="keep each campaign's runs in its own folder",
        )
    name = f"{shown_name(folder.name)}/{RUN_FILE}"
    if edited:
        return record, [f"{name} was edited after the run"]
    if campaign.digest is not None and record.digest is None:
        return record, [f"{name} has lost its digest"]
    return record, seal.changes(folder, record)


def point_latest(folder: Path) -> None:
    """Make the link `latest` beside the campaign's folder lead to it."""
    temporary = folder.with_name(".latest.tmp")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(folder.name)
    temporary.replace(folder.with_name("latest"))


def finished_runs(folder: Path, campaign: Campaign) -> dict[str, RunRecord]:
    """Return the campaign's runs that have figures, by id.

    A run that is half-written, failed or interrupted is not among them. Raises TestbedError if a
    file of one has changed since the run ended.
    """
    finished = {}
    for run_id in campaign.runs:
        if not (folder / run_id / RUN_FILE).is_file():
            continue
        record, edits = read_run(folder / run_id, campaign)
        if edits:
            raise TestbedError(
                f"{shown_name(folder / run_id)}: {'; '.join(edits[:3])}",
                remedy="restore what was there, or remove the folder to have the run repeated",
            )
        if record.failure is None:
            finished[run_id] = record
    return finished


def failures(path: Path) -> list[Failure]:
    """Return why all attempts at a run have failed so far; an empty list if there were none.

    `path` is that of its run.json, which need not exist.
    """
    if not path.is_file():
        return []
    record = read(path, RunRecord)
    return [*record.earlier_failures, *([record.failure] if record.failure else [])]


def first_rows(folder: Path) -> dict[str, int] | None:
    """Return the rows by table that a campaign's first finished run found in the database.

    Return None if no finished run counted them.
    """
    for path in sorted(folder.glob(f"[0-9]*/{RUN_FILE}")):
        if (rows := read(path, RunRecord).rows) is not None:
            return rows
    return None
