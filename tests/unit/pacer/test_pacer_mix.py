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
from runs_of_pacer import OK
from some_mixes import ADD, HEAD, ITEM, recipes

from pacer.mix import WORD_BITS, Draw, Mix
from pacer.options import parse
from pacer.plan import split

Pacer = Callable[..., dict[str, Any]]
Answering = Callable[..., str]


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
    assert figures["ok"] == figures["due"] == len(seen)
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


@pytest.mark.parametrize(("kind", "least"), [(("--rate", "400"), 3), (("--closed",), 0)])
def test_a_sample_of_answers(
    shop: tuple[str, list[Any]],
    pacer: Pacer,
    file_of: Callable[..., str],
    tmp_path: Path,
    kind: Any,
    least: int,
) -> None:
    url, _ = shop
    file = tmp_path / "sample.jsonl"
    load = (*kind, "--connections", "4", "--duration", "1", "--warmup", "0.1", "--timeout", "60")
    asked = ("--requests", file_of(ITEM, ADD, HEAD), "--seed", "1", "--processes", "2")
    figures = pacer(url, *load, *asked, "--sample", str(file), "--sample-size", "16")
    answers = [json.loads(line) for line in file.read_text().splitlines()]
    assert least <= len(answers) <= 16  # a closed loop has none if the machine stalls all the time
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
