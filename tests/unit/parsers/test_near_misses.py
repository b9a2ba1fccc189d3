"""Lines that are nearly those of a tool are read or told, never passed over.

Where a tool prints no line of errors there were none, so a line passed over makes a wrong figure.
"""

import re
from pathlib import Path

import pytest

from testbed.tools import READER, ParseError, parse, parse_all

FIXTURES = Path(__file__).parents[2] / "contract" / "parsers" / "fixtures"


def fixture(name):
    return (FIXTURES / f"{name}.txt").read_text()


WRK, AB, HEY = fixture("wrk-half-errors"), fixture("ab-half-errors"), fixture("hey-refused")


def another_form(line):
    """The line as people and editors write it."""
    yield line.replace(":", " :", 1)
    yield line.replace(":", "", 1)
    yield line.replace(":", " =", 1)
    yield line.lower()
    yield line.upper()
    yield f"- {line}"
    yield f"**{line}**"
    yield f"2. {line}"


@pytest.mark.parametrize(
    ("text", "begins"),
    [
        (WRK, "Non-2xx or 3xx responses"),
        (WRK, "Requests/sec"),
        (fixture("wrk-late"), "Socket errors"),
        (AB, "Non-2xx responses"),
        (AB, "Failed requests"),
        (AB, "Complete requests"),
        (AB, "Total: "),
        (fixture("hey-half-errors"), "Fastest"),
    ],
)
def test_a_line_of_figures_in_another_form_is_refused_with_its_number(text, begins):
    (number, line), *_ = [
        (number, line.strip())
        for number, line in enumerate(text.splitlines(), 1)
        if line.strip().startswith(begins)
    ]
    for other in another_form(line):
        lines = text.splitlines()
        lines[number - 1] = other
        with pytest.raises(ParseError) as refused:
            parse("\n".join([*lines, ""]))
        assert refused.value.line == number, other


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("wrk-half-errors", "Non-2xx or 3xx responses"),
        ("wrk-late", "Socket errors: connect 0"),
        ("ab-half-errors", "Non-2xx responses"),
        ("ab-one-failure", "(Connect: 0, Receive: 171"),
    ],
)
def test_a_line_of_errors_that_an_editor_has_wrapped_is_told(name, words):
    text = fixture(name)
    assert words in text
    for place in re.finditer(" ", words):
        wrapped = f"{words[: place.start()]}\n{words[place.end() :]}"
        (output, _) = parse_all(text.replace(words, wrapped) + fixture("iperf-client"))
        assert re.search("Not understood|is not a line as", " ".join(output.problems))
        assert output.goodput_rps is None


def test_tabs_are_blanks():
    for text in (WRK, AB, fixture("h2load-half-errors")):
        assert parse(re.sub(r"(?<=\S) +(?=\S)", "\t", text)) == parse(text)


@pytest.mark.parametrize("line", ["- 99%    9.00ms", "**99%**  9.00ms", "p99   9.00ms", "99%"])
def test_a_line_under_the_heading_of_percentiles_is_told(line):
    text = fixture("wrk-latency")
    changed = re.sub(r"     99%.*", line, text)
    output = parse(changed)
    assert "99" not in output.latency_us.percentiles
    assert output.problems[0] == f"Not understood, and left out: '{line}'."


def test_words_below_a_report_are_no_part_of_it():
    said = "Requests per second went from 100 to 200, and failed requests were 0 in 5 runs.\n"
    assert parse(AB + said) == parse(AB)
    assert parse(WRK + "Non-2xx or 3xx were 0, socket errors 0 as well.\n") == parse(WRK)


def test_the_goodput_of_ab_is_unknown_if_it_does_not_say_how_requests_failed():
    output = parse(AB.replace("Failed requests:        0", "Failed requests:        9"))
    assert output.goodput_rps is None
    assert "failed requests by class" in output.problems[0]


def test_old_versions_say_it_in_other_words():
    text = fixture("h2load-half-errors")
    old = re.sub(r", \d+ timeout|(?<=traffic: )\S+ \((?=\d)", "", text).replace(
        ") total", " bytes total"
    )
    assert old.count(" bytes total") == 1
    assert parse(old) == parse(text)
    assert parse(AB.replace("Non-2xx", "Broken pipe errors:     2\nNon-2xx")).errors.write == 2
    first = WRK.replace("Running 1s test @", "Making 78495 requests to")
    output = parse(first)
    assert output == parse(WRK).model_copy(update={"problems": output.problems})


def test_an_error_of_hey_whose_words_show_no_class_is_told():
    error = re.search(r"\[\d+\]\tGet.*", HEY)[0]
    output = parse(HEY.replace(error, re.sub(r"Get.*", "the moon was full", error)))
    assert "errors are counted as read errors: 'the moon was full'" in " ".join(output.problems)


def test_the_server_s_report_of_iperf_is_known_in_small_letters():
    text = fixture("iperf-udp-client")
    assert parse(text.replace("Server Report", "Server report")) == parse(text)


def test_times_that_a_ci_service_hides_before_each_line_do_not_matter():
    hidden = "".join(
        f"\x1b_bk;t=17145576{n:05}\x07{one}\r\n" for n, one in enumerate(WRK.split("\n"))
    )
    assert parse(hidden) == parse(WRK)


@pytest.mark.parametrize(
    ("prompt", "command"),
    [
        ("user@host ~ % ", "wrk -c4 http://h/"),
        ("\N{HEAVY ROUND-TIPPED RIGHTWARDS ARROW}  ~ ", "wrk -c4 http://h/"),
        ("(venv) user@host:~$ ", "wrk -c4 http://h/"),
        ("PS C:\\tools> ", ".\\wrk.exe -c4 http://h/"),
        ("$ ", "docker run --rm --net=host someone/wrk:4.0.2 -c4 http://h/"),
        ("$ ", "kubectl exec -it bench -- wrk -c4 http://h/"),
        ("$ ", "LD_LIBRARY_PATH=. ./wrk -c4 http://h/"),
    ],
)
def test_a_command_is_known_behind_other_prompts_and_programs(prompt, command):
    found = READER.command_in(prompt + command)
    assert (found.program, found.text, found.option("-c", "--connections")) == ("wrk", command, "4")


@pytest.mark.parametrize(
    ("name", "line", "other"),
    [
        ("hey-half-errors", r"50% in .*", "50%: in 0.0003 secs."),
        ("wrk2-real-plain", r"#\[Max .*", "# [max = 536.064, total count = 2,589]"),
        ("wrk2-real-plain", r"Thread calibration.*", "Thread calibration : mean lat 7,637ms"),
        ("wrk-latency", r"2 threads and .*", "2 threads and 20"),
        ("iperf-udp-client", r"\[  1\] 0\.0000-1\.0009.*", "* [1]  0.0000-1.0009 SEC 2.39 MB"),
        ("iperf-parallel-client", r"\[SUM\].*", "[SUM] 0,0-1,0 sec  9 gbytes  9 gbits/sec"),
    ],
)
def test_a_line_without_which_the_rest_can_be_read_is_told(name, line, other):
    changed, count = re.subn(line, other, fixture(name), count=1)
    assert count
    (output,) = parse_all(changed)
    told = [one for one in output.problems if "Not understood, and left out: " in one]
    assert other.removeprefix("# ").removeprefix("* ") in told[0]
    if name.startswith("wrk2"):
        assert None in (output.timed, output.untimed_us)


def test_the_rest_of_a_wrapped_line_of_iperf_is_told():
    text = fixture("iperf-client")
    (output,) = parse_all(re.sub(r"(\[  1\]) (0\.0000)", r"\1\n\2", text) + text)[:1]
    assert "is not a line as iperf prints it" in output.problems[0]


def test_a_report_of_ab_without_its_means_says_so():
    (output,) = parse_all(re.sub(r"Total:  .*\n", "", AB))
    assert "Not in this output: mean latency." in output.problems


@pytest.mark.parametrize(
    "said",
    [
        "Socket errors: connect 0, read 0, write 0, timeout 0\nNon-2xx responses: 0\n",
        "Latency Distribution:\n  50%: 1.2ms\n  Latency Distribution\n  50%  1.20ms\n",
        "Total requests: 5\nRequests/sec: 71353.19\n",
    ],
)
def test_what_a_script_prints_below_a_report_is_told_and_no_run_of_its_own(said):
    (output,) = parse_all(WRK + said)
    assert output.problems.pop().startswith("Lines below the report are like wrk's, as a script")
    assert output == parse(WRK)
    assert parse(f"{WRK}Socket errors: none\nRequests/sec: as above\n") == parse(WRK)


@pytest.mark.parametrize("text", [WRK, AB, fixture("wrk2-plain")])
def test_rows_of_a_table_are_lines(text):
    rows = [re.sub(r"(?<=\S)\s{2,}(?=\S)", " | ", line.strip()) for line in text.splitlines()]
    assert parse("".join(f"| {row} |\n" for row in rows)) == parse(text)


@pytest.mark.parametrize(
    "text",
    [
        WRK.partition("\n")[2],
        AB[AB.index("Server Software") :],
        re.sub(r"(?s).*(?=finished in)", "", fixture("h2load-half-errors")),
        fixture("iperf-client").partition("[ ID]")[1]
        + fixture("iperf-client").partition("[ ID]")[2],
    ],
)
def test_what_stands_before_each_line_is_learnt_without_the_first_line(text):
    for prefix in ("    machine: ", "run one > "):
        assert parse("".join(f"{prefix}{line}\n" for line in text.splitlines())) == parse(text)
