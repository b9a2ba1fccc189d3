"""The one error that a user is meant to read."""

import re
from enum import IntEnum

# Control characters but for the end of a line and the tabulator, and what turns the direction of
# writing: a terminal would obey them
_COMMANDS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def printable(text: str) -> str:
    """The text with escape codes and the like made visible, so that no terminal obeys them."""
    return _COMMANDS.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


class Exit(IntEnum):
    """Exit codes of fab tasks and scripts."""

    BAD_INPUT = 2  # a file, option or name is wrong
    NOT_READY = 3  # a host, tool or the link is not fit to measure
    RUN_FAILED = 4  # at least one run did not finish
    NOT_VALID = 5  # with --strict: a run does not count; of a comparison: no cell can be compared
    WORSE = 6  # of a comparison: at least one cell is worse
    INTERRUPTED = 130


class TestbedError(Exception):
    """What is wrong and what to do about it: shown to the user without a traceback."""

    __test__ = False  # not a test class, whatever pytest makes of its name

    def __init__(
        self, message: str, *, remedy: str | None = None, exit_code: Exit = Exit.BAD_INPUT
    ) -> None:
        super().__init__(message)
        self.message = printable(message)  # some of it may be a host's words
        self.remedy = remedy
        self.exit_code = exit_code

    def __str__(self) -> str:
        return f"{self.message}\n  -> {self.remedy}" if self.remedy else self.message
