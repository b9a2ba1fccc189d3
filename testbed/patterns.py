"""Match regular expressions that others wrote, within limits of CPU time.

Python's matcher tries one way after another. A pattern that can match one text in many ways, such
as (a|a)*, doubles their number with each character: it may take for ever, and holds up everything
else. No check of a pattern's form finds all of these, so each is tried on texts made of its own
letters when it is declared, and each match is broken off when it has taken too long.
"""

import itertools
import re
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

TRIED_S = 0.3  # of CPU time; sound patterns take a hundredth of it
MATCHED_S = 10.0  # to compare one answer or statement, of any size that is compared
REPEATS = 40  # of a text: an ambiguous loop has 2^40 ways at least
MOST_UNITS = 12  # texts that are repeated, of one pattern
_UNITS = re.compile(r"[A-Za-z0-9]+|[^\\()\[\]{}|*+?^$.]")
_ANYTHING = ("a", "0", " ")  # what classes such as \w, \d and \s match
_END = "\0"  # follows the repeated text, so that most patterns fail there
_REPEAT = re.compile(r"[*+]|\{\d*,?\d*\}")


class TooSlow(Exception):
    """Raised if it took more CPU time than it may."""


@contextmanager
def limited(cpu_s: float) -> Iterator[None]:
    """Raise TooSlow within the block once it has taken so much CPU time.

    It counts the time of this process, so other work of the machine does not matter. A signal ends
    the match, which only the main thread can be sent; the block has no limit in another one.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        raise TooSlow

    before = signal.signal(signal.SIGVTALRM, stop)
    try:
        signal.setitimer(signal.ITIMER_VIRTUAL, cpu_s)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    finally:
        signal.signal(signal.SIGVTALRM, before)


def is_ambiguous(pattern: str) -> bool:
    """Return whether to match a text of the pattern's own letters takes for ever.

    Each part that the pattern repeats is tried by itself, too. Raises re.error.
    """
    parts = dict.fromkeys([pattern, *_repeated(pattern)])
    try:
        with limited(TRIED_S):
            for part in parts:
                _try(part, required=part == pattern)
    except TooSlow:
        return True
    return False


def _try(part: str, *, required: bool) -> None:
    try:
        compiled = re.compile(part, re.DOTALL)
    except re.error:
        if required:
            raise
        return  # a part that refers to a group outside of it
    units = list(dict.fromkeys([*_ANYTHING, *_UNITS.findall(part)]))[:MOST_UNITS]
    for unit in [*units, *map("".join, itertools.permutations(units, 2))]:
        compiled.fullmatch(unit * REPEATS + _END)


def _repeated(pattern: str) -> Iterator[str]:
    """Yield each group of a pattern that is repeated, with its repetition."""
    begun: list[int] = []
    in_class = False
    at = 0
    while at < len(pattern):
        letter = pattern[at]
        if letter == "\\":
            at += 1
        elif in_class:
            in_class = letter != "]"
        elif letter == "[":
            in_class = True
            at += len(re.match(r"\^?\]?", pattern[at + 1 :])[0])  # type: ignore[index] # always
        elif letter == "(":
            begun.append(at)
        elif letter == ")" and begun:
            start = begun.pop()
            if repeat := _REPEAT.match(pattern, at + 1):
                yield pattern[start : repeat.end()]
        at += 1
