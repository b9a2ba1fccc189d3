import base64
import json
import re

import pytest

from testbed.asked import answers, expectations
from testbed.errors import TestbedError
from testbed.model.expected import ExpectedAnswer

SPEC = ExpectedAnswer(json_file="x.json")
DOCUMENT = {"agents": [{"number": 1, "name": None}, {"number": 2, "name": "b"}]}
EXPECTED = expectations.Expected(SPEC, DOCUMENT, [])


def answer(body=None, status=200, content_type="application/json; charset=utf-8"):
    raw = json.dumps(DOCUMENT).encode() if body is None else body
    return answers.Answer(status, content_type, raw, 0.1)


def test_an_equal_document_is_right_however_it_is_written():
    spaced = answer(json.dumps(DOCUMENT, indent=3, sort_keys=True).encode())
    check = answers.compare(spaced, EXPECTED, "before")
    assert check.ok
    assert check.body_bytes == len(spaced.body)


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        (answer(status=500, body=b"oops"), "status 500 instead of 200: oops"),
        (answer(content_type="text/html"), "content type text/html instead of application/json"),
        (answer(content_type=None), "content type none"),
        (answer(b"<html>"), "the body is not JSON: <html>"),
        (answer(b'{"agents": []}'), r"\$\.agents: 0 items instead of 2"),
        (answer(b'{"agent": []}'), r"\$: keys \['agent'\] instead of \['agents'\]"),
        (answer(json.dumps(DOCUMENT).replace("2", "3").encode()), r"\$\.agents\[1\]\.number: 3"),
        (answer(json.dumps(DOCUMENT).replace("1", "true").encode()), r"number: True instead of 1"),
        (answer(json.dumps(DOCUMENT).replace("null", "0").encode()), r"name: 0 instead of None"),
    ],
)
def test_a_wrong_answer_says_what_differs(wrong, problem):
    check = answers.compare(wrong, EXPECTED, "after")
    assert not check.ok
    assert re.search(problem, check.problem)


def test_a_probe_s_document_is_read():
    text = json.dumps(
        {
            "waited_s": 0.5,
            "status": 201,
            "headers": {"content-type": "text/plain"},
            "body_base64": base64.b64encode(b"\xff\x00").decode(),
            "attempts": 3,
        }
    )
    assert answers.from_probe(text) == answers.Answer(
        201, "text/plain", b"\xff\x00", 0.5, {"content-type": "text/plain"}
    )


def test_an_expected_file_that_is_no_json_is_named(tmp_path):
    (tmp_path / "x.json").write_text("{")
    with pytest.raises(TestbedError, match=r"x\.json: not a JSON document"):
        expectations.read(tmp_path, SPEC)


TEXT = ExpectedAnswer(content_type="text/plain", text_file="hello.txt")


@pytest.mark.parametrize(
    ("kept", "body", "problem"),
    [
        ("Hello, World!", b"Hello, World!", None),
        ("Hello, World!\n", b"Hello, World!", None),
        ("Hello, World!\n", b"Hello, World!\n", None),
        ("Hello, World!", b"Hello, World!\n", r"at byte 13: '\\n' instead of ''"),
        ("Hello, World!", b"Hello, world!", "at byte 7: 'world!' instead of 'World!'"),
        ("Hello, World!", b"", "at byte 0: '' instead of 'Hello, World!'"),
        ("Größe", "Größe".encode("latin-1"), "at byte 2: "),
    ],
)
def test_a_text_is_the_same_but_for_its_last_line_break(kept, body, problem, tmp_path):
    (tmp_path / "hello.txt").write_text(kept)
    expected = expectations.read(tmp_path, TEXT)
    check = answers.compare(answer(body, content_type="text/plain"), expected, "before")
    assert check.ok == (problem is None)
    assert problem is None or re.search(problem, check.problem)


def test_json_nested_beyond_measure_is_no_json():
    check = answers.compare(answer(b"[" * 200_000), EXPECTED, "before")
    assert "the body is not JSON" in check.problem


PAGE = b"<ul><li class=item>one\n  item</li><li class=item>two</li></ul><p>3</p>"


@pytest.mark.parametrize(
    ("selection", "texts", "problem"),
    [
        ({"selector": "li.item", "count": 2}, None, None),
        ({"selector": "li.item", "texts_file": "t.json"}, ["one item", "two"], None),
        ({"selector": "li.item", "count": 3}, None, "2 elements instead of 3 for 'li.item'"),
        ({"selector": "li", "texts_file": "t.json"}, ["one item", "too"], r"\$\[1\]: 'two'"),
        ({"selector": "p", "texts_file": "t.json"}, [], "1 items instead of 0"),
    ],
)
def test_a_page_has_what_its_selectors_say(selection, texts, problem):
    spec = ExpectedAnswer(content_type="text/html", html=[selection])
    expected = expectations.Expected(spec, None, [texts])
    check = answers.compare(answer(PAGE, content_type="text/html"), expected, "before")
    assert check.ok == (problem is None)
    assert problem is None or re.search(problem, check.problem)


@pytest.mark.parametrize(("body", "right"), [(b"", True), (b"{}", False)])
def test_an_empty_body_is_empty(body, right):
    expected = expectations.Expected(ExpectedAnswer(status=204, content_type=None), None, [])
    check = answers.compare(answer(body, status=204), expected, "before", "nothing left")
    assert (check.ok, check.what) == (right, "nothing left")


def test_texts_are_read_from_their_file(tmp_path):
    spec = ExpectedAnswer(html=[{"selector": "li", "texts_file": "t.json"}])
    (tmp_path / "t.json").write_text('["a"]')
    assert expectations.read(tmp_path, spec).texts == [["a"]]
    (tmp_path / "t.json").write_text('{"a": 1}')
    with pytest.raises(TestbedError, match=r"t\.json: not a JSON list of texts"):
        expectations.read(tmp_path, spec)
