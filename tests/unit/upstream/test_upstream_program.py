"""The other service: what it draws, how it talks, what it counts, and that it is not early."""

import asyncio
import http.client
import io
import itertools
import json
import math
import random
import statistics
import time

import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from testbed.validity import upstream as judged
from tests.unit.apps import upstream_server
from tests.unit.draws import RARE, seed
from upstream.latency import MOST_MS, latencies_ns
from upstream.protocol import MOST_BYTES, Connection
from upstream.service import Service
from upstream.tally import Tally, rounded_up

__all__ = ["seed"]  # fixtures
GOOD = b"GET /value?id=17 HTTP/1.1\r\nHost: here\r\n\r\n"


def drawn(count, *arguments):
    return list(itertools.islice(latencies_ns(*arguments), count))


def test_a_constant_time_is_always_the_same():
    assert set(drawn(50, 12.5, "constant", 0, 1)) == {12_500_000}


def test_drawn_times_have_the_median_and_the_spread_that_were_asked(seed):
    dice = random.Random(seed)  # noqa: S311 - no secret
    most = scipy.stats.norm.isf(RARE / 2)  # standard errors
    for _ in range(10):
        median_ms, sigma = dice.uniform(1, 200), dice.uniform(0.1, 1.5)
        logs = [
            math.log(one / 1e6) for one in drawn(20_000, median_ms, "lognormal", sigma,
                                                 dice.randrange(10**6))
        ]  # fmt: skip
        assert statistics.mean(logs) == pytest.approx(
            math.log(median_ms), abs=most * sigma / math.sqrt(len(logs))
        )
        assert statistics.stdev(logs) == pytest.approx(sigma, rel=most / math.sqrt(2 * len(logs)))


def test_the_same_seed_gives_the_same_times_and_none_beyond_the_most():
    assert drawn(99, 50, "lognormal", 1, 7) == drawn(99, 50, "lognormal", 1, 7)
    assert drawn(99, 50, "lognormal", 1, 7) != drawn(99, 50, "lognormal", 1, 8)
    assert max(drawn(999, MOST_MS, "lognormal", 3, 7)) == MOST_MS * 1_000_000
    with pytest.raises(ValueError, match="none of: constant, lognormal"):
        drawn(1, 50, "uniform", 0, 1)


@given(st.integers(-5, 10**13))
def test_a_time_is_rounded_up_by_less_than_a_tenth(value_ns):
    found_us = rounded_up(value_ns)
    exact_us = math.ceil(max(value_ns, 0) / 1000)
    assert exact_us <= found_us <= exact_us * 1.1
    assert len(str(found_us).rstrip("0")) <= 2


class Transport(asyncio.Transport):
    """What a connection writes."""

    def __init__(self):
        super().__init__()
        self.sent, self.closed = b"", False

    def write(self, data):
        self.sent += data

    def close(self):
        self.closed = True


def connected():
    asked, counts = [], {"gone": 0, "strange": 0}

    def count(name):
        counts[name] += 1

    one = Connection(asked.append, lambda: count("gone"), lambda: count("strange"))
    one.connection_made(Transport())
    return one, asked, counts


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_questions_come_in_pieces_or_together_and_are_answered_in_their_order(size):
    one, asked, counts = connected()
    both = GOOD + GOOD.replace(b"17", b"4")
    for begin in range(0, len(both), size):
        one.data_received(both[begin : begin + size])
    assert len(asked) == 1  # the second waits for the first
    one.reply()
    one.reply()
    one.reply()  # nobody waits any more
    bodies = [part.partition(b"\r\n\r\n")[2] for part in one._transport.sent.split(b"HTTP/1.1")[1:]]
    assert [json.loads(body) for body in bodies] == [
        {"id": 17, "value": "value of 17"},
        {"id": 4, "value": "value of 4"},
    ]
    assert counts == {"gone": 0, "strange": 0}


@pytest.mark.parametrize(
    "text",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"POST /value?id=1 HTTP/1.1\r\n\r\n",
        b"GET /value?id=x HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\r\n\r\n",
        b"x" * (MOST_BYTES + 1),
    ],
)
def test_what_is_no_question_is_refused_and_counted(text):
    one, asked, counts = connected()
    one.data_received(text)
    assert one._transport.sent.startswith(b"HTTP/1.1 404 ")
    assert one._transport.closed
    assert (asked, counts) == ([], {"gone": 0, "strange": 1})


def test_who_leaves_before_the_answer_is_counted_once():
    one, asked, counts = connected()
    one.data_received(GOOD)
    one.connection_lost(None)
    one.reply()
    assert (len(asked), counts) == (1, {"gone": 1, "strange": 0})
    other, _, counts = connected()
    other.connection_lost(None)
    assert counts == {"gone": 0, "strange": 0}


def test_a_row_counts_from_the_row_before_it_but_for_those_who_wait():
    tally = Tally()
    for _ in range(3):
        tally.asked(20_000_000)
    tally.answered(150_000)
    first = json.loads(tally.row(1.0, 2.0, 0.25))
    tally.left()
    tally.answered(1)
    second = json.loads(tally.row(2.0, 3.0, 0.5))
    assert (first["requests"], first["answers"], first["most_waiting"]) == (3, 1, 3)
    assert (first["asked_us"], first["late_us"]) == ({"20000": 3}, {"150": 1})
    assert (second["requests"], second["answers"], second["gone"]) == (0, 1, 1)
    assert second["most_waiting"] == 2


def test_a_stop_is_told_by_as_many_late_probes_as_fell_into_it():
    rows = io.StringIO()
    service = Service(latencies_ns(0, "constant", 0, 1), rows)
    began_ns = time.monotonic_ns()
    service._wait(began_ns - 500_000_000, None)  # due half a second ago
    service._fire()
    service._row(time.monotonic_ns())
    told = {int(late): count for late, count in json.loads(rows.getvalue())["lag_us"].items()}
    assert sum(told.values()) >= 100
    assert sum(count for late, count in told.items() if late >= 250_000) >= 50
    service._wait(began_ns - 10**12, None)  # the host slept for a quarter of an hour
    service._fire()
    assert service._due[0][0] > began_ns


@pytest.mark.parametrize("latency_ms", [0, 40])
def test_it_answers_when_it_is_told_to_and_tells_of_it(tmp_path, latency_ms):
    file = tmp_path / "rows"
    with upstream_server.running(f"--latency-ms={latency_ms}", rows=file) as url:
        connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=60)
        began_s = time.monotonic()
        for number in range(5):
            connection.request("GET", f"/value?id={number}")
            answer = connection.getresponse()
            assert json.loads(answer.read()) == {"id": number, "value": f"value of {number}"}
            assert answer.status == 200
        took_s = time.monotonic() - began_s
        connection.close()
    assert took_s >= 5 * latency_ms / 1000  # never early; how late it is, the machine decides
    rows = judged.read(file)
    assert (sum(row.requests for row in rows), sum(row.answers for row in rows)) == (5, 5)
    assert max(row.most_waiting for row in rows) == 1
    assert judged.quantiles([row.asked_us for row in rows])["100"] == 1000 * latency_ms
    if latency_ms:  # probes fall due before the answers do, so there were some
        assert judged.quantiles([row.lag_us for row in rows])
