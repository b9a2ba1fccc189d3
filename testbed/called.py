"""Name commands as the user calls them: `fab run-why`, or `testbed why`.

Texts in the code name fab's tasks. What a user of the command `testbed` is told passes `as_called`.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager

TESTBED = "testbed"
# Tasks of fab that are a command of the same name, and those that are one without run-
ALIKE = "check|deploy|link|reproduce"
KINDS = "aa|ab|article|question|why"
TASK = re.compile(rf"\bfab (?:({ALIKE})\b|run-({KINDS})\b|run-(\w+)|lab\.(\w+))")

_program = "fab"  # of this process


@contextmanager
def by(program: str) -> Iterator[None]:
    """Have `as_called` name the commands of that program within the block."""
    global _program
    before, _program = _program, program
    try:
        yield
    finally:
        _program = before


def as_called(text: str) -> str:
    """Return a text in which fab's tasks are named as the user's program calls them."""
    return TASK.sub(_named, text) if _program == TESTBED else text


def _named(task: re.Match[str]) -> str:
    alike, kind, experiment, of_lab = task.groups()
    words = alike or kind or (f"run {experiment}" if experiment else f"lab {of_lab}")
    return f"{TESTBED} {words}"
