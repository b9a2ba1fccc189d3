"""Check whether an app's answer is the one that its workload expects. Pure functions."""

import base64
import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from bs4 import BeautifulSoup
from pydantic import BaseModel, Field

from testbed import files
from testbed.errors import TestbedError
from testbed.jsonfile import check_depth, finite
from testbed.model.expected import MOST_ANSWER_BYTES, ExpectedAnswer
from testbed.model.request import Body
from testbed.model.results import AnswerCheck
from testbed.texts import shown, shown_name

MOST_DIGITS = 100  # of a whole number
MOST_DOCUMENT_DEPTH = 100  # json and difference() call themselves for each level
# The check before the load passes it as an argument, for which Linux allows 128 KiB
MOST_BODY_BYTES = 64 * 1024

LONGEST_PROBLEM = 500  # the most characters of a wrong answer that a record keeps


@dataclass(frozen=True)
class Answer:
    """An HTTP answer as `pacer.probe` reports it."""

    status: int
    content_type: str | None
    body: bytes
    waited_s: float

    @property
    def sha256(self) -> str:
        """The SHA-256 digest of the body, in hexadecimal digits."""
        return hashlib.sha256(self.body).hexdigest()


class _Probed(BaseModel):
    """The JSON document that the probe prints."""

    status: Annotated[int, Field(ge=0, le=999)]
    headers: dict[str, str]
    body_base64: str
    waited_s: Annotated[float, Field(ge=0, allow_inf_nan=False)]


def from_probe(text: str) -> Answer:
    """Read the probe's JSON document. Raises ValueError if the text is not one."""
    document = _Probed.model_validate_json(text)
    return Answer(
        status=document.status,
        content_type=document.headers.get("content-type"),
        body=base64.b64decode(document.body_base64),
        waited_s=document.waited_s,
    )


@dataclass(frozen=True)
class Expected:
    """An expected answer, with its files read."""

    spec: ExpectedAnswer
    document: Any  # parsed from JSON; None for other bodies
    texts: list[list[str] | None]  # of HTML, for each selection; None if not compared
    text: str | None = None  # of a plain text


def read_expected(workload_folder: Path, spec: ExpectedAnswer) -> Expected:
    """Return the answer that the workload expects. Raises TestbedError for an unreadable file."""
    return Expected(
        spec,
        None if spec.json_file is None else _read_json(workload_folder, spec.json_file),
        [
            None if one.texts_file is None else _read_texts(workload_folder, one.texts_file)
            for one in spec.html
        ],
        None if spec.text_file is None else _read_text(workload_folder, spec.text_file),
    )


def _read_text(folder: Path, name: str) -> str:
    return files.read_text(files.beside(folder, name), MOST_ANSWER_BYTES)


def _read_json(folder: Path, name: str) -> Any:
    path = files.beside(folder, name)
    text = _read_text(folder, name)
    try:
        document = json.loads(
            text,
            object_pairs_hook=_mapping,
            parse_constant=_no_number,
            parse_float=finite,
            parse_int=_whole,
        )
        check_depth(document, MOST_DOCUMENT_DEPTH)
    except RecursionError as error:
        raise TestbedError(f"{shown_name(path)}: JSON nested too deep") from error
    except ValueError as error:
        raise TestbedError(f"{shown_name(path)}: not a JSON document: {error}") from error
    return document


def _mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a JSON object. Raises ValueError for a repeated key, whose meaning is not defined."""
    counts = Counter(key for key, _ in pairs)
    if len(counts) < len(pairs):
        twice = counts.most_common(1)[0][0]
        raise ValueError(f"the key {shown(twice)} stands twice in one object")
    return dict(pairs)


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number in JSON")


def _whole(text: str) -> int:
    if len(text) > MOST_DIGITS:
        raise ValueError(f"a number of {len(text):,} digits")
    return int(text)


def _read_texts(folder: Path, name: str) -> list[str]:
    texts = _read_json(folder, name)
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise TestbedError(f"{shown_name(folder / name)}: not a JSON list of texts")
    return texts


def read_body(folder: Path, body: Body) -> str:
    """Return the body of a request.

    Raises TestbedError if its file cannot be read, or is not UTF-8.
    """
    if body.file is None:
        return body.text or ""
    return files.read_text(files.beside(folder, body.file), MOST_BODY_BYTES)


def compare(
    answer: Answer,
    expected: Expected,
    when: Literal["before", "after"],
    what: str | None = None,
) -> AnswerCheck:
    """Compare status, media type and body; report the first difference."""
    try:
        problem = (
            _status_problem(answer, expected.spec)
            or _type_problem(answer, expected.spec)
            or _body_problem(answer, expected)
        )
    except RecursionError:
        problem = "the body is nested too deeply to be read"
    return AnswerCheck(
        when=when,
        what=what,
        ok=problem is None,
        status=answer.status,
        content_type=answer.content_type,
        body_bytes=len(answer.body),
        problem=problem and problem[:LONGEST_PROBLEM],
    )


def _status_problem(answer: Answer, expected: ExpectedAnswer) -> str | None:
    if answer.status != expected.status:
        return f"status {answer.status} instead of {expected.status}: {_start(answer)}"
    return None


def _type_problem(answer: Answer, expected: ExpectedAnswer) -> str | None:
    if expected.content_type is None:
        return None
    media_type = (answer.content_type or "none").split(";")[0].strip().lower()
    if media_type != expected.content_type:
        return f"content type {media_type} instead of {expected.content_type}"
    return None


def _body_problem(answer: Answer, expected: Expected) -> str | None:
    if expected.spec.html:
        return _html_problem(answer, expected)
    if expected.text is not None:
        return _text_problem(answer, expected.text)
    if expected.spec.json_file is None:
        return f"a body where none is expected: {_start(answer)}" if answer.body else None
    try:
        found = json.loads(answer.body)
    except (ValueError, RecursionError):
        return f"the body is not JSON: {_start(answer)}"
    where = difference(expected.document, found)
    return f"the document differs from the expected one at {where}" if where else None


def _text_problem(answer: Answer, expected: str) -> str | None:
    """Return how a plain text differs, or None.

    A line break at the end of the expected file is ignored: editors add it, services do not send
    it.
    """
    wanted = expected.encode()
    if answer.body in (wanted, wanted.removesuffix(b"\n")):
        return None
    pairs = zip(answer.body, wanted, strict=False)
    shorter = min(len(answer.body), len(wanted))
    same = next((at for at, (a, b) in enumerate(pairs) if a != b), shorter)
    found = answer.body[same : same + 40].decode(errors="replace")
    return (
        f"the text differs from the expected one at byte {same}: {shown(found)} instead of "
        f"{shown(wanted[same : same + 40].decode(errors='replace'))}"
    )


def _html_problem(answer: Answer, expected: Expected) -> str | None:
    page = BeautifulSoup(answer.body, "html.parser")
    for selection, texts in zip(expected.spec.html, expected.texts, strict=True):
        found = page.select(selection.selector)
        if selection.count is not None and len(found) != selection.count:
            return f"{len(found)} elements instead of {selection.count} for '{selection.selector}'"
        if texts is None:
            continue
        where = difference(texts, [" ".join(element.get_text().split()) for element in found])
        if where:
            return f"texts of '{selection.selector}' differ from the expected ones at {where}"
    return None


def _start(answer: Answer) -> str:
    return answer.body[:120].decode(errors="replace")


def difference(expected: Any, found: Any, path: str = "$") -> str | None:
    """Return where two JSON documents first differ, with both values; None if they are equal."""
    if isinstance(expected, dict) and isinstance(found, dict):
        if expected.keys() != found.keys():
            return f"{path}: keys {sorted(found)} instead of {sorted(expected)}"
        pairs = [(f"{path}.{key}", expected[key], found[key]) for key in expected]
    elif isinstance(expected, list) and isinstance(found, list):
        if len(expected) != len(found):
            return f"{path}: {len(found)} items instead of {len(expected)}"
        pairs = [(f"{path}[{i}]", a, b) for i, (a, b) in enumerate(zip(expected, found))]  # noqa: B905
    else:
        same = type(expected) is type(found) and expected == found
        return None if same else f"{path}: {found!r} instead of {expected!r}"
    differences = (difference(a, b, where) for where, a, b in pairs)
    return next((text for text in differences if text), None)
