"""The results folder: written whole or not at all, read back checked."""

import os
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from testbed import jsonfile, seal
from testbed.errors import TestbedError
from testbed.model.results import Campaign, Failure, RunRecord
from testbed.paths import ROOT

FOLDER_VARIABLE = "TESTBED_RESULTS"  # environment variable: results elsewhere than in results/
PARTIAL = ".partial-"  # prefix of a run's folder until its run.json is complete

M = TypeVar("M", bound=BaseModel)


def folder() -> Path:
    """Where campaigns and link verifications are kept."""
    return Path(os.environ.get(FOLDER_VARIABLE) or ROOT / "results")


def write(path: Path, model: BaseModel) -> None:
    """Write a model as JSON so that a reader sees the old file or the new one, never half of it.

    Where the model has a field for a digest, the document carries it.
    Raises TestbedError if it cannot be written, a full disk for instance.
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
            f"cannot write {path}: {error.strerror}",
            remedy="free some space or choose another results folder; finished runs are kept",
        ) from error


def read(path: Path, model: type[M]) -> M:
    """Read a model back. Raises TestbedError, naming the file and what is wrong in it.

    That includes a document which is not as it was written.
    """
    data = jsonfile.read(path)
    if seal.is_broken(data):
        raise TestbedError(
            f"{path} was edited after it was written",
            remedy="restore it from a copy; what it says now, nobody measured",
        )
    return jsonfile.fit(path, data, model)


def point_latest(folder: Path) -> None:
    """Let `latest` beside the campaign lead to it."""
    temporary = folder.with_name(".latest.tmp")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(folder.name)
    temporary.replace(folder.with_name("latest"))


def finished_runs(folder: Path, campaign: Campaign) -> dict[str, RunRecord]:
    """The campaign's runs that have figures, by id.

    Not among them: one that is half-written, that an app failed in, or that was interrupted.
    Raises TestbedError if a file of one is not as it was when the run ended.
    """
    paths = {run_id: folder / run_id / "run.json" for run_id in campaign.runs}
    records = {run_id: read(path, RunRecord) for run_id, path in paths.items() if path.is_file()}
    finished = {run_id: record for run_id, record in records.items() if record.failure is None}
    for run_id, record in finished.items():
        if changes := seal.changes(folder / run_id, record):
            raise TestbedError(
                f"{folder / run_id}: {'; '.join(changes[:3])}",
                remedy="restore what was there, or remove the folder to have the run repeated",
            )
    return finished


def failures(path: Path) -> list[Failure]:
    """Why all attempts at a run failed so far; `path`: its run.json, which need not be there."""
    if not path.is_file():
        return []
    record = read(path, RunRecord)
    return [*record.earlier_failures, *([record.failure] if record.failure else [])]


def first_rows(folder: Path) -> dict[str, int] | None:
    """What the first finished run of a campaign found in the database; None if none did."""
    for path in sorted(folder.glob("[0-9]*/run.json")):
        if (rows := read(path, RunRecord).rows) is not None:
            return rows
    return None
