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
    check = answers.compare_all([spaced], EXPECTED, "before")
    assert check.ok
    assert check.body_bytes == len(spaced.body)
    other_language = answer(json.dumps(DOCUMENT).replace("1", "1.0").replace("2", "2e0").encode())
    assert answers.compare_all([other_language], EXPECTED, "before").ok


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        (answer(status=500, body=b"oops"), "status 500 instead of 200: oops"),
        (answer(status=500, body=b"no postgresql://me:word@db"), r"no postgresql://\*{4}@db$"),
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
    check = answers.compare_all([wrong], EXPECTED, "after")
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
        ("café", "cafe\u0301".encode(), r"'e\\u0301' instead of '\\xe9'"),
        ("see http://a:b@h\n", b"see http://a:c@h", "^the text has another user or password"),
        ("see http://a:b@h", b"see http://a:b@h\n", r"at byte 16: '\\n' instead of ''"),
    ],
)
def test_a_text_is_the_same_but_for_its_last_line_break(kept, body, problem, tmp_path):
    (tmp_path / "hello.txt").write_text(kept)
    expected = expectations.read(tmp_path, TEXT)
    check = answers.compare_all([answer(body, content_type="text/plain")], expected, "before")
    assert check.ok == (problem is None)
    assert problem is None or re.search(problem, check.problem)


def test_json_nested_beyond_measure_is_no_json():
    check = answers.compare_all([answer(b"[" * 200_000)], EXPECTED, "before")
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
    check = answers.compare_all([answer(PAGE, content_type="text/html")], expected, "before")
    assert check.ok == (problem is None)
    assert problem is None or re.search(problem, check.problem)


@pytest.mark.parametrize(("body", "right"), [(b"", True), (b"{}", False)])
def test_an_empty_body_is_empty(body, right):
    expected = expectations.Expected(ExpectedAnswer(status=204, content_type=None), None, [])
    check = answers.compare_all([answer(body, status=204)], expected, "before", "nothing left")
    assert (check.ok, check.what) == (right, "nothing left")


def test_texts_are_read_from_their_file(tmp_path):
    spec = ExpectedAnswer(html=[{"selector": "li", "texts_file": "t.json"}])
    (tmp_path / "t.json").write_text('["a"]')
    assert expectations.read(tmp_path, spec).texts == [["a"]]
    (tmp_path / "t.json").write_text('{"a": 1}')
    with pytest.raises(TestbedError, match=r"t\.json: not a JSON list of texts"):
        expectations.read(tmp_path, spec)


# --- headers, texts, digests

PLAIN = {"content_type": "text/plain"}


def problem(expect, body=b"", headers=None, status=200, **keys):
    wanted = expectations.read(None, ExpectedAnswer.model_validate(expect))
    found = answers.Answer(status, "text/plain", body, 0, headers, **keys)
    return answers.compare_all([found], wanted, "before").problem


@pytest.mark.parametrize(
    ("headers", "found", "said"),
    [
        ({"ETag": "a"}, {"etag": "a"}, None),
        ({"ETag": "a"}, {"etag": "A"}, "header ETag: 'A' instead of 'a'"),
        (
            {"Link": "http://a:b@h/"},
            {"link": "http://a:c@h/"},
            "'http://****@h/', with another user or password",
        ),
        ({"ETag": "a"}, {}, "no header ETag"),
        ({"ETag": {"pattern": "[0-9]+"}}, {"etag": "15"}, None),
        ({"ETag": {"pattern": "[0-9]+"}}, {"etag": "15x"}, "'15x', does not match '[0-9]+'"),
        ({"ETag": {"pattern": "[0-9]+"}}, {}, "no header ETag"),
        ({"ETag": {"present": True}}, {"etag": ""}, None),
        ({"ETag": {"present": True}}, {"tag": ""}, "no header ETag"),
        ({"ETag": {"present": False}}, {}, None),
        ({"ETag": {"present": False}}, {"etag": "x"}, "which must not be there"),
        ({"ETag": "a"}, None, None),  # they were not kept
    ],
)
def test_headers_are_compared_whatever_their_case(headers, found, said):
    told = problem({**PLAIN, "headers": headers, "varies": True}, b"any", found)
    assert told == said if said is None else said in told


@pytest.mark.parametrize(
    ("text", "body", "said"),
    [
        ("Hello", b"Hello", None),
        ("Hello\n", b"Hello", None),
        ("Hello", b"hello", "at byte 0"),
        ({"pattern": "Hello, [A-Z][a-z]+!"}, b"Hello, Ann!", None),
        ({"pattern": "Hello, [A-Z][a-z]+!"}, b"Hello, Ann!?", "does not match"),
        ({"pattern": "a.c"}, b"a\nc", None),
        ({"pattern": ".*"}, b"\xff", "not UTF-8 at byte 0"),
        ({"pattern": ".*"}, b"x" * 70_000, "has 70,000 characters; 65,536 can be matched"),
    ],
)
def test_a_text_is_exact_or_matches_as_a_whole(text, body, said):
    told = problem({**PLAIN, "text": text}, body)
    assert told == said if said is None else said in told


ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.mark.parametrize(
    ("expect", "body", "said"),
    [
        ({"sha256": ABC}, b"abc", None),
        ({"sha256": ABC}, b"abd", "SHA-256 is a52d159f"),
        ({"sha256": ABC, "length": 3}, b"abcd", "4 bytes instead of 3: abcd"),
        ({"length": 3}, b"abd", None),
        ({"length": 0}, b"", None),
    ],
)
def test_any_body_is_told_by_its_digest_or_length(expect, body, said):
    told = problem({**PLAIN, **expect}, body)
    assert told == said if said is None else said in told


def test_of_a_body_that_was_not_kept_whole_the_rest_is_compared():
    beginning = {"body": b"abc", "body_bytes": 100_000}
    assert problem({**PLAIN, "text": "xyz"}, **beginning) is None
    assert problem({**PLAIN, "length": 100_000}, **beginning) is None
    assert "100000 bytes instead of 3" in problem({**PLAIN, "length": 3}, **beginning)
    assert "status 500" in problem({**PLAIN, "text": "xyz"}, **beginning, status=500)


def test_a_coded_body_is_named():
    told = problem({"content_type": None, "json": {"type": "array"}}, b"\x1f\x8b\x00",
                   {"content-encoding": "gzip"})  # fmt: skip
    assert "coded as gzip" in told
    page = {"content_type": None, "html": [{"selector": "p", "count": 1}]}
    for expected in (page, {**PLAIN, "text": "a"}, {**PLAIN, "text": {"pattern": "a"}}):
        assert "coded as gzip" in problem(expected, b"\x1f\x8b\x00", {"content-encoding": "gzip"})
    for none in ("", "identity", "Identity"):
        assert problem(page, b"<p>\xe9</p>", {"content-encoding": none}) is None


@pytest.mark.parametrize(("charset", "right"), [("windows-1251", True), ("iso-8859-1", False)])
def test_a_page_is_read_in_the_encoding_that_its_header_names(charset, right):
    spec = ExpectedAnswer(content_type="text/html", html=[{"selector": "p", "texts_file": "t"}])
    expected = expectations.Expected(spec, None, [["Привет"]])
    page = answer("<p>Привет</p>".encode("cp1251"), content_type=f"text/html; charset={charset}")
    assert answers.compare_all([page], expected, "before").ok == right


@pytest.mark.parametrize(
    ("charset", "body", "told"),
    [
        ("; charset*" + "9" * 5000 + "=x", b"<p>", None),
        ("; charset=hex", b"<p>", None),
        ("", b"<![foo bar]>", "the body cannot be read as HTML: <![foo bar]>"),
    ],
)
def test_no_page_ends_more_than_its_own_check(charset, body, told):
    spec = ExpectedAnswer(content_type="text/html", html=[{"selector": "p", "count": 1}])
    page = answer(body, content_type=f"text/html{charset}")
    expected = expectations.Expected(spec, None, [None])
    assert answers.compare_all([page], expected, "before").problem == told


def test_half_a_character_in_a_key_can_be_kept_in_the_record():
    schema = {"type": "object", "additionalProperties": {"type": "integer"}}
    wanted = ExpectedAnswer.model_validate({"content_type": None, "json": schema})
    found = answer(b'{"\\ud800": "x"}')
    check = answers.compare_all([found], expectations.read(None, wanted), "before")
    assert r"$['\ud800']: 'x' is not of type 'integer'" in check.problem
    assert check.model_dump_json()


def test_of_several_answers_the_first_wrong_one_is_told_with_what_was_asked():
    wanted = expectations.read(None, ExpectedAnswer.model_validate({**PLAIN, "text": "a"}))
    found = [
        answers.Answer(200, "text/plain", body, drawn={"id": number})
        for number, body in enumerate([b"a", b"a", b"b", b"c"])
    ]
    check = answers.compare_all(found, wanted, "after")
    assert (check.ok, check.answers, check.body_bytes) == (False, 4, 1)
    assert check.problem.endswith("'b' instead of 'a' (asked with id=2)")
    assert answers.compare_all(found[:2], wanted, "after").ok
