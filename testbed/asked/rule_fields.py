"""Find rules of a workload that name what the shape of its document does not have.

A shape that leaves something open is given the benefit of the doubt: only what no document that
fits the shape could have, or what the shape lists other fields beside, is refused.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from testbed.errors import TestbedError
from testbed.model.expected import Rule
from testbed.texts import nearest, shown_name

_ANYTHING: dict[str, Any] = {}
_KINDS = ("differ", "changes", "unique", "sorted", "equals")
_OTHERS = ("additionalProperties", "unevaluatedProperties")
_FIELDS = ("properties", "required", "patternProperties", *_OTHERS)
_UNIONS = ("allOf", "anyOf", "oneOf")
_CONDITIONS = ("if", "then", "else")


def check(rules: Sequence[Rule], schema: dict[str, Any]) -> None:
    """Raise TestbedError, with the place of its key, for the first rule that cannot be kept."""
    for number, rule in enumerate(rules):
        _check(rule, ("rules", number), schema)


def _check(rule: Rule, place: tuple[str, int], root: dict[str, Any]) -> None:
    rows = _rows(rule, place, root)
    for kind in _KINDS:
        told = getattr(rule, kind)
        for field in [told] if isinstance(told, str) else list(told or []):
            if _lookup(rows, field, root) is None:
                where = (*place, kind, field) if kind == "equals" else (*place, kind)
                raise _unknown(field, rows, where, root)


def _rows(rule: Rule, place: tuple[str, int], root: dict[str, Any]) -> list[Any]:
    """Return the schemas of the rows that a rule is about. Raises TestbedError without such."""
    if rule.of is not None:
        lists = _lookup([root], rule.of, root)
        if lists is None:
            raise _unknown(rule.of, [root], (*place, "of"), root)
        if (rows := _items(lists, root)) is None:
            raise TestbedError(
                f"'{shown_name(rule.of)}' is no list by the shape in json",
                remedy="name the list of rows",
                place=(*place, "of"),
            )
        return rows
    if (items := _items([root], root)) is not None:
        return [*items, *([root] if _may_be(root, "object", root) else [])]
    if single := next((kind for kind in ("unique", "sorted") if getattr(rule, kind)), None):
        raise TestbedError(
            "the document is an object by the shape in json, so it is one row, of which this "
            "always holds",
            remedy="say with `of` which of its lists has the rows",
            place=(*place, single),
        )
    return [root]


def _unknown(
    path: str, rows: Sequence[Any], place: tuple[str | int, ...], root: dict[str, Any]
) -> TestbedError:
    known = sorted({name for row in rows for name in _names(row, root)})
    near = nearest(path, known)
    hint = f"did you mean '{shown_name(near)}'? " if near else ""
    fields = ", ".join(map(shown_name, known)) or "none"
    return TestbedError(
        f"the shape in json has no field '{shown_name(path)}' here",
        remedy=f"{hint}its fields: {fields}; or declare it there",
        place=place,
    )


def _views(schema: Any, root: dict[str, Any], seen: frozenset[int]) -> Iterator[dict[str, Any]]:
    """Yield the schemas that are about the same value as this one, itself among them."""
    if not isinstance(schema, dict) or id(schema) in seen:
        return
    seen |= {id(schema)}
    yield schema
    inner = [_target(schema["$ref"], root)] if "$ref" in schema else []
    inner += [one for key in _UNIONS for one in schema.get(key, [])]
    inner += [schema[key] for key in _CONDITIONS if key in schema]
    inner += schema.get("dependentSchemas", {}).values()
    for one in inner:
        yield from _views(one, root, seen)


def _target(reference: str, root: dict[str, Any]) -> Any:
    """Return what a $ref of this schema leads to; anything for one that leads elsewhere."""
    found: Any = root
    if not reference.startswith("#"):
        return _ANYTHING
    for part in reference[1:].split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(found, list) and key.isdecimal() and int(key) < len(found):
            found = found[int(key)]
        else:
            found = found.get(key, _ANYTHING) if isinstance(found, dict) else _ANYTHING
    return found


def _all(schema: Any, root: dict[str, Any]) -> list[dict[str, Any]]:
    return list(_views(schema, root, frozenset()))


def _may_be(schema: Any, kind: str, root: dict[str, Any]) -> bool:
    """Return whether some value of a kind may fit: no part, or some part, with a type allows it."""
    told = [view["type"] for view in _all(schema, root) if "type" in view]
    return not told or any(kind in ([one] if isinstance(one, str) else one) for one in told)


def _names(schema: Any, root: dict[str, Any]) -> Iterator[str]:
    for view in _all(schema, root):
        yield from (name for name, one in view.get("properties", {}).items() if one is not False)
        yield from view.get("required", [])


def _field(schema: Any, name: str, root: dict[str, Any]) -> list[Any] | None:
    """Return the schemas of a field; None if it is forbidden, or not among those declared."""
    if schema is False or not _may_be(schema, "object", root):
        return None
    views = _all(schema, root)
    told = [view["properties"][name] for view in views if name in view.get("properties", {})]
    told += [
        one
        for view in views
        for pattern, one in view.get("patternProperties", {}).items()
        if re.search(pattern, name)
    ]
    if told:
        return [one for one in told if one is not False] or None
    if others := [view[key] for view in views for key in _OTHERS if view.get(key, False)]:
        return others
    required = any(name in view.get("required", []) for view in views)
    is_open = not any(key in view for view in views for key in _FIELDS)
    return [_ANYTHING] if required or is_open else None


def _lookup(schemas: Sequence[Any], path: str, root: dict[str, Any]) -> list[Any] | None:
    """Return the schemas of what a path leads to, in any of the schemas; None if in none."""
    found: list[Any] = []
    for schema in schemas:
        whole = _field(schema, path, root)
        if whole is None:
            name, dot, rest = path.partition(".")
            inner = _field(schema, name, root) if dot else None
            whole = _lookup(inner, rest, root) if inner else None
        found += whole or []
    return found or None


def _items(schemas: Sequence[Any], root: dict[str, Any]) -> list[Any] | None:
    """Return the schemas of the items of lists; None if none of the schemas allows a list."""
    lists = [one for one in schemas if one is not False and _may_be(one, "array", root)]
    if not lists:
        return None
    views = [view for one in lists for view in _all(one, root)]
    found = [view["items"] for view in views if "items" in view]
    found += [one for view in views for one in view.get("prefixItems", [])]
    return [one for one in found if one is not False] or [_ANYTHING]
