"""Words on the command lines of `python -m analysis` and of `python -m testbed.lab`."""

import pytest
from refusals import Called, message_of

from analysis.__main__ import main
from testbed.lab.__main__ import main as lab

WRONG = [
    ((), "the following arguments are required: COMMAND"),
    (("reprot", "x"), "did you mean 'report'?"),
    (("",), "'' is none of bundle, compare, "),
    (("\x1b[2J",), "is none of bundle, compare, "),
    (("report", "x", "--uot=y"), "--uot=y: no such option or argument\n  -> did you mean '--out'?"),
    (("report", "x", "y"), "y: no such option or argument"),
    (("report", "x" , "--\x1b[2J"), "no such option or argument"),
    (("report",), "the following arguments are required: results/CAMPAIGN"),
    (("compare", "a", "b", "--tolerance"), "argument --tolerance: expected one argument"),
    (("compare", "a", "b", "--tolerance=wide"), "argument --tolerance: invalid number value"),
    (("compare", "a", "b", "--tolerance=1_0"), "argument --tolerance: invalid number value"),
    (("serve", "x", "--port=8_080"), "argument --port: invalid integer value"),
    (("compare", "a", "b", "--metrik=x"), "did you mean '--metric'?"),
    (("parse", "x", "--tool=wkr"), "did you mean 'wrk'?"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "says"), WRONG)
def test_a_wrong_word_is_one_sentence(words, says, capsys):
    message = message_of(Called(main(words), capsys))
    assert says in message
    assert "usage" not in message


def test_the_remedy_names_the_command_as_it_was_called(capsys):
    message = message_of(Called(main(["report"], "testbed"), capsys))
    assert "`testbed report --help`" in message


@pytest.mark.parametrize(
    ("words", "says"), [(["upp"], "did you mean 'up'?"), (["up", "--nmae=x"], "mean '--name'?")]
)
def test_the_lab_says_so_as_well(words, says, capsys):
    assert says in message_of(Called(lab(words), capsys))
