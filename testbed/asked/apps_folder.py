"""Find what an apps folder declares: <workload>/workload.yml and <workload>/<app>/app.yml.

The folder may be any that a user names. So it is looked through once, two folders deep and up to a
number of entries, and what cannot be read is told: an app might be in it.
"""

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from testbed import files
from testbed.asked.workload_files import WORKLOAD_FILE
from testbed.asked.yamlfile import MOST_BYTES
from testbed.errors import TestbedError
from testbed.model.catalogue import APP_FILE
from testbed.texts import shown_name

LAID_OUT = "--apps-path is a folder laid out as apps/ is"
# A line of each app.yml, by which it is told from a file of another program's that has this name
_OF_AN_APP = re.compile(rb"(?m)^schema_version\s*:")
MOST_ENTRIES = 20_000  # in the folder and its folders; the project's own has a hundred


@dataclass(frozen=True)
class Layout:
    """The files that an apps folder declares, sorted; links that lead nowhere are among them."""

    workloads: list[Path]  # each workload.yml
    apps: list[Path]  # each app.yml

    @property
    def is_empty(self) -> bool:
        """Return whether the folder declares nothing."""
        return not self.workloads and not self.apps


def own(named: str | Path) -> Path:
    """Return the absolute path of the user's apps folder. Raises TestbedError if it is none."""
    if not str(named):
        raise TestbedError("--apps-path: names no folder; leave the option out for none")
    try:
        folder = Path(named).resolve()
        if files.kind(folder) == files.FOLDER:
            return folder
        problem = "is no folder"
    except FileNotFoundError:
        problem = "no such folder"
    except (OSError, RuntimeError, ValueError) as error:
        problem = f"cannot be read: {getattr(error, 'strerror', None) or error}"
    raise TestbedError(f"{shown_name(named)}: {problem}", remedy=LAID_OUT)


def look(folder: Path) -> Layout:
    """Return what a folder declares.

    Raises TestbedError for a part of it that cannot be read, for more entries than an apps folder
    has, and for a file that is not read, but named as if it were meant to be.
    """
    count = 0
    outer, inner = [], []
    for workload in _folders(folder):
        outer.append(workload)
        count += 1
        for app in _folders(workload):
            inner.append(app)
            count += 1
            if count > MOST_ENTRIES:
                raise _too_many(folder)
    _check_names(outer, WORKLOAD_FILE)
    _check_names(inner, APP_FILE)
    misplaced = [path for path in _those([folder], APP_FILE) if _is_of_an_app(path)]
    for path in [*misplaced, *_those(outer, APP_FILE), *_too_deep(inner)]:
        raise TestbedError(
            f"{shown_name(path)}: an app is a folder of its own, in that of its workload",
            remedy=f"move it and the code to <workload>/<app>/{APP_FILE} in the folder that"
            " --apps-path names, or name another folder",
        )
    return Layout(_those(outer, WORKLOAD_FILE), _those(inner, APP_FILE))


def _too_deep(folders: list[Path]) -> Iterator[Path]:
    """Yield each app.yml of the testbed's that lies a folder deeper than where it is read.

    What is in an app's folder is its code, whatever its name. Hidden folders are left alone.
    """
    for folder in folders:
        hidden = any(name.startswith(".") for name in (folder.parent.name, folder.name))
        if not hidden and not _is_there(folder / APP_FILE):
            with suppress(TestbedError):  # it is no more than a folder beside the apps
                inner = [one for one in _folders(folder) if not one.name.startswith(".")]
                yield from filter(_is_of_an_app, _those(inner, APP_FILE))


def _is_of_an_app(path: Path) -> bool:
    """Return whether a file has what each app.yml begins with."""
    try:
        return _OF_AN_APP.search(files.read(path, MOST_BYTES)) is not None
    except TestbedError:
        return False


def _folders(folder: Path) -> list[Path]:
    """Return the folders in a folder, sorted; links to folders are among them."""
    try:
        with os.scandir(folder) as entries:
            first = list(islice(entries, MOST_ENTRIES + 1))
            if len(first) > MOST_ENTRIES:
                raise _too_many(folder)
            return sorted(Path(entry.path) for entry in first if _is_folder(entry))
    except FileNotFoundError:  # a process of /proc that has just ended
        return []
    except OSError as error:
        raise _unreadable(error, folder) from error


def _unreadable(error: OSError, path: Path) -> TestbedError:
    return TestbedError(
        f"{shown_name(error.filename or path)}: cannot be read: {error.strerror}",
        remedy=f"{LAID_OUT}, all of which can be read",
    )


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Return whether an entry is a folder, or a link to one; not a link in a circle."""
    try:
        return entry.is_dir()
    except PermissionError:
        raise
    except OSError:
        return False


def _too_many(folder: Path) -> TestbedError:
    return TestbedError(
        f"{shown_name(folder)}: has more than {MOST_ENTRIES:,} entries, as no folder of apps has",
        remedy=LAID_OUT,
    )


def _those(folders: list[Path], name: str) -> list[Path]:
    return [folder / name for folder in folders if _is_there(folder / name)]


def _is_there(path: Path) -> bool:
    """Return whether there is something of that name, if only a link that leads nowhere."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise _unreadable(error, path) from error
    return True


def _check_names(folders: list[Path], name: str) -> None:
    """Raise TestbedError for a file whose name is almost this one, where there is none of it."""
    for folder in folders:
        if not _is_there(folder / name):
            for path in sorted(_alike(folder, name)):
                raise TestbedError(
                    f"{shown_name(path)}: a file of this name is not read",
                    remedy=f"rename it to {name}",
                )


def _alike(folder: Path, name: str) -> Iterator[Path]:
    stem = Path(name).stem
    try:
        with os.scandir(folder) as entries:
            for entry in islice(entries, MOST_ENTRIES):
                path = Path(entry.path)
                if path.stem.lower() == stem and path.suffix.lower() in (".yml", ".yaml"):
                    yield path
    except OSError:  # without app.yml or workload.yml, it is no more than a folder beside the apps
        return
