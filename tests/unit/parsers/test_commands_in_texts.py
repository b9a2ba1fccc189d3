"""Command lines that stand above an output, and what only looks like one."""

import pytest

from testbed.tools import READER


@pytest.mark.parametrize(
    ("line", "program", "text"),
    [
        ("$ wrk -t2 http://h/", "wrk", "wrk -t2 http://h/"),
        ("# ab -n 5 http://h/", "ab", "ab -n 5 http://h/"),
        ("user@host:~$ wrk2 -R4000 http://h/", "wrk2", "wrk2 -R4000 http://h/"),
        ("[root@host ~]# iperf -s", "iperf", "iperf -s"),
        ("+ wrk -c 4 http://h/", "wrk", "wrk -c 4 http://h/"),
        ("wrk http://h/", "wrk", "wrk http://h/"),
        ("$ ./bin/wrk -R 9 http://h/", "wrk", "./bin/wrk -R 9 http://h/"),
        ("$ sudo wrk -c1 http://h/", "wrk", "sudo wrk -c1 http://h/"),
        ("$ taskset -c 1 wrk -c1 http://h/", "wrk", "taskset -c 1 wrk -c1 http://h/"),
        ("$ wrk -c 500 http://h/ average results:", "wrk", "wrk -c 500 http://h/"),
        ("$ wrk http://h/ -c 500 -t 10", "wrk", "wrk http://h/ -c 500 -t 10"),
    ],
)
def test_a_command_is_found(line, program, text):
    command = READER.command_in(line)
    assert (command.program, command.text) == (program, text)


@pytest.mark.parametrize(
    "line",
    [
        "wrk hits as fast as possible, where wrk2 hits with the same rate.",
        "For now, I use wrk and wrk2 to benchmark.",
        "ab is older",
        "$ awrk -t2 http://h/",
        "$ siege -r 5 http://h/",
        "",
    ],
)
def test_prose_and_other_programs_are_no_commands(line):
    assert READER.command_in(line) is None


@pytest.mark.parametrize(
    "words", ["-R4000", "-R 4000", "--rate 4000", "--rate=4000", "-H 'a: b' -R 4000", "-R'4000'"]
)
def test_an_option_may_be_written_in_all_ways(words):
    command = READER.command_in(f"$ wrk {words} http://h/")
    assert command.option("-R", "--rate") == "4000"
    assert command.has("-R", "--rate")
    assert not command.has("-U", "--u_latency")


def test_an_unbalanced_quote_is_no_crash():
    assert READER.command_in("$ wrk -c 3 -H 'a http://h/").option("-c", "--connections") == "3"
