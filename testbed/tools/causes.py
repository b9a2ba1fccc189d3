"""Sort the error messages of load generators into the classes of Errors, by their words."""

import re
from collections.abc import Mapping

from testbed.model.tool_output import Errors
from testbed.texts import shown_name

# The first class whose words are in a message counts. They are those of the libraries of Go (hey,
# vegeta, bombardier) and of Rust (oha).
_CLASSES = {
    "timeout": re.compile(
        r"Client\.Timeout|deadline exceeded|i/o timeout|\btimed out|^timeout$", re.IGNORECASE
    ),
    "connect": re.compile(
        r"\bdial(?:ing)? \S+|connection refused|no such host|no route to host|unreachable"
        r"|\bdns\b|tcp connect|connect error",
        re.IGNORECASE,
    ),
    "write": re.compile(r": write \S+|broken pipe", re.IGNORECASE),
    "read": re.compile(
        r": read \S+|\bEOF\b|reset by peer|connection closed|closed connection|incomplete"
        r"|malformed|unexpected",
        re.IGNORECASE,
    ),
}


def class_of(message: str) -> str | None:
    """Return the class of an error message; None if its words show none."""
    return next((name for name, words in _CLASSES.items() if words.search(message)), None)


def counted(messages: Mapping[str, int], status: int) -> tuple[Errors, list[str]]:
    """Return errors by class, and a sentence on those whose words show no class.

    `messages` has the number of requests without an answer by message, `status` that of answers
    with a wrong status. A message that shows no class counts as a read error: a request was sent,
    and no whole answer was read.
    """
    by_class = dict.fromkeys(_CLASSES, 0)
    unknown = {}
    for message, count in messages.items():
        name = class_of(message)
        by_class[name or "read"] += count
        if name is None:
            unknown[message] = count
    told = [
        f"{count} errors are counted as read errors: '{shown_name(message)}'."
        for message, count in unknown.items()
    ]
    return Errors(status=status, **by_class), told
