"""Read the JSON that the testbed wrote. A damaged file gives an error of one sentence."""

import json
import math
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from pydantic import BaseModel, ValidationError

from testbed import files
from testbed.errors import TestbedError
from testbed.model.results import SCHEMA_VERSION
from testbed.texts import shown_name

DEEPEST = 50  # levels of nesting; the testbed's own files have fewer than ten
MOST_PROBLEMS = 3  # in one error message about a file
REMEDY = "the file was cut off or edited; redo the run or restore the file"

M = TypeVar("M", bound=BaseModel)


def read(path: Path) -> dict[str, Any]:
    """Return the document, if its schema version is known.

    Raises TestbedError, which names the file and what is wrong with it.
    """
    content = files.read(path, files.LARGEST_BYTES)
    try:
        data = json.loads(
            content.decode(),
            parse_constant=_refuse,
            parse_float=finite,
            parse_int=_count,
        )
        check_depth(data, DEEPEST)
        json.dumps(data, ensure_ascii=False).encode()  # JSON may hold half a character, text not
    except (ValueError, RecursionError) as error:
        raise TestbedError(
            f"{shown_name(path)}: not valid JSON: {_words(error)}", remedy=REMEDY
        ) from error
    version = data.get("schema_version") if isinstance(data, dict) else None
    if version != SCHEMA_VERSION or isinstance(version, bool):
        raise TestbedError(
            f"{shown_name(path)}: schema_version {_short(version)} is not known here "
            f"(known: {SCHEMA_VERSION})",
            remedy="read it with the version of the testbed that wrote it, or a newer one",
        )
    found: dict[str, Any] = data
    return found


def fit(path: Path, data: dict[str, Any], model: type[M]) -> M:
    """Return a document as its model. Raises TestbedError with file, place and problem."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        problems = [_problem(path, item) for item in error.errors()]
        more = len(problems) - MOST_PROBLEMS
        told = [*problems[:MOST_PROBLEMS], *([f"… and {more} more"] if more > 0 else [])]
        raise TestbedError("\n".join(told)) from error


def _problem(path: Path, item: Any) -> str:
    key = ".".join(shown_name(part) for part in item["loc"]) or "(the whole file)"
    return f"{shown_name(path)}: {key}: {item['msg']}"


def _words(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return f"byte {error.start} is not UTF-8"
    return "nested too deeply" if isinstance(error, RecursionError) else str(error)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:39]}…"


def check_depth(data: Any, deepest: int) -> None:
    """Raise ValueError for a document of more than so many levels."""
    level = [data]
    for _ in range(deepest):
        level = [
            inner
            for value in level
            if isinstance(value, dict | list)
            for inner in (value.values() if isinstance(value, dict) else value)
        ]
        if not level:
            return
    raise ValueError(f"nested more than {deepest} levels deep")


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{_short(constant)} is not a figure")


def finite(text: str) -> float:
    """Return the number that a text stands for. Raises ValueError if a float cannot hold it."""
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{_short(text)} is too large a number")
    return value


def _count(text: str) -> int:
    finite(text)  # nothing can be calculated with a number of hundreds of digits
    return int(text)
