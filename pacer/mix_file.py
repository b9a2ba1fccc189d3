"""Read the file of `--requests`: the recipes of a mix. FORMAT.md describes it.

Whatever is wrong with the file is reported in one sentence that names the request and the key.
"""

import base64
import json
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from string import Formatter
from typing import Any

from pacer import inputs
from pacer.mix import CONTENT_LENGTH, Draw, Recipe
from pacer.refused import Refused
from pacer.request import BadRequest, Target, header_lines, parse_header, request_line

SCHEMA_VERSION = 1
MAX_FILE_BYTES = 64 << 20
MAX_REQUESTS = 100
MAX_CHOICES = 10_000
MAX_DRAWN = 2**53  # whole numbers beyond it are not the same in all of JSON's readers
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_DRAWN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_PATH = re.compile(r"/[!\"$-~]*")
_SHA256 = re.compile(r"[0-9A-Fa-f]{64}")
_KEYS = (
    *("name", "weight", "method", "path", "headers"),
    *("body", "body_base64", "draw", "expect"),
)
_EXPECT_KEYS = ("status", "length", "sha256", "contains")
_DRAW_KEYS = ("from", "to", "choices")


class BadMix(Refused):
    """Raised for a file that is no mix of requests; the message is for the user."""


@dataclass(frozen=True, slots=True)
class Common:
    """What all requests of a mix have in common."""

    target: Target
    headers: list[tuple[str, str]]
    keepalive: bool


def read_mix(file: Path, common: Common) -> list[Recipe]:
    """Return the recipes that the file describes. Raises BadMix or Unreadable."""
    written = inputs.read("--requests", file, MAX_FILE_BYTES)
    try:
        return parse_mix(_loaded(written), common)
    except BadMix as error:
        raise BadMix(f"--requests {file}: {error}") from None


def _loaded(written: bytes) -> Any:
    try:
        document = json.loads(written.decode("utf-8-sig"), object_pairs_hook=_without_repeats)
        json.dumps(document, ensure_ascii=False).encode()  # as it will be sent
    except UnicodeDecodeError:
        raise BadMix("it is not UTF-8") from None
    except UnicodeEncodeError as error:
        raise BadMix(f"it has half of a character: {error.object[error.start]!a}") from None
    except BadMix:
        raise
    except RecursionError:
        raise BadMix("it is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise BadMix(f"it is not JSON: {error.msg} in line {error.lineno}") from None
    except ValueError as error:  # a number of thousands of digits
        raise BadMix(f"it has a number that cannot be read: {error}") from None
    return document


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise BadMix(f"the key '{twice}' is there twice in one object")
    return found


def parse_mix(document: Any, common: Common) -> list[Recipe]:
    """Return the recipes that a file's JSON document describes. Raises BadMix."""
    _check_keys(document, ("schema_version", "requests"), "the document")
    version = document.get("schema_version")
    if type(version) is not int or version != SCHEMA_VERSION:
        raise BadMix(f"schema_version must be {SCHEMA_VERSION}, not {_shown(version)}")
    requests = document.get("requests")
    if not isinstance(requests, list) or not 1 <= len(requests) <= MAX_REQUESTS:
        raise BadMix(f"'requests' must be a list of 1 to {MAX_REQUESTS} requests")
    recipes = [
        _recipe(request, f"request {place}", common)
        for place, request in enumerate(requests, start=1)
    ]
    names = [recipe.name for recipe in recipes]
    for name in names:
        if names.count(name) > 1:
            raise BadMix(f"two requests have the name '{name}'")
    if not math.isfinite(sum(recipe.weight for recipe in recipes)):
        raise BadMix("the weights are too large to be added up")
    return recipes


def _recipe(written: Any, where: str, common: Common) -> Recipe:
    _check_keys(written, _KEYS, where)
    asked = {key: value for key, value in written.items() if value is not None}
    name = asked.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise BadMix(
            f"{where}: 'name' must begin with a letter or digit and go on with letters, digits, "
            f"'-', '_' and '.', at most 64, not {_shown(name)}"
        )
    where = f"request '{name}'"
    try:
        return _made(asked, name, where, common)
    except BadRequest as error:
        raise BadMix(f"{where}: {error}") from None


def _made(asked: dict[str, Any], name: str, where: str, common: Common) -> Recipe:
    draw = _draws(asked.get("draw", {}), where)
    path = asked.get("path")
    if not isinstance(path, str) or not _PATH.fullmatch(path):
        raise BadMix(
            f"{where}: 'path' must begin with '/' and hold no blanks, no '#' and no letters but "
            f"ASCII (percent-encode them), not {_shown(path)}"
        )
    body, raw_body = _body(asked, where)
    in_body = _placeholders(body, draw, f"{where}: 'body'")
    has_body = not {"body", "body_base64"}.isdisjoint(asked)
    method = asked.get("method", "POST" if has_body else "GET")
    if not isinstance(method, str):
        raise BadMix(f"{where}: 'method' must be a text, not {_shown(method)}")
    headers = _headers(asked.get("headers", {}), draw, where)
    recipe = Recipe(
        name=name,
        weight=_weight(asked.get("weight", 1), where),
        method=method,
        line=request_line(method, path),
        headers=_header_template(common, headers, method, _length(body, raw_body, in_body)),
        body=body,
        raw_body=raw_body,
        draw=draw,
        **_expectation(asked.get("expect", {}), where),
    )
    used = {
        *_placeholders(path, draw, f"{where}: 'path'"),
        *in_body,
        *_placeholders(recipe.contains or "", draw, f"{where}: 'contains'"),
        *(name for value in headers.values() for name in _placeholders(value, draw, where)),
    }
    if unused := [one for one in draw if one not in used]:
        raise BadMix(f"{where}: '{unused[0]}' is drawn, but {{{unused[0]}}} stands nowhere")
    return recipe if draw else replace(recipe, fixed=recipe.data({}))


def _weight(weight: Any, where: str) -> float:
    if not _is_number(weight) or not 0 < weight < math.inf:
        raise BadMix(f"{where}: 'weight' must be a number above 0, not {_shown(weight)}")
    return float(weight)


def _body(asked: dict[str, Any], where: str) -> tuple[str, bytes]:
    """Return the body as a template and as bytes; one of them is empty."""
    body, encoded = asked.get("body", ""), asked.get("body_base64", "")
    if body and encoded:
        raise BadMix(f"{where}: 'body' or 'body_base64', not both")
    for key, value in (("body", body), ("body_base64", encoded)):
        if not isinstance(value, str):
            raise BadMix(f"{where}: '{key}' must be a text, not {_shown(value)}")
    try:
        return body, base64.b64decode(encoded, validate=True)
    except ValueError:
        raise BadMix(f"{where}: 'body_base64' is not base64") from None


def _headers(headers: Any, draw: dict[str, Draw], where: str) -> dict[str, str]:
    """Return the templates of the headers' values by name."""
    if not isinstance(headers, dict):
        raise BadMix(f"{where}: 'headers' must be an object of names and values")
    for name, value in headers.items():
        if not isinstance(value, str):
            raise BadMix(f"{where}: the header '{name}' must be a text, not {_shown(value)}")
        # Each value that may stand in it must be fit for a header, as the template itself
        for drawn in _placeholders(value, draw, f"{where}: the header '{name}'"):
            for choice in draw[drawn].choices:
                parse_header(f"{name}: {choice}")
    return dict(parse_header(f"{name}: {value}") for name, value in headers.items())


def _length(body: str, raw_body: bytes, in_body: list[str]) -> int | str:
    """Return the length of the body in bytes; of one with placeholders, what stands for it."""
    if in_body:
        return f"{{{CONTENT_LENGTH}}}"
    return len(raw_body or body.format_map({}).encode())


def _header_template(
    common: Common, headers: dict[str, str], method: str, length: int | str
) -> str:
    own = {name.lower() for name in headers}
    for_all = [(name, value) for name, value in common.headers if name.lower() not in own]
    return header_lines(
        common.target,
        method=method,
        headers=[(name, _literal(value)) for name, value in for_all] + list(headers.items()),
        length=length,
        keepalive=common.keepalive,
    )


def _literal(text: str) -> str:
    """Return a template that stands for the text itself."""
    return text.replace("{", "{{").replace("}", "}}")


def _draws(draws: Any, where: str) -> dict[str, Draw]:
    if not isinstance(draws, dict):
        raise BadMix(f"{where}: 'draw' must be an object of names and what is drawn")
    for name in draws:
        if not _DRAWN_NAME.fullmatch(name):
            raise BadMix(
                f"{where}: '{name}' in 'draw' must be a letter or '_', then letters, digits and "
                "'_', at most 64"
            )
    return {name: _draw(draw, f"{where}: '{name}' in 'draw'") for name, draw in draws.items()}


def _draw(draw: Any, where: str) -> Draw:
    _check_keys(draw, _DRAW_KEYS, where)
    if "choices" in draw:
        if len(draw) > 1:
            raise BadMix(f"{where}: 'choices', or 'from' and 'to', not both")
        choices = draw["choices"]
        if not isinstance(choices, list) or not 1 <= len(choices) <= MAX_CHOICES:
            raise BadMix(f"{where}: 'choices' must be a list of 1 to {MAX_CHOICES:,} values")
        for choice in choices:
            if not isinstance(choice, str) and type(choice) is not int:
                raise BadMix(
                    f"{where}: a choice must be a text or a whole number, not {_shown(choice)}"
                )
        return Draw(choices=tuple(choices))
    low, high = draw.get("from"), draw.get("to")
    for bound in (low, high):
        if type(bound) is not int or abs(bound) > MAX_DRAWN:
            raise BadMix(f"{where}: 'from' and 'to' must be whole numbers, not {_shown(bound)}")
    if low > high:
        raise BadMix(f"{where}: 'from' ({low}) is above 'to' ({high})")
    return Draw(low, high)


def _expectation(expect: Any, where: str) -> dict[str, Any]:
    """Return the recipe's fields on what its answers have to be."""
    where = f"{where}: 'expect'"
    _check_keys(expect, _EXPECT_KEYS, where)
    statuses, length, digest, contains = (expect.get(key) for key in _EXPECT_KEYS)
    if statuses is not None:
        listed = isinstance(statuses, list) and statuses
        if not listed or any(type(one) is not int or not 200 <= one <= 999 for one in statuses):
            raise BadMix(f"{where}: 'status' must be a list of numbers from 200 to 999")
        statuses = tuple(statuses)
    if length is not None and (type(length) is not int or length < 0):
        raise BadMix(f"{where}: 'length' must be a whole number from 0, not {_shown(length)}")
    if digest is not None and not (isinstance(digest, str) and _SHA256.fullmatch(digest)):
        raise BadMix(f"{where}: 'sha256' must be 64 hexadecimal digits, not {_shown(digest)}")
    if contains is not None and not (isinstance(contains, str) and contains):
        raise BadMix(f"{where}: 'contains' must be a text, not {_shown(contains)}")
    return {
        "statuses": statuses,
        "length": length,
        "sha256": digest.lower() if digest else None,
        "contains": contains,
    }


def _placeholders(template: str, draw: dict[str, Draw], where: str) -> list[str]:
    """Return the names that stand in a template. Raises BadMix if one of them is not drawn."""
    try:
        fields = [field for field in Formatter().parse(template) if field[1] is not None]
    except ValueError:
        raise BadMix(
            f"{where} has a brace that belongs to no {{name}}: write {{{{ and }}}} for braces"
        ) from None
    for _, name, form, conversion in fields:
        if name not in draw or form or conversion:
            written = f"{name}{f'!{conversion}' if conversion else ''}{f':{form}' if form else ''}"
            raise BadMix(
                f"{where} has the place {_shown(f'{{{written}}}')}, and 'draw' has no such name "
                "(write {{ and }} for braces)"
            )
    return [str(name) for _, name, _, _ in fields]


def _check_keys(written: Any, known: Iterable[str], where: str) -> None:
    if not isinstance(written, dict):
        raise BadMix(f"{where} must be an object, not {_shown(written)}")
    if unknown := [key for key in written if key not in known]:
        raise BadMix(f"{where} has the unknown key {_shown(unknown[0])}; known: {', '.join(known)}")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _shown(value: Any) -> str:
    """Return a value of the file as JSON, cut where it is long."""
    text = "nothing" if value is None else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:59]}…"
