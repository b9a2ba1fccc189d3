"""Requests of which the tests of mixes are made."""

from typing import Any

from pacer.mix import Recipe
from pacer.mix_file import Common, parse_mix
from pacer.request import parse_url

COMMON = Common(parse_url("http://host:81/"), [("X-All", "{a}"), ("X-Own", "b")], keepalive=True)


def mix_of(*requests: dict[str, Any]) -> dict[str, Any]:
    return {"schema_version": 1, "requests": list(requests)}


ITEM = {
    "name": "item",
    "weight": 3,
    "path": "/item/{word}?id={id}",
    "headers": {"X-Id": "{id}", "x-own": "{{{id}}}"},
    "draw": {"id": {"from": -1, "to": 1}, "word": {"choices": ["a b/ü", "c", 7]}},
    "expect": {"contains": "id={id} {{}}"},
}
ADD = {
    "name": "add",
    "body": '{{"name": "{name}"}}',
    "path": "/items",
    "draw": {"name": {"choices": ["x", "äöü"]}},
    "expect": {"status": [201, 409]},
}
HEAD = {"name": "head", "method": "HEAD", "path": "/", "weight": 0.5}


def recipes(*requests: dict[str, Any]) -> list[Recipe]:
    return parse_mix(mix_of(*requests), COMMON)
