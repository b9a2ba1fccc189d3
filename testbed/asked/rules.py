"""Check the rules of a workload on the JSON documents that an app answered. Pure functions.

A row is an item of the list that a rule is about, or the document itself if it is an object.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from testbed.model import template
from testbed.model.expected import Rule
from testbed.texts import instead, shown, shown_name


class Broken(ValueError):
    """Raised if a document does not keep to a rule; the message says where."""


def check_answer(rules: Sequence[Rule], document: Any, drawn: Mapping[str, Any]) -> None:
    """Check what must hold within one answer. Raises Broken.

    `drawn` has the values of its request.
    """
    for rule in rules:
        rows = list(_rows(rule, document))
        if rule.unique is not None:
            _check_unique(rule.unique, rows)
        if rule.sorted is not None:
            _check_sorted(rule.sorted, rows)
        for field, wanted in (rule.equals or {}).items():
            text = template.fill(wanted, {name: str(value) for name, value in drawn.items()})
            for place, row in rows:
                if not _is(found := _value(row, field, place), text):
                    raise Broken(f"{place}.{field}: {instead(_as_text(found), text)}")
        for field in [*(rule.differ or []), *([rule.changes] if rule.changes else [])]:
            for place, row in rows:
                _value(row, field, place)


def check_all(rules: Sequence[Rule], documents: Sequence[Any]) -> None:
    """Check what must hold in the answers together. Raises Broken.

    One row, or one document, may be right by chance where all of them cannot be.
    """
    for rule in rules:
        rows = [row for document in documents for row in _rows(rule, document)]
        of_all = f"each of {len(rows)} rows"
        if rule.differ is not None and len(rows) > 1:
            one, other = rule.differ
            if all(_value(row, one, at) == _value(row, other, at) for at, row in rows):
                raise Broken(f"{other} repeats {one} in {of_all}")
        if rule.changes is not None and len(rows) > 1:
            values = [_value(row, rule.changes, at) for at, row in rows]
            if all(value == values[0] for value in values):
                raise Broken(f"{rule.changes} is {shown(values[0])} in {of_all}")


def _rows(rule: Rule, document: Any) -> Iterator[tuple[str, Any]]:
    """Return the rows that a rule is about, each with its place. Raises Broken."""
    place, found = "$", document
    if rule.of is not None:
        place, found = f"$.{rule.of}", _value(document, rule.of, "$")
        if not isinstance(found, list):
            raise Broken(f"{place}: {shown(found)} is no list of rows")
    if not isinstance(found, list):
        yield place, found
        return
    for number, row in enumerate(found):
        yield f"{place}[{number}]", row


def _value(row: Any, path: str, place: str) -> Any:
    """Return the value of a field. Raises Broken if there is none.

    A dot of the path leads into an object, unless a key of the row has it itself.
    """
    if isinstance(row, dict):
        if path in row:
            return row[path]
        name, dot, rest = path.partition(".")
        if dot and name in row:
            return _value(row[name], rest, f"{place}.{name}")
    raise Broken(f"{place}: has no {shown_name(path)}")


def _check_unique(field: str, rows: Sequence[tuple[str, Any]]) -> None:
    seen: dict[str, str] = {}
    for place, row in rows:
        value = _value(row, field, place)
        if (text := repr(_plain(value))) in seen:
            raise Broken(f"{place}.{field}: {shown(value)} stands at {seen[text]}, too")
        seen[text] = place


def _check_sorted(field: str, rows: Sequence[tuple[str, Any]]) -> None:
    before: Any = None
    for number, (place, row) in enumerate(rows):
        value = _value(row, field, place)
        try:
            if number and value < before:
                raise Broken(f"{place}.{field}: {shown(value)} comes after {shown(before)}")
        except TypeError as error:
            raise Broken(
                f"{place}.{field}: {shown(value)} cannot be compared with {shown(before)}"
            ) from error
        before = value


def _as_text(value: Any) -> str:
    """Return a value as a text, as JSON writes it; a text is the same without quotes."""
    return value if isinstance(value, str) else json.dumps(value)


def _is(value: Any, text: str) -> bool:
    """Return whether a value is what a rule says. Of numbers, 20 is 20.0, as in JSON files."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return _as_text(value) == text
    try:
        wanted = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return not isinstance(wanted, bool) and bool(wanted == value)


def _plain(value: Any) -> Any:
    """Return a whole number without a fraction: 20.0 is 20."""
    return int(value) if isinstance(value, float) and value.is_integer() else value
