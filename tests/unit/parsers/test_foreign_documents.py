"""JSON documents of tools that the testbed does not run: in any layout, broken, contradictory."""

import copy
import json
from pathlib import Path

import pytest

from testbed.tools import ParseError, parse, parse_all
from testbed.tools.table import FOREIGN, GENERATORS, LINK_TOOL, TOOLS

FIXTURES = Path(__file__).parents[2] / "contract" / "parsers" / "fixtures"
NAMES = (
    *("bombardier-plain", "oha-plain", "vegeta-plain", "k6-export", "k6-handle-summary"),
    *("iperf3-parallel", "iperf3-bidir", "iperf3-udp-reverse"),
)
DOCUMENTS = {name: json.loads((FIXTURES / f"{name}.txt").read_text()) for name in NAMES}


def changed(name: str, path: str, value: object) -> str:
    """A document with another value at a dotted path."""
    document = copy.deepcopy(DOCUMENTS[name])
    *parents, last = path.split(".")
    place = document
    for key in parents:
        place = place[key]
    place[last] = value
    return json.dumps(document)


def test_tools_that_are_read_are_apart_from_those_that_are_run():
    assert {one.name for one in FOREIGN}.isdisjoint({*GENERATORS, LINK_TOOL.name})
    assert TOOLS.keys() == {*GENERATORS, LINK_TOOL.name, *(one.name for one in FOREIGN)}


@pytest.mark.parametrize("indent", [None, 2, "\t"])
@pytest.mark.parametrize("name", NAMES)
def test_the_layout_does_not_matter(name, indent):
    alone = parse(json.dumps(DOCUMENTS[name]))
    text = json.dumps(DOCUMENTS[name], indent=indent)
    assert parse(text) == alone
    assert parse(f"before\n```json\n{text}\n```\n") == alone
    assert parse("".join(f"job-1  | {line}\n" for line in text.splitlines())) == alone
    assert parse_all(f"{text}\n{text}\n") == [alone, alone]


@pytest.mark.parametrize("name", NAMES)
def test_no_document_is_passed_over(name):
    document = DOCUMENTS[name]
    alone = parse(json.dumps(document))
    one, several = json.dumps(document), json.dumps(document, indent=4)
    for text in (f"{one}{one}", f"{one} {one}", f"[{one}, {one}]", f"first {one}, second {one}"):
        assert parse_all(text) == [alone, alone]
        with pytest.raises(ParseError, match="2 runs in one text"):
            parse(text)
    for text in (
        f"Result: {one}",
        f"const result = {several};",
        f"use {{name}}: {one}",
        json.dumps({"run": 1, "result": document}, indent=2),
        json.dumps({"changed": True, "stdout": several, "stdout_lines": []}),
        json.dumps([{"results": [{"out": f"before\n{several}\nafter"}]}], indent=2),
    ):
        assert parse(text) == alone


@pytest.mark.parametrize(
    "prefix",
    ["web_1 | ", "[INFO] ", "bench: ", "10.0.0.7: ", "2026-03-02 09:15:01,123 INFO bench - ", "+ "],
)
@pytest.mark.parametrize("name", NAMES)
def test_what_stands_before_each_line_does_not_matter(name, prefix):
    text = json.dumps(DOCUMENTS[name], indent=2)
    alone = parse(text)
    assert parse("".join(f"{prefix}{line}\n" for line in text.splitlines())) == alone
    listed = "".join(f"{n:>6}  {line}\n" for n, line in enumerate(text.splitlines(), start=95))
    assert parse_all(f"{listed}\nAnd again:\n{text}\n{listed}") == [alone] * 3


@pytest.mark.parametrize("name", NAMES)
def test_a_document_whose_lines_were_changed_is_told(name):
    text = json.dumps(DOCUMENTS[name], indent=2)
    numbered = "".join(f"{line} <{n}>\n" for n, line in enumerate(text.splitlines(), 1))
    with pytest.raises(ParseError, match="this is like a part of .*'s JSON, which is not whole"):
        parse(numbered)
    with pytest.raises(ParseError, match="broken or cut off"):
        parse(json.dumps({"stdout": text[: len(text) * 3 // 4]}))
    beside = (FIXTURES / "hey-plain.txt").read_text()
    for whole in (f"{beside}\n{numbered}", f"{numbered}\n{beside}"):
        output = parse(whole)
        assert output.tool == "hey"
        assert "A part of this text is not read: this is like a part" in output.problems[-1]


@pytest.mark.parametrize(
    ("tool", "text"),
    [
        (
            "k6",
            '{"type":"Point","metric":"http_reqs","data":{"time":"2024-05-01","value":1}}\n' * 3,
        ),
        (
            "iperf3",
            '{"event":"start","data":{"version":"iperf 3.17.1"}}\n{"event":"end","data":{}}',
        ),
    ],
)
def test_another_json_of_a_tool_is_told(tool, text):
    with pytest.raises(ParseError, match=f"line 1: this is another output of {tool}; "):
        parse(text)


@pytest.mark.parametrize("name", ["hey-plain", "wrk-plain", "ab-plain"])
def test_a_report_that_is_a_text_within_json_is_told(name):
    report = (FIXTURES / f"{name}.txt").read_text()
    for text in (
        json.dumps({"changed": True, "stdout": report}),
        json.dumps([{"name": "warm"}, {"runs": [{"out": report}]}], indent=2),
    ):
        with pytest.raises(
            ParseError, match="stands within JSON, as a text: take it out, as jq -r"
        ):
            parse(text)


@pytest.mark.parametrize("name", NAMES)
def test_a_document_that_is_cut_off_is_refused(name):
    text = json.dumps(DOCUMENTS[name], indent=1)
    for end in range(len(text) // 10, len(text) - 2, max(1, len(text) // 20)):
        with pytest.raises(ParseError, match="this JSON is broken or cut off"):
            parse(text[:end])


@pytest.mark.parametrize(
    ("name", "path", "value", "said"),
    [
        ("bombardier-plain", "result.req2xx", "5", "result.req2xx"),
        ("oha-plain", "summary.total", None, "summary.total"),
        ("vegeta-plain", "requests", 1.5, "requests"),
        ("k6-export", "metrics.http_reqs.count", "5", "metrics.http_reqs.count"),
        ("iperf3-parallel", "end.sum_sent.seconds", [], "end.sum_sent.seconds"),
        ("bombardier-plain", "result.req2xx", -5, "result.req2xx"),
        ("bombardier-plain", "result.timeTakenSeconds", -1.0, "result.timeTakenSeconds"),
        ("bombardier-plain", "spec.numberOfConnections", 0, "spec.numberOfConnections"),
        ("bombardier-plain", "result.req2xx", 10**30, "result.req2xx"),
        ("bombardier-plain", "result.latency", 5, "result.latency"),
        ("oha-plain", "statusCodeDistribution", {"2OO": 5}, "statusCodeDistribution.2OO"),
        ("oha-plain", "statusCodeDistribution", {"200": -5}, "statusCodeDistribution.200"),
        ("oha-plain", "errorDistribution", {"timeout": -5}, "errorDistribution.timeout"),
        ("vegeta-plain", "status_codes", {"2xx": 30000}, "status_codes.2xx"),
        ("vegeta-plain", "wait", -1e12, "wait"),
        ("k6-export", "metrics.http_reqs.rate", -5, "metrics.http_reqs.rate"),
        ("k6-export", "metrics.http_req_duration.avg", "1ms", "metrics.http_req_duration.avg"),
        ("k6-export", "metrics.http_reqs", 5, "metrics.http_reqs"),
        ("iperf3-parallel", "end.sum_sent.bytes", -5, "end.sum_sent.bytes"),
    ],
)
def test_a_key_that_does_not_fit_is_named(name, path, value, said):
    with pytest.raises(ParseError, match=f"'s document: {said}: "):
        parse(changed(name, path, value))


@pytest.mark.parametrize(
    ("name", "path", "value", "said"),
    [
        ("bombardier-plain", "result.others", 3, "15 errors are more than the 3 'others'"),
        ("bombardier-plain", "result.timeTakenSeconds", 2.0, "stopped early: 2 s of the 10 s"),
        ("bombardier-plain", "result.latency.max", 100, "maximum, 100 µs, is below"),
        ("oha-plain", "summary.requestsPerSec", 10.0, "contradict 10 requests/s over 5 s"),
        ("oha-plain", "errorDistribution", {"bang": 110}, "110 errors are counted as read"),
        ("vegeta-plain", "requests", 31000, "not the sum of their statuses, 30000"),
        ("vegeta-plain", "throughput", 5.0, "contradict a throughput of 5/s"),
        ("vegeta-plain", "errors", ["EOF", "dial tcp: x"], "how many for which reason is not"),
        ("k6-export", "metrics.http_req_failed.passes", 7, "contradict the other figures"),
        ("iperf3-parallel", "error", "interrupted", "iperf3 says: interrupted"),
        (
            "iperf3-parallel",
            "end.sum_sent.bits_per_second",
            5.0,
            "Stream SUM: 0.000005 Mbit/s contr",
        ),
        ("k6-handle-summary", "state.testRunDurationMs", 1.0, "5000 requests contradict 499.375"),
        ("vegeta-plain", "latencies", {}, "Not in this output: latency"),
        ("oha-plain", "latencyPercentiles", {"50": 1.0}, "Not in this output: percentiles"),
    ],
)
def test_what_contradicts_itself_or_is_not_said_is_told(name, path, value, said):
    before = parse(json.dumps(DOCUMENTS[name])).problems
    after = parse(changed(name, path, value)).problems
    assert said in " | ".join(after)
    assert said not in " | ".join(before)


def test_of_no_request_there_is_no_time():
    document = copy.deepcopy(DOCUMENTS["vegeta-plain"])
    document["latencies"] = dict.fromkeys(document["latencies"], 0)
    document |= {"requests": 0, "status_codes": {}, "duration": 0, "wait": 0, "throughput": 0}
    output = parse(json.dumps(document))
    assert (output.requests, output.latency_us.mean, output.latency_us.percentiles) == (0, None, {})
    document = copy.deepcopy(DOCUMENTS["bombardier-plain"])
    document["result"] |= dict.fromkeys(("req2xx", "req4xx", "req5xx", "others"), 0)
    document["result"] |= {"errors": [], "latency": {"mean": 0, "max": 0}}
    assert parse(json.dumps(document)).latency_us.mean is None


def test_nothing_answered_is_nothing_measured():
    document = copy.deepcopy(DOCUMENTS["oha-plain"])
    document["summary"] |= dict.fromkeys(("slowest", "fastest", "average"))
    document["latencyPercentiles"] = dict.fromkeys(document["latencyPercentiles"])
    document |= {"statusCodeDistribution": {}, "errorDistribution": {"Connection refused": 20060}}
    output = parse(json.dumps(document))
    assert (output.requests, output.throughput_rps, output.errors.connect) == (0, 0, 20060)
    assert output.latency_us.mean is None
    assert output.latency_us.percentiles == {}
    assert output.problems == []
