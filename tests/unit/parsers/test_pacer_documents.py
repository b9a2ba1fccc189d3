"""pacer's JSON document: as its own file, in a log, broken, from another version."""

import copy
import json
import re
from argparse import Namespace
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from testbed.tools import ParseError, parse, parse_all
from testbed.tools.command import run

FIXTURES = Path(__file__).parents[2] / "contract" / "parsers" / "fixtures"
TEXT = (FIXTURES / "pacer-wrong-body.txt").read_text()
DOCUMENT = json.loads(TEXT)


def changed(**keys) -> str:
    return json.dumps(copy.deepcopy(DOCUMENT) | keys)


def test_a_document_may_stand_on_one_line_among_others():
    text = f"first\n{changed(completed=201)}\n  {changed()}\n```json\n{TEXT}```\n"
    assert [run.requests for run in parse_all(text)] == [201, 200, 200]
    assert [run.requests for run in parse_all(f"[{changed()},\n{changed()}]")] == [200, 200]


def test_a_document_that_is_cut_off_is_refused_where_it_ends():
    lines = TEXT.splitlines(keepends=True)
    with pytest.raises(ParseError, match=r"line 40: this JSON is broken or cut off") as caught:
        parse("".join(lines[:40]))
    assert caught.value.line == 40


@pytest.mark.parametrize("version", [0, 5, None, "1", True, [1], {}])
def test_an_unknown_version_is_refused(version):
    with pytest.raises(ParseError, match=re.escape(f"schema_version {version}; known")):
        parse(changed(schema_version=version))


@pytest.mark.parametrize("percentile", ["x", "nan", "101", "-1", ""])
def test_a_percentile_that_is_none_is_refused(percentile):
    times = DOCUMENT["response_us"] | {"percentiles": {"50": 2.0, percentile: 3.0}}
    with pytest.raises(ParseError, match="response_us.percentiles"):
        parse(changed(response_us=times))


def test_a_closed_loop_has_no_schedule_and_so_no_lag():
    answers = dict.fromkeys(("connections", "min", "p5", "p50", "p95", "mean", "max"), 5)
    closed = {"schema_version": 3, "loop": "closed", "rate_rps": None, "arrivals": None}
    output = parse(changed(**closed, answers_per_connection=answers | {"none": 0}))
    assert (output.due, output.unsent, output.rate_rps, output.lag_us) == (None, None, None, None)
    assert output.service_us is not None


@pytest.mark.parametrize("version", [1, 2])
def test_older_documents_do_not_tell_correct_answers_times_apart(version):
    answers = dict.fromkeys(("connections", "min", "p5", "p50", "p95", "mean", "max"), 5)
    text = changed(schema_version=version, answers_per_connection=answers | {"none": 0})
    output = parse(text)
    assert (output.correct_us, output.failed_us, output.good_within_ms) == (None, None, None)
    assert output.correct == DOCUMENT["ok"]


def test_half_a_character_is_refused():
    with pytest.raises(ParseError, match="this JSON cannot be read"):
        parse(changed(url="http://h/\ud800"))


def test_a_key_that_is_missing_or_wrong_is_named():
    without = {key: value for key, value in DOCUMENT.items() if key != "due"}
    with pytest.raises(ParseError, match="line 1: pacer's document: due: Field required"):
        parse(json.dumps(without))
    text = TEXT.replace('"completed": 200', '"completed": "200"', 1)
    line = text[: text.index('"completed"')].count("\n") + 1
    with pytest.raises(ParseError, match=f"line {line}: pacer's document: completed: "):
        parse(text)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999", "9" * 5000])
def test_numbers_that_are_none_are_refused(number):
    with pytest.raises(ParseError):
        parse(TEXT.replace('"due": 200', f'"due": {number}', 1))


def test_deep_nesting_is_refused():
    with pytest.raises(ParseError):
        parse('{"tool": "pacer", "x": ' + "[" * 100_000)


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ({"due": 205}, "205 requests were due, but 200 are accounted for"),
        ({"ok": 70}, "200 answers are not the sum of the correct and the wrong ones"),
        ({"goodput_rps": 200.5}, "goodput of 200.5/s exceeds the throughput of 200/s"),
        ({"complete": False, "measured_s": 0.5}, "ended early: 0.5 s of the 1 s asked for"),
        ({"problems": ["A load process died."]}, "A load process died."),
        (
            {"response_us": DOCUMENT["response_us"] | {"max": 300}},
            "response time's maximum, 300 µs, is below its 99 % percentile",
        ),
        (
            {"lag_us": DOCUMENT["lag_us"] | {"min": 10**9}},
            "lag time's minimum, 1000000000 µs, is above",
        ),
    ],
)
def test_documents_that_contradict_themselves_say_so(keys, sentence):
    assert parse(changed()).problems == []
    assert sentence in " | ".join(parse(changed(**keys)).problems)


def test_a_digest_makes_wrong_bodies_known_as_a_length_does():
    assert parse(changed(expect_length=None)).errors.wrong_body is None
    assert parse(changed(expect_length=None, expect_sha256="ab")).errors.wrong_body == 135


# --- the requests of a mix


def mixed(**parts) -> dict:
    """Return the document of a mix: each part has completed, ok and completed in the warm-up."""
    times = dict.fromkeys(("response_us", "correct_us", "failed_us"), DOCUMENT["response_us"])
    of_all = times | {"service_us": DOCUMENT["service_us"]}
    of_all |= {"throughput_rps": 1.5, "goodput_rps": 1.0}
    none = dict.fromkeys(DOCUMENT["errors"], 0)
    by_request = {
        name: of_all
        | {"due": done, "completed": done, "ok": ok, "unsent": 0, "unanswered": 0}
        | {"errors": none | {"wrong_body": done - ok}, "warmup": {"completed": warmed, "sent": 9}}
        for name, (done, ok, warmed) in parts.items()
    }
    done, ok = (sum(part[n] for part in parts.values()) for n in (0, 1))
    return {
        "by_request": by_request,
        "due": done,
        "completed": done,
        "ok": ok,
        "errors": none | {"wrong_body": done - ok},
        "unsent": 0,
        "unanswered": 0,
        "expect_length": None,
        "expect_sha256": None,
    }


def test_the_requests_of_a_mix_are_told_apart():
    output = parse(changed(**mixed(item=(160, 158, 16), page=(40, 40, 3))))
    item, page = output.by_request["item"], output.by_request["page"]
    assert (item.requests, item.correct, item.all_answered) == (160, 158, 176)
    assert (page.requests, page.correct, page.all_answered) == (40, 40, 43)
    assert (output.errors.wrong_body, item.errors.wrong_body, page.errors.total) == (2, 2, 0)
    alone = output.of_request("item")
    assert (alone.requests, alone.correct, alone.throughput_rps) == (160, 158, 1.5)
    assert alone.latency_us.percentiles == output.latency_us.percentiles
    assert output.problems == []


def test_requests_of_a_mix_that_are_not_all_of_them_say_so():
    document = mixed(item=(160, 160, 0), page=(40, 40, 0))
    del document["by_request"]["page"]
    output = parse(changed(**document))
    assert "'completed' is 200, but the requests of the mix have 160 together." in output.problems


@pytest.mark.parametrize("broken", [{"due": "1"}, {"errors": None}, {"response_us": {}}])
def test_a_broken_request_of_a_mix_is_named(broken):
    document = mixed(item=(160, 160, 0))
    document["by_request"]["item"] |= broken
    with pytest.raises(ParseError, match=rf"by_request.item.{next(iter(broken))}"):
        parse(changed(**document))


def newest(**keys) -> str:
    return changed(schema_version=4, answers_per_connection=None, **keys)


def test_texts_and_codes_are_taken():
    texts = [{"kind": "read", "text": "closed\n", "count": 5}]
    output = parse(newest(error_texts=texts, status_codes={"200": 7, "500": 2}))
    assert [one.model_dump() for one in output.error_texts] == texts
    assert output.status_codes == {"200": 7, "500": 2}
    before = parse(TEXT)
    assert (before.error_texts, before.status_codes, before.by_request) == ([], {}, {})


def test_handshakes_are_there_with_https_alone():
    times = DOCUMENT["service_us"]
    for url, found in (("http://a/", False), ("https://a/", True)):
        output = parse(newest(url=url, handshake_us=times))
        assert (output.handshake_us is not None) == found


def test_parse_shows_what_errors_said_and_each_request(tmp_path):
    texts = [{"kind": "read", "text": "[red]closed\x1b[2J", "count": 5}]
    mix = mixed(**{"item": (160, 158, 16), "[bold]": (40, 40, 3)})
    file = tmp_path / "pacer.json"
    keys = {"error_texts": texts, "status_codes": {"200": 7, "500": 2}}
    file.write_text(newest(**keys, **mix))
    console = Console(file=StringIO(), width=200)
    run(Namespace(file=str(file), tool="auto", all=False, json=False), console)
    shown = console.file.getvalue()
    for text in (
        "error: read",
        "5 times: [red]closed\\x1b[2J",
        "200: 7, 500: 2",
        "[bold]",
        "158 correct",
    ):
        assert text in shown
