"""Read the files with which a workload says what answers must be like."""

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from testbed import files
from testbed.asked import rule_fields
from testbed.errors import TestbedError
from testbed.jsonfile import check_depth, finite
from testbed.model import shape
from testbed.model.expected import MOST_ANSWER_BYTES, ExpectedAnswer, JsonLike
from testbed.texts import shown, shown_name

MOST_DIGITS = 100  # of a whole number
MOST_DOCUMENT_DEPTH = 100  # json and those who compare call themselves for each level


@dataclass(frozen=True)
class Expected:
    """An expected answer, with its files read."""

    spec: ExpectedAnswer
    document: Any  # parsed from JSON; None for other bodies
    texts: list[list[str] | None]  # of HTML, for each selection; None if not compared
    text: str | None = None  # of a plain text
    shape: Draft202012Validator | None = None  # of a JSON document; None if none is declared


def read(folder: Path, spec: ExpectedAnswer) -> Expected:
    """Return the answer that a workload expects, whose folder this is.

    Raises TestbedError for a file that cannot be read, or is not what it should be.
    """
    text = None if spec.text is None else spec.text.exact
    told = None if spec.json_shape is None else _shape(folder, spec.json_shape)
    if told is not None:
        rule_fields.check(spec.rules, told.schema)
    return Expected(
        spec,
        None if spec.json_file is None else _read_json(folder, spec.json_file),
        [
            None if one.texts_file is None else _read_texts(folder, one.texts_file, one.count)
            for one in spec.html
        ],
        text if spec.text_file is None else _read_text(folder, spec.text_file),
        told,
    )


def parse(text: str | bytes) -> Any:
    """Return a JSON document. Raises ValueError for one that JSON does not define, or too deep."""
    try:
        document = json.loads(
            text,
            object_pairs_hook=_mapping,
            parse_constant=_no_number,
            parse_float=finite,
            parse_int=_whole,
        )
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    check_depth(document, MOST_DOCUMENT_DEPTH)
    return document


def _shape(folder: Path, like: JsonLike) -> Draft202012Validator:
    if like.inline is not None:
        return shape.validator(like.inline)
    name = like.schema_file or ""
    path = shown_name(files.beside(folder, name))
    schema = _read_json(folder, name)
    if not isinstance(schema, dict):
        raise TestbedError(f"{path}: is no JSON Schema: an object is needed")
    try:
        return shape.validator(shape.check(schema))
    except ValueError as error:
        raise TestbedError(f"{path}: {error}") from error


def _read_text(folder: Path, name: str) -> str:
    return files.read_text(files.beside(folder, name), MOST_ANSWER_BYTES)


def _read_json(folder: Path, name: str) -> Any:
    text = _read_text(folder, name)
    try:
        return parse(text)
    except ValueError as error:
        path = shown_name(files.beside(folder, name))
        raise TestbedError(f"{path}: not a JSON document: {error}") from error


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


def _read_texts(folder: Path, name: str, count: int | None) -> list[str]:
    """Return the texts of a file, `count` of them if the workload says how many there are."""
    texts = _read_json(folder, name)
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise TestbedError(f"{shown_name(folder / name)}: not a JSON list of texts")
    if count is not None and count != len(texts):
        raise TestbedError(
            f"{shown_name(folder / name)}: has {len(texts)} texts, but count says {count}",
            remedy="correct one of them, or leave count out",
        )
    return texts
