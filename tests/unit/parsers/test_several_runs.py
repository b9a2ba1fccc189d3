"""One text, several runs or tools; which tool; nothing at all."""

import pytest
from printing import Ab, Wrk, ab, wrk, wrk2

from testbed.errors import TestbedError
from testbed.tools import ParseError, parse, parse_all, wrk_report
from testbed.tools.lines import Reader

IPERF = """Client connecting to h, TCP port 5001
[  1] local 198.18.0.2 port 40000 connected with 198.18.0.1 port 5001
[  1] 0.0000-1.0000 sec   114 MBytes   956 Mbits/sec
"""


def test_one_of_several_runs_is_not_chosen_silently():
    with pytest.raises(ParseError, match="2 runs in one text, at lines 1, 14; --all"):
        parse(wrk(Wrk()) + wrk(Wrk()))


def test_tools_may_be_mixed_and_keep_their_order():
    text = ab(Ab()) + wrk(Wrk()) + IPERF + wrk2(Wrk()) + ab(Ab(complete=50))
    assert [run.tool for run in parse_all(text)] == ["ab", "wrk", "iperf", "wrk2", "ab"]
    assert [run.requests for run in parse_all(text, "ab")] == [1000, 50]


def test_a_killed_run_takes_nothing_from_the_next_tools_output():
    killed = "Running 30s test @ http://h/\n  2 threads and 4 connections\n"
    runs = parse_all(killed + ab(Ab()))
    assert runs[0].tool == "wrk"
    assert runs[0].latency_us.percentiles == {}
    assert runs[1].requests == 1000


def test_a_report_without_its_head_takes_nothing_from_the_one_before():
    rest = wrk(Wrk())
    runs = parse_all(ab(Ab()) + rest[rest.index("  Latency Distribution") :])
    assert [run.requests for run in runs] == [1000, 120_000]
    assert runs[0] == parse(ab(Ab()))


def test_lines_that_look_like_another_tools_are_left_to_the_tool_that_began():
    own = r"Requests/sec:.*|Ended"
    reader = Reader(["wrk", "mark"], ["Mark began", "Running .*"], {"mark": ("Mark began", own)})
    alike = "Requests/sec:  200.00\n"
    killed = f"Mark began\n{alike}"

    def rates(text):
        return [run.output.throughput_rps for run in wrk_report.find(reader.lines(text))]

    assert rates(alike) == [200]
    assert rates(f"{killed}Ended\n") == rates(killed) == rates(killed.strip()) == []
    assert rates(f"{killed}Ended\n{wrk(Wrk())}{killed}") == [3996]
    assert rates(killed + wrk(Wrk())) == [3996]
    assert rates(f"{killed}$ wrk -c4 http://h/\n{alike}") == [200]
    assert rates(f"Mark began\n\n{alike}") == []
    assert rates(f"{killed}  12 threads and 400 connections\n{alike}") == [200]


def test_a_command_line_belongs_to_the_output_below_it():
    text = f"$ ab -n 5 http://h/\n$ wrk -c 3 http://h/a\n{wrk(Wrk())}$ wrk -v\n{wrk(Wrk())}"
    runs = parse_all(text)
    assert [run.command for run in runs] == ["wrk -c 3 http://h/a", "wrk -v"]


@pytest.mark.parametrize("mark", ["calibration", "HdrHistogram", "spectrum", "#[Mean"])
def test_wrk2_is_known_by_any_of_its_marks(mark):
    lines = wrk2(Wrk()).splitlines()
    marks = ("calibration", "HdrHistogram", "spectrum", "Value  ", "inf", "#[")
    kept = [line for line in lines if mark in line or not any(m in line for m in marks)]
    kept = [line for line in kept if mark in line or not line[:12].strip().endswith("000")]
    assert {run.tool for run in parse_all("\n".join(kept) + "\n")} == {"wrk2"}


def test_wrk2_without_marks_is_known_by_its_command_line_or_by_the_caller():
    text = wrk(Wrk(), latency=False)
    assert parse(text).tool == "wrk"
    assert parse(text, "wrk2").tool == "wrk2"
    assert parse(f"$ wrk2 -c4 -R 2k http://h/\n{text}").tool == "wrk2"
    output = parse(f"$ wrk -c4 --rate=2k http://h/\n{text}")
    assert (output.tool, output.rate_rps) == ("wrk2", 2000)
    with pytest.raises(ParseError, match="line 1: this is wrk2's output, not wrk's"):
        parse(wrk2(Wrk()), "wrk")


def test_the_command_line_tells_what_the_output_does_not():
    text = "$ wrk -c 1k -t 10 http://h/\n1049 requests in 10.08s\nRequests/sec: 104\n"
    output = parse(text)
    assert (output.connections, output.threads) == (1000, 10)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", 1),
        ("\n \n\t\n", 1),
        ("hello\nworld\n", 1),
        ("\n\nIt did 12 threads and 400 connections, 50% of them.\n", 3),
        ("12 threads and 400 connections\n", 1),
        ("  50%    1.2ms\n", 1),
        ("Total: 1 2 3\n", 1),
        ('{"tool": "siege", "requests": 5}\n', 1),
        ("x" * 5000, 1),
        ("\x00\x01\x02\ufffd", 1),
    ],
)
def test_garbage_is_refused(text, line):
    with pytest.raises(ParseError) as caught:
        parse(text)
    assert caught.value.line == line


@pytest.mark.parametrize("tool", ["wrk", "wrk2", "ab", "iperf", "pacer"])
def test_another_tools_output_is_refused(tool):
    text = wrk(Wrk()) if tool in ("ab", "iperf", "pacer") else IPERF
    with pytest.raises(ParseError, match=f"no output of {tool} in this text"):
        parse(text, tool)


def test_an_unknown_tool_is_refused():
    with pytest.raises(TestbedError, match="unknown tool 'siege'; known: auto, wrk"):
        parse("x", "siege")


@pytest.mark.parametrize(
    "text",
    [
        "wrk: command not found\n",
        "unable to connect to 127.0.0.1:1 Connection refused\n",
        "Throughput MUST be specified with the --rate or -R option\n",
        "ab: Could not parse concurrency\n",
    ],
)
def test_the_tools_own_words_are_told(text):
    with pytest.raises(ParseError) as caught:
        parse("before\n" + text)
    assert caught.value.line == 2
    assert text.strip() in caught.value.what
