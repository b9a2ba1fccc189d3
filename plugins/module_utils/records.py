"""Keep what was found on a host in a JSON file, so that it can be put back."""

import json
import os
import tempfile
from pathlib import Path
from typing import Any


class DamagedError(Exception):
    """Raised for a record that cannot be read; its text is the message for the user."""


def load(file: Path, remedy: str = "") -> Any:
    """Return a record's content, or None if it was never written. Raises DamagedError."""
    try:
        return json.loads(file.read_text()) if file.exists() else None
    except ValueError as error:  # also for bytes that are not UTF-8
        raise DamagedError(f"{file} is damaged ({error}) -> {remedy}") from error


def save(file: Path, content: Any) -> bool:
    """Write a record that all users may read, completely or not at all. Return if it changed."""
    try:
        if load(file) == content:
            return False
    except DamagedError:
        pass
    file.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    handle, partial = tempfile.mkstemp(dir=file.parent, prefix=file.name)
    with os.fdopen(handle, "w") as stream:
        json.dump(content, stream, indent=1)
        stream.write("\n")
        stream.flush()
        os.fsync(stream.fileno())
    Path(partial).chmod(0o644)
    Path(partial).replace(file)
    return True


def keep(file: Path, entries: dict[str, Any]) -> None:
    """Write the record of what was found, or remove it if nothing is left to put back."""
    if entries:
        save(file, entries)
    else:
        file.unlink(missing_ok=True)
