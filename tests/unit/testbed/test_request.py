"""The requests that are made of an endpoint: encoded, filled with drawn values, repeatable."""

import json
from collections import Counter
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from testbed.asked import request
from testbed.errors import TestbedError
from testbed.model import template
from testbed.model.endpoint import Endpoint
from testbed.model.request import Draw

HERE = Path(__file__).parent
JSON = {"json": {"type": "object"}}
CHARACTERS = st.characters(exclude_categories=["Cs"])
TEXTS = st.text(CHARACTERS, max_size=30)
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | TEXTS
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
)  # fmt: skip


def endpoint(**keys):
    return Endpoint.model_validate({"description": "d", "expect": JSON, **keys})


def made(path="/", drawn=None, **keys):
    return request.of(endpoint(**keys), path, HERE).filled(drawn or {})


def escaped(document):
    """The document with the braces of its texts doubled; keys are no templates."""
    if isinstance(document, str):
        return template.literal(document)
    if isinstance(document, list):
        return list(map(escaped, document))
    if isinstance(document, dict):
        return {key: escaped(value) for key, value in document.items()}
    return document


@given(TEXTS)
def test_a_literal_text_is_filled_with_nothing(text):
    assert template.names(template.literal(text)) == []
    assert template.fill(template.literal(text), {}) == text


@given(TEXTS)
def test_double_braces_alone_are_braces(text):
    single = text.replace("{{", "").replace("}}", "")
    if "{" not in single and "}" not in single:
        names = template.names(text)
        assert template.fill(text, dict.fromkeys(names, "")) == text.replace("{{", "{").replace(
            "}}", "}"
        )


@pytest.mark.parametrize(
    ("text", "names", "filled"),
    [
        ("", [], ""),
        ("{a}", ["a"], "1"),
        ("{{a}}", [], "{a}"),
        ("{{{a}}}", ["a"], "{1}"),
        ("{a}{b_2}{a}", ["a", "b_2", "a"], "121"),
    ],
)
def test_placeholders_are_filled_and_double_braces_are_braces(text, names, filled):
    assert template.names(text) == names
    assert template.fill(text, {"a": "1", "b_2": "2"}) == filled


@pytest.mark.parametrize(
    "text", ["{", "}", "{a", "a}", "{A}", "{}", "{ a }", "{2}", "{{a}", "{a}}"]
)
def test_a_single_brace_is_refused(text):
    with pytest.raises(ValueError, match="a brace is written twice"):
        template.names(text)


@given(st.dictionaries(st.text(CHARACTERS, min_size=1, max_size=9), TEXTS, max_size=4), TEXTS)
def test_a_query_and_a_form_are_read_as_they_were_written(pairs, value):
    written = {name: f"{template.literal(text)}{{v}}" for name, text in pairs.items()}
    draw = {"v": {"choices": [value]}} if value.isprintable() and pairs else {}
    if not draw:
        written = {name: template.literal(text) for name, text in pairs.items()}
    found = made("/a?b=1", {"v": value}, query=written, draw=draw)
    read = dict(parse_qsl(urlsplit(found.path).query, keep_blank_values=True))
    ending = value if draw else ""
    assert read == {"b": "1", **{name: f"{text}{ending}" for name, text in pairs.items()}}
    form = {name: template.literal(text) for name, text in pairs.items()}
    body = made(method="POST", send={"form": form}).body
    assert dict(parse_qsl(body, keep_blank_values=True)) == pairs


@given(DOCUMENTS)
def test_a_json_body_is_the_document(document):
    found = made(method="POST", send={"json": escaped(document)})
    assert json.loads(found.body) == document
    assert found.content_type == "application/json"


def test_a_text_that_is_only_a_drawn_number_is_a_number():
    draw = {"id": {"from": 5, "to": 5}, "who": {"choices": ["Ann"]}}
    send = {"json": {"id": "{id}", "name": "{who}", "text": "no {id}"}}
    found = made("/x/{id}", {"id": 5, "who": "Ann"}, method="PATCH", draw=draw, send=send)
    assert json.loads(found.body) == {"id": 5, "name": "Ann", "text": "no 5"}
    assert found.path == "/x/5"


def test_drawn_values_are_encoded_in_the_path_alone():
    draw = {"city": {"choices": ["São Paulo/é?"]}}
    found = made("/in/{city}", {"city": "São Paulo/é?"}, draw=draw, method="POST",
                 send={"text": "to {city}"})  # fmt: skip
    assert found.path == "/in/S%C3%A3o%20Paulo%2F%C3%A9%3F"
    assert found.body == "to São Paulo/é?"


def test_a_file_is_sent_as_it_is(tmp_path):
    (tmp_path / "a.json").write_text('{"id": "{id}"}')
    asked = endpoint(method="POST", send={"file": "a.json"}, draw={"id": {"from": 1, "to": 2}},
                     query={"id": "{id}"})  # fmt: skip
    assert request.of(asked, "/", tmp_path).filled({"id": 1}).body == '{"id": "{id}"}'


@given(st.integers(0, 2**53), st.integers(0, 1000), st.integers(-1000, 1000), st.integers(0, 1000))
def test_what_is_drawn_follows_from_the_seed(seed, number, least, more):
    draws = {
        "id": Draw.model_validate({"from": least, "to": least + more}),
        "who": Draw.model_validate({"choices": ["a", 5]}),
    }
    values = request.drawn(draws, seed, number)
    assert values == request.drawn(dict(reversed(draws.items())), seed, number)
    assert least <= values["id"] <= least + more
    assert values["who"] in ("a", 5)


def test_a_body_beyond_the_limit_is_refused():
    words = {"json": ["x" * 1000] * 66}
    with pytest.raises(TestbedError, match="send: 66,264 bytes; at most 65,536 are sent"):
        made(method="POST", send=words)


@pytest.mark.parametrize(
    ("expect", "media"),
    [
        ({"json_file": "a.json"}, "application/json"),
        (JSON, "application/json"),
        ({"text": "a"}, "text/plain"),
        ({"text_file": "a.txt"}, "text/plain"),
        ({"html": [{"selector": "p", "count": 1}]}, "text/html"),
        ({"text": "a", "content_type": "text/csv"}, "text/csv"),
        ({"text": "a", "content_type": None}, None),
        ({"length": 3}, None),
        ({}, None),
    ],
)
def test_a_content_type_that_is_left_out_is_the_usual_one(expect, media):
    assert endpoint(expect=expect).expect.content_type == media


def test_all_values_are_drawn_alike():
    draws = {"id": Draw.model_validate({"from": 1, "to": 4})}
    seen = Counter(request.drawn(draws, 7, number)["id"] for number in range(4000))
    assert sorted(seen) == [1, 2, 3, 4]
    assert all(800 < count < 1200 for count in seen.values())  # the draw is always the same


def test_a_further_request_has_what_it_does_not_say_from_its_endpoint():
    asked = endpoint(
        query={"n": "{n}"}, headers={"A": "b"}, draw={"n": {"from": 1, "to": 9}},
        also=[
            {"description": "as it is", "expect": JSON},
            {"description": "not", "query": {"n": "x"}, "headers": {}, "expect": {"text": "no"}},
            {"description": "sent", "method": "POST", "send": {"text": ""}, "expect": JSON},
        ],
    )  # fmt: skip
    one, two, three = map(asked.exchange, asked.also)
    assert (one.query, one.headers, one.method) == ({"n": "{n}"}, {"A": "b"}, "GET")
    assert (two.query, two.headers, two.expect.text.exact) == ({"n": "x"}, {}, "no")
    assert (three.method, three.send.text, three.also) == ("POST", "", [])


@pytest.mark.parametrize(
    ("expect", "draw", "varies"),
    [
        ({"json": {"type": "object"}}, {}, True),
        ({"json": {"type": "object"}, "varies": False}, {}, False),
        ({"text": {"pattern": "a+"}}, {}, True),
        ({"text": "a"}, {}, False),
        ({"json_file": "a.json"}, {}, False),
        ({"json_file": "a.json", "varies": True}, {}, True),
        ({"html": [{"selector": "p", "count": 1}]}, {}, False),
        ({"html": [{"selector": "p", "count": 1}]}, {"n": {"from": 1, "to": 2}}, True),
        ({"length": 3}, {}, False),
        ({"length": 3, "varies": True}, {}, True),
        ({"headers": {"ETag": {"present": True}}, "varies": True}, {}, True),
    ],
)
def test_an_answer_varies_where_its_kind_lets_it(expect, draw, varies):
    asked = endpoint(expect=expect, draw=draw)
    assert asked.varies is varies
    assert request.least_answers(asked) == (5 if varies or draw else 1)


@pytest.mark.parametrize(
    "expect",
    [{}, {"text": "a"}, {"text_file": "a.txt"}, {"sha256": "0" * 64}, {"status": 204}],
)
def test_what_is_always_the_same_does_not_vary(expect):
    with pytest.raises(ValidationError, match="is always the same"):
        endpoint(expect=expect | {"varies": True})
