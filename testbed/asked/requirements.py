"""Read an app's file of requirements as pip does, and refuse what does not say what is installed.

A file may include others: `-r other.txt`, `-c constraints.txt`, and `-f folder` with packages. All
of them decide what is installed, so all of them are deployed, and count in the environment's
digest. Each package has to be pinned to one version, or to a file or commit by its hash.
"""

import argparse
import hashlib
import os
import re
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from testbed import files
from testbed.asked import app_code
from testbed.errors import TestbedError
from testbed.model.requirements import Requirements
from testbed.texts import shown_name

LARGEST_BYTES = 1024 * 1024  # of a file; hashes of a few hundred packages
LONGEST_LINE = 4_000  # characters without hashes
MOST_NAMED = 5  # lines that one error names
COMMENT = re.compile(r"(?:^|(?<=\s))#")
HASH = re.compile(r"\s--hash(=|\s)\S+")
URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:/")
COMMIT = re.compile(r"[0-9a-f]{40}")
FILE_HASH = re.compile(r"sha(256=[0-9a-f]{64}|384=[0-9a-f]{96}|512=[0-9a-f]{128})")
PINNING = (
    "an exact version, as in flask==3.1.0; of a list of what you need, `uv pip compile"
    " requirements.in -o requirements.txt` (or pip-compile) makes a file that pins everything"
)


@dataclass(frozen=True)
class _Line:
    """One requirement, or one constraint, with the place where it stands."""

    where: str  # file and number
    text: str
    requirement: Requirement
    hashed: bool

    @property
    def name(self) -> str:
        return canonicalize_name(self.requirement.name)

    @property
    def key(self) -> str:
        """The package's name, with its marker if it has one."""
        marker = self.requirement.marker
        return self.name if marker is None else f"{self.name} ; {marker}"

    @property
    def pin(self) -> str | None:
        """The version or URL that it is pinned to; None if it is not pinned."""
        if (url := self.requirement.url) is not None:
            return url if self.hashed or _names_content(url) else None
        exact = [one for one in self.requirement.specifier if one.operator in ("==", "===")]
        return next((one.version for one in exact if not one.version.endswith(".*")), None)


def _names_content(url: str) -> bool:
    """Return whether a URL says what is there: by a commit of git, or by a file's hash."""
    place, _, fragment = url.partition("#")
    if place.startswith("git+"):
        return COMMIT.fullmatch(place.rpartition("@")[2]) is not None
    return any(FILE_HASH.fullmatch(part) for part in fragment.split("&"))


def folder_of(app_folder: Path, code: Path, name: str) -> Path:
    """Return the folder that `requirements` of an app.yml is relative to.

    That is the folder of app.yml, or that of the code where only this one has such a file.
    """
    beside, there = app_folder / name, code / name
    return code if not beside.exists() and there.exists() else app_folder


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
        self.lines: list[_Line] = []
        self.wanted: list[_Line] = []  # those of them that are not of constraints
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
        for number, text in _logical_lines(files.read_text(path, LARGEST_BYTES)):
            at = _Place(path, number, HASH.sub("", text))
            said, options = at.split()
            if said:
                self.lines.append(at.line(said, hashed=bool(HASH.search(text))))
                if not constraint:
                    self.wanted.append(self.lines[-1])
                continue
            included = [(one, False) for one in options.requirement]
            included += [(one, True) for one in options.constraint]
            if len(included) > 1:
                raise at.error("pip reads only one file of a line", "one line for each")
            for one, as_constraint in included:
                self._include(at, one, as_constraint, (*including, path))
            for one in options.find_links:
                self._take_packages(at, one)

    def _include(
        self, at: "_Place", name: str, constraint: bool, including: tuple[Path, ...]
    ) -> None:
        if URL.match(name) or name.startswith("file:"):
            raise at.error(
                f"includes {shown_name(name)}, which may change", "copy it, and include the copy"
            )
        path = at.path.parent / name
        with at:
            self.take(path, constraint=constraint, including=including)

    def _take_packages(self, at: "_Place", name: str) -> None:
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


@dataclass(frozen=True)
class _Place:
    """A line that is read. An error in its block is raised with its file and number."""

    path: Path
    number: int
    text: str

    @property
    def where(self) -> str:
        return f"{shown_name(self.path)}:{self.number}"

    def error(self, problem: str, remedy: str) -> TestbedError:
        return TestbedError(f"{self.where}: '{shown_name(self.text)}' {problem}", remedy=remedy)

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, TestbedError) and kind is TestbedError:
            raise TestbedError(f"{self.where}: {error.message}", remedy=error.remedy) from error

    def split(self) -> tuple[str, argparse.Namespace]:
        """Return the requirement, empty if the line has none, and the line's options.

        As in pip, the options begin at the first word that begins with a dash.
        """
        if len(self.text) > LONGEST_LINE:
            raise self.error(f"is longer than {LONGEST_LINE:,} characters", f"write {PINNING}")
        words = self.text.split(" ")
        first = next((n for n, word in enumerate(words) if word.startswith("-")), len(words))
        said = " ".join(words[:first]).strip()
        try:
            options = _PARSER.parse_args(shlex.split(" ".join(words[first:])))
        except ValueError as error:
            raise self.error(f"is no line that pip takes: {error}", PINNING) from error
        if options.editable:
            raise self.error(
                "is editable: its files may change after it was installed",
                "leave it out: the app is started in its own folder, and Python finds modules there"
                "; or pin a release of it",
            )
        return said, options

    def line(self, said: str, *, hashed: bool) -> _Line:
        """Return the requirement that is said. Raises TestbedError if it is none, or a path."""
        if said.endswith((".whl", ".zip", ".tar.gz")) and "@" not in said:
            raise self._local()
        try:
            requirement = Requirement(said)
        except (InvalidRequirement, RecursionError) as error:  # a marker with a thousand brackets
            raise self._misread(said) from error
        if requirement.url is not None and not re.match(r"(git\+|https?:)", requirement.url):
            if requirement.url.startswith("file:") or not URL.match(requirement.url):
                raise self._local()
            raise self.error("is neither of https nor of git", f"write {PINNING}")
        return _Line(self.where, said, requirement, hashed)

    def _misread(self, said: str) -> TestbedError:
        if URL.match(said) and not said.startswith("file:"):
            return self.error(
                "is a URL without the package's name",
                "write NAME @ URL#sha256=…, or NAME @ git+https://…@COMMIT",
            )
        if said.startswith((".", "/", "~", "file:")) or "/" in said:
            return self._local()
        return self.error("is no requirement", f"write {PINNING}")

    def _local(self) -> TestbedError:
        return self.error(
            "is a path, which names no version",
            "write NAME==VERSION, and `--find-links FOLDER` for a folder beside this file that has"
            " the package; modules in the app's own folder need not be installed",
        )


class _OptionParser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ValueError(message)


def _option_parser() -> argparse.ArgumentParser:
    """Return a parser of the options that pip takes in a file, abbreviated as in pip."""
    parser = _OptionParser(prog="", add_help=False)
    for short, long in (
        ("-r", "--requirement"),
        ("-c", "--constraint"),
        ("-e", "--editable"),
        ("-f", "--find-links"),
        ("-i", "--index-url"),
        ("-C", "--config-settings"),
    ):
        parser.add_argument(short, long, action="append", default=[])
    for name in ("--extra-index-url", "--no-binary", "--only-binary", "--trusted-host"):
        parser.add_argument(name, action="append")
    for name in ("--use-feature", "--global-option", "--install-option"):
        parser.add_argument(name, action="append")
    for name in ("--no-index", "--prefer-binary", "--require-hashes", "--pre"):
        parser.add_argument(name, action="store_true")
    return parser


_PARSER = _option_parser()


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield each line that says something, with the number of its first line, as pip reads it."""
    begun: list[str] = []
    begun_at = 0
    for number, line in enumerate([*text.splitlines(), ""], start=1):
        comment = COMMENT.match(line.lstrip())
        if line.endswith("\\") and not comment:
            begun_at = begun_at or number
            begun.append(line.strip("\\"))
            continue
        whole = "".join([*begun, " " if comment else "", line])
        if found := COMMENT.search(whole):
            whole = whole[: found.start()]
        if whole.strip():
            yield begun_at or number, whole.strip()
        begun, begun_at = [], 0


def _check_pinned(lines: Iterable[_Line]) -> None:
    """Raise TestbedError, naming the lines, if packages are not pinned or pinned twice.

    A line may leave it to another one, such as that of a constraint, to pin its package.
    """
    lines = list(lines)
    pinned: dict[str, _Line] = {}
    for line in lines:
        if line.pin is None or line.requirement.marker is not None:
            continue
        other = pinned.setdefault(line.name, line)
        if not _equal(str(other.pin), line.pin):
            raise TestbedError(
                f"{line.where}: '{shown_name(line.text)}' contradicts {other.where}: "
                f"'{shown_name(other.text)}'",
                remedy="take one of the two lines out",
            )
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


def _check_hashed(reader: _Reader) -> None:
    """Raise TestbedError for a line without a hash if others have one: pip then wants all."""
    hashed = {line.name for line in reader.lines if line.hashed}
    for line in reader.wanted:
        if hashed and line.name not in hashed and line.requirement.url is None:
            raise TestbedError(
                f"{line.where}: '{shown_name(line.text)}' has no hash, and others have one: pip "
                "then installs nothing without",
                remedy="`uv pip compile --generate-hashes` gives all of them; or take them out",
            )


def _equal(one: str, other: str) -> bool:
    try:
        return Version(one) == Version(other)
    except InvalidVersion:
        return one == other
