"""The sample of answers that a generator kept during a load is read with care, and checked."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testbed.asked import expectations, sample
from testbed.model.expected import ExpectedAnswer


def line(body=b'{"id": 7}', **keys):
    told = {
        "at_s": 0.105, "name": "", "number": 4, "drawn": {"id": 7}, "status": 200,
        "content_type": "application/json", "ok": True, "body_bytes": len(body),
        "body_base64": base64.b64encode(body[:65_536]).decode(),
    }  # fmt: skip
    return json.dumps(told | keys)


def expected(**expect):
    return expectations.read(None, ExpectedAnswer.model_validate(expect))


ITEM = expected(json={"type": "object", "required": ["id"]}, rules=[{"equals": {"id": "{id}"}}])
PAGE = expected(content_type="text/plain", text="a")


def test_each_request_of_a_mix_has_its_check():
    text = "\n".join(
        [
            line(name="item"),
            line(b"a", name="page", content_type="text/plain", drawn={}),
            line(name="item", drawn={"id": 8}),
            line(b"broken", name="item", ok=False, status=500),
        ]
    )
    found = sample.check(text, {"item": ITEM, "page": PAGE})
    item, page = found["item"], found["page"]
    assert (item.when, item.what, item.ok, item.answers) == ("during", None, False, 2)
    assert item.problem == "$.id: '7' instead of '8' (asked with id=8)"
    assert (page.ok, page.answers) == (True, 1)


def test_a_single_request_has_no_name():
    assert sample.check(line(), {"": ITEM})[""].ok
    assert sample.check("", {"": ITEM}) == {}
    assert sample.check(line(ok=False), {"": ITEM}) == {}


def test_of_a_large_body_the_beginning_is_kept():
    check = sample.check(line(b"x" * 100_000, content_type="text/plain"), {"": PAGE})[""]
    assert (check.ok, check.body_bytes) == (True, 100_000)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nothing", "line 1: "),
        (f"{line()}\n[]", "line 2: "),
        (line(status="200 "), "line 1: 'status'"),
        (line(status=2000), "line 1: 'status'"),
        (line(name=None), "line 1: 'name'"),
        (line(drawn={"nr": 1}), "holds an answer without the value drawn for 'id'"),
        (line(name="other"), "an answer to 'other', which was not asked"),
        (line(body_base64="!"), "line 1: "),
        (line(body_base64="YQ=="), "line 1: 1 bytes of a body of 9"),
        (line(body_bytes=-1), "line 1: 'body_bytes'"),
        (line(drawn={"id": 1.5}), "line 1: 'drawn.id"),
        (line(body_base64="A" * 90_000), "line 1: 'body_base64'"),
        ("\n".join([line()] * 101), "more than 100 answers"),
    ],
)
def test_what_is_no_sample_is_refused_with_its_line(text, said):
    with pytest.raises(ValueError, match=r"^(line|holds)") as caught:
        sample.check(text, {"": ITEM})
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda one: one.decode("latin-1")))
def test_any_text_is_a_sample_or_refused(text):
    try:
        found = sample.check(text, {"": ITEM})
    except ValueError as error:
        found = str(error)
    assert found == {} or "line " in found


@given(st.integers(0, 300), st.text(max_size=5))
def test_any_change_of_a_line_is_refused_or_checked(at, put):
    text = line()
    try:
        found = sample.check(text[:at] + put + text[at + 1 :], {"": ITEM})
    except ValueError as error:
        found = [error]
    assert len(found) <= 1
