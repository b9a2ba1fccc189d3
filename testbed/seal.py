"""Tell whether results are unchanged, by digests of documents and of the files of a run.

Digests show what was edited, cut off or lost. They are not a signature: somebody who wants to
deceive can compute new ones.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from testbed.model.results import RUN_FILE, KeptFile, RunRecord
from testbed.texts import shown_name

FIELD = "digest"  # the field of a sealed document that has its digest
BLOCK_BYTES = 1 << 20


def sealed(model: BaseModel) -> str:
    """Return the model as JSON, with its digest if it has a field for one."""
    data = json.loads(model.model_dump_json())
    if FIELD in type(model).model_fields:
        data[FIELD] = digest(data)
    return json.dumps(data, indent=1, ensure_ascii=False) + "\n"


def digest(data: dict[str, Any]) -> str:
    """Return the digest of a document's content, without its digest field and its layout."""
    content = {key: value for key, value in data.items() if key != FIELD}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def is_broken(data: dict[str, Any]) -> bool:
    """Return whether a document differs from what was written; False if it carries no digest.

    Documents of older versions carry none.
    """
    return data.get(FIELD) is not None and data[FIELD] != digest(data)


def files_of(folder: Path) -> dict[str, KeptFile]:
    """Return every file of a run's folder except run.json, by its path in the folder."""
    return {
        path.relative_to(folder).as_posix(): kept(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path != folder / RUN_FILE
    }


def changes(folder: Path, record: RunRecord) -> list[str]:
    """Return a sentence for each file of a run that has changed since the run ended.

    Return an empty list if all are as they were.
    """
    found = (_change(folder / name, kept) for name, kept in sorted(record.files.items()))
    return [sentence for sentence in found if sentence]


def _change(path: Path, then: KeptFile) -> str | None:
    name = shown_name(f"{path.parent.name}/{path.name}")
    try:
        if path.is_symlink() or not path.is_file():
            return f"{name} is missing" if not path.exists() else f"{name} is no plain file"
        size = path.stat().st_size
        if size == then.bytes and kept(path) == then:
            return None
    except OSError as error:
        return f"{name} cannot be read: {error.strerror}"
    if size < then.bytes:
        return f"{name} was cut or edited after the run: {size} of {then.bytes} bytes"
    return f"{name} was edited after the run ({then.bytes} bytes then, {size} now)"


def kept(path: Path) -> KeptFile:
    """Return the size and digest of a file. Raises OSError if it cannot be read."""
    found, size = hashlib.sha256(), 0
    with path.open("rb") as stream:
        while block := stream.read(BLOCK_BYTES):
            found.update(block)
            size += len(block)
    return KeptFile(sha256=found.hexdigest(), bytes=size)
