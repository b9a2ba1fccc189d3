"""Is an app's answer the one that its workload expects? Pure."""

import base64
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from testbed.errors import TestbedError
from testbed.model.catalogue import ExpectedAnswer
from testbed.model.results import AnswerCheck


@dataclass(frozen=True)
class Answer:
    """An HTTP answer as `pacer.probe` reports it."""

    status: int
    content_type: str | None
    body: bytes
    waited_s: float

    @property
    def sha256(self) -> str:
        """Digest of the body."""
        return hashlib.sha256(self.body).hexdigest()


def from_probe(text: str) -> Answer:
    """Read the probe's JSON document."""
    document = json.loads(text)
    return Answer(
        status=document["status"],
        content_type=document["headers"].get("content-type"),
        body=base64.b64decode(document["body_base64"]),
        waited_s=document["waited_s"],
    )


def expected_json(workload_folder: Path, expected: ExpectedAnswer) -> Any:
    """The document that the workload expects. Raises TestbedError if its file cannot be read."""
    if expected.json_file is None:
        return None
    path = workload_folder / expected.json_file
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise TestbedError(f"{path}: not a readable JSON document: {error}") from error


def compare(
    answer: Answer, expected: ExpectedAnswer, document: Any, when: Literal["before", "after"]
) -> AnswerCheck:
    """Compare status, media type and JSON document; what differs first is named."""
    problem = (
        _status_problem(answer, expected)
        or _type_problem(answer, expected)
        or _body_problem(answer, document)
    )
    return AnswerCheck(
        when=when,
        ok=problem is None,
        status=answer.status,
        content_type=answer.content_type,
        body_bytes=len(answer.body),
        problem=problem,
    )


def _status_problem(answer: Answer, expected: ExpectedAnswer) -> str | None:
    if answer.status != expected.status:
        start = answer.body[:120].decode(errors="replace")
        return f"status {answer.status} instead of {expected.status}: {start}"
    return None


def _type_problem(answer: Answer, expected: ExpectedAnswer) -> str | None:
    media_type = (answer.content_type or "none").split(";")[0].strip().lower()
    if media_type != expected.content_type:
        return f"content type {media_type} instead of {expected.content_type}"
    return None


def _body_problem(answer: Answer, document: Any) -> str | None:
    try:
        found = json.loads(answer.body)
    except ValueError:
        return f"the body is not JSON: {answer.body[:120].decode(errors='replace')}"
    where = difference(document, found)
    return f"the document differs from the expected one at {where}" if where else None


def difference(expected: Any, found: Any, path: str = "$") -> str | None:
    """Where two JSON documents differ first, with both values; None if they are equal."""
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
