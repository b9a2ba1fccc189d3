"""Read files that users name: only plain files, up to a size, as UTF-8.

A named pipe could block the reader without end, and a device could be read without end.
"""

import codecs
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from testbed.errors import TestbedError
from testbed.texts import shown_name

# What a run, a tool or the testbed itself leaves in one file is a page to a few MB. A host may send
# no more of one, and no more is read back.
LARGEST_BYTES = 64 << 20

FOLDER = "a folder"
KINDS = {
    stat.S_IFDIR: FOLDER,
    stat.S_IFIFO: "a pipe (FIFO)",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
# The marks at the beginning of other encodings. UTF-32's little-endian mark begins with UTF-16's.
MARKS = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}


def named(text: str) -> Path:
    """The path that a user named.

    Raises TestbedError for '', which would be the current folder, and for '-', which is meant for
    standard output or input.
    """
    if not text:
        raise TestbedError("'': an empty name", remedy="name a file or folder; '.' is this one")
    if text == "-":
        raise TestbedError(
            "'-': this is neither read from standard input nor written to standard output",
            remedy="name a file or folder; './-' is one of that name",
        )
    return Path(text)


def kind(path: Path) -> str | None:
    """Return what is there instead of a plain file, such as 'a folder'; None for a plain file.

    Links are followed. Raises OSError if nothing is there.
    """
    mode = stat.S_IFMT(path.stat().st_mode)
    return None if mode == stat.S_IFREG else KINDS.get(mode, "no plain file")


def check_folder(path: Path, remedy: str) -> None:
    """Raise TestbedError, naming the path, unless it is a folder."""
    try:
        other = kind(path) or "a file"
    except (FileNotFoundError, NotADirectoryError) as error:
        raise TestbedError(f"{shown_name(path)}: no such folder", remedy=remedy) from error
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    if other != FOLDER:
        raise TestbedError(f"{shown_name(path)}: is {other}, not a folder", remedy=remedy)


@contextmanager
def written_to(out: Path) -> Iterator[None]:
    """Raise TestbedError, which points at --out, if the block cannot write what it wants to."""
    try:
        yield
    except OSError as error:
        raise TestbedError(
            f"{shown_name(error.filename or out)}: cannot be written: {error.strerror}",
            remedy="name another folder with --out",
        ) from error


def check(path: Path, most_bytes: int) -> None:
    """Raise TestbedError, naming the file, unless it is plain and has at most `most_bytes`."""
    try:
        other = kind(path)
        size = path.stat().st_size
    except FileNotFoundError as error:
        raise TestbedError(f"{shown_name(path)}: no such file") from error
    except (OSError, ValueError) as error:  # ValueError: a null character in its name
        raise _unreadable(path, error) from error
    if other is not None:
        raise TestbedError(f"{shown_name(path)}: is {other}, not a file")
    if size > most_bytes:
        raise TestbedError(
            f"{shown_name(path)}: is too large: {size:,} bytes; at most {most_bytes:,} are read"
        )


def read(path: Path, most_bytes: int) -> bytes:
    """Return the file's content. Raises TestbedError, naming the file, if it cannot be read."""
    check(path, most_bytes)
    try:
        with open(path, "rb", opener=_without_waiting) as stream:
            content = stream.read(most_bytes + 1)
    except OSError as error:
        raise _unreadable(path, error) from error
    if content is None:  # as /proc/kmsg, which looks like a plain file
        raise TestbedError(f"{shown_name(path)}: cannot be read: it has nothing yet")
    if len(content) > most_bytes:  # the files of /proc report a size of 0
        raise TestbedError(
            f"{shown_name(path)}: is too large; at most {most_bytes:,} bytes are read"
        )
    return content


def _without_waiting(path: str, flags: int) -> int:
    """Open a file so that reading never waits for what may come."""
    return os.open(path, flags | os.O_NONBLOCK)


def short_digest(path: Path, most_bytes: int) -> str:
    """Return a short digest of the file's content. Raises TestbedError if it cannot be read."""
    return hashlib.sha256(read(path, most_bytes)).hexdigest()[:12]


def read_text(path: Path, most_bytes: int) -> str:
    """Return the file's text, with its own line breaks. Raises TestbedError with file and line."""
    content = read(path, most_bytes)
    for mark, encoding in MARKS.items():
        if content.startswith(mark):
            raise TestbedError(f"{shown_name(path)}: is {encoding}; save it as UTF-8")
    if (position := content.find(b"\0")) >= 0:
        line = content.count(b"\n", 0, position) + 1
        raise TestbedError(f"{shown_name(path)}:{line}: is not text: it holds a null byte")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        at = error.start + (len(codecs.BOM_UTF8) if content.startswith(codecs.BOM_UTF8) else 0)
        line = content.count(b"\n", 0, at) + 1
        raise TestbedError(
            f"{shown_name(path)}:{line}: is not UTF-8 (byte 0x{content[at]:02x}); save it as UTF-8"
        ) from error


def beside(folder: Path, name: str) -> Path:
    """Return the path of `name` in the folder.

    Raises TestbedError if the file, or the target of its link, is outside of the folder.
    """
    path = folder / name
    try:
        inside = path.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError) as error:  # links in a circle
        raise _unreadable(path, error) from error
    if not inside:
        raise TestbedError(f"{shown_name(path)}: lies outside of {shown_name(folder)}")
    return path


def _unreadable(path: Path, error: Exception) -> TestbedError:
    reason = error.strerror if isinstance(error, OSError) else None
    return TestbedError(f"{shown_name(path)}: cannot be read: {reason or error}")
