"""Regular expressions that would take for ever are refused, or broken off."""

import re
import signal
import threading

import pytest

from testbed import patterns
from testbed.asked import answers
from testbed.asked.expectations import read
from testbed.errors import TestbedError
from testbed.model.catalogue import Housekeeping
from testbed.model.expected import ExpectedAnswer
from testbed.validity import sql

SLOW_AT_RUN_TIME = ".*.*.*x"  # a power of the text's length, not of two


@pytest.mark.parametrize(
    "pattern",
    [
        r"(H|H)*x",
        r"(a+b?)+",
        r"(a|ab|b)*c",
        r"(\w+\s?)*",
        r"Hello,? (a|a)*x",
        r"\[(?:foo|foo)*\]",
        r"[(](\d|\d\d)+;",
        r"([^,]*,?)*;",
        r"(?:a{1,9}){1,50}b",
        r"(?P<all>(?:ab?|a?b)*)z",
        "(é|é)*x",
    ],
)
def test_what_can_match_in_many_ways_is_found(pattern):
    assert patterns.is_ambiguous(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        r"Hello, World!",
        r"(?:[0-9]+,)*[0-9]+",
        r"(?:\w+: \d+\n)+",
        r"(foo|bar)*baz",
        r"(?P<x>a)(?P=x)+",
        r"((a)\2)+",
        r"[]()*]+(?:[^\"\\]|\\.)*",
        r"SELECT (?:\"[a-z_]+\",? ?)+ FROM .*",
        SLOW_AT_RUN_TIME,
    ],
)
def test_sound_patterns_pass(pattern):
    assert not patterns.is_ambiguous(pattern)


def test_a_slow_match_is_broken_off(monkeypatch, tmp_path):
    monkeypatch.setattr(patterns, "MATCHED_S", 0.05)
    wanted = ExpectedAnswer.model_validate({"text": {"pattern": SLOW_AT_RUN_TIME}})
    found = answers.Answer(200, "text/plain", b"a" * 3000)
    check = answers.compare_all([found], read(tmp_path, wanted), "before")
    assert "took longer than 0.05 s of CPU time" in check.problem
    shaped = ExpectedAnswer.model_validate(
        {"json": {"type": "string", "pattern": SLOW_AT_RUN_TIME}, "varies": True}
    )
    found = answers.Answer(200, "application/json", b'"%s"' % (b"a" * 3000))
    check = answers.compare_all([found], read(tmp_path, shaped), "before")
    assert "took longer than" in check.problem
    housekeeping = [Housekeeping(pattern=SLOW_AT_RUN_TIME, reason="its driver's")]
    with pytest.raises(TestbedError, match=r"housekeeping_sql: the pattern '\.\*.*took longer"):
        sql.sorted_out([("a" * 3000, 1)], [], housekeeping, 1)


def test_a_limit_leaves_nothing_behind():
    before = signal.getsignal(signal.SIGVTALRM)
    with pytest.raises(patterns.TooSlow):
        _match_for_ever()
    assert signal.getitimer(signal.ITIMER_VIRTUAL) == (0.0, 0.0)
    assert signal.getsignal(signal.SIGVTALRM) == before


def _match_for_ever():
    with patterns.limited(0.01):
        re.fullmatch("(H|H)*x", "H" * 100)


def test_there_is_no_limit_in_other_threads():
    ends = []

    def work():
        with patterns.limited(0.01):
            ends.append(sum(range(10)))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert ends == [45]
