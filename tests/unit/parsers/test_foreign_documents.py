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
    ],
)
def test_what_contradicts_itself_or_is_not_said_is_told(name, path, value, said):
    before = parse(json.dumps(DOCUMENTS[name])).problems
    after = parse(changed(name, path, value)).problems
    assert said in " | ".join(after)
    assert said not in " | ".join(before)


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
