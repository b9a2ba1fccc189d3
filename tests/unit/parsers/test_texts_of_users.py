"""Outputs as users have them: quoted, printed by Python, listed one by one, mixed, in a diff."""

import difflib
import json
import pprint
import re
from pathlib import Path

import pytest
from rich.console import Console

from testbed.errors import TestbedError
from testbed.tools import ParseError, command, parse, parse_all

FIXTURES = Path(__file__).resolve().parents[2] / "contract" / "parsers" / "fixtures"
DOCUMENTS = (
    *("bombardier-plain", "iperf3-parallel", "k6-export", "oha-plain", "pacer-plain"),
    "vegeta-plain",
)


def fixture(name):
    return (FIXTURES / f"{name}.txt").read_text()


WRK, AB, HEY = fixture("wrk-latency"), fixture("ab-plain"), fixture("hey-plain")


# --- documents and texts as Python prints them


@pytest.mark.parametrize("name", DOCUMENTS)
@pytest.mark.parametrize(
    "printed",
    [
        repr,
        pprint.pformat,
        lambda document: f"2024-05-01 10:00:00,123 INFO result: {document!r} in 3 s",
        lambda document: repr([{"run": document, "ok": True, "why": None}]),
        lambda document: re.sub(r"(?<=[{ ])'", "u'", repr(document)),  # Python 2
    ],
)
def test_a_document_as_python_prints_it_is_that_document(name, printed):
    document = json.loads(fixture(name))
    assert parse_all(f"{printed(document)}\n") == parse_all(json.dumps(document))


def test_a_wrong_key_is_told_with_its_line_there_too():
    document = json.loads(fixture("oha-plain"))
    document["summary"]["total"] = "5 s"
    with pytest.raises(ParseError, match="summary.total") as refused:
        parse(f"\n{pprint.pformat(document, sort_dicts=False)}\n")
    assert refused.value.line > 2


@pytest.mark.parametrize(
    "text",
    [
        f"CompletedProcess(args=['wrk'], returncode=0, stdout={WRK!r}, stderr='')",
        repr(WRK.encode()),
        repr(WRK.splitlines()),
        "\n".join(f"INFO:root:{line!r}" for line in WRK.splitlines()),
        "\n".join(f"  {json.dumps(line)}," for line in WRK.splitlines()),
    ],
)
def test_a_report_within_quotes_is_told(text):
    with pytest.raises(ParseError, match="a run of wrk stands within quotes: print the text"):
        parse(text)


# --- lists of requests


VEGETA_JSON = (
    '{"attack":"","seq":0,"code":200,"timestamp":"2024-05-01T10:00:00Z","latency":1500000,'
    '"bytes_out":0,"bytes_in":18,"error":"","body":"b2s=","method":"GET","url":"http://192.0.2.1/"}'
)
VEGETA_CSV = "1714557600000000000,200,1500000,0,18,,b2s=,,0,GET,http://192.0.2.1/,Q29udA=="
LISTS = [
    ("vegeta", VEGETA_JSON, "`vegeta report -type=json FILE`"),
    ("vegeta", VEGETA_CSV, "`vegeta report -type=json FILE`"),
    ("vegeta", "Value(ms)  Percentile  TotalCount  1/(1-Percentile)\n0.2  0.5  3  2.0", "hdrplot"),
    ("vegeta", "Bucket           #     %       Histogram\n[0s,  2ms]  60  80.00%  ##", "hist"),
    (
        "hey",
        "response-time,DNS+dialup,DNS,Request-write,Response-delay\n0.1,0,0,0,0.1",
        "without -o",
    ),
    ("oha", "request-start,DNS,DNS+dialup,Response-delay,request-duration\n0,0,0,0,1", "json"),
    ("k6", "metric_name,timestamp,metric_value,check\nhttp_reqs,1714557600,1,", "summary-export"),
    ("ab", "Percentage served,Time in ms\n0,0.123\n1,0.145", "what ab itself prints"),
    ("ab", "starttime\tseconds\tctime\tdtime\tttime\twait\nWed May 1\t1\t0\t1\t1\t1", "ab itself"),
    ("h2load", "1714557600000123\t200\t1204\n1714557600000190\t-1\t1303", "h2load itself"),
]


@pytest.mark.parametrize(("tool", "text", "remedy"), LISTS)
def test_what_lists_requests_one_by_one_is_said_to_be_that(tool, text, remedy):
    for asked in ("auto", tool):
        with pytest.raises(ParseError) as refused:
            parse(f"{text}\n", asked)
        assert refused.value.what.startswith("these are ")
        assert tool in refused.value.what
        assert remedy in refused.value.what


@pytest.mark.parametrize(("tool", "text", "remedy"), LISTS)
def test_beside_a_report_it_is_told_once(tool, text, remedy):
    told, run = parse_all(f"{text}\n$ wrk -c20 http://127.0.0.1/\n{WRK}")
    assert (told.tool, run.tool, run.requests) == (tool, "wrk", 189591)
    assert len(told.problems) == 1
    assert remedy in told.problems[0]


def test_vegeta_s_binary_results_are_told(tmp_path):
    file = tmp_path / "results.gob"
    file.write_bytes(
        b"\xff\x8f\x7f\x03\x01\x01\x06Result\x01\xff\x80\x00\x01\x0c\x01\x06Attack\x01\x0c\x00\x01"
        b"\x07Latency\x01\x04\x00\x01\x08BytesOut\x01\x06\x00" + bytes(range(256))
    )
    arguments = type("Given", (), {"file": str(file), "tool": "auto", "all": False, "json": False})
    with pytest.raises(TestbedError, match="results in gob, its binary form; `vegeta report"):
        command.run(arguments(), Console())


def test_a_table_of_percentiles_alone_is_of_no_known_tool():
    rows = "1.247 0.000000000000 1 1.00\n6.130 0.500000000000 3001 2.00\n"
    tail = "#[Mean    =        6.510, StdDeviation   =        2.000]\n"
    with pytest.raises(ParseError, match="a table of percentiles alone"):
        parse(f"Value     Percentile TotalCount 1/(1-Percentile)\n\n{rows}{tail}")


def test_another_summary_of_k6_is_told():
    values = {"name": "http_reqs", "type": "counter", "values": {"count": 1800, "rate": 43.7}}
    with pytest.raises(ParseError, match="this is another output of k6"):
        parse(json.dumps({"results": {"metrics": [values]}}))


@pytest.mark.parametrize("name", ["bombardier-plain", "oha-plain", "vegeta-plain"])
def test_the_end_of_a_document_is_told_to_be_one(name):
    text = fixture(name)
    with pytest.raises(ParseError, match="which is not whole here"):
        parse(text[len(text) // 3 :])


# --- tables that a spreadsheet has saved


@pytest.mark.parametrize("name", ["iperf-csv-client", "iperf-dual-csv-server"])
@pytest.mark.parametrize(
    "saved",
    [
        lambda text: re.sub(r"[^,\n]+", lambda cell: f'"{cell[0]}"', text),
        lambda text: text.replace(",", ";"),
        lambda text: text.replace(",", "\t"),
        lambda text: re.sub(r"[^,\n]+", lambda cell: f'"{cell[0]}"', text).replace(",", ";"),
    ],
)
def test_rows_of_iperf_that_went_through_a_spreadsheet_are_read(name, saved):
    text = fixture(name)
    assert parse_all(saved(text)) == parse_all(text)


def test_newer_versions_of_iperf_write_the_time_zone_and_two_fields_of_the_interval():
    text = fixture("iperf-csv-client")
    zoned = re.sub(r"^(?=\d{14})", "+0200:", text, flags=re.MULTILINE)
    assert parse_all(zoned) == parse_all(text)
    head = "time,srcaddress,srcport,dstaddr,dstport,transferid,istart,iend,bytes,speed,writecnt\n"
    rows = re.sub(r"(\d\.\d)-(\d+\.\d),", r"\1,\2,", zoned)
    assert rows != zoned
    assert parse_all(head + rows) == parse_all(text)
    (output,) = parse_all(rows + rows.replace(",0.0,", ",0:0,"))
    assert "Not understood, and left out" in " ".join(output.problems)


def test_a_row_that_a_spreadsheet_rounded_is_told():
    text = fixture("iperf-csv-client").replace(",23016147887", ",2.3E+10").replace(",", ";")
    (output,) = parse_all(text)
    assert "Not understood, and left out" in " ".join(output.problems)


# --- several runs in one text


@pytest.mark.parametrize(
    "aborted",
    [
        fixture("ab-timeout"),
        AB[: AB.index("Completed 300")] + "apr_socket_recv: Connection reset by peer (104)\n",
        AB[: AB.index("Completed 300")] + "Test aborted after 10 failures\n\n",
    ],
)
@pytest.mark.parametrize("head", ["", "Server Software:        nginx/1.22.1\n"])
def test_an_aborted_ab_takes_nothing_from_a_report_without_its_head(aborted, head):
    rest = AB[AB.index("Server Hostname") :]
    first, second = parse_all(f"{aborted.rstrip()}\n\n{head}{rest}")
    assert "ab gave up: " in first.problems[0]
    assert (first.requests, first.url) == (None, None)
    assert (second.requests, second.url) == (500, "http://127.0.0.1:28080/index")
    assert not any("apr_" in problem or "interrupted" in problem for problem in second.problems)


def test_an_ab_that_goes_on_after_a_message_is_one_run():
    said = "apr_socket_recv: Connection reset by peer (104)\n"
    (output,) = parse_all(AB.replace("Completed 300", f"{said}Completed 300"))
    assert output.requests == 500
    assert output.problems[0].startswith("ab says: apr_socket_recv")
    (output,) = parse_all(AB.replace("Finished 500", f"{said}Finished 500"))
    assert output.requests == 500


OTHER = WRK.replace("189591", "199591").replace("90281.39", "95043.33").replace("358.31", "340.00")


@pytest.mark.parametrize(
    "prefix", ["wrk-{}  | ", "\x1b[3{}mwrk-{}  |\x1b[0m ", "[pod/wrk-{}/wrk] "]
)
def test_containers_that_print_at_once_are_told_apart_by_their_prefixes(prefix):
    lines = zip(WRK.splitlines(), OTHER.splitlines(), strict=True)
    text = "".join(
        f"{prefix.format(number, number)}{line}\n"
        for pair in lines
        for number, line in enumerate(pair, start=1)
    )
    figures = [(run.requests, run.throughput_rps, run.latency_us.mean) for run in parse_all(text)]
    assert figures == [(189591, 90281.39, 358.31), (199591, 95043.33, 340.0)]


def test_two_runs_mixed_line_by_line_are_told():
    lines = zip(WRK.splitlines(), OTHER.splitlines(), strict=True)
    runs = parse_all("".join(f"{one}\n{other}\n" for one, other in lines))
    for run in runs:
        if run.requests is not None or run.throughput_rps is not None:
            assert any("lines of both are mixed here" in problem for problem in run.problems)


def test_a_diff_is_not_taken_for_a_report():
    diff = "".join(difflib.unified_diff(WRK.splitlines(True), OTHER.splitlines(True), "a", "b"))
    with pytest.raises(ParseError, match="those of a diff, so of two texts") as refused:
        parse(diff)
    assert refused.value.line == 3
    assert parse(f"{diff}\n{WRK}").requests == 189591
    assert parse(f"@@ -1,{'9' * 5000} +1 @@\n{WRK}").requests == 189591  # too long to be one


# --- what other programs make of a text


def test_lines_of_a_list_in_yaml_are_read():
    for quoted in ("- '{}'", '- "{}"', "- {}"):
        lines = "".join(f"      {quoted.format(line)}\n" for line in WRK.splitlines())
        assert parse(f"    stdout_lines:\n{lines}    rc: 0\n") == parse(WRK)


def test_characters_that_a_page_has_written_by_name_are_read():
    page = WRK.replace("@", "&#64;").replace("/", "&#x2F;").replace("  ", "&nbsp; ")
    assert parse(f"<pre>{page}</pre>\n") == parse(WRK)
    url = "http://192.0.2.1/?a=1&copy=2&amp=3"
    assert parse(WRK.replace("http://127.0.0.1:28080/index", url)).url == url


def test_neither_boom_nor_autocannon_is_taken_for_wrk():
    boom = (
        "Summary:\n  Total:\t0.1011 secs.\n  Slowest:\t0.0410 secs.\n  Fastest:\t0.0010 secs.\n"
        "  Average:\t0.0090 secs.\n  Requests/sec:\t989.1196\n"
    )
    with pytest.raises(ParseError, match="this is the report of boom"):
        parse(boom)
    autocannon = (
        "Running 10s test @ http://localhost:3000\n10 connections\n\n"
        "\u2502 Stat    \u2502 2.5% \u2502 50%  \u2502 Avg     \u2502 Max      \u2502\n"
        "\u2502 Latency \u2502 0 ms \u2502 0 ms \u2502 0.02 ms \u2502 16.45 ms \u2502\n\n"
        "114k requests in 10.01s, 14.1 MB read\n"
    )
    with pytest.raises(ParseError, match="no output of wrk, "):
        parse(autocannon)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            WRK.replace("   91.51%", ""),
            "'Latency   358.31us  625.01us   5.31ms' is not a line as wrk",
        ),
        (
            HEY.replace("22164 responses", "22,164 responses"),
            "22,164 responses' is not a line as hey",
        ),
        (HEY.replace("secs", "ms"), "'10% in 0.0001 ms' is not a line as hey prints it"),
    ],
)
def test_a_line_that_is_there_in_another_form_is_told(text, line):
    with pytest.raises(ParseError) as refused:
        parse(text)
    assert line in refused.value.what


def _as_typed(kind: str, text: str) -> str:
    """Return the text as pages and editors make it."""
    if kind == "code of Markdown":
        return "\n".join(f"`{line}`" if line.strip() else line for line in text.splitlines())
    if kind == "list of a page":
        return "\n".join(f"<li>{line}</li>" for line in text.splitlines())
    if kind == "Ansible's YAML":
        return "res.stdout_lines:\n" + "\n".join(f"- '{one}'" for one in text.splitlines())
    return text.translate({ord("-"): "\u2013", ord(" "): "\u200b ", ord("'"): "\u2019"})


@pytest.mark.parametrize(
    "kind", ["code of Markdown", "list of a page", "Ansible's YAML", "typographic characters"]
)
@pytest.mark.parametrize("name", ["ab-404", "wrk-half-errors", "hey-refused", "h2load-plain"])
def test_what_pages_and_editors_make_of_a_report_is_read(kind, name):
    text = (FIXTURES / f"{name}.txt").read_text()
    assert parse_all(_as_typed(kind, text)) == parse_all(text)


def test_dashes_of_options_are_read():
    command = "wrk \u2013t2 \u2013c10 \u2013\u2013latency \u2014timeout 5 http://192.0.2.1/"
    (output,) = parse_all(f"{command}\n{(FIXTURES / 'wrk-plain.txt').read_text()}")
    assert output.command == "wrk -t2 -c10 --latency --timeout 5 http://192.0.2.1/"


def test_a_server_report_with_a_remark_is_still_the_server_s():
    text = (FIXTURES / "iperf-udp-client.txt").read_text()
    noted = text.replace("Server Report:", "Server Report: <- from the other end")
    assert parse_all(noted) == parse_all(text)


def test_a_stream_whose_first_line_was_changed_is_told():
    text = (FIXTURES / "iperf-client.txt").read_text()
    (output,) = parse_all(text.replace(" connected with ", " connected with:"))
    assert output.connections is None
    assert any("Not understood" in problem for problem in output.problems)


def test_ab_s_last_line_is_missed():
    text = (FIXTURES / "ab-plain.txt").read_text()
    (output,) = parse_all(text[:-10])
    assert "Not in this output: the longest request (100%)." in output.problems


def test_builds_of_hey_that_print_the_percent_sign_twice_are_read():
    assert parse_all(HEY.replace("% in ", "%% in ")) == parse_all(HEY)


def test_h2load_s_times_in_other_columns_are_told_and_the_rest_is_read():
    text = (FIXTURES / "h2load-plain.txt").read_text()
    other = text.replace("time for request:", "request     :      20us")
    (output,) = parse_all(other)
    assert output.requests == parse_all(text)[0].requests
    assert output.latency_us.mean is None
    (problem,) = output.problems
    assert problem.startswith("Not understood, and left out: 'request     :")


GO_WRK = (
    "Running 5s test @ http://192.0.2.1:8000/\n  80 goroutine(s) running concurrently\n"
    "94571 requests in 4.91s, 10.01MB read\nRequests/sec:\t\t19249.95\nTransfer/sec:\t\t2.04MB\n"
    "Avg Req Time:\t\t4.15ms\nNumber of Errors:\t3\n"
)


@pytest.mark.parametrize("text", [GO_WRK, GO_WRK.partition("\n")[2]])
def test_go_wrk_is_not_taken_for_wrk(text):
    with pytest.raises(ParseError, match="this is the report of go-wrk"):
        parse(text)
    beside = parse_all(f"{WRK}\n{text}")
    assert beside[0] == parse(WRK)
    assert any("go-wrk" in problem for problem in beside[1].problems)


def test_a_fork_of_wrk2_that_prints_a_ruler_and_the_url_has_one_run():
    text = (FIXTURES / "wrk2-fork.txt").read_text()
    heading = f"{'-' * 71}\nTest Results @ http://192.0.2.1/ \n  Thread Stats"
    assert parse_all(text.replace("  Thread Stats", heading)) == parse_all(text)
