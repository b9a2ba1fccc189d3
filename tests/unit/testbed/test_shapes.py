"""Answers that vary are told by a shape and by rules; what is known to be wrong is found."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from testbed.asked import answers, expectations
from testbed.errors import TestbedError
from testbed.model import shape
from testbed.model.expected import ExpectedAnswer

ROW = {
    "type": "object",
    "required": ["id", "randomNumber"],
    "additionalProperties": False,
    "properties": {
        "id": {"type": "integer", "minimum": 1, "maximum": 10_000},
        "randomNumber": {"type": "integer", "minimum": 1, "maximum": 10_000},
    },
}
ROWS = {"type": "array", "minItems": 20, "maxItems": 20, "items": ROW}
NUMBERS = st.integers(1, 10_000)


def expected(schema, *rules, folder=None, **keys):
    spec = ExpectedAnswer.model_validate({"json": schema, "rules": list(rules), **keys})
    return expectations.read(folder, spec)


def answer(document, **keys):
    return answers.Answer(200, "application/json", json.dumps(document).encode(), **keys)


def problem(documents, wanted, drawn=()):
    found = [answer(one, drawn=dict(drawn)) for one in documents]
    return answers.compare_all(found, wanted, "before").problem


def rows(numbers):
    return [{"id": one, "randomNumber": two} for one, two in numbers]


@given(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=20, max_size=20))
def test_rows_of_the_shape_are_right(numbers):
    assert problem([rows(numbers)], expected(ROWS)) is None


@given(
    st.lists(st.tuples(NUMBERS, NUMBERS), min_size=20, max_size=20),
    st.integers(0, 19),
    st.sampled_from(["id", "randomNumber"]),
    st.sampled_from([0, 10_001, -1, 1.5, "7", None, True, [], {}]),
)
def test_a_value_of_another_type_or_range_is_found_with_its_place(numbers, row, key, wrong):
    document = rows(numbers)
    document[row][key] = wrong
    assert f"$[{row}].{key}: " in problem([document], expected(ROWS))


@given(
    st.lists(st.tuples(NUMBERS, NUMBERS), min_size=20, max_size=20),
    st.integers(0, 19),
    st.sampled_from(["drop", "add", "rename"]),
)
def test_a_missing_or_further_field_is_found(numbers, row, how):
    document = rows(numbers)
    if how != "add":
        del document[row]["randomNumber"]
    if how != "drop":
        document[row]["randomnumber"] = 1
    assert f"$[{row}]: " in problem([document], expected(ROWS))


@given(st.lists(st.tuples(NUMBERS, NUMBERS), max_size=25).filter(lambda one: len(one) != 20))
def test_another_number_of_rows_is_found(numbers):
    assert "$: " in problem([rows(numbers)], expected(ROWS))


# --- rules: the bug that was found in a suite of apps stands first

DIFFER = {"differ": ["id", "randomNumber"]}


@given(st.lists(NUMBERS, min_size=20, max_size=20))
def test_a_column_that_repeats_another_is_found(ids):
    document = rows(zip(ids, ids, strict=True))
    assert problem([document], expected(ROWS)) is None  # no shape can tell
    said = problem([document], expected(ROWS, DIFFER))
    assert said == "randomNumber repeats id in each of 20 rows"


@given(st.lists(NUMBERS, min_size=2, max_size=9))
def test_it_is_found_in_single_rows_of_several_answers(ids):
    documents = [{"id": one, "randomNumber": one} for one in ids]
    assert f"in each of {len(ids)} rows" in problem(documents, expected(ROW, DIFFER))


@given(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=9))
def test_a_row_that_is_equal_by_chance_is_right(numbers):
    documents = [*rows(numbers), {"id": 1, "randomNumber": 2}]
    assert problem(documents, expected(ROW, DIFFER)) is None


def test_one_row_alone_proves_nothing():
    assert problem([{"id": 1, "randomNumber": 1}], expected(ROW, DIFFER)) is None


def test_a_cache_that_always_gives_the_same_row_is_found():
    wanted = expected(ROW, {"changes": "id"})
    same = [{"id": 7, "randomNumber": 8}] * 5
    assert problem(same, wanted) == "id is 7 in each of 5 rows"
    assert problem([*same, {"id": 8, "randomNumber": 8}], wanted) is None


@given(st.lists(st.integers(1, 30), min_size=0, max_size=20))
def test_unique_and_sorted_say_what_python_says(ids):
    document = [{"id": one} for one in ids]
    unique, in_order = (
        problem([document], expected({"type": "array"}, {kind: "id"}))
        for kind in ("unique", "sorted")
    )
    assert (unique is None) == (len(set(ids)) == len(ids))
    assert (in_order is None) == (sorted(ids) == ids)


@given(st.integers(-1000, 1000), st.integers(-1000, 1000))
def test_an_answer_is_to_what_was_asked(asked, found):
    wanted = expected({"type": "object"}, {"equals": {"item.id": "{id}", "kind": "no {id}"}})
    document = {"item": {"id": found}, "kind": f"no {asked}"}
    said = problem([document], wanted, {"id": asked})
    assert (said is None) == (asked == found)
    if said:
        assert said.startswith(f"$.item.id: '{found}' instead of '{asked}' (asked with id={asked})")


@pytest.mark.parametrize(
    ("rule", "document", "said"),
    [
        ({"unique": "id", "of": "rows"}, {"rows": [{"id": 1}, {"id": 1}]}, "$.rows[1].id: 1 stands"
         " at $.rows[0], too"),
        ({"unique": "id", "of": "a.rows"}, {"a": {"rows": [{"id": 1}, {"id": 2}]}}, None),
        ({"unique": "id", "of": "rows"}, {"rows": {"id": 1}}, "$.rows: {'id': 1} is no list"),
        ({"unique": "id", "of": "rows"}, {"lines": []}, "$: has no rows"),
        ({"unique": "id"}, [{"id": 1}, {}], "$[1]: has no id"),
        ({"unique": "id"}, [1, 2], "$[0]: has no id"),
        ({"unique": "id"}, [{"id": 1}, {"id": "1"}], None),
        ({"unique": "a.b"}, [{"a.b": 1}, {"a": {"b": 2}}], None),
        ({"sorted": "id"}, [{"id": 2}, {"id": 1}], "$[1].id: 1 comes after 2"),
        ({"sorted": "id"}, [{"id": "B"}, {"id": "a"}, {"id": "é"}], None),
        ({"sorted": "id"}, [{"id": 2}, {"id": "a"}], "$[1].id: 'a' cannot be compared with 2"),
        ({"sorted": "id"}, [{"id": None}, {"id": None}], "$[1].id: None cannot be compared"),
        ({"differ": ["a", "b"]}, [{"a": 1}], "$[0]: has no b"),
        ({"equals": {"a": "true"}}, {"a": True}, None),
        ({"equals": {"a": "null"}}, {"a": None}, None),
        ({"equals": {"a": "{{1}}"}}, {"a": "{1}"}, None),
        ({"equals": {"a": "1"}}, {"a": 1.0}, None),
        ({"equals": {"a": "20.0"}}, {"a": 20.0}, None),
        ({"equals": {"a": "20.0"}}, {"a": 20}, None),
        ({"equals": {"a": "1"}}, {"a": True}, "$.a: 'true' instead of '1'"),
        ({"equals": {"a": "true"}}, {"a": 1}, "$.a: '1' instead of 'true'"),
        ({"equals": {"a": "one"}}, {"a": 1}, "$.a: '1' instead of 'one'"),
        ({"equals": {"a": "1"}}, {"a": 1.5}, "$.a: '1.5' instead of '1'"),
        ({"equals": {"a": "h://u:p@h"}}, {"a": "h://u:q@h"}, "****@h', with another user or pass"),
        ({"equals": {"a": f"{'x' * 99}1{'y' * 99}"}}, {"a": f"{'x' * 99}2{'y' * 99}"},
         ": from character 100 on, '2yy"),
        ({"unique": "id"}, [{"id": 1}, {"id": 1.0}], "$[1].id: 1.0 stands at $[0], too"),
        ({"unique": "id"}, [{"id": 1}, {"id": True}], None),
    ],
)  # fmt: skip
def test_a_rule_says_where_it_is_broken(rule, document, said):
    found = problem([document], expected({"type": ["array", "object"]}, rule))
    assert found == said if said is None else said in found


# --- schemas


def test_a_schema_in_a_file_is_the_same(tmp_path):
    (tmp_path / "rows.json").write_text(json.dumps(ROWS))
    wanted = expected({"schema_file": "rows.json"}, folder=tmp_path)
    assert problem([rows([(1, 2)] * 20)], wanted) is None
    assert "is too short" in problem([[]], wanted)


@pytest.mark.parametrize("text", ["[]", "{}", '{"type": "x"}', "{", '{"type": "array", "type": 1}'])
def test_a_file_that_is_no_schema_is_named(tmp_path, text):
    (tmp_path / "rows.json").write_text(text)
    with pytest.raises(TestbedError, match=r"rows\.json: "):
        expected({"schema_file": "rows.json"}, folder=tmp_path)


KEYS = st.sampled_from(shape.KEYWORDS) | st.text(max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    | st.sampled_from(["object", "#", "#/properties/a", "email", "(a+)+", "["]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
)  # fmt: skip


@given(st.dictionaries(KEYS, VALUES, max_size=4), VALUES)
def test_any_mapping_is_a_schema_that_can_be_used_or_refused_in_a_sentence(schema, document):
    try:
        spec = ExpectedAnswer.model_validate({"json": schema})
    except ValidationError as error:
        (item,) = error.errors()
        assert item["msg"].startswith("Value error, ") or item["loc"][:1] == ("json",)
        return
    wanted = expectations.read(None, spec)
    body = json.dumps(document).encode()
    checked = answers.compare_all([answers.Answer(200, "application/json", body)], wanted, "before")
    assert checked.ok or len(checked.problem) <= answers.LONGEST_PROBLEM


def test_a_long_value_does_not_hide_what_is_wrong():
    wanted = expected({"type": "object", "properties": {"a": {"type": "integer"}}})
    said = problem([{"a": "x" * 10_000}], wanted)
    assert re.search(r"\$\.a: 'x+\.\.\.x+' does not fit type: 'integer'", said)


def test_a_document_beyond_measure_is_refused():
    wanted = expected({"type": "array"})
    deep = answers.Answer(200, "application/json", b"[" * 5000 + b"]" * 5000)
    assert "the body is not JSON (nested" in answers.compare_all([deep], wanted, "before").problem
    digits = answers.Answer(200, "application/json", b"[" + b"9" * 5000 + b"]")
    assert "a number of 5,000 digits" in answers.compare_all([digits], wanted, "before").problem


@pytest.mark.parametrize(
    ("value", "fits"), [(19.99, True), (0.07, True), (100, True), (19.999, False), (True, False)]
)
def test_a_price_in_cents_is_a_multiple_of_one(value, fits):
    price = expected({"type": "number", "multipleOf": 0.01})
    assert (problem([value], price) is None) == fits
