"""The file of a mix of requests: what it may hold, and what is refused in a sentence."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from some_mixes import ADD, COMMON, HEAD, ITEM, mix_of, recipes

from pacer.arguments import BadOption
from pacer.mix import Mix
from pacer.mix_file import BadMix, parse_mix
from pacer.options import parse
from pacer.plan import Plan, split

BAD = {
    "schema_version must be 1, not 2": {"schema_version": 2, "requests": [HEAD]},
    "schema_version must be 1, not nothing": {"requests": [HEAD]},
    "schema_version must be 1, not true": {"schema_version": True, "requests": [HEAD]},
    "the document must be an object": [HEAD],
    'unknown key "request"': {"schema_version": 1, "request": []},
    "'requests' must be a list of 1 to 100": mix_of(),
    "request 1 must be an object": mix_of(5),  # type: ignore[arg-type]
    "request 2: 'name' must begin": mix_of(HEAD, {"path": "/"}),
    "'name' must begin .* not \"-a\"": mix_of({**HEAD, "name": "-a"}),
    "two requests have the name 'head'": mix_of(HEAD, ADD, HEAD),
    'request 1 has the unknown key "wieght"; known: name, weight': mix_of({**HEAD, "wieght": 1}),
    **{
        f"'weight' must be a number above 0, not {text}": mix_of({**HEAD, "weight": value})
        for text, value in (
            ("0", 0),
            ("-1", -1),
            ("true", True),
            ('"1"', "1"),
            ("NaN", float("nan")),
        )
    },
    "the weights are too large": mix_of({**HEAD, "weight": 1.7e308}, {**ADD, "weight": 1.7e308}),
    "'path' must begin with '/'.* not nothing": mix_of({"name": "a"}),
    "'path' must begin with '/'.* not \"x\"": mix_of({"name": "a", "path": "x"}),
    "'path' must begin with '/'.* not \"/a b\"": mix_of({"name": "a", "path": "/a b"}),
    "'path' must begin with '/'.* not \"/ü\"": mix_of({"name": "a", "path": "/ü"}),
    "'path' must begin with '/'.* not \"/#x\"": mix_of({"name": "a", "path": "/#x"}),
    "request 'a': bad method 'G T'": mix_of({"name": "a", "path": "/", "method": "G T"}),
    "request 'a': bad method 'get': .*capitals": mix_of(
        {"name": "a", "path": "/", "method": "get"}
    ),
    "request 'add': bad header 'Content-Length: 5': bodies differ": mix_of(
        {**ADD, "headers": {"Content-Length": "5"}}
    ),
    "request 'a': bad header 'Content-Length: 5': 4 bytes are sent": mix_of(
        {"name": "a", "path": "/", "body": "four", "headers": {"content-length": "5"}}
    ),
    "request 'head': bad header 'Transfer-Encoding: chunked'": mix_of(
        {**HEAD, "headers": {"Transfer-Encoding": "chunked"}}
    ),
    "'method' must be a text": mix_of({"name": "a", "path": "/", "method": 1}),
    "'headers' must be an object": mix_of({**HEAD, "headers": []}),
    "header 'A' must be a text, not 1": mix_of({**HEAD, "headers": {"A": 1}}),
    "request 'head': bad header 'A B: x'": mix_of({**HEAD, "headers": {"A B": "x"}}),
    "request 'head': bad header 'A: x.*ny'": mix_of({**HEAD, "headers": {"A": "x\ny"}}),
    "request 'a': bad header 'A: ü'": mix_of(
        {"name": "a", "path": "/", "headers": {"A": "{x}"}, "draw": {"x": {"choices": ["ü"]}}}
    ),
    "'body' must be a text, not {}": mix_of({**ADD, "body": {}}),
    "'body_base64' is not base64": mix_of({**HEAD, "body_base64": "?"}),
    "'body' or 'body_base64', not both": mix_of({**ADD, "body_base64": "AAAA"}),
    "'draw' must be an object": mix_of({**HEAD, "draw": []}),
    "'a-b' in 'draw' must be a letter": mix_of({**HEAD, "draw": {"a-b": {"from": 1, "to": 2}}}),
    "'x' in 'draw' must be an object": mix_of({**HEAD, "draw": {"x": 1}}),
    "'x' in 'draw': 'from' and 'to' must be whole numbers, not nothing": mix_of(
        {**HEAD, "draw": {"x": {"from": 1}}}
    ),
    "'from' and 'to' must be whole numbers, not 1.5": mix_of(
        {**HEAD, "draw": {"x": {"from": 1.5, "to": 2}}}
    ),
    "'from' \\(3\\) is above 'to' \\(2\\)": mix_of({**HEAD, "draw": {"x": {"from": 3, "to": 2}}}),
    "'from' and 'to' must be whole numbers, not 1000000000000": mix_of(
        {**HEAD, "draw": {"x": {"from": 1, "to": 10**20}}}
    ),
    "'choices' must be a list of 1 to 10,000": mix_of({**HEAD, "draw": {"x": {"choices": []}}}),
    "a choice must be a text or a whole number, not true": mix_of(
        {**HEAD, "draw": {"x": {"choices": [True]}}}
    ),
    "'choices', or 'from' and 'to', not both": mix_of(
        {**HEAD, "draw": {"x": {"choices": [1], "from": 1, "to": 2}}}
    ),
    "'x' is drawn, but {x} stands nowhere": mix_of({**HEAD, "draw": {"x": {"from": 1, "to": 2}}}),
    "'path' has the place \"{x}\", and 'draw' has no such name": mix_of({**HEAD, "path": "/{x}"}),
    "'path' has the place \"{}\"": mix_of({**HEAD, "path": "/{}"}),
    "'path' has the place \"{id:04}\"": mix_of(
        {**HEAD, "path": "/{id:04}", "draw": {"id": {"from": 1, "to": 2}}}
    ),
    "'path' has the place \"{id.real}\"": mix_of(
        {**HEAD, "path": "/{id.real}", "draw": {"id": {"from": 1, "to": 2}}}
    ),
    "'body' has a brace that belongs to no {name}": mix_of({**ADD, "body": '{"a": 1}}'}),
    "the header 'A' has the place \"{x}\"": mix_of({**HEAD, "headers": {"A": "{x}"}}),
    "'contains' has the place": mix_of({**HEAD, "expect": {"contains": "{x}"}}),
    "'expect' has the unknown key \"json\"": mix_of({**HEAD, "expect": {"json": {}}}),
    "'expect': 'status' must be a list of numbers from 200": mix_of(
        {**HEAD, "expect": {"status": 200}}
    ),
    "'status' must be a list of numbers": mix_of({**HEAD, "expect": {"status": [100]}}),
    "'status' must be a list of numbers from": mix_of({**HEAD, "expect": {"status": []}}),
    "'length' must be a whole number from 0, not -1": mix_of({**HEAD, "expect": {"length": -1}}),
    "'sha256' must be 64 hexadecimal digits": mix_of({**HEAD, "expect": {"sha256": "ab"}}),
    "'contains' must be a text, not \"\"": mix_of({**HEAD, "expect": {"contains": ""}}),
}


@pytest.mark.parametrize(("words", "document"), BAD.items())
def test_bad_mixes_are_told_in_a_sentence(words: str, document: Any) -> None:
    with pytest.raises(BadMix, match=words.replace("{", r"\{").replace("}", r"\}")) as caught:
        parse_mix(document, COMMON)
    assert "\n" not in str(caught.value)


def test_a_key_that_is_null_is_left_out() -> None:
    nothing = dict.fromkeys(
        ("method", "headers", "body", "body_base64", "draw", "expect", "weight")
    )
    assert recipes({**nothing, "name": "a", "path": "/"}) == recipes({"name": "a", "path": "/"})
    expect = dict.fromkeys(("status", "length", "sha256", "contains"))
    assert recipes({**HEAD, "expect": expect}) == recipes(HEAD)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=8,
)
KEYS = st.sampled_from([*ITEM, "method", "body", "body_base64", "from", "to", "choices", "status"])


@given(JSON, KEYS, KEYS)
def test_whatever_a_file_holds_it_is_taken_or_refused(value: Any, key: str, inner: str) -> None:
    changed = [{**ITEM, key: value}, {**ITEM, key: {inner: value}}, value]
    for request in changed:
        try:
            made = Mix(parse_mix(mix_of(request), COMMON), 1, 1, sampled=True)
        except BadMix:
            continue
        assert made.request(5).data


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "No such file"),
        (b"\xff", "not UTF-8"),
        (b"{", "not JSON: .* in line 1"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"schema_version": 1, "schema_version": 1}', "'schema_version' is there twice"),
        (b'{"schema_version": ' + b"9" * 5000 + b"}", "a number that cannot be read"),
        (b'{"schema_version": 1, "requests": ["\\ud800"]}', "half of a character"),
        (b"5", "the document must be an object, not 5"),
    ],
)
def test_bad_files(tmp_path: Path, content: bytes | None, words: str) -> None:
    file = tmp_path / "mix.json"
    if content is not None:
        file.write_bytes(content)
    load = ["--url", "http://host/", "--rate", "1", "--connections", "1", "--duration", "1"]
    with pytest.raises(BadOption, match=f"--requests {file}: .*{words}"):
        parse([*load, "--requests", str(file)])


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        *(
            ([option, "1" * 64], f"{option} is for a single request")
            for option in ("--method", "--body", "--body-file", "--expect-sha256")
        ),
        (["--expect-length", "5"], "--expect-length is for a single request"),
        (["--url", "http://host/x"], "without a path"),
        (["--sample-size", "5"], "--sample-size is for --sample"),
        (["--sample", "/dev/null", "--sample-size", "1"], "at least one of each"),
        (["--sample", "/dev/null", "--sample-size", "0"], "at least 1"),
    ],
)
def test_options_that_do_not_fit(file_of: Callable[..., str], extra: list[str], words: str) -> None:
    load = ["--url", "http://host", "--rate", "1", "--connections", "1", "--duration", "1"]
    with pytest.raises(BadOption, match=words):
        parse([*load, "--requests", file_of(ITEM, ADD), *extra])


def test_a_mix_survives_the_pipe(file_of: Callable[..., str]) -> None:
    load = ["--url", "http://host", "--rate", "1", "--connections", "2", "--duration", "1"]
    raw = {"name": "raw", "path": "/", "body_base64": "/wA="}
    options = parse([*load, "--requests", file_of(ITEM, ADD, HEAD, raw), "--processes", "2"])
    assert options.seed is not None  # drawn, so that it can be reported
    assert options.method is None
    for plan in split(options, [("127.0.0.1", 1)]):
        assert Plan.decode(plan.encode()) == plan
        assert plan.mixed
