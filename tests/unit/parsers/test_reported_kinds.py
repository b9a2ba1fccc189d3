"""Outputs as people keep and report them: in logs, with remarks, of forks, beside others."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from printing import Ab, Wrk, ab, wrk, wrk2

from testbed.tools import READER, ParseError, parse, parse_all

TEXT = wrk(Wrk(status=3, timeout=5))
IPERF = """Client connecting to h, TCP port 5001
[  3] local 198.18.0.2 port 40000 connected with 198.18.0.1 port 5001
[  3]  0.0-10.0 sec  1.10 GBytes   945 Mbits/sec
"""
FIXTURES = Path(__file__).parents[2] / "contract" / "parsers" / "fixtures"
HEY = (FIXTURES / "hey-plain.txt").read_text()
IPERF3 = """Connecting to host 192.0.2.1, port 5201
[  5] local 192.0.2.2 port 40000 connected to 192.0.2.1 port 5201
[  5]   0.00-1.00   sec   112 MBytes   941 Mbits/sec    0    385 KBytes
[  5]   0.00-10.00  sec  1.10 GBytes   942 Mbits/sec    0             sender
iperf Done.
"""
OHA = """Summary:
  Success rate:\t100.00%
  Total:\t4.4720 {unit}
  Slowest:\t0.0367 {unit}
  Requests/sec:\t4472.2547

Response time histogram:
Status code distribution:
  [200] 20000 responses
"""
BOMBARDIER = """Bombarding http://h:80/ for 10s using 10 connection(s)
Statistics        Avg      Stdev        Max
  Latency      503.31ms   377.16us   505.52ms
  Latency Distribution
     50%   503.27ms
"""


@pytest.mark.parametrize(
    "prefix",
    [
        *("bench-tester  | ", "web_1 | ", "[wrk] ", "[pod/bench-0/wrk] ", "[INFO] "),
        *("2026-03-02T09:15:01.1234567Z ", "2026-03-02 09:15:01,123 ", "09:15:01 "),
        *("[2026-03-02T09:15:01.123Z] ", "2026-03-02T09:15:01+01:00 ", "#12 3.456 "),
        *("Mar  2 09:15:01 host wrk[12]: ", "2026-03-02T09:15:01.1Z stdout F "),
        *("2026-03-02T09:15:01.1Z 00O ", "job\tstep\t2026-03-02T09:15:01.1Z "),
        *("# ", "// ", "; ", "    # ", " * ", "-- "),
        *("bench: ", "10.0.0.7: ", "2026-03-02 09:15:01,123 INFO bench - ", "%% ", "09:15 "),
    ],
)
@pytest.mark.parametrize("text", [TEXT, wrk2(Wrk()), ab(Ab()), IPERF, HEY])
def test_what_a_log_puts_before_each_line_does_not_matter(text, prefix):
    assert parse("".join(f"{prefix}{line}\n" for line in text.splitlines())) == parse(text)


@pytest.mark.parametrize("text", [TEXT, wrk2(Wrk()), ab(Ab()), IPERF])
def test_a_prefix_may_count_the_lines_and_ends_where_it_is_missing(text):
    listed = "".join(f"{n:>6}  {line}\n" for n, line in enumerate(text.splitlines(), start=95))
    assert parse_all(f"{listed}\nAnd again:\n{text}{listed}") == [parse(text)] * 3


@pytest.mark.parametrize("text", [TEXT, wrk2(Wrk()), ab(Ab()), HEY])
def test_a_wide_colon_is_a_colon_and_a_row_of_a_table_a_line(text):
    for labels in (r"(?<=[a-z]):(?= )", r"(?<=[a-z]): *(?=[a-z0-9])"):
        assert parse(re.sub(labels, "\N{FULLWIDTH COLON}", text)) == parse(text)
    assert parse("".join(f"| {line} |\n" for line in text.splitlines())) == parse(text)


def test_words_before_the_first_line_alone_are_no_prefix():
    assert parse(TEXT.replace("Running", "30 Running", 1)) == parse(TEXT)


@given(st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=20))
def test_a_marked_remark_behind_a_line_changes_nothing(words):
    for mark in ("#", "//", "<-", "--"):
        for line in ("99%    9.00ms", "timeout 5", "responses: 3", "Requests/sec:   3996.00"):
            remarked = TEXT.replace(f"{line}\n", f"{line}  {mark} {words}\n")
            assert remarked != TEXT
            assert parse(remarked) == parse(TEXT)


@pytest.mark.parametrize(
    ("columns", "max_us", "p99_us"),
    [
        ("Avg      Stdev     Max ", 9000, None),
        ("Avg      Stdev     99% ", None, 9000),
        ("Avg      Stdev     p99 ", None, 9000),
        ("Mean     Stdev     Max ", 9000, None),
    ],
)
def test_a_column_is_what_its_heading_says(columns, max_us, p99_us):
    text = wrk(Wrk(), latency=False).replace("Avg      Stdev     Max ", columns)
    times = parse(text).latency_us
    assert (times.mean, times.max) == (3220, max_us)
    assert times.percentiles.get("99") == p99_us


def test_a_column_without_a_known_heading_is_left_out_and_told():
    text = wrk(Wrk(), latency=False)
    output = parse(text.replace("Stdev     Max ", "Stdev     Foo "))
    assert output.latency_us.max is None
    assert output.problems == [
        "A column of latency is headed 'Foo', which is not known: it is left out."
    ]
    lines = [line for line in text.splitlines() if "Thread Stats" not in line]
    output = parse("\n".join(lines) + "\n")
    assert output.latency_us.max is None
    assert "lack wrk's heading" in output.problems[0]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("99%    9.00ms", "99%    9.00 ms"),
        ("99%    9.00ms", "99%    9.00ms median"),
        ("12 threads and 400 connections", "12 threads and some connections"),
        ("Running 30s test", "Running 30 s test"),
    ],
)
def test_a_line_like_wrks_is_told_and_the_others_are_read(old, new):
    output = parse(TEXT.replace(old, new))
    assert new in output.problems[0]
    assert output.requests == 120_000


def test_a_run_that_cannot_be_read_does_not_take_the_others_with_it():
    broken = TEXT.replace("30.03s", "30,03s")
    runs = parse_all(TEXT + broken + ab(Ab()))
    assert [run.requests for run in runs] == [120_000, None, 1000]
    assert "'30,03s' is no figure as wrk prints it" in runs[1].problems[0]
    cut = '{"schema_version": 2, "tool": "pacer", "command": "x'
    assert "broken or cut off" in parse_all(TEXT + cut)[1].problems[0]
    only = parse(TEXT + broken)
    assert only.requests == 120_000
    assert "'30,03s' is no figure" in only.problems[-1]
    with pytest.raises(ParseError, match="line 11"):
        parse_all(broken)


@pytest.mark.parametrize(
    ("text", "tool"),
    [
        (IPERF3, "iperf3"),
        ("iperf3: error - unable to connect to server: Connection refused\n", "iperf3"),
        (OHA.format(unit="secs"), "oha"),
        (OHA.format(unit="ms"), "oha"),
        (BOMBARDIER, "bombardier"),
        ("http_reqs......................: 180 4.36938/s\n", "k6"),
        ("Requests      [total, rate, throughput]         300, 10.03, 10.03\n", "vegeta"),
    ],
)
def test_what_a_foreign_tool_prints_for_people_is_said_to_be_that(text, tool):
    with pytest.raises(ParseError, match=f"this is what {tool} prints for people; .* JSON"):
        parse(text)
    runs = parse_all(TEXT + text + TEXT)
    assert [run.tool for run in runs] == ["wrk", tool, "wrk"]
    assert runs[0] == runs[2] == parse(TEXT)


def test_iperf_2_beside_iperf_3_is_read():
    for text in (IPERF3 + IPERF, IPERF + IPERF3):
        (flows,) = [run.flows for run in parse_all(text) if run.flows]
        assert [flow.mbit_per_s for flow in flows] == [945]


@pytest.mark.parametrize(
    "line",
    [
        "[SUM]  0.0-10.0 sec  0.00 (null)s  942 Mbits/sec",
        "[  3]  0.0-10.0 sec  17 of something new",
        "[  3] 0.0000-10.0400 sec  18 of something new",
        "[  4]  0.0-10.0 sec  nan Bytes  nan bits/sec",
    ],
)
def test_a_line_that_iperf_is_not_known_to_print_is_told(line):
    output = parse(f"{IPERF}{line}\n")
    assert [flow.mbit_per_s for flow in output.flows] == [945]
    assert output.problems == [f"Not understood, and left out: '{line}'."]


def test_an_interval_is_not_taken_for_the_whole_if_that_is_not_understood():
    text = IPERF.replace("0.0-10.0", "0.0- 1.0") + "[  3]  0.0-10.0 sec  (null)  945 Mbits/sec\n"
    output = parse(text)
    assert output.flows is None
    assert output.problems[1] == "Stream 3: the line of the whole is not understood."


@given(st.integers(0, 5000), st.integers(0, 5000), st.integers(0, 5000), st.integers(1, 10**6))
def test_failures_of_ab_are_never_more_than_the_requests(receive, length, exceptions, complete):
    text = ab(Ab(receive=receive, length=length, exceptions=exceptions, complete=complete))
    output = parse(text)
    of_several = sum(count > 0 for count in (receive, length, exceptions)) > 1
    if of_several:
        most = max(max(receive, length, exceptions), min(receive + length + exceptions, complete))
        assert output.errors.read + output.errors.wrong_body <= most
        assert any("failed" in problem or "failures" in problem for problem in output.problems)
    else:
        assert output.errors.read + output.errors.wrong_body == receive + length + exceptions


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (0, "does not leave them out."),
        (6, "only those that are not 2xx. Some may be counted as errors twi"),
    ],
)
def test_what_goodput_leaves_out_of_answers_of_another_length_is_told(status, said):
    (problem,) = parse(ab(Ab(length=7, status=status))).problems
    assert said in problem


@given(st.integers(0, 900), st.integers(100, 10**6))
def test_body_bytes_tell_how_many_requests_of_ab_failed(failed, complete):
    failed = min(failed, complete // 2)
    run = Ab(receive=failed, length=failed, exceptions=failed, complete=complete)
    text = ab(run).replace(
        f"HTML transferred:       {run.bytes} bytes",
        f"HTML transferred:       {(complete - failed) * 6500} bytes",
    )
    errors = parse(text).errors
    assert (errors.read, errors.wrong_body) == (failed, 0)


def test_messages_of_ab_are_the_reason_for_its_end_only_without_a_report():
    said = "SSL read failed (5) - closing connection\n"
    text = ab(Ab()).replace("\nServer Software", f"Completed 100 requests\n{said}\nServer Software")
    (output,) = parse_all(text)
    assert output.requests == 1000
    assert f"ab says: {said.strip()}" in output.problems
    ended = "Benchmarking h (be patient)\napr_socket_recv: Connection reset by peer (104)\n"
    assert parse(ended).problems[0].startswith("ab gave up: apr_socket_recv")


@pytest.mark.parametrize(("requests", "timeout"), [(0, 0), (0, 9), (20, 20), (109_876, 0)])
def test_no_reason_is_made_up_for_latencies_that_are_not_there(requests, timeout):
    text = wrk(Wrk(requests=requests, timeout=timeout, latency_us=[0]))
    (sentence,) = [one for one in parse(text).problems if "latency" in one.lower()]
    assert sentence == f"No latency was recorded, of {requests} answers that are counted."


@pytest.mark.parametrize(
    ("lines", "command"),
    [
        (["wrk -H 'A: http://a/' -c 4 http://h/"], "wrk -H 'A: http://a/' -c 4 http://h/"),
        (['$ wrk -H "A: http://a/ b" http://h/'], 'wrk -H "A: http://a/ b" http://h/'),
        (["$ wrk -H A:http://a/ http://h/ results:"], "wrk -H A:http://a/ http://h/"),
        (["$ wrk -c 4 \\", "    -d 5 http://h/"], "wrk -c 4 -d 5 http://h/"),
        (["$ wrk -c 4 \\", "  -d 5 \\", "  http://h/"], "wrk -c 4 -d 5 http://h/"),
    ],
)
@pytest.mark.parametrize("ruler", ["-" * 57, "=" * 40, ""])
def test_a_command_is_kept_whole_between_rulers(lines, command, ruler):
    text = "\n".join([ruler, *lines, ruler, TEXT])
    output = parse(text)
    assert output.command == command
    assert READER.command_in(command).url == "http://h/"
