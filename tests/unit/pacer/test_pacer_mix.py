"""Mixes of requests: which comes next, with what drawn values, and what became of each."""

import base64
import hashlib
import json
from collections import Counter
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacer.mix import WORD_BITS, Draw, Mix, Recipe
from pacer.mix_file import BadMix, Common, parse_mix
from pacer.options import BadOption, parse
from pacer.plan import Plan, split
from pacer.request import parse_url

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
COMMON = Common(parse_url("http://host:81/"), [("X-All", "{a}"), ("X-Own", "b")], keepalive=True)

Pacer = Callable[..., dict[str, Any]]
Answering = Callable[..., str]


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


def mix(*requests: dict[str, Any], seed: int = 1) -> Mix:
    return Mix(recipes(*requests), seed, 1, sampled=False)


# SHA-256 of the first lines of the first thousand requests of ITEM, ADD and HEAD with seed 1
SEQUENCE = "dad137ddf83cec7a05a16457b9f3c66c4a08b9bd124764aacf1168ebf4c55fcc"


# --- the bytes ------------------------------------------------------------------------------------


def test_values_stand_where_their_names_are() -> None:
    (item,) = recipes(ITEM)
    request = item.data({"id": -1, "word": "c"}).decode()
    assert request.startswith("GET /item/c?id=-1 HTTP/1.1\r\nHost: host:81\r\n")
    for line in ("X-Id: -1", "x-own: {-1}", "X-All: {a}"):
        assert f"\r\n{line}\r\n" in request
    assert "X-Own" not in request  # the request's own replaces that of all
    assert "Content-Length" not in request


def test_a_path_is_percent_encoded() -> None:
    (one,) = recipes({**ITEM, "headers": {}})
    assert b"GET /item/a%20b%2F%C3%BC?id=0 " in one.data({"id": 0, "word": "a b/ü"})


@pytest.mark.parametrize("name", ["x", "äöü"])
def test_content_length_is_that_of_each_body(name: str) -> None:
    (add,) = recipes(ADD)
    head, _, body = add.data({"name": name}).partition(b"\r\n\r\n")
    assert body == f'{{"name": "{name}"}}'.encode()
    assert f"\r\nContent-Length: {len(body)}".encode() in head
    assert head.startswith(b"POST /items ")


def test_a_body_of_bytes_has_no_places() -> None:
    body = b"{id}\x00\xff"
    request = {**ITEM, "body_base64": base64.b64encode(body).decode()}
    (one,) = recipes(request)
    head, _, sent = one.data({"id": 1, "word": "c"}).partition(b"\r\n\r\n")
    assert sent == body
    assert b"\r\nContent-Length: 6\r\n" in head
    (fixed,) = recipes({"name": "a", "path": "/{{", "body_base64": request["body_base64"]})
    assert fixed.fixed is not None
    assert fixed.fixed.startswith(b"POST /{ ")
    assert fixed.fixed.endswith(b"\r\n\r\n" + body)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=30), st.integers(0, 5))
def test_any_text_is_sent_as_it_is(text: str, times: int) -> None:
    body = text.replace("{", "{{").replace("}", "}}") + "{n}" * times
    draw = {"draw": {"n": {"choices": [text]}}} if times else {}
    (one,) = recipes({"name": "a", "method": "PUT", "path": "/", "body": body, **draw})
    head, _, sent = one.data({"n": text}).partition(b"\r\n\r\n")
    assert sent.decode() == text * (times + 1)
    assert f"Content-Length: {len(sent)}".encode() in head.split(b"\r\n")


# --- the sequence ---------------------------------------------------------------------------------


def test_the_sequence_follows_from_the_seed() -> None:
    first = [mix(ITEM, ADD, HEAD).request(number) for number in range(50)]
    again = [mix(ITEM, ADD, HEAD).request(number) for number in reversed(range(50))]
    other = [mix(ITEM, ADD, HEAD, seed=2).request(number) for number in range(50)]
    assert [one.data for one in first] == [one.data for one in reversed(again)]
    assert [one.data for one in first] != [one.data for one in other]
    assert [one.recipe for one in first] == list(islice(mix(ITEM, ADD, HEAD).places(range(50)), 50))


def test_the_sequence_is_the_same_in_every_version() -> None:
    """Campaigns of different days, with different versions of pacer, ask the same."""
    told = b"".join(mix(ITEM, ADD, HEAD).request(n).data.split(b"\r\n")[0] for n in range(1000))
    assert hashlib.sha256(told).hexdigest() == SEQUENCE


@pytest.mark.parametrize("processes", [1, 2, 3, 7])
@pytest.mark.parametrize("arrivals", ["constant", "poisson"])
@pytest.mark.parametrize("warmup", ["0", "0.35"])
def test_processes_share_the_numbers(processes: int, arrivals: str, warmup: str) -> None:
    words = ["--url", "http://host/", "--rate", "200", "--duration", "1", "--connections", "7"]
    words += ["--processes", str(processes), "--arrivals", arrivals, "--warmup", warmup]
    options = parse(words)
    numbers: list[int] = []
    in_time: list[tuple[int, int]] = []
    for plan in split(options, []):
        pairs = list(zip(plan.schedule, plan.schedule.numbers(), strict=False))
        assert [number % processes for _, number in pairs] == [pairs[0][1]] * len(pairs)
        in_time += pairs
        numbers += [number for _, number in pairs]
    assert len(set(numbers)) == len(numbers)
    if arrivals == "constant":  # the k-th request of the whole schedule has the number k
        assert [number for _, number in sorted(in_time)] == list(range(len(numbers)))


def test_weights_are_shares() -> None:
    """Each request's number, of 20,000, is within 5 standard deviations of its share."""
    seen = Counter(mix(ITEM, ADD, HEAD).places(range(20_000)))
    for place, weight in enumerate((3, 1, 0.5)):
        share = weight / 4.5
        deviation = (20_000 * share * (1 - share)) ** 0.5
        assert abs(seen[place] - 20_000 * share) < 5 * deviation


@given(st.integers(-(2**53), 2**53), st.integers(0, 2**53), st.integers(0, 2**WORD_BITS - 1))
def test_what_is_drawn_is_in_the_range(low: int, size: int, word: int) -> None:
    assert low <= Draw(low, low + size).value(word) <= low + size
    assert Draw(low, low + size).value(0) == low
    assert Draw(low, low + size).value(2**WORD_BITS - 1) == low + size
    assert Draw(choices=("a", 1)).value(word) == ("a" if word < 2 ** (WORD_BITS - 1) else 1)


@given(st.lists(st.floats(1e-300, 1e300), min_size=1, max_size=20), st.integers(0, 10**12))
def test_any_weights(weights: list[float], number: int) -> None:
    plain = [{"name": f"r{n}", "path": "/", "weight": w} for n, w in enumerate(weights)]
    assert 0 <= mix(*plain).request(number).recipe < len(weights)


# --- the file -------------------------------------------------------------------------------------

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


@pytest.fixture
def file_of(tmp_path: Path) -> Callable[..., str]:
    """Return a function that writes requests to a file and returns its path."""

    def write(*requests: dict[str, Any]) -> str:
        file = tmp_path / "mix.json"
        file.write_text(json.dumps(mix_of(*requests)))
        return str(file)

    return write


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


# --- runs -----------------------------------------------------------------------------------------


@pytest.fixture
def shop(answering: Answering) -> tuple[str, list[Any]]:
    """Return the URL of a server that answers ITEM, ADD and HEAD, and what it has been asked."""
    seen: list[Any] = []

    def answer(exchange: Any) -> bytes:
        seen.append(exchange)
        method, target, _ = exchange.head.split("\r\n")[0].split(" ")
        if method == "HEAD":
            return b"HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n"
        if method == "POST":
            return b"HTTP/1.1 409 Is there\r\nContent-Length: 0\r\n\r\n"
        body = f"{target.partition('?')[2]} {{}} of the shop".encode().ljust(30)
        return b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 30\r\n\r\n" + body

    return answering(answer), seen


@pytest.mark.parametrize("processes", ["1", "3"])
def test_a_run_of_a_mix(
    shop: tuple[str, list[Any]], pacer: Pacer, file_of: Callable[..., str], processes: str
) -> None:
    url, seen = shop
    load = ("--rate", "300", "--connections", "6", "--duration", "0.5", "--warmup", "0.1")
    asked = ("--requests", file_of(ITEM, ADD, HEAD), "--seed", "1", "--processes", processes)
    figures = pacer(url, *load, *asked, "--timeout", "60")
    assert figures["ok"] == figures["due"] == 150
    expected = mix(ITEM, ADD, HEAD)
    places = list(islice(expected.places(range(180)), 180))
    assert [one["due"] for one in figures["by_request"].values()] == [
        places[30:].count(place) for place in range(3)
    ]
    assert list(figures["by_request"]) == ["item", "add", "head"]
    # Whatever the number of processes, the same requests are sent
    lines = Counter(exchange.head.split("\r\n")[0] for exchange in seen)
    sequence = Counter(expected.request(n).data.decode().split("\r\n")[0] for n in range(180))
    assert not lines - sequence
    # What still waits when the warm-up ends is given up
    assert (sequence - lines).total() == figures["warmup"]["unsent"]
    assert figures["status_codes"]["409"] == figures["by_request"]["add"]["ok"]
    assert (figures["seed"], figures["method"]) == (1, None)


def test_a_closed_loop_of_a_mix(
    shop: tuple[str, list[Any]], pacer: Pacer, file_of: Callable[..., str]
) -> None:
    url, seen = shop
    load = ("--closed", "--connections", "1", "--duration", "0.3", "--timeout", "60")
    figures = pacer(url, *load, "--requests", file_of(ITEM, ADD, HEAD), "--seed", "1")
    assert figures["ok"] == figures["due"] == len(seen) > 0
    expected = mix(ITEM, ADD, HEAD)
    assert [exchange.head.split("\r\n")[0] for exchange in seen] == [
        expected.request(n).data.decode().split("\r\n")[0] for n in range(len(seen))
    ]


def test_errors_of_each_request(
    answering: Answering, pacer: Pacer, file_of: Callable[..., str]
) -> None:
    def answer(exchange: Any) -> bytes:
        path = exchange.head.split(" ")[1]
        bad = exchange.number % 2 == 0
        return OK.replace(b"200", b"500") if path == "/a" and bad else OK

    requests = (
        {"name": "a", "path": "/a"},
        {"name": "long", "path": "/b", "expect": {"length": 4}},
        {"name": "without", "path": "/c", "expect": {"contains": "jello"}},
        {"name": "other", "path": "/d", "expect": {"sha256": "0" * 64}},
        {"name": "found", "path": "/e", "expect": {"status": [404]}},
        {
            "name": "right",
            "path": "/f",
            "expect": {"status": [200], "length": 5, "contains": "ell"},
        },
    )
    load = ("--rate", "400", "--connections", "4", "--duration", "0.5", "--timeout", "60")
    figures = pacer(answering(answer), *load, "--requests", file_of(*requests), "--seed", "3")
    of = figures["by_request"]
    assert of["a"]["errors"]["status"] == figures["status_codes"]["500"] > 0
    for name in ("long", "without", "other"):
        assert of[name]["errors"]["wrong_body"] == of[name]["due"] > 0
    assert of["found"]["errors"]["status"] == of["found"]["due"] > 0
    assert of["right"]["ok"] == of["right"]["due"] > 0
    texts = {one["text"]: one["count"] for one in figures["error_texts"]}
    assert texts["length 5 instead of 4"] == of["long"]["due"]
    assert texts["without the text 'jello'"] == of["without"]["due"]


@pytest.mark.parametrize("kind", [("--rate", "400"), ("--closed",)])
def test_a_sample_of_answers(
    shop: tuple[str, list[Any]],
    pacer: Pacer,
    file_of: Callable[..., str],
    tmp_path: Path,
    kind: Any,
) -> None:
    url, _ = shop
    file = tmp_path / "sample.jsonl"
    load = (*kind, "--connections", "4", "--duration", "1", "--warmup", "0.1", "--timeout", "60")
    asked = ("--requests", file_of(ITEM, ADD, HEAD), "--seed", "1", "--processes", "2")
    figures = pacer(url, *load, *asked, "--sample", str(file), "--sample-size", "16")
    answers = [json.loads(line) for line in file.read_text().splitlines()]
    assert 3 <= len(answers) <= 16
    assert [one["at_s"] for one in answers] == sorted(one["at_s"] for one in answers)
    counts = Counter(one["name"] for one in answers)
    assert all(counts[name] <= 6 for name in counts)
    expected = mix(ITEM, ADD, HEAD)
    for one in answers:
        request = expected.request(one["number"])
        assert expected.recipes[request.recipe].name == one["name"]
        assert request.drawn == one["drawn"]
        body = base64.b64decode(one["body_base64"])
        assert len(body) == one["body_bytes"]
        if one["name"] == "item":
            assert body.startswith(f"id={one['drawn']['id']} ".encode())
            assert one["content_type"] == "text/plain"
        else:
            assert (body, one["content_type"]) == (b"", None)
        assert one["headers"].get("content-type") == one["content_type"]
        assert "content-length" in one["headers"]
        assert one["ok"]
    assert figures["ok"] == figures["due"]


def test_a_sample_is_spread_and_cut(answering: Answering, pacer: Pacer, tmp_path: Path) -> None:
    body = b"x" * 70_000
    answer = b"HTTP/1.1 500 No\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    file = tmp_path / "sample.jsonl"
    load = ("--rate", "50", "--connections", "4", "--duration", "1", "--timeout", "60")
    pacer(answering(lambda _: answer), *load, "--sample", str(file), "--sample-size", "5")
    answers = [json.loads(line) for line in file.read_text().splitlines()]
    assert len(answers) == 5
    for one in answers:
        assert (one["name"], one["number"], one["drawn"], one["ok"]) == ("", None, {}, False)
        assert (one["status"], one["body_bytes"]) == (500, 70_000)
        assert len(base64.b64decode(one["body_base64"])) == 65_536


def test_texts_are_counted_up_to_a_bound(answering: Answering, pacer: Pacer) -> None:
    def answer(exchange: Any) -> bytes:
        body = b"x" * (exchange.number % 30)
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)

    load = ("--rate", "300", "--connections", "4", "--duration", "0.5", "--timeout", "60")
    figures = pacer(answering(answer), *load, "--expect-length", "40")
    texts = [one["text"] for one in figures["error_texts"]]
    assert len(texts) == 21
    assert "(other texts)" in texts
    counts = [one["count"] for one in figures["error_texts"]]
    assert counts == sorted(counts, reverse=True)
