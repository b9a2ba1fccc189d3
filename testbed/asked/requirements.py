"""Read an app's file of requirements as pip does, and refuse what does not say what is installed.

A file may include others: `-r other.txt`, `-c constraints.txt`, and `-f folder` with packages. All
of them decide what is installed, so all of them are deployed, and count in the environment's
digest. Each package has to be pinned to one version, or to a file or commit by its hash.
"""

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

from packaging.version import InvalidVersion, Version

from testbed import files
from testbed.asked import app_code
from testbed.asked.requirement_lines import HASH, PINNING, URL, Line, Place, logical_lines
from testbed.errors import TestbedError
from testbed.model.requirements import Requirements
from testbed.texts import shown_name

LARGEST_BYTES = 1024 * 1024  # of a file; hashes of a few hundred packages
MOST_NAMED = 5  # lines that one error names


def folder_of(app_folder: Path, code: Path, name: str) -> Path:
    """Return the folder that `requirements` of an app.yml is relative to.

    That is the folder of app.yml, or that of the code where only this one has such a file. A link
    that leads nowhere is one, and refused when it is read.
    """
    beside, there = app_folder / name, code / name
    return code if not os.path.lexists(beside) and there.exists() else app_folder


def read(folder: Path, name: str) -> Requirements:
    """Return what the file `name` in the folder asks for, with all that it includes.

    Raises TestbedError, with file and line, for a file that is missing, is not deployed or includes
    itself, and for each line that does not say what is installed.
    """
    reader = _Reader(folder.resolve())
    reader.take(folder.resolve() / name, constraint=False, including=())
    _check_pinned(reader.lines)
    _check_hashed(reader)
    pins = {line.key: line.pin for line in reader.lines if line.pin is not None}
    found = list(dict.fromkeys(reader.files))
    contents = b"\0".join(map(reader.content, found))
    digest = hashlib.sha256(contents).hexdigest()[:12]
    return Requirements(folder=reader.folder, files=found, pins=pins, digest=digest)


class _Reader:
    """Reads a file and those that it includes, each of them once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files: list[Path] = []
        self.lines: list[Line] = []
        self.wanted: list[Line] = []  # those of them that are not of constraints
        self.hashes_required = False  # by an option; one line with a hash does it, too
        self._taken: set[tuple[Path, bool]] = set()

    def content(self, path: Path) -> bytes:
        """Return a file's content; of a list, without comments, which may say for whom it was made.

        So apps that pin the same packages have the same digest, and share an environment.
        """
        content = files.read(path, app_code.MOST_BYTES)
        if not any((path, constraint) in self._taken for constraint in (False, True)):
            return content
        lines = content.splitlines()
        return b"\n".join(line for line in lines if not line.lstrip().startswith(b"#"))

    def take(self, path: Path, *, constraint: bool, including: tuple[Path, ...]) -> None:
        """Take a file's lines. `including` has the files whose includes led to it."""
        path = self._deployed(path)
        if path in including:
            raise TestbedError(
                f"{shown_name(path)}: includes itself, by way of "
                f"{', '.join(shown_name(one.name) for one in including)}",
                remedy="take one of these lines out",
            )
        if (path, constraint) in self._taken:
            return
        self._taken.add((path, constraint))
        self.files.append(path)
        for number, text in logical_lines(files.read_text(path, LARGEST_BYTES)):
            at = Place(path, number, HASH.sub("", text))
            hashes = HASH.findall(text)
            at.check_hashes(hashes)
            said, options = at.split()
            if said:
                self.lines.append(at.line(said, hashed=bool(hashes)))
                if not constraint:
                    self.wanted.append(self.lines[-1])
                continue
            self.hashes_required |= options.require_hashes
            included = [(one, False) for one in options.requirement]
            included += [(one, True) for one in options.constraint]
            if len(included) > 1:
                raise at.error("pip reads only one file of a line", "one line for each")
            for one, as_constraint in included:
                self._include(at, one, as_constraint, (*including, path))
            for one in options.find_links:
                self._take_packages(at, one)

    def _include(self, at: Place, name: str, constraint: bool, including: tuple[Path, ...]) -> None:
        if URL.match(name) or name.startswith("file:"):
            raise at.error(
                f"includes {shown_name(name)}, which may change", "copy it, and include the copy"
            )
        path = at.path.parent / name
        with at:
            self.take(path, constraint=constraint, including=including)

    def _take_packages(self, at: Place, name: str) -> None:
        """Take the packages of a folder that pip is to look in; one at a URL has no files here."""
        if URL.match(name):
            return
        path = at.path.parent / name
        with at:
            path = self._deployed(path)
            found = sorted(path.iterdir()) if path.is_dir() else [path]
            for one in map(self._deployed, found):
                files.check(one, app_code.MOST_BYTES)
                self.files.append(one)

    def _deployed(self, path: Path) -> Path:
        """Return a file's path without '..'.

        Raises TestbedError unless it is there, in the folder, and not hidden.
        """
        path = Path(os.path.normpath(path))
        try:
            path.resolve(strict=True).relative_to(self.folder)
            inside = path.parent.resolve().relative_to(self.folder) / path.name
        except FileNotFoundError as error:
            raise TestbedError(f"{shown_name(path)}: no such file") from error
        except ValueError as error:
            raise TestbedError(
                f"{shown_name(path)}: lies outside of {shown_name(self.folder)}",
                remedy="only what is in the folder is deployed: copy it there",
            ) from error
        except (OSError, RuntimeError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise TestbedError(f"{shown_name(path)}: cannot be read: {reason}") from error
        if any(part.startswith(".") for part in inside.parts):
            raise TestbedError(
                f"{shown_name(path)}: hidden files are not deployed", remedy="rename it"
            )
        if self.folder / inside != path:
            raise TestbedError(
                f"{shown_name(path)}: lies behind a link to a folder; only files are deployed",
                remedy="copy it there",
            )
        return path


def _check_pinned(lines: Iterable[Line]) -> None:
    """Raise TestbedError, naming the lines, if packages are not pinned or pinned twice.

    A line may leave it to another one, such as that of a constraint, to pin its package.
    """
    lines = list(lines)
    for line in lines:
        if line.pin is not None and not line.takes(line.pin):
            raise TestbedError(
                f"{line.where}: '{shown_name(line.text)}' contradicts itself: no version is all of"
                " that",
                remedy="keep one exact version",
            )
    pinned: dict[str, Line] = {}
    for line in lines:
        if line.pin is None or line.requirement.marker is not None:
            continue
        other = pinned.setdefault(line.name, line)
        if not _equal(str(other.pin), line.pin):
            raise _contradiction(line, other)
    for line in lines:
        pinning = pinned.get(line.name)
        if pinning is None or pinning is line:  # which has been asked above
            continue
        if line.requirement.marker is None and not line.takes(str(pinning.pin)):
            raise _contradiction(line, pinning)
    if loose := [line for line in lines if line.pin is None and line.name not in pinned]:
        named = ", ".join(f"{one.where}: '{shown_name(one.text)}'" for one in loose[:MOST_NAMED])
        more = f" and {len(loose) - MOST_NAMED} more" if len(loose) > MOST_NAMED else ""
        verb = "pins no version" if len(loose) == 1 else "pin no version"
        by_url = any(one.requirement.url for one in loose)
        raise TestbedError(
            f"{named}{more} {verb}, so that nobody knows what would be installed",
            remedy=f"write {PINNING}"
            + ("; of a URL, its #sha256=… or, of git, @ and the whole commit" if by_url else ""),
        )


def _contradiction(line: Line, other: Line) -> TestbedError:
    return TestbedError(
        f"{line.where}: '{shown_name(line.text)}' contradicts {other.where}: "
        f"'{shown_name(other.text)}'",
        remedy="take one of the two lines out",
    )


def _check_hashed(reader: _Reader) -> None:
    """Raise TestbedError for a line without a hash if pip wants all of them."""
    hashed = {line.name for line in reader.lines if line.hashed}
    if not hashed and not reader.hashes_required:
        return
    said = "others have one" if hashed else "--require-hashes stands there"
    for line in reader.wanted:
        url = line.requirement.url or ""
        if url.startswith("git+"):
            raise TestbedError(
                f"{line.where}: '{shown_name(line.text)}' is of git, which has no hash for pip, and"
                f" {said}: pip then installs nothing without",
                remedy="pin an archive of it, NAME @ https://…#sha256=…, or leave all hashes out",
            )
        if line.name not in hashed and not url:
            raise TestbedError(
                f"{line.where}: '{shown_name(line.text)}' has no hash, and {said}: pip "
                "then installs nothing without",
                remedy="`uv pip compile --generate-hashes` gives all of them; or take them out",
            )


def _equal(one: str, other: str) -> bool:
    try:
        return Version(one) == Version(other)
    except InvalidVersion:
        return one == other
