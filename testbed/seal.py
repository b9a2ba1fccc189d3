"""Whether results are as they were written: digests of documents and of the files of a run.

They find what was edited, cut off or lost. They are no signature: somebody who means to deceive can
make new ones.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from testbed.model.results import KeptFile, RunRecord
from testbed.texts import shown_name

FIELD = "digest"  # of a sealed document
RECORD = "run.json"  # in a run's folder; seals itself, and lists the digests of all other files
BLOCK_BYTES = 1 << 20


def sealed(model: BaseModel) -> str:
    """The model as JSON, with its digest where it has a field for one."""
    data = json.loads(model.model_dump_json())
    if FIELD in type(model).model_fields:
        data[FIELD] = digest(data)
    return json.dumps(data, indent=1, ensure_ascii=False) + "\n"


def digest(data: dict[str, Any]) -> str:
    """The digest of a document's content but for the one it carries, however it is laid out."""
    content = {key: value for key, value in data.items() if key != FIELD}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def is_broken(data: dict[str, Any]) -> bool:
    """Whether a document is not what was written. Older ones carry no digest, and tell nothing."""
    return data.get(FIELD) is not None and data[FIELD] != digest(data)


def files_of(folder: Path) -> dict[str, KeptFile]:
    """Every file of a run's folder but run.json, by its path in there."""
    return {
        path.relative_to(folder).as_posix(): _kept(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path != folder / RECORD
    }


def changes(folder: Path, record: RunRecord) -> list[str]:
    """A sentence for each file of a run that is no longer as it was when the run ended."""
    found = (_change(folder / name, kept) for name, kept in sorted(record.files.items()))
    return [sentence for sentence in found if sentence]


def _change(path: Path, then: KeptFile) -> str | None:
    name = shown_name(f"{path.parent.name}/{path.name}")
    try:
        if path.is_symlink() or not path.is_file():
            return f"{name} is missing" if not path.exists() else f"{name} is no plain file"
        size = path.stat().st_size
        if size == then.bytes and _kept(path) == then:
            return None
    except OSError as error:
        return f"{name} cannot be read: {error.strerror}"
    if size < then.bytes:
        return f"{name} was cut or edited after the run: {size} of {then.bytes} bytes"
    return f"{name} was edited after the run ({then.bytes} bytes then, {size} now)"


def _kept(path: Path) -> KeptFile:
    found, size = hashlib.sha256(), 0
    with path.open("rb") as stream:
        while block := stream.read(BLOCK_BYTES):
            found.update(block)
            size += len(block)
    return KeptFile(sha256=found.hexdigest(), bytes=size)
