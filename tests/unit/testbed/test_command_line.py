"""`serve`, as people write it and as a unit has it."""

import shlex

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from testbed.model import command_line

PRINTABLE = st.characters(categories=("L", "N", "P", "S"), include_characters=" ")
WORDS = st.lists(st.text(PRINTABLE, max_size=20), max_size=6)


def as_systemd_reads(line):
    """Words of an ExecStart= (systemd.service(5), 'Command lines'): quotes, escapes, %% and $$.

    Read by hand, character by character, so that it shares nothing with what writes it.
    """
    words, word, quoted, at = [], None, False, 0
    while at < len(line):
        one = line[at]
        if one == '"':
            quoted, word = not quoted, word or ""
        elif one == "\\":
            at += 1
            assert line[at] in '\\"', "an escape that systemd reads otherwise"
            word = (word or "") + line[at]
        elif one in "%$" and line[at + 1 : at + 2] == one:
            at += 1
            word = (word or "") + one
        elif one == " " and not quoted:
            if word is not None:
                words.append(word)
            word = None
        else:
            assert one != "%", "a specifier"
            assert one != "$", "a variable"
            assert quoted or one not in ";'", "taken apart"
            word = (word or "") + one
        at += 1
    assert not quoted
    return words if word is None else [*words, word]


@given(WORDS)
@settings(max_examples=300)
def test_words_arrive_as_they_are_declared(words):
    words = [word for word in words if not command_line._PLACEHOLDER.search(word)]
    line = " ".join(["/bin/x", *(shlex.quote(word.replace("$", "$$")) for word in words)])
    assert as_systemd_reads(command_line.exec_start(line)) == ["/bin/x", *words]


@pytest.mark.parametrize(
    ("line", "written"),
    [
        (
            "{venv}/bin/x -b ${ADDRESS}:${PORT} pkg:make()",
            '{venv}/bin/x -b ${ADDRESS}:${PORT} "pkg:make()"',
        ),
        ("/bin/x 100% '%h'", "/bin/x 100%% %%h"),
        ("/bin/x ';' /bin/y", '/bin/x ";" /bin/y'),
        ("/bin/x '' a\\ b", '/bin/x "" "a b"'),
        ('/bin/x \'{"a": "\\n"}\'', '/bin/x "{\\"a\\": \\"\\\\n\\"}"'),
        ("/bin/x '$$HOME'", "/bin/x $$HOME"),
        ("/bin/x   'it''s'  größe", '/bin/x its "größe"'),
    ],
)
def test_a_line_as_a_unit_has_it(line, written):
    assert command_line.exec_start(line) == written


def test_its_variables_are_told():
    assert command_line.variables("/bin/x ${A}:${B} '$$C' {app}") == ["A", "B"]
    assert command_line.uses("/bin/x {app}", "app")
    assert not command_line.uses("/bin/x {app}", "venv")


@pytest.mark.parametrize(
    "line",
    [
        "/bin/x --bind ${ADDRESS}:${PORT} --metrics-port 9000",
        "/bin/x --host 0.0.0.0 --port ${PORT}",  # fab check tells it
        "/bin/x --listen http://[::]:${PORT}/",
        "/bin/x -b unix:/tmp/x.sock",
        "/bin/x -b 4 --port ''",
        "/bin/x --host database --redis localhost:6379",
        "/bin/x -c x.ini",  # may take both from its environment
    ],
)
def test_a_line_may_leave_unsaid_where_it_listens(line):
    assert command_line.listening_problem(line) is None
