"""Make the requests that an endpoint takes, and draw their values. Pure functions."""

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from testbed import files
from testbed.errors import TestbedError
from testbed.model import template
from testbed.model.endpoint import Endpoint
from testbed.model.request import Body, Draws

# The check before the load passes it as an argument, for which Linux allows 128 KiB
MOST_BODY_BYTES = 64 * 1024
LEAST_ANSWERS = 5  # of an endpoint whose answers differ, before the load and after it

Drawn = Mapping[str, str | int]


@dataclass(frozen=True)
class Request:
    """A request; its texts are templates, or filled with drawn values.

    `path` includes the query, and is encoded as in a URL. `headers` are those besides the body's
    content type.
    """

    method: str
    path: str
    headers: dict[str, str]
    content_type: str | None
    body: str | None

    def filled(self, drawn: Drawn) -> "Request":
        """Return the request with these values in place of its placeholders."""
        texts = {name: str(value) for name, value in drawn.items()}
        in_url = {name: quote(text, safe="") for name, text in texts.items()}
        return Request(
            self.method,
            template.fill(self.path, in_url),
            {name: template.fill(value, texts) for name, value in self.headers.items()},
            self.content_type,
            None if self.body is None else template.fill(self.body, texts),
        )


def of(endpoint: Endpoint, app_path: str, folder: Path) -> Request:
    """Return the request's template, for an app that serves the endpoint at `app_path`.

    `folder` is the workload's. Raises TestbedError if the file of a body cannot be read.
    """
    send = endpoint.send
    return Request(
        endpoint.method,
        with_query(app_path, endpoint.query),
        endpoint.headers,
        None if send is None else send.content_type,
        None if send is None else read_body(folder, send, endpoint.draw),
    )


def with_query(path: str, query: Mapping[str, str]) -> str:
    """Return the path with the names and values of the query added, encoded as in a URL."""
    if not query:
        return path
    return f"{path}{'&' if '?' in path else '?'}{_pairs(query)}"


def read_body(folder: Path, body: Body, draws: Draws) -> str:
    """Return the template of a request's body.

    Raises TestbedError if its file cannot be read, or is not UTF-8, or the body is too large.
    """
    if body.file is not None:
        return template.literal(files.read_text(files.beside(folder, body.file), MOST_BODY_BYTES))
    if body.text is not None:
        text = body.text
    else:
        text = _json(body.json_document, draws) if body.form is None else _pairs(body.form)
    if (size := len(text.encode())) > MOST_BODY_BYTES:
        raise TestbedError(f"send: {size:,} bytes; at most {MOST_BODY_BYTES:,} are sent")
    return text


def _pairs(values: Mapping[str, str]) -> str:
    def encode(text: str) -> str:
        return quote(text, safe="")

    return "&".join(
        f"{encode(name)}={template.encoded(value, encode)}" for name, value in values.items()
    )


def _json(document: Any, draws: Draws) -> str:
    """Return a JSON document as a template. A text that is only a drawn number becomes a number."""
    if isinstance(document, dict):
        pairs = (
            f"{template.literal(json.dumps(key))}: {_json(value, draws)}"
            for key, value in document.items()
        )
        return f"{{{{{', '.join(pairs)}}}}}"
    if isinstance(document, list):
        return f"[{', '.join(_json(value, draws) for value in document)}]"
    if isinstance(document, str):
        alone = next((name for name in draws if document == f"{{{name}}}"), None)
        if alone is not None and draws[alone].numeric:
            return document
    return json.dumps(document)


def drawn(draws: Draws, seed: int, number: int) -> dict[str, str | int]:
    """Return the values of the check's request of that number: the same for every app."""
    dice = random.Random(f"{seed} {number}")  # noqa: S311 - a repeatable draw
    values: dict[str, str | int] = {}
    for name, draw in sorted(draws.items()):
        if draw.choices is not None:
            values[name] = dice.choice(draw.choices)
        elif draw.from_ is not None and draw.to is not None:
            values[name] = dice.randint(draw.from_, draw.to)
    return values


def least_answers(endpoint: Endpoint) -> int:
    """Return how many answers of an endpoint are compared, before the load and after it."""
    several = endpoint.draw or endpoint.varies or endpoint.expect.rules
    return LEAST_ANSWERS if several else 1
