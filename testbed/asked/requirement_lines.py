"""Read the lines of a file of requirements as pip reads them, and refuse what pip would refuse."""

import argparse
import re
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from testbed.errors import TestbedError
from testbed.texts import shown_name

LONGEST_LINE = 4_000  # characters without hashes
COMMENT = re.compile(r"(?:^|(?<=\s))#")
HASH = re.compile(r"\s--hash(?:=|\s+)(\S+)")
URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:/")
COMMIT = re.compile(r"[0-9a-f]{40}")
_DIGEST = "sha(256{0}[0-9a-f]{{64}}|384{0}[0-9a-f]{{96}}|512{0}[0-9a-f]{{128}})"
FILE_HASH = re.compile(_DIGEST.format("="))
OPTION_HASH = re.compile(_DIGEST.format(":"), re.IGNORECASE)
OPTION = re.compile(r"(?:^|(?<= ))-")
VARIABLE = re.compile(r"\$\{[A-Z0-9_]+\}")  # what pip replaces
PINNING = (
    "an exact version, as in flask==3.1.0; of a list of what you need, `uv pip compile"
    " requirements.in -o requirements.txt` (or pip-compile) makes a file that pins everything"
)


@dataclass(frozen=True)
class Line:
    """One requirement, or one constraint, with the place where it stands."""

    where: str  # file and number
    text: str
    requirement: Requirement
    hashed: bool

    @cached_property
    def name(self) -> str:
        """The package's name, spelt as an index compares names."""
        return canonicalize_name(self.requirement.name)

    @property
    def key(self) -> str:
        """The package's name, with its marker if it has one."""
        marker = self.requirement.marker
        return self.name if marker is None else f"{self.name} ; {marker}"

    @cached_property
    def pin(self) -> str | None:
        """The version or URL that it is pinned to; None if it is not pinned."""
        if (url := self.requirement.url) is not None:
            return url if self.hashed or _names_content(url) else None
        exact = [one for one in self.requirement.specifier if one.operator in ("==", "===")]
        return next((one.version for one in exact if not one.version.endswith(".*")), None)

    def takes(self, version: str) -> bool:
        """Return whether a version fits all that the line says; what is no version may."""
        try:
            return self.requirement.specifier.contains(Version(version), prereleases=True)
        except InvalidVersion:
            return True


# Apps pin much alike: of some 600 lines of the project's own, 100 differ
_requirement = lru_cache(maxsize=1024)(Requirement)


def _names_content(url: str) -> bool:
    """Return whether a URL says what is there: by a commit of git, or by a file's hash."""
    place, _, fragment = url.partition("#")
    if place.startswith("git+"):
        return COMMIT.fullmatch(place.rpartition("@")[2]) is not None
    return any(FILE_HASH.fullmatch(part) for part in fragment.split("&"))


@dataclass(frozen=True)
class Place:
    """A line that is read. An error in its block is raised with its file and number."""

    path: Path
    number: int
    text: str

    @property
    def where(self) -> str:
        """File and number of the line, as an error names them."""
        return f"{shown_name(self.path)}:{self.number}"

    def error(self, problem: str, remedy: str) -> TestbedError:
        """Return the error that quotes the line; `problem` goes on with the sentence."""
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
        if found := VARIABLE.search(self.text):
            raise self.error(
                f"names {found[0]}, which nothing sets where pip installs",
                "write its value; or, if it is a secret, leave the option out and name the index in"
                " pip's own configuration on the host",
            )
        found = OPTION.search(self.text)
        if found is None:
            return self.text.strip(), _NO_OPTIONS
        said = self.text[: found.start()].strip()
        try:
            options = _PARSER.parse_args(shlex.split(self.text[found.start() :]))
        except ValueError as error:
            remedy = "correct the option, or leave it out; what has a space in it takes quotes"
            raise self.error(f"is no line that pip takes: {error}", remedy) from error
        if options.editable:
            raise self.error(
                "is editable: its files may change after it was installed",
                "leave it out: the app is started in its own folder, and Python finds modules there"
                "; or pin a release of it",
            )
        for one in options.index_url + options.extra_index_url:
            self._check_index(one)
        return said, options

    def _check_index(self, name: str) -> None:
        """Raise TestbedError unless an index of packages is a URL, or a folder of the host."""
        try:
            url = urlsplit(name)
            sound = url.port != 0 and not set(name) & set("<>{}$ ")
        except ValueError:
            sound = False
        if not sound or not (
            name.startswith(("/", "file:///")) or (url.scheme in ("http", "https") and url.hostname)
        ):
            raise self.error(
                f"names the index {shown_name(name)}, which is no URL",
                "write it as https://HOST/simple",
            )

    def check_hashes(self, hashes: Iterable[str]) -> None:
        """Raise TestbedError for a hash that no file can have."""
        for one in hashes:
            if not OPTION_HASH.fullmatch(one):
                raise self.error(
                    f"has the hash {shown_name(one)}, which no file can have",
                    "pip takes sha256: and 64 digits 0-9 and a-f (or sha384, sha512); `uv pip "
                    "compile --generate-hashes` writes them",
                )

    def line(self, said: str, *, hashed: bool) -> Line:
        """Return the requirement that is said. Raises TestbedError if it is none, or a path."""
        if said.endswith((".whl", ".zip", ".tar.gz")) and "@" not in said:
            raise self._misread(said) if URL.match(said) else self._local()
        try:
            requirement = _requirement(said)
        except (InvalidRequirement, RecursionError) as error:  # a marker with a thousand brackets
            raise self._misread(said) from error
        if requirement.url is not None and not re.match(r"(git\+|https?:)", requirement.url):
            if requirement.url.startswith("file:") or not URL.match(requirement.url):
                raise self._local()
            raise self.error("is neither of https nor of git", f"write {PINNING}")
        return Line(self.where, said, requirement, hashed)

    def _misread(self, said: str) -> TestbedError:
        if URL.match(said) and not said.startswith("file:"):
            return self.error(
                "is a URL without the package's name",
                "write NAME @ URL#sha256=…, or NAME @ git+https://…@COMMIT",
            )
        if said.startswith((".", "/", "~", "file:")) or ("/" in said and "://" not in said):
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
    parser.add_argument("--extra-index-url", action="append", default=[])
    for name in ("--no-binary", "--only-binary", "--trusted-host"):
        parser.add_argument(name, action="append")
    for name in ("--use-feature", "--global-option", "--install-option"):
        parser.add_argument(name, action="append")
    for name in ("--no-index", "--prefer-binary", "--require-hashes", "--pre"):
        parser.add_argument(name, action="store_true")
    return parser


_PARSER = _option_parser()
_NO_OPTIONS = _PARSER.parse_args([])


def logical_lines(text: str) -> Iterator[tuple[int, str]]:
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
        if "#" in whole and (found := COMMENT.search(whole)):
            whole = whole[: found.start()]
        if whole.strip():
            yield begun_at or number, whole.strip()
        begun, begun_at = [], 0
