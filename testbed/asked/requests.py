"""Write the file of requests that a generator asks in turn, by their weights.

pacer/FORMAT.md says what it may hold. The functions are pure, except that they read the files of
bodies.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from testbed.asked import request
from testbed.asked.answers import Answer
from testbed.model.endpoint import Endpoint

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Part:
    """One request of a mix, and the answer that was verified before the load."""

    name: str
    weight: float
    path: str
    endpoint: Endpoint
    folder: Path  # of the workload, which has the files of bodies
    answer: Answer


def document(parts: Sequence[Part]) -> str:
    """Return the file's text. Raises TestbedError for a body whose file cannot be read."""
    told = {"schema_version": SCHEMA_VERSION, "requests": [_request(part) for part in parts]}
    return json.dumps(told, indent=2, ensure_ascii=False) + "\n"


def _request(part: Part) -> dict[str, Any]:
    asked = request.of(part.endpoint, part.path, part.folder)
    told: dict[str, Any] = {
        "name": part.name,
        "weight": part.weight,
        "method": asked.method,
        "path": asked.path,
        "expect": _expected(part),
    }
    typed = {} if asked.content_type is None else {"Content-Type": asked.content_type}
    if headers := typed | asked.headers:
        told["headers"] = headers
    if asked.body is not None:
        told["body"] = asked.body
    if part.endpoint.draw:
        told["draw"] = {
            name: draw.model_dump(by_alias=True, exclude_none=True)
            for name, draw in part.endpoint.draw.items()
        }
    return told


def _expected(part: Part) -> dict[str, Any]:
    """Return what each answer of a part must be: as the verified one, unless it varies."""
    expect = part.endpoint.expect
    told: dict[str, Any] = {"status": [expect.status]}
    if not part.endpoint.varies:
        told |= {"length": part.answer.length, "sha256": part.answer.sha256}
    elif expect.length is not None:
        told["length"] = expect.length
    return told
