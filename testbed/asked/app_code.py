"""List an app's files as they are deployed, and identify them by a digest."""

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from testbed import files
from testbed.errors import TestbedError
from testbed.texts import is_plain, shown_name

CACHES = "__pycache__"
# The code is packed in memory and copied to the server; data and environments belong elsewhere
MOST_FILES = 10_000
MOST_BYTES = 128 * 1024 * 1024


def files_of(folder: Path) -> list[Path]:
    """Return the folder's files as they are deployed, sorted, without caches and hidden files.

    Raises TestbedError, which names the file, for what cannot be deployed: a link that leads
    outside or to a folder, a pipe, a name that cannot be printed, or more files than a service's
    code has.
    """
    found = sorted(_walk(folder))
    if (size := sum(path.stat().st_size for path in found)) > MOST_BYTES:
        raise _too_much(folder, f"{size:,} bytes; {MOST_BYTES:,}")
    return found


def _walk(folder: Path) -> Iterator[Path]:
    root = folder.resolve()
    count = 0
    for place, folders, names in os.walk(folder, onerror=_raise):
        folders[:] = [name for name in folders if _is_deployed(name)]
        linked = [name for name in folders if (Path(place) / name).is_symlink()]
        for name in [*linked, *filter(_is_deployed, names)]:
            path = Path(place) / name
            _check(path, root)
            count += 1
            if count > MOST_FILES:
                raise _too_much(folder, f"more than {MOST_FILES:,} files; as many")
            yield path


def _is_deployed(name: str) -> bool:
    return name != CACHES and not name.startswith(".")


def _check(path: Path, root: Path) -> None:
    if not all(map(is_plain, str(path))):
        raise TestbedError(f"{shown_name(path)}: a file's name must be of printable characters")
    try:
        other = files.kind(path)
        inside = path.resolve().is_relative_to(root)
    except (OSError, RuntimeError) as error:
        raise TestbedError(
            f"{shown_name(path)}: cannot be read: {getattr(error, 'strerror', None) or error}",
            remedy="remove it, or mend the link",
        ) from error
    if not inside:
        raise TestbedError(
            f"{shown_name(path)}: links to {shown_name(path.resolve())}, outside of the app's code",
            remedy="only what is in the folder is deployed: copy it there",
        )
    if other is not None:
        raise TestbedError(
            f"{shown_name(path)}: is {'a link to ' if path.is_symlink() else ''}{other}; only "
            "files are deployed",
            remedy="remove it, or name it with a dot first: hidden files are left out",
        )


def _raise(error: OSError) -> None:
    raise TestbedError(f"{shown_name(error.filename)}: cannot be read: {error.strerror}") from error


def _too_much(folder: Path, what: str) -> TestbedError:
    return TestbedError(
        f"{shown_name(folder)}: the app's code has {what} are the most that is deployed",
        remedy="keep data and environments out of it, or in a folder with a dot first",
    )


def file_digests(folder: Path, *more: Path) -> dict[str, str]:
    """Return a short digest of each of the folder's files, and of `more` files.

    Their names are their paths from the folder.
    """
    folder = folder.resolve()
    return {
        Path(os.path.relpath(path, folder)).as_posix(): files.short_digest(path, MOST_BYTES)
        for path in _with(folder, more)
    }


def digest(folder: Path, *more: Path) -> str:
    """Return a short digest of the names and contents of the folder's files, and of `more` files.

    Raises TestbedError for a file that cannot be deployed or read.
    """
    folder = folder.resolve()
    result = hashlib.sha256()
    for path in _with(folder, more):
        name = path.relative_to(folder) if path.is_relative_to(folder) else path.name
        result.update(f"{name}\0{path.stat().st_mode & 0o100}\0".encode())
        result.update(files.read(path, MOST_BYTES) + b"\0")
    return result.hexdigest()[:12]


def _with(folder: Path, more: Iterable[Path]) -> list[Path]:
    """Return the folder's files, then those of `more` that are not among them."""
    others = (path.parent.resolve() / path.name for path in more)
    return list(dict.fromkeys([*files_of(folder), *others]))
