"""pacer reads the file that the testbed writes for a mix, and the testbed what pacer writes."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from analysis.histogram import read_histograms
from testbed.asked import requests
from testbed.asked.answers import Answer
from testbed.model.endpoint import Endpoint
from testbed.model.load import Load
from testbed.tools import parse
from testbed.tools.pacer import Pacer
from testbed.tools.tool import REQUESTS_FILE, Target

REPOSITORY = Path(__file__).resolve().parents[3]
PAGE = b"<h1>{a page}</h1>"
ENDPOINTS = {
    "item": {
        "query": {"id": "{id}", "of": "a&b"},
        "draw": {"id": {"from": 1, "to": 50}},
        "expect": {"json": {"type": "object"}},
    },
    "page": {"expect": {"content_type": "text/html", "html": [{"selector": "h1", "count": 1}]}},
    "add": {
        "method": "POST",
        "send": {"json": {"name": "{name}", "braces": "{{}}"}},
        "draw": {"name": {"choices": ["Ann", "Bob"]}},
        "expect": {"status": 201, "content_type": None},
    },
}
WEIGHTS = {"item": 8.0, "page": 1.5, "add": 0.5}


@pytest.fixture
def shop(answering: Callable[..., str]) -> tuple[str, list[Any]]:
    """Return the URL of a service that answers all of ENDPOINTS, and what it was asked."""
    seen: list[Any] = []

    def answer(exchange: Any) -> bytes:
        seen.append(exchange)
        method, target, _ = exchange.head.split("\r\n")[0].split(" ")
        if method == "POST":
            return b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"
        query = parse_qs(urlsplit(target).query)
        body = json.dumps({"id": int(query["id"][0])}).encode() if query else PAGE
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)

    return answering(answer), seen


@pytest.mark.parametrize("rate_rps", [400.0, None])
def test_a_mix_is_asked_and_told(
    shop: tuple[str, list[Any]], tmp_path: Path, rate_rps: float | None
) -> None:
    url, seen = shop
    verified = {"item": b"", "page": PAGE, "add": b""}
    parts = [
        requests.Part(
            name=name,
            weight=WEIGHTS[name],
            path=f"/{name}",
            endpoint=Endpoint.model_validate({"description": "d", **spec}),
            folder=tmp_path,
            answer=Answer(200, None, verified[name]),
        )
        for name, spec in ENDPOINTS.items()
    ]
    file = tmp_path / REQUESTS_FILE
    file.write_text(requests.document(parts), encoding="utf-8")
    load = Load(
        mode="saturation" if rate_rps is None else "constant_rate",
        generator="pacer",
        from_host="client",
        rate_rps=rate_rps,
        connections=4,
        threads=2,
        duration_s=1,
        warmup_s=0.3,
        timeout_s=60,
    )
    target = Target(url=url, requests_file=str(file), seed=20)
    words = Pacer().command(load, target, str(tmp_path), cpus=2)
    subprocess.run(
        [sys.executable, "-m", *words], cwd=REPOSITORY, check=True, timeout=300, capture_output=True
    )
    output = parse((tmp_path / "pacer.json").read_text(), "pacer")
    assert output.problems == []
    assert output.errors.total == 0
    assert list(output.by_request) == list(WEIGHTS)
    told = output.by_request
    assert sum(one.requests for one in told.values()) == output.requests == output.correct
    # Each answer is one that the service gave, in the warm-up or after it
    asked = Counter(
        urlsplit(exchange.head.split(" ")[1]).path.removeprefix("/") for exchange in seen
    )
    assert Counter({name: one.all_answered for name, one in told.items()}) == asked
    for one in told.values():
        assert one.throughput_rps == pytest.approx(one.goodput_rps)
    rates = (one.throughput_rps or 0 for one in told.values())
    assert sum(rates) == pytest.approx(output.throughput_rps, abs=0.01)
    drawn = {parse_qs(urlsplit(exchange.head.split(" ")[1]).query)["id"][0] for exchange in seen
             if exchange.head.startswith("GET /item")}  # fmt: skip
    assert drawn <= {str(number) for number in range(1, 51)}
    assert rate_rps is None or len(drawn) > 5
    bodies = {exchange.body for exchange in seen if exchange.head.startswith("POST")}
    assert bodies <= {b'{"name": "%s", "braces": "{}"}' % name for name in (b"Ann", b"Bob")}
    histograms = read_histograms(tmp_path / "latency.hdr")
    whole = histograms.whole  # None: a closed loop for which the machine stalled all the time
    assert (0 if whole is None else int(whole.answers.sum())) == output.correct
    assert {name: int(one.answers.sum()) for name, one in histograms.parts.items()} == {
        name: one.correct for name, one in told.items() if one.correct
    }
