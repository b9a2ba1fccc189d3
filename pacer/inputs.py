"""Read the files that say what is sent."""

import sys
from pathlib import Path

from pacer.refused import Refused

STDIN = Path("/dev/stdin")  # standard input, for which `-` stands, too


class Unreadable(Refused):
    """Raised for a file that cannot be read; the message is for the user."""


def named(text: str) -> Path:
    """Return the file that a user named: of `-`, standard input, as in other tools."""
    return STDIN if text == "-" else Path(text)


def read(option: str, file: Path, most_bytes: int) -> bytes:
    """Return the content of the file that an option names. Raises Unreadable."""
    try:
        content = _content(file, most_bytes + 1)  # a device may never end
    except OSError as error:
        raise Unreadable(f"{option} {file}: {error.strerror}") from None
    except ValueError as error:  # a name with NUL
        raise Unreadable(f"{option} {file}: {error}") from None
    if len(content) > most_bytes:
        raise Unreadable(f"{option} {file}: more than {most_bytes:,} bytes")
    return content


def _content(file: Path, most_bytes: int) -> bytes:
    if file == STDIN:
        if sys.stdin is None:  # it was closed when Python started
            raise Unreadable(f"{file}: standard input is closed")
        return sys.stdin.buffer.read(most_bytes)
    with file.open("rb") as stream:
        return stream.read(most_bytes)
