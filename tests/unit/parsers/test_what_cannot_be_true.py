"""Outputs that contradict themselves are read, and say so."""

import dataclasses
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from printing import Ab, Wrk, ab, wrk, wrk2

from testbed.tools import parse, parse_all

RUN = Wrk(status=56, timeout=760)


def problems(text: str) -> str:
    return " | ".join(parse(text).problems)


def test_an_honest_output_has_no_problems():
    assert parse(wrk(RUN)).problems == []
    assert parse(wrk2(RUN)).problems == []
    assert parse(ab(Ab())).problems == []


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("in 30.03s", "in 307445734491.24m", "307445734491.24m, cannot be true"),
        ("in 30.03s", "in -30.03s", "duration, -30.03s, cannot be true"),
        ("Requests/sec:   3996.00", "Requests/sec:      0.00", "beside 120000 requests"),
        ("Requests/sec:   3996.00", "Requests/sec:   4090.00", "120000 requests contradict"),
        ("Requests/sec:   3996.00", "Requests/sec:   3900.00", "120000 requests contradict"),
        ("120000 requests", "130000 requests", "130000 requests contradict"),
        ("in 30.03s", "in 31.00s", "contradict 3996.00 requests/s over 31.00s"),
        ("744.82MB read", "900.00MB read", "900.00MB read contradict 24.80MB/s"),
        ("744.82MB read", "0.00B read", "only 0.00B were read: these were no answers"),
        ("responses: 56", "responses: 120001", "120001 failed answers are more than the 120000"),
        ("   3.22ms ", "   9.22ms ", "mean, 9.22ms, is above its maximum, 9.00ms"),
        ("50%    1.90ms", "50%    4.90ms", "out of order: 4.90ms at 50 %, 2.50ms at 75 %"),
        ("99%    9.00ms", "99%    9.40ms", "maximum, 9.00ms, is below its 99 % percentile"),
        ("3.27ms ", "8.27ms ", "standard deviation of 8.27ms is not possible"),
        ("3.22ms ", "-3.22ms", "A latency of -3.22ms cannot be true"),
        ("Running 30s", "Running 45s", "stopped early: 30.03s of the 45s"),
        ("Running 30s", "Running 5s", "took 30.03s where 5s were asked for"),
        ("  9.00ms   75", "  9.00m    75", "A latency of 9.00m is longer than the run, 30.03s"),
    ],
)
def test_wrk_contradictions_are_said(old, new, sentence):
    text = wrk(RUN)
    assert text.count(old) == 1, text
    output = parse(text.replace(old, new))
    assert sentence in " | ".join(output.problems)


def test_figures_that_contradict_each_other_are_still_given_but_nothing_is_derived_from_them():
    output = parse(wrk(RUN).replace("120000 requests", "150000 requests"))
    assert output.requests == 150000
    assert output.throughput_rps == 3996.0
    assert output.goodput_rps is None
    output = parse(wrk(RUN).replace("in 30.03s", "in 307445734491.24m"))
    assert output.duration_s == 307445734491.24 * 60
    assert output.goodput_rps is None


@pytest.mark.parametrize(
    ("requests", "runtime_us"),
    [(1, 10_000_000), (3, 997_000), (1, 60_000_000), (54, 51_040_000), (10**9, 86_400_000_000)],
)
def test_rounding_is_no_contradiction(requests, runtime_us):
    """0.02 requests/s, 0.85m and the like are as exact as they are printed."""
    run = Wrk(asked_s=runtime_us // 10**6, requests=requests, runtime_us=runtime_us, bytes=10**9)
    assert parse(wrk(run)).problems == []


def test_a_rate_that_rounds_to_zero_is_said_to_be_none():
    run = Wrk(asked_s=600, requests=1, runtime_us=600_000_000)
    assert "0.00 requests/s are printed beside 1 requests" in problems(wrk(run))


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("Requests per second:    800.00", "Requests per second:    900.00", "1000 requests contr"),
        ("Total transferred:      6700000 bytes", "Total transferred:      0 bytes", "no answers"),
        ("Transfer rate:          5234.38", "Transfer rate:          9234.38", "contradict"),
        ("  99%    120", "  99%     90", "percentiles are out of order: 120ms at 98 %"),
        ("     3     120", "     3     100", "maximum, 100ms, is below its 100 % percentile"),
        ("Total:          3   16", "Total:          3  300", "mean, 300ms, is above its maximum"),
        ("Total:          3", "Total:          6", "minimum, 6ms, is above its 50 %"),
        ("Complete requests:      1000", "Complete requests:      0", "0 requests contradict"),
    ],
)
def test_ab_contradictions_are_said(old, new, sentence):
    text = ab(Ab(times_ms=[3] * 50 + [5] * 40 + [120] * 10))
    assert text.count(old) == 1, text
    assert sentence in problems(text.replace(old, new))


def test_a_kilobyte_of_ab_before_version_2_has_1000_bytes():
    """It prints 5360.00 where later versions print 5234.38; other rates contradict the bytes."""
    text = ab(Ab()).replace("Version 2.3", "Version 1.3d")
    assert problems(text.replace("5234.38", "5360.00")) == ""
    assert "6700000B read contradict 4900.00KB/s" in problems(text.replace("5234.38", "4900.00"))
    assert "contradict 5600.00KB/s" in problems(text.replace("5234.38", "5600.00"))


def test_ab_failures_that_are_not_the_sum_of_their_classes():
    text = ab(Ab(connect=1, length=4)).replace("Failed requests:        5", "Failed requests:   9")
    assert "9 failed requests are not the sum of their classes, 5" in problems(text)


def test_iperf_contradictions_are_said():
    text = "[  1] 0.0000-10.0000 sec  1.10 GBytes   {} Mbits/sec\n"
    assert parse(text.format(945)).problems == []
    assert "9450 Mbits/sec contradict 1.10 GBytes" in problems(text.format(9450))


def test_connections_that_broke_are_no_answers_though_ab_counts_them_as_complete():
    output = parse(ab(Ab(receive=100, status=50)))
    assert output.requests == 1000
    assert (output.errors.read, output.errors.status) == (100, 50)
    assert output.goodput_rps == pytest.approx(850 / 1.25)


def test_uncorrected_latencies_are_checked_too():
    run = dataclasses.replace(RUN, uncorrected_us=[100, 200, 300])
    text = wrk2(run)
    assert text.count(" 50.000%  200.00us") == 1
    text = text.replace(" 50.000%  200.00us", " 50.000%  900.00us")
    assert "uncorrected latency's percentiles are out of order" in problems(text)


LISTS = st.lists(st.integers(1, 3000) | st.integers(1, 30 * 10**6), min_size=1, max_size=3000)


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(LISTS, st.none() | LISTS)
def test_the_two_lists_of_wrk2_count_differently(values, uncorrected):
    """Ties, few answers and many: a percentile of one list may be above a higher one's of the
    other, and that is no contradiction.
    """
    run = dataclasses.replace(RUN, latency_us=values, uncorrected_us=uncorrected)
    assert parse(wrk2(run)).problems == []


LAB = Path(__file__).parents[2] / "contract/parsers/fixtures/wrk2-real-lab.txt"


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        # within the summary; within the detailed table; of one against the other, both ways
        (" 99.990%  513.53ms", " 99.990%  400.00ms", "446.21ms at 99.9 %, 400.00ms at 99.99 %"),
        (
            "     390.399     0.998437         7484",
            "     350.399     0.998437         7484",
            "383.231ms at 99.8242 %, 350.399ms at 99.8437 %",
        ),
        (" 50.000%   32.64ms", " 50.000%   37.64ms", "37.64ms at 50 %, 32.639ms at 50 %"),
        (" 50.000%   32.64ms", " 50.000%   30.64ms", "32.639ms at 50 %, 30.64ms at 50 %"),
        (" 99.990%  513.53ms", " 99.990%  500.00ms", "513.535ms at 99.9854 %, 500.00ms at 99.99 %"),
    ],
)
def test_damaged_lists_of_wrk2_are_said(old, new, sentence):
    text = LAB.read_text()
    assert (parse(text).problems, text.count(old)) == ([], 1)
    assert sentence in problems(text.replace(old, new))


def test_goodput_never_exceeds_throughput():
    """The printed duration is rounded more than the rate: 36563 in 1.00m is not 609.38/s."""
    text = "36563 requests in 1.00m, 63.11MB read\nRequests/sec: 608.45\n"
    (output,) = parse_all(text)
    assert output.goodput_rps == output.throughput_rps == 608.45
