"""Check a JSON Schema (draft 2020-12) that says what a document must look like.

A schema that would check less than its author thinks is refused: JSON Schema itself ignores a
keyword that it does not know, as `requried`.
"""

import difflib
import json
from collections.abc import Iterator
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, ValidationError
from referencing.exceptions import Unresolvable

from testbed.model.kinds import check_regex
from testbed.texts import plain, shown, shown_name

DRAFT = "https://json-schema.org/draft/2020-12/schema"
# Keywords by what they hold
_ONE = (
    "additionalProperties", "contains", "else", "if", "items", "not", "propertyNames", "then",
    "unevaluatedItems", "unevaluatedProperties",
)  # fmt: skip
_LIST = ("allOf", "anyOf", "oneOf", "prefixItems")
_BY_NAME = ("$defs", "dependentSchemas", "patternProperties", "properties")
_OTHERS = (
    "$comment", "$ref", "$schema", "const", "default", "dependentRequired", "deprecated",
    "description", "enum", "examples", "exclusiveMaximum", "exclusiveMinimum", "format",
    "maxContains", "maxItems", "maxLength", "maxProperties", "maximum", "minContains", "minItems",
    "minLength", "minProperties", "minimum", "multipleOf", "pattern", "readOnly", "required",
    "title", "type", "uniqueItems", "writeOnly",
)  # fmt: skip
KEYWORDS = (*_ONE, *_LIST, *_BY_NAME, *_OTHERS)
# Pairs of bounds, the least first: no document fits where they have changed places
_BOUNDS = (
    ("minimum", "maximum"), ("exclusiveMinimum", "exclusiveMaximum"), ("minItems", "maxItems"),
    ("minLength", "maxLength"), ("minProperties", "maxProperties"), ("minContains", "maxContains"),
)  # fmt: skip
TYPES = ("array", "boolean", "integer", "null", "number", "object", "string")
# What the standard library can check. The others need further packages, and would pass unchecked
FORMATS = ("date", "email", "idn-email", "ipv4", "ipv6", "regex", "uuid")
_SAMPLES: tuple[Any, ...] = (None, True, 0, 0.5, "", [], [None], {}, {"a": None})


def check(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema. Raises ValueError, which says where and what is wrong."""
    if not schema:
        raise ValueError("an empty schema fits every document; say at least its type")
    try:
        json.dumps(schema, allow_nan=False)
        for place, part in _parts(schema, "$"):
            _check_keywords(place, part)
        Draft202012Validator.check_schema(schema)
        for place, part in _parts(schema, "$"):
            _check_bounds(place, part)
        for _, part in _parts(schema, "$"):
            for sample in _SAMPLES:  # follows each $ref
                next(validator(schema).evolve(schema=part).iter_errors(sample), None)
    except SchemaError as error:
        raise ValueError(problem(error)) from error
    except Unresolvable as error:
        raise ValueError(f"$ref {shown(error.ref)} names nothing in this schema") from error
    except RecursionError as error:
        raise ValueError("its $ref lead in a circle") from error
    return schema


def _parts(schema: Any, place: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Return the schema and all schemas within it, each with its place."""
    if not isinstance(schema, dict):  # true or false, or refused by the schema of schemas
        return
    yield place, schema
    for key, value in schema.items():
        if key in _ONE:
            yield from _parts(value, f"{place}.{key}")
        elif key in _LIST and isinstance(value, list):
            for number, one in enumerate(value):
                yield from _parts(one, f"{place}.{key}[{number}]")
        elif key in _BY_NAME and isinstance(value, dict):
            for name, one in value.items():
                yield from _parts(one, f"{place}.{key}.{name}")


def _check_keywords(place: str, part: dict[str, Any]) -> None:
    """Raise ValueError for what would be ignored, or could take for ever."""
    for key in part:
        if key not in KEYWORDS:
            near = difflib.get_close_matches(key[:100], KEYWORDS, n=1)
            hint = f"; did you mean '{near[0]}'?" if near else ""
            raise ValueError(f"{shown_name(place)}: '{shown_name(key)}' is no keyword here{hint}")
    version = part.get("$schema", DRAFT)
    if version != DRAFT:
        raise ValueError(f"{shown_name(place)}: $schema {shown(version)} is not {DRAFT}")
    types = part.get("type", "object")
    for one in types if isinstance(types, list) else [types]:
        if one not in TYPES:
            raise ValueError(f"{shown_name(place)}: type {shown(one)}: it is {', '.join(TYPES)}")
    form = part.get("format")
    if isinstance(form, str) and form not in FORMATS:
        raise ValueError(
            f"{shown_name(place)}: the format {shown(form)} is not checked here; take a pattern, "
            f"or one of {', '.join(FORMATS)}"
        )
    by_pattern = part.get("patternProperties")
    patterns = [part.get("pattern"), *(by_pattern if isinstance(by_pattern, dict) else ())]
    for pattern in patterns:
        if isinstance(pattern, str):
            try:
                check_regex(pattern)
            except ValueError as error:
                raise ValueError(f"{shown_name(place)}: {shown(pattern)} {error}") from error


def _check_bounds(place: str, part: dict[str, Any]) -> None:
    """Raise ValueError for a part that nothing can fit. Its bounds are known to be numbers."""
    for least, most in _BOUNDS:
        if least in part and most in part and part[least] > part[most]:
            raise ValueError(
                f"{shown_name(place)}: {least} {part[least]} is above {most} {part[most]}"
            )
    if part.get("enum") == []:
        raise ValueError(f"{shown_name(place)}: enum has no value that would fit")


def validator(schema: dict[str, Any]) -> Draft202012Validator:
    """Return the validator of a schema; it checks FORMATS, too."""
    return Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)


def problem(error: ValidationError) -> str:
    """Return in one sentence where a document does not fit its schema, and why."""
    message = plain(error.message)
    if len(message) > 200:  # it begins with the whole value
        message = f"{shown(error.instance)} does not fit {error.validator}"
        message += f": {shown(error.validator_value)}"
    return f"{error.json_path}: {message}"
