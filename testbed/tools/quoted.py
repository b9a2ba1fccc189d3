"""Read what a program printed of its own values: Python's dictionaries and texts in quotes."""

import ast
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from testbed.tools.lines import Line

_DICTIONARY = re.compile(r"\{\s*[uU]?'")
_TOKEN = re.compile(r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|[][{}()]""", re.DOTALL)
_TEXT = re.compile(r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*\"""")
_EACH = re.compile(r"""(['"])((?:(?!\1)[^\\])*)\1""")
_LONGEST = 1_000_000  # characters; ast takes a hundred times as much memory


def begins(text: str, start: int) -> bool:
    """Return whether a dictionary as Python prints it begins there."""
    return _DICTIONARY.match(text, start) is not None


def dictionary(text: str, start: int) -> tuple[dict[str, Any], int] | None:
    """Return the Python dictionary that begins at `start` as JSON would have it, and its end.

    Return None if it is broken, cut off or of more than values.
    """
    end = _end(text, start)
    if end is None:
        return None
    try:
        data = ast.literal_eval(text[start:end])
        return json.loads(json.dumps(data)), end
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None


def _end(text: str, start: int) -> int | None:
    """Return where the bracket that opens at `start` is closed; None if it is not."""
    depth = 0
    for token in _TOKEN.finditer(text, start, start + _LONGEST):
        if token[0] in ("{", "[", "("):
            depth += 1
        elif token[0] in ("}", "]", ")"):
            depth -= 1
        if not depth:
            return token.end()
    return None


def texts(lines: Sequence[Line]) -> Iterator[tuple[int, str]]:
    """Yield what stands in quotes, each with its line.

    These are texts that hold ends of lines as \\n, and the lines that stand in quotes one by one.
    """
    for line in lines:
        if "\\n" not in line.full or len(line.full) > _LONGEST:
            continue
        for match in _TEXT.finditer(line.full):
            if "\\n" not in match[0]:
                continue
            try:
                value = ast.literal_eval(match[0])
            except (ValueError, SyntaxError, MemoryError, RecursionError):
                continue
            yield line.number, value
    each = [(line.number, match[2]) for line in lines for match in _EACH.finditer(line.full)]
    if each:
        yield each[0][0], "\n".join(text for _, text in each)
