"""Rules that name what the shape of their document does not have are found when a plan is made."""

import pytest

from testbed.asked import expectations
from testbed.errors import TestbedError
from testbed.model.expected import ExpectedAnswer

ROW = {
    "type": "object",
    "properties": {"id": {"type": "integer"}, "randomNumber": {"type": "integer"}},
    "required": ["id", "randomNumber"],
}
CLOSED = ROW | {"additionalProperties": False}
ROWS = {"type": "array", "items": CLOSED}
PAGE = {
    "type": "object",
    "properties": {"data": {"type": "object", "properties": {"rows": ROWS}}, "total": {}},
}
BY_REFERENCE = {
    "type": "array",
    "items": {"$ref": "#/$defs/row"},
    "$defs": {"row": {"allOf": [ROW, {"properties": {"at~ /x": {}}}]}, "~": {"type": "object"}},
}


def read(schema, *rules):
    spec = ExpectedAnswer.model_validate({"json": schema, "rules": list(rules)})
    return expectations.read(None, spec)


@pytest.mark.parametrize(
    ("schema", "rule"),
    [
        (ROW, {"differ": ["id", "randomNumber"]}),
        (CLOSED, {"equals": {"id": "1"}}),
        (ROWS, {"unique": "id"}),
        (PAGE, {"of": "data.rows", "sorted": "id"}),
        (PAGE, {"changes": "data.rows"}),
        (PAGE, {"changes": "total.anything"}),  # total is open
        (BY_REFERENCE, {"sorted": "at~ /x"}),
        (BY_REFERENCE, {"differ": ["id", "at~ /x"]}),
        ({"type": "object"}, {"changes": "anything"}),
        ({"type": "array"}, {"unique": "anything"}),
        ({"type": ["array", "object"], "items": ROW}, {"unique": "id"}),
        ({"type": "object", "required": ["id"]}, {"changes": "id"}),
        (ROW | {"additionalProperties": {"type": "string"}}, {"changes": "name"}),
        (ROW | {"additionalProperties": True}, {"changes": "name"}),
        (ROW | {"patternProperties": {"^x-": {}}}, {"changes": "x-trace"}),
        ({"anyOf": [{"type": "null"}, ROW]}, {"changes": "id"}),
        ({"properties": {"a.b": {}}}, {"changes": "a.b"}),
        ({"if": {"required": ["id"]}, "then": ROW}, {"changes": "randomNumber"}),
        ({"type": "array", "prefixItems": [ROW]}, {"changes": "id"}),
    ],
)
def test_a_field_that_a_fitting_document_may_have_is_taken(schema, rule):
    assert read(schema, rule).shape is not None


@pytest.mark.parametrize(
    ("schema", "rule", "place", "said"),
    [
        (ROW, {"differ": ["id", "randomnumber"]}, "rules.0.differ", "did you mean 'randomNumber'?"),
        (CLOSED, {"changes": "name"}, "rules.0.changes", "its fields: id, randomNumber"),
        (ROWS, {"unique": "Id"}, "rules.0.unique", "its fields: id, randomNumber"),
        (ROWS, {"equals": {"key": "1"}}, "rules.0.equals.key", "no field 'key'"),
        (PAGE, {"of": "data.row", "sorted": "id"}, "rules.0.of", "no field 'data.row'"),
        (PAGE, {"of": "data.rows", "sorted": "date"}, "rules.0.sorted", "no field 'date'"),
        (PAGE, {"of": "data", "sorted": "id"}, "rules.0.of", "'data' is no list"),
        (BY_REFERENCE, {"changes": "x"}, "rules.0.changes", "no field 'x'"),
        ({"type": "array", "items": {"type": "integer"}}, {"unique": "id"}, "rules.0.unique", "id"),
        (ROW | {"properties": {"id": False}}, {"changes": "id"}, "rules.0.changes", "'id'"),
        ({"anyOf": [{"type": "null"}, ROW]}, {"changes": "x"}, "rules.0.changes", "'x'"),
        (ROW, {"unique": "id"}, "rules.0.unique", "one row"),
        (ROW, {"sorted": "id"}, "rules.0.sorted", "one row"),
    ],
)
def test_any_other_is_refused_with_the_place_of_its_key(schema, rule, place, said):
    with pytest.raises(TestbedError) as refused:
        read(schema, rule)
    assert ".".join(map(str, refused.value.place)) == place
    assert said in str(refused.value)


def test_the_second_of_two_rules_is_named():
    with pytest.raises(TestbedError) as refused:
        read(ROWS, {"unique": "id"}, {"sorted": "x"})
    assert refused.value.place == ("rules", 1, "sorted")


def test_a_schema_that_leads_to_itself_is_followed_once():
    tree = {"type": "object", "properties": {"left": {"$ref": "#"}, "value": {}}}
    assert read(tree, {"changes": "left.left.value"}).shape is not None
    with pytest.raises(TestbedError, match="no field 'left.right'"):
        read(tree, {"changes": "left.right"})
