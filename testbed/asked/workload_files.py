"""Name the files that make up a workload, so that results say what was asked, and of which data."""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from testbed import files
from testbed.model.catalogue import Workload
from testbed.model.kinds import FileName
from testbed.validity import sql

WORKLOAD_FILE = "workload.yml"


def digests(folder: Path, workload: Workload) -> dict[str, str]:
    """Return a short digest of workload.yml and of each file in its folder that it names.

    Raises TestbedError for a file that cannot be read.
    """
    names = [WORKLOAD_FILE, *sorted(set(_files(workload)))]
    return {name: files.short_digest(folder / name, sql.MOST_FILE_BYTES) for name in names}


def digest(named: Mapping[str, str]) -> str:
    """Return one short digest of all files; `named` has that of each, by its path."""
    text = "".join(f"{name}\0{one}\0" for name, one in sorted(named.items()))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _files(value: Any) -> Iterator[FileName]:
    """Yield each name of a file in a value."""
    if isinstance(value, BaseModel):
        value = [inner for _, inner in value]
    elif isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for inner in value:
            yield from _files(inner)
    elif isinstance(value, FileName):
        yield value
