"""Write the files of a run, and see before it that they can be written."""

import errno
import os
import sys
from collections.abc import Iterable
from pathlib import Path

from pacer.refused import Refused

STDOUT = Path("/dev/stdout")  # standard output, for which `-` stands, too
STDOUT_NUMBER = 1


class Unwritable(Refused):
    """Raised for a file that cannot be written; the message is for the user."""


def named(text: str) -> Path:
    """Return the file that a user named: of `-`, standard output, as in other tools."""
    return STDOUT if text == "-" else Path(text)


def check_outputs(files: Iterable[Path]) -> None:
    """Try each file, without a trace of it. Raises Unwritable."""
    seen: set[Path] = set()
    for file in files:
        try:
            target = file if file == STDOUT else _target(file)
            if file == STDOUT:
                _try_stdout()
            elif _special(file):
                _try_special(file)
                continue
            else:
                _try_file(target)
        except (OSError, ValueError, RuntimeError) as error:  # a name with NUL, links in a circle
            reason = getattr(error, "strerror", None) or error
            raise Unwritable(f"cannot write {file}: {reason}") from None
        if target in seen:
            raise Unwritable(f"cannot write {file}: another file of this run has that name")
        seen.add(target)


def write(path: Path, text: str) -> None:
    """Write a regular file completely or not at all; write to devices and pipes directly.

    Raises OSError.
    """
    if path == STDOUT:
        # By its number, since a socket cannot be opened by its name
        with os.fdopen(STDOUT_NUMBER, "w", encoding="utf-8", closefd=False) as stream:
            stream.write(text)
        return
    if _special(path):
        with path.open("a", encoding="utf-8") as file:
            file.write(text)
        return
    path = _target(path)
    part = _part(path)
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _special(path: Path) -> bool:
    """Return whether the path is no file to be replaced, but something that takes bytes at once.

    What is below /dev is such a thing also where it leads to a file: the shell has it open.
    """
    if not path.exists() or path.is_dir():
        return False
    place = path.absolute()
    descriptor = place.is_relative_to("/dev") and not place.is_relative_to("/dev/shm")  # noqa: S108
    return descriptor or not path.is_file()


def _target(path: Path) -> Path:
    return path.resolve()  # the target of a link is replaced, not the link itself


def _part(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}")


def _try_stdout() -> None:
    if sys.stdout is None:  # it was closed when Python started
        raise OSError(errno.EBADF, "standard output is closed")


def _try_file(target: Path) -> None:
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    part = _part(target)
    with part.open("x"):
        pass
    part.unlink()


def _try_special(path: Path) -> None:
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK))
    except OSError as error:
        if error.errno != errno.ENXIO or not path.is_fifo():  # a pipe that nobody reads yet
            raise
