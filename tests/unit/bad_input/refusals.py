"""How a command ended, and what holds whenever it refuses its input."""

from testbed.texts import is_plain


class Called:
    """How a command ended: its exit code, and what it printed."""

    def __init__(self, code, capsys):
        self.code = code
        self.out, self.err = capsys.readouterr()


def message_of(called):
    """Check what must hold for every refusal, and return the error message."""
    assert called.code == 2, (called.code, called.out, called.err)
    assert called.out == ""
    assert "Traceback" not in called.err
    assert "fault in the testbed" not in called.err
    assert all(one == "\n" or is_plain(one) for one in called.err)
    assert len(called.err.splitlines()) <= 24
    assert all(len(line) < 600 for line in called.err.splitlines())
    return called.err
