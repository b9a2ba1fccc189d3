"""Outputs that end, or begin, in the middle: what is not there is None, and said."""

import pytest
from printing import Ab, Wrk, ab, wrk, wrk2

from testbed.tools import ParseError, parse, parse_all

FULL = wrk(Wrk(status=56, timeout=760))


def upto(text: str, end: str) -> str:
    """`text` up to and with `end`, which it holds."""
    return text[: text.index(end) + len(end)]


def test_a_run_that_was_killed_has_no_figures():
    output = parse(upto(FULL, "400 connections\n"))
    assert (output.connections, output.threads) == (400, 12)
    assert output.requests is output.duration_s is output.throughput_rps is None
    assert output.goodput_rps is output.errors.status is output.errors.timeout is None
    assert output.latency_us.mean is None
    assert "latency, number of requests and their duration, requests/s" in output.problems[0]


def test_errors_are_zero_only_where_their_line_has_been_passed():
    clean = wrk(Wrk())
    assert parse(clean).errors.model_dump(exclude={"wrong_body"}) == dict.fromkeys(
        ("connect", "read", "write", "timeout", "status"), 0
    )
    cut = parse(upto(clean, "MB read\n"))
    assert cut.requests == 120_000
    assert cut.errors.timeout is cut.errors.status is cut.goodput_rps is None
    cut = parse(upto(FULL, "timeout 760\n"))
    assert (cut.errors.timeout, cut.errors.connect, cut.errors.status) == (760, 0, None)
    cut = parse(upto(FULL, "responses: 56\n"))
    assert cut.errors.status == 56
    assert cut.goodput_rps == pytest.approx((120_000 - 56) / 30.03)
    assert cut.throughput_rps is None


@pytest.mark.parametrize(
    ("end", "field"),
    [
        ("Requests/sec:   3996.0", "throughput_rps"),
        ("Requests/sec:   3996", "throughput_rps"),
        ("Requests/sec:   399", "throughput_rps"),
        ("Requests/sec:   3", "throughput_rps"),
        ("Requests/sec:", "throughput_rps"),
        ("120000 requests in 30.0", "requests"),
        ("120000 requests in 30.03s, 744.82M", "requests"),
        ("  12 threads and 40", "connections"),
    ],
)
def test_a_figure_that_may_have_lost_digits_is_not_believed(end, field):
    output = parse(upto(FULL, end))
    assert getattr(output, field) is None


def test_an_address_that_may_have_lost_digits_is_not_believed():
    killed = "$ wrk -c 3 http://198.18.0.100/\nRunning 30s test @ http://198.18.0.10"
    with pytest.raises(ParseError, match="no output of"):
        parse(killed)


def test_a_time_that_may_have_lost_a_letter_is_not_believed():
    assert parse(upto(FULL, "99%    9.00m")).latency_us.percentiles.keys() == {"50", "75", "90"}
    assert parse(upto(FULL, "timeout 76")).errors.timeout is None
    assert parse(upto(FULL, "responses: 5")).errors.status is None


def test_a_last_line_without_a_newline_is_believed_if_it_is_whole():
    assert parse(upto(FULL, "Requests/sec:   3996.00")).throughput_rps == 3996.0
    assert parse(FULL.rstrip()) == parse(FULL)
    by_hand = "Average results of Running 10s test @ http://h/\n{}Requests/sec:    104"
    assert parse(by_hand.format("1049 requests in 10.08s\n")).throughput_rps == 104
    assert parse(by_hand.format("10490 requests in 10.08s\n")).throughput_rps is None
    assert parse(by_hand.format("1059 requests in 10.08s\n")).throughput_rps is None  # 105.06
    assert parse(by_hand.format("")).throughput_rps is None


def test_a_report_without_its_head_is_still_one():
    output = parse(FULL[FULL.index("  Latency Distribution") :])
    assert output.url is output.connections is None
    assert output.requests == 120_000
    assert output.latency_us.percentiles["99"] == 9000
    assert output.latency_us.mean is None
    assert output.problems == ["Not in this output: duration and URL as asked, latency."]


def test_latencies_without_their_heading_are_left_out():
    """They may be the uncorrected ones, which look far better."""
    run = Wrk(uncorrected_us=[100, 200, 300])
    lines = [line for line in wrk2(run).splitlines() if "Uncorrected" not in line]
    output = parse("\n".join(lines) + "\n")
    assert output.latency_us == parse(wrk2(Wrk())).latency_us
    assert output.service_us is None
    assert output.problems == ["Latencies without their heading are left out."]


def test_a_column_that_lost_its_unit_is_no_figure():
    text = FULL.replace("9.00ms   75.00%", "30744573   75.00%")
    output = parse(text)
    assert output.latency_us.max is None
    assert output.latency_us.mean == pytest.approx(3220)
    assert "30744573 lost its unit" in output.problems[0]


def test_columns_that_wrk_glues_together_or_cuts_off_are_told_apart():
    """A mean of 1000.00ms loses its s; a maximum of 1000.00ms touches the deviation."""
    text = wrk(Wrk(latency_us=[1, 999_995]))
    assert "707.10ms1000.00ms" in text
    times = parse(text).latency_us
    assert (times.stdev, times.max) == (707_100, 1_000_000)
    text = wrk(Wrk(latency_us=[999_996]))
    assert "   1000.00m    0.00us1000.00ms" in text
    assert parse(text).latency_us.mean == 1_000_000
    assert parse(text.replace("0.00us1000.00ms", "1000.00ms")).latency_us.mean is None


def test_a_malformed_line_is_refused_with_its_number():
    with pytest.raises(ParseError, match=r"line 4: '3\.2xms' is no time"):
        parse(FULL.replace(" 3.22ms", "3.2xms"))
    with pytest.raises(ParseError, match="line 16: 'Requests/sec: a lot' is not a line"):
        parse("\n\n" + FULL.replace("Requests/sec:   3996.00", "Requests/sec: a lot"))
    with pytest.raises(ParseError, match="line 11: '30,03s' is no figure"):
        parse(FULL.replace("30.03s", "30,03s"))
    with pytest.raises(ParseError, match="line 15: 'Failed requests:        none' is not a line"):
        parse(ab(Ab()).replace("Failed requests:        0", "Failed requests:        none"))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("    3.22ms", "   x3.22ms"),
        ("120000 requests in", "120,000 requests in"),
        ("Requests/sec:   3996.00", "Requests/sec: a lot\nRequests/sec: a lot"),
        ("50%    1.90ms", "150%    1.90ms"),
        ("120000 requests in", f"{'9' * 400} requests in"),
        ("400 connections", f"{'9' * 400} connections"),
        ("timeout 760", f"timeout {'9' * 400}"),
    ],
)
def test_a_malformed_line_of_wrk_is_refused(old, new):
    assert FULL.count(old) == 1
    with pytest.raises(ParseError) as caught:
        parse(FULL.replace(old, new))
    assert caught.value.line == FULL[: FULL.index(old)].count("\n") + 1


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Total:          3   16", "Total:          3   1x"),
        ("  99%    120", "  99%    1e2"),
        ("  99%    120", " 199%    120"),
        ("Complete requests:      1000", f"Complete requests: {'9' * 400}"),
    ],
)
def test_a_malformed_line_of_ab_is_refused(old, new):
    text = ab(Ab(times_ms=[3] * 50 + [5] * 40 + [120] * 10))
    assert text.count(old) == 1
    with pytest.raises(ParseError) as caught:
        parse(text.replace(old, new))
    assert caught.value.line == text[: text.index(old)].count("\n") + 1


@pytest.mark.parametrize(
    "line",
    [
        "[  1] 0.0-1.0 sec  lots of GBytes",
        "[SUM] 0.0-nan sec  1.10 GBytes  941 Mbits/sec",
        "20261121000000,a,4,b,5001,3,0.0-10.0,1187512920,a lot",
        f"20261121000000,a,4,b,5001,3,0.0-10.0,{'9' * 400},{'9' * 400}",
        f"20261121000000,a,4,b,5001,3,0.0-{'9' * 400}.0,1187512920,925952244",
    ],
)
def test_a_malformed_line_of_iperf_is_refused(line):
    with pytest.raises(ParseError, match=r"line 2: .* is (?:not a line|no figure) as iperf"):
        parse(f"Client connecting to h, TCP port 5001\n{line}\n")


def test_ab_that_was_cut_off():
    full = ab(Ab(status=7, length=3))
    output = parse(upto(full, "Complete requests:      1000\n"))
    assert (output.requests, output.duration_s, output.connections) == (1000, 1.25, 50)
    assert output.errors.status is output.errors.connect is output.goodput_rps is None
    output = parse(upto(full, "Failed requests:        3\n"))
    assert output.errors.connect is output.errors.wrong_body is None
    assert "failed requests by class" in output.problems[0]
    output = parse(upto(full, "Complete requests:      10"))
    assert output.requests is None
    output = parse(upto(full, "  99%    12"))
    assert "99" not in output.latency_us.percentiles


def test_iperf_that_was_cut_off():
    head = (
        "Client connecting to h, TCP port 5001\n[  1] local a port 4 connected with b port 5001\n"
    )
    first = "[  1] 0.0-1.0 sec  110 MBytes   923 Mbits/sec\n"
    second = "[  1] 1.0-2.0 sec  110 MBytes   923 Mbits/sec\n"
    output = parse(head + first + second)
    assert output.flows is None
    assert output.problems == ["Stream 1 ends amid its intervals: the whole is not printed."]
    assert parse(head + first + second[:-6]).flows[0].mbit_per_s == 923  # only the first is there
    output = parse(f"$ iperf -c b -t 2 -i 1\n{head}{first}")
    assert output.problems == ["The run was stopped early: 1 s of the 2 s asked for."]
    assert parse(f"$ iperf -c b -t1\n{head}{first}").problems == []
    assert parse(f"$ iperf -s -t 60\n{head}{first}").problems == []
    csv = "20261121000000,a,4,b,5001,3,0.0-10.0,1187512920,925952244"
    assert parse(csv).flows[0].mbit_per_s == 925.952244
    assert parse(csv[:-1]).flows is None
    assert parse(csv[:-1]).problems[0] == "The last line is cut off, and left out."
    with pytest.raises(ParseError, match="only iperf 2 is read"):
        parse("[  5]   0.00-10.00  sec  1.10 GBytes   941 Mbits/sec    0             sender\n")


def test_each_of_several_runs_may_be_cut_off():
    runs = parse_all(upto(FULL, "MB read\n") + FULL + upto(FULL, "connections\n") + FULL)
    assert [run.requests for run in runs] == [120_000, 120_000, None, 120_000]
    assert [run.goodput_rps is None for run in runs] == [True, False, True, False]


def test_h2load_that_was_cut_off_amid_its_threads_does_not_tell_how_many():
    thread = "spawning thread #{}: 5 total client(s). Timing-based test with 0s of warm-up time\n"
    head = f"starting benchmark...\n{thread.format(0)}{thread.format(1)}"
    assert parse(head).threads is parse(head).connections is None
    started = parse(f"{head}progress: 20% of clients started\n")
    assert (started.threads, started.connections) == (2, 10)


HEY = """
Summary:
  Total:\t2.0000 secs
  Slowest:\t0.0110 secs
  Fastest:\t0.0000 secs
  Average:\t0.0009 secs
  Requests/sec:\t1000.0000


Response time histogram:
  0.000 [1]\t|

Latency distribution:
  50% in 0.0005 secs
  99% in 0.0096 secs

Details (average, fastest, slowest):
  resp read:\t0.0000 secs, 0.0000 secs, 0.0008 secs

Status code distribution:
  [200]\t1950 responses
  [503]\t20 responses

Error distribution:
  [10]\tGet "http://h/": dial tcp h:80: connect: connection refused
  [12]\tGet "http://h/": context deadline exceeded (Client.Timeout exceeded while awaiting headers)
  [5]\tGet "http://h/": write tcp a:4->h:80: write: broken pipe
  [3]\tGet "http://h/": read tcp a:5->h:80: read: connection reset by peer



"""


def test_heys_errors_are_told_apart_by_its_words():
    output = parse(HEY)
    assert output.problems == []
    assert output.requests == 1970
    assert output.throughput_rps == pytest.approx(985)
    assert output.goodput_rps == pytest.approx(975)
    errors = output.errors.model_dump(exclude={"wrong_body"})
    assert errors == {"connect": 10, "read": 3, "write": 5, "timeout": 12, "status": 20}


def test_hey_that_was_cut_off_anywhere_is_neither_wrks_nor_whole():
    full = parse(HEY)
    whole = len(HEY.rstrip())
    for end in range(HEY.index("secs") + 5, whole + 1):
        (output,) = parse_all(HEY[:end])
        assert output.tool == "hey"
        assert output.problems
        assert output.requests is output.throughput_rps is output.goodput_rps is None
        assert output.errors.model_dump(exclude_none=True) == {}
    assert parse(HEY[: whole + 1]) == full
    with pytest.raises(ParseError, match="no output of wrk"):
        parse(HEY, "wrk")


@pytest.mark.parametrize(
    ("lost", "why"),
    [
        ("  [503]\t20 responses\n", "1980 answers and errors are not what 1000.0000 requests/s"),
        ("Error distribution:\n", "1970 answers and errors are not what"),
        ("1000.0000\n", "Not in this output: requests/s, number of answers"),
        ("  Requests/sec:\t1000.0000\n", "Not in this output: requests/s, number of answers"),
        ("Status code distribution:\n", "Not in this output: number of answers"),
    ],
)
def test_a_line_that_hey_lost_is_missed(lost, why):
    assert HEY.count(lost) == 1
    output = parse(HEY.replace(lost, ""))
    assert why in output.problems[0]
    assert output.requests is output.goodput_rps is output.errors.status is None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("  99% in", " 199% in"),
        ("[200]\t1950", f"[200]\t{'9' * 400}"),
        ("[10]\tGet", f"[{'9' * 400}]\tGet"),
    ],
)
def test_a_malformed_line_of_hey_is_refused(old, new):
    assert HEY.count(old) == 1
    with pytest.raises(ParseError) as caught:
        parse(HEY.replace(old, new))
    assert caught.value.line == HEY[: HEY.index(old)].count("\n") + 1


def test_more_answers_than_hey_keeps_are_counted_by_its_rate():
    rate = 620_000.1234
    text = HEY.replace("1000.0000", str(rate)).replace("1950 resp", "999980 resp")
    output = parse(text)
    assert output.requests == round(2 * rate) - 30
    assert output.throughput_rps == pytest.approx(rate - 15)
    assert output.goodput_rps is output.errors.status is output.latency_us.mean is None
    assert output.latency_us.percentiles["99"] == 9600
    assert "hey keeps 1000000 answers" in output.problems[0]
