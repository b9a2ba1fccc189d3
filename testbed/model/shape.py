"""Check a JSON Schema (draft 2020-12) that says what a document must look like.

A schema that would check less than its author thinks is refused: JSON Schema itself ignores a
keyword that it does not know, as `requried`.
"""

import difflib
import json
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, ValidationError
from jsonschema.validators import extend
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
# Keywords that check nothing by themselves
_REMARKS = (
    "$comment", "$defs", "$schema", "default", "deprecated", "description", "examples", "readOnly",
    "title", "writeOnly",
)  # fmt: skip
KEYWORDS = (*_ONE, *_LIST, *_BY_NAME, *_OTHERS)
# Pairs of bounds, the least first: no document fits where they have changed places
_BOUNDS = (
    ("minimum", "maximum"), ("exclusiveMinimum", "exclusiveMaximum"), ("minItems", "maxItems"),
    ("minLength", "maxLength"), ("minProperties", "maxProperties"), ("minContains", "maxContains"),
)  # fmt: skip
# Pairs of which no number fits even where both are the same
_OPEN_BOUNDS = (
    ("minimum", "exclusiveMaximum"), ("exclusiveMinimum", "maximum"),
    ("exclusiveMinimum", "exclusiveMaximum"),
)  # fmt: skip
# Keywords that check nothing unless another one stands beside them
_BESIDE = {"then": "if", "else": "if", "minContains": "contains", "maxContains": "contains"}
# Keywords that check values of one type only, and let all others pass
_OF_TYPE = {
    "array": (
        "contains", "items", "maxContains", "maxItems", "minContains", "minItems", "prefixItems",
        "unevaluatedItems", "uniqueItems",
    ),
    "number": ("exclusiveMaximum", "exclusiveMinimum", "maximum", "minimum", "multipleOf"),
    "object": (
        "additionalProperties", "dependentRequired", "dependentSchemas", "maxProperties",
        "minProperties", "patternProperties", "properties", "propertyNames", "required",
        "unevaluatedProperties",
    ),
    "string": ("format", "maxLength", "minLength", "pattern"),
}  # fmt: skip
TYPES = ("array", "boolean", "integer", "null", "number", "object", "string")
# What the standard library can check. The others need further packages, and would pass unchecked
FORMATS = ("date", "email", "idn-email", "ipv4", "ipv6", "regex", "uuid")
_SAMPLES: tuple[Any, ...] = (None, True, 0, 0.5, "", [], [None], {}, {"a": None})


def check(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema. Raises ValueError, which says where and what is wrong."""
    if not set(schema) - set(_REMARKS):
        raise ValueError(
            f"{'a schema of remarks alone' if schema else 'an empty schema'} fits every document; "
            "say at least its type"
        )
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
    if "type" in part:
        _check_types(place, part, types if isinstance(types, list) else [types])
    for key, other in _BESIDE.items():
        if key in part and other not in part:
            raise ValueError(f"{shown_name(place)}: {key} checks nothing without {other}")
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


def _check_types(place: str, part: dict[str, Any], types: list[str]) -> None:
    """Raise ValueError for keywords of other types than these, which would check nothing."""
    numeric = {"number"} if "integer" in types else set()
    for one, keywords in _OF_TYPE.items():
        for key in keywords:
            if key in part and one not in {*types, *numeric}:
                raise ValueError(
                    f"{shown_name(place)}: {key} checks only what is of type {one}, and this is of "
                    f"type {' or '.join(types)}"
                )


def _check_bounds(place: str, part: dict[str, Any]) -> None:
    """Raise ValueError for a part that nothing can fit. Its bounds are known to be numbers."""
    for least, most in _BOUNDS:
        if least in part and most in part and part[least] > part[most]:
            raise ValueError(
                f"{shown_name(place)}: {least} {part[least]} is above {most} {part[most]}"
            )
    for least, most in _OPEN_BOUNDS:
        if least in part and most in part and part[least] >= part[most]:
            raise ValueError(
                f"{shown_name(place)}: no number fits {least} {part[least]} and {most} {part[most]}"
            )
    for value in part.get("enum", [part["const"]] if "const" in part else []):
        if "type" in part and not Draft202012Validator({"type": part["type"]}).is_valid(value):
            raise ValueError(
                f"{shown_name(place)}: {shown(value)} is not of type {shown(part['type'])}"
            )
    if part.get("enum") == []:
        raise ValueError(f"{shown_name(place)}: enum has no value that would fit")


def _multiple_of(
    checker: Draft202012Validator, of: float, value: Any, schema: dict[str, Any]
) -> Iterator[ValidationError]:
    """Yield an error if a number is no multiple, as both are written: 19.99 is one of 0.01.

    The library's own check divides binary fractions, and refuses it.
    """
    if checker.is_type(value, "number") and Fraction(str(value)) % Fraction(str(of)):
        yield ValidationError(f"{value!r} is not a multiple of {of}")


_Validator = extend(Draft202012Validator, {"multipleOf": _multiple_of})


def validator(schema: dict[str, Any]) -> Draft202012Validator:
    """Return the validator of a schema; it checks FORMATS, too."""
    return _Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)


def problem(error: ValidationError) -> str:
    """Return in one sentence where a document does not fit its schema, and why."""
    message = plain(error.message)
    if len(message) > 200:  # it begins with the whole value
        message = f"{shown(error.instance)} does not fit {error.validator}"
        message += f": {shown(error.validator_value)}"
    return f"{error.json_path}: {message}"
