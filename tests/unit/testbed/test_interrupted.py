"""What ended a run: the app, or something around it; and what that means for the campaign."""

import pytest

from testbed.errors import Exit, Interrupted, RunFailed, TestbedError, system_words
from testbed.hosts import causes
from testbed.run.generating import GAVE_UP
from testbed.run.run import _ended_by, _first


@pytest.mark.parametrize(
    ("error", "stage", "interrupted", "ends"),
    [
        (RunFailed("wrong answer"), "check", False, False),
        (RunFailed("it ended right after its start"), "start", False, False),
        (Interrupted("telemetry died"), "check after", True, False),
        (TestbedError("a command failed"), "load", True, False),
        (TestbedError("no room"), "prepare", True, True),
        (TestbedError("PostgreSQL does not run"), "look around", True, True),
        (TestbedError("the data set is not there"), "reset", True, True),
        (Interrupted("the link is dead", ends_campaign=True), "load", True, True),
    ],
)
def test_only_what_the_app_did_is_a_failure_of_it(error, stage, interrupted, ends):
    failure, end = _ended_by(error, stage)
    assert failure.interrupted is interrupted
    assert failure.stage == stage
    assert (end is not None) is ends
    assert end is None or end.exit_code == Exit.RUN_INTERRUPTED


def fail_and_fail_to_clear_up():
    try:
        raise RunFailed("the app died")
    finally:
        raise TestbedError("cannot collect")


def fail_and_explain():
    try:
        raise RunFailed("wrong answer")
    except RunFailed as error:
        raise Interrupted("PostgreSQL was stopped") from error


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (fail_and_fail_to_clear_up, "the app died"),
        (fail_and_explain, "PostgreSQL was stopped"),
    ],
)
def test_what_went_wrong_first_counts_unless_it_was_explained(act, message):
    with pytest.raises(TestbedError) as caught:
        act()
    assert _first(caught.value).message == message


@pytest.mark.parametrize(
    ("code", "output", "words"),
    [
        (1, "mkdir: cannot create directory '/x': No space left on device", "disk is full"),
        (1, "dd: error writing: Disk quota exceeded", "disk is full"),
        (1, "touch: cannot touch '/x': Read-only file system", "read-only"),
        (127, "bash: /opt/testbed/bin/telemetry: No such file or directory", "not there"),
        (126, "", "not there"),
        (1, "sudo: a password is required", "sudo refuses"),
        (5, "Failed to start x.service: Unit x.service not found.", "a unit is not there"),
        (1, "cat: /x: Permission denied", "lacks a permission"),
        (1, "curl: Could not resolve host: x: Name or service not known", "does not resolve"),
        (1, "MemoryError", "memory ran out"),
        (causes.KILLED, "", "a signal ended it"),
        (137, "", "a signal ended it"),
        (2, "psql: error: connection to server on socket failed: No such file", "PostgreSQL"),
    ],
)
def test_known_causes_are_told_with_a_remedy(code, output, words):
    cause = causes.of(code, output)
    assert cause is not None
    assert words in cause.what
    assert cause.remedy


def test_of_an_unknown_cause_nothing_is_made_up():
    assert causes.of(1, "something else") is None


def test_of_psql_the_line_is_told_that_says_what_is_wrong():
    text = 'psql:x.sql:3: ERROR:  relation "a" does not exist\nLINE 1: select\n        ^'
    assert causes.last_word(text) == 'psql:x.sql:3: ERROR:  relation "a" does not exist'
    assert causes.last_word("") == "it says nothing"


@pytest.mark.parametrize(
    "text",
    [
        "unable to connect to 198.18.0.1:8080 Connection refused",
        "apr_socket_recv: Connection reset by peer (104)",
        "apr_pollset_poll: The timeout specified has expired (70007)",
    ],
)
def test_a_generator_that_gave_up_on_the_app_is_no_fault_of_its_own(text):
    assert GAVE_UP.search(text)


def test_an_error_of_the_system_has_always_words():
    assert system_words(OSError(28, "No space left on device")) == "No space left on device"
    assert system_words(OSError("no such place")) == "no such place"
    assert system_words(TimeoutError()) == "TimeoutError"
