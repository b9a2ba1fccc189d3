"""Write the file of requests that a generator asks in turn, by their weights.

pacer/FORMAT.md says what it may hold. The functions are pure, except that they read the files of
bodies.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from testbed.asked import answers
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
    send = part.endpoint.send
    told: dict[str, Any] = {
        "name": part.name,
        "weight": part.weight,
        "method": part.endpoint.method,
        "path": part.path,
        "expect": _expected(part),
    }
    if send is not None:
        told["headers"] = {"Content-Type": send.content_type}
        told["body"] = _literal(answers.read_body(part.folder, send))
    return told


def _expected(part: Part) -> dict[str, Any]:
    """Return what each answer of a part must be: as the verified one, unless it varies."""
    told: dict[str, Any] = {"status": [part.endpoint.expect.status]}
    if not part.endpoint.varies:
        told |= {"length": len(part.answer.body), "sha256": part.answer.sha256}
    return told


def _literal(text: str) -> str:
    """Return the template that stands for exactly this text: braces would begin a placeholder."""
    return text.replace("{", "{{").replace("}", "}}")
