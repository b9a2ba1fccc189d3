"""What a host sends can harm nobody."""

import os
import threading

import paramiko
import pytest

from testbed.errors import Exit
from testbed.hosts import remote as remotes
from testbed.hosts.failures import CommandFailed, HostUnreachable, NotAnAnswer
from testbed.hosts.remote import ask


@pytest.fixture
def host(machine):
    """The same, connected; `host.acts` decides what it does with commands."""
    remote = machine.remote()
    remote.open()
    remote.server = machine.server
    yield remote
    remote.close()


def says(text, code=0):
    def act(command, channel):
        channel.sendall(text if isinstance(text, bytes) else text.encode())
        channel.send_exit_status(code)
        channel.close()

    return act


def for_ever(command, channel):
    while True:
        channel.sendall(b"y" * 30_000)


def test_a_command_fails_with_its_last_words(host):
    with pytest.raises(CommandFailed, match=r"exit 3\): sh -c") as failed:
        host.run(["sh", "-c", "echo so it is >&2; exit 3"])
    assert "so it is" in failed.value.message


def test_files_are_written_whole(host, tmp_path):
    text = "ä line\n" * 50_000
    host.write(str(tmp_path / "a file's name"), text)
    assert (tmp_path / "a file's name").read_text() == text
    with pytest.raises(CommandFailed, match="write /nowhere/x"):
        host.write("/nowhere/x", "")


def test_output_without_end_is_cut(host, monkeypatch):
    monkeypatch.setattr(remotes, "OUTPUT_BYTES", 100_000)
    host.server.acts = for_ever
    with pytest.raises(CommandFailed, match="prints more than"):
        host._carry_out("yes", 60, limit=100_000)
    process = host.start("yes")
    process.wait(0.5)
    monkeypatch.setattr(remotes, "KEPT_BYTES", 1000)
    assert process.poll() is None
    assert len(process.output) <= 2**20
    process.stop(0.1)


def test_a_session_is_waited_for_without_a_pipe(host, monkeypatch):
    """paramiko's thread may write into it after it was closed, and the connection ended by that."""

    def taken(channel):
        raise AssertionError("Channel.fileno makes a pipe")

    monkeypatch.setattr(paramiko.Channel, "fileno", taken)
    host.server.acts = says("waited for")
    assert host.run("true").stdout == "waited for"
    host.server.acts = for_ever
    for _ in range(5):
        with pytest.raises(CommandFailed, match="prints more than"):
            host._carry_out("yes", 60, limit=100_000)
    host.server.acts = says("still there")
    assert host.run("true").stdout == "still there"


def test_a_command_without_end_is_given_up(host):
    host.server.acts = lambda command, channel: threading.Event().wait(5)
    with pytest.raises(CommandFailed, match=r"no end after 0\.2 s"):
        host.run("sleep infinity", timeout_s=0.2)


@pytest.mark.parametrize("terminal", [False, True])
def test_a_host_that_does_not_reply_is_lost(host, monkeypatch, terminal):
    """It accepts the session, and is silent when it is asked for a terminal or a command."""
    monkeypatch.setattr(remotes, "STALL_S", 0.3)
    over = threading.Event()
    asked = "check_channel_pty_request" if terminal else "check_channel_exec_request"
    monkeypatch.setattr(host.server, asked, lambda *_: over.wait(60))
    try:
        with pytest.raises(HostUnreachable, match=r"no reply within 0\.3 s"):
            host.start("true") if terminal else host.run("true")
        with pytest.raises(HostUnreachable, match=r"no reply within"):
            host.run("true")  # a lost host is not waited for again
    finally:
        over.set()


def test_a_host_that_takes_no_bytes_is_lost(host, monkeypatch):
    """Its buffers are full, for it reads no more."""
    monkeypatch.setattr(remotes, "STALL_S", 0.3)
    over = threading.Event()
    host.server.acts = lambda command, channel: over.wait(60)
    try:
        with pytest.raises(HostUnreachable):
            host.write("somewhere", "x" * 2**25)
    finally:
        over.set()


def test_bytes_that_are_no_text(host):
    host.server.acts = says(b"\xff\xfe caf\xe9")
    assert host.run("x").stdout == "\ufffd\ufffd caf\ufffd"


def test_escape_codes_are_shown_not_obeyed(host):
    host.server.acts = says("\x1b]0;owned\x07\x1b[2J\x9b31m\u202e", 1)
    with pytest.raises(CommandFailed) as failed:
        host.run("x")
    assert r"\x1b]0;owned\x07\x1b[2J\x9b31m\u202e" in failed.value.message


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nothing",
        "[1",
        "[]",
        '{"a": "x"}',
        '{"a": 1e999}',
        '{"a": NaN}',
        '{"a": 1' + "0" * 30 + "}",
        '{"a": ' + "9" * 10_000 + "}",
        "[" * 100_000,
        '{"a":' * 5_000 + "1" + "}" * 5_000,
        '{"a": 1}\x00',
        b"\xff\xfe",
    ],
    ids=lambda text: str(text)[:16],
)
def test_an_answer_that_is_none_names_host_and_command(host, text):
    host.server.acts = says(text)
    with pytest.raises(NotAnAnswer) as wrong:
        ask(host, ["telemetry", "describe"], dict[str, int])
    assert wrong.value.message.startswith("server host: `telemetry describe` did not print")
    assert len(wrong.value.message) < 500
    assert wrong.value.exit_code == Exit.NOT_READY


def test_a_good_answer(host):
    host.server.acts = says('{"a": 1}')
    assert ask(host, "x", dict[str, int]) == {"a": 1}


# --- files of a host ---


def test_files_that_are_expected_are_fetched(host, tmp_path):
    there, here = tmp_path / "there", tmp_path / "here"
    there.mkdir()
    here.mkdir()
    (there / "latency.hdr").write_bytes(bytes(range(256)) * 1000)
    (there / "empty.txt").write_bytes(b"")
    assert host.fetch(str(there), {"latency.hdr": 256_000, "empty.txt": 1, "no": 1}, here) == []
    assert (here / "latency.hdr").read_bytes() == bytes(range(256)) * 1000
    assert sorted(path.name for path in here.iterdir()) == ["empty.txt", "latency.hdr"]


def test_links_folders_pipes_strays_and_large_files_are_left_there(host, tmp_path):
    there, here = tmp_path / "there", tmp_path / "here"
    here.mkdir()
    there.mkdir()
    (there / "link").symlink_to("/etc/passwd")
    (there / "folder").mkdir()
    os.mkfifo(there / "pipe")
    (there / "large").write_bytes(b"x" * 1001)
    (there / "str\nay\x1b[2J").write_text("")
    expected = dict.fromkeys(["link", "folder", "pipe", "large"], 1000)
    assert host.fetch(str(there), expected, here) == [
        "link: not a regular file",
        "folder: not a regular file",
        "pipe: not a regular file",
        "large: larger than 1000 bytes",
        "str\nay\\x1b[2J: not a file of a run",
    ]
    assert list(here.iterdir()) == []


def listing(*names, content=b"owned"):
    """A host that claims to have these files, each a regular one with that content."""

    def act(command, channel):
        if command.startswith("find"):
            channel.sendall(b"".join(f"f {name}\0".encode() for name in names))
        else:
            channel.sendall(content)
        channel.send_exit_status(0)
        channel.close()

    return act


def test_no_name_of_a_hosts_becomes_a_path(host, tmp_path):
    names = ["../../escaped", "/escaped", "..", ".", "a/b", "good.txt", "", "x" * 5000]
    host.server.acts = listing(*names)
    here = tmp_path / "a" / "b"
    here.mkdir(parents=True)
    remarks = host.fetch("/run/testbed/x", {"good.txt": 100}, here)
    assert list(here.iterdir()) == [here / "good.txt"]
    assert not list(tmp_path.rglob("*escaped*"))
    assert "../../escaped: not a file of a run" in remarks
    assert all(len(remark) < 200 for remark in remarks)


def test_a_file_that_grows_while_it_is_read_is_cut(host, tmp_path):
    def act(command, channel):
        if command.startswith("find"):
            listing("good.txt")(command, channel)
        else:
            for_ever(command, channel)

    host.server.acts = act
    assert host.fetch("/x", {"good.txt": 50_000}, tmp_path) == ["good.txt: larger than 50000 bytes"]
    assert not (tmp_path / "good.txt").exists()


def test_all_files_together_have_a_limit(host, tmp_path, monkeypatch):
    monkeypatch.setattr(remotes, "FETCHED_BYTES", 25_000)
    host.server.acts = listing("a", "b", "c", content=b"x" * 10_000)
    expected = dict.fromkeys("abc", 20_000)
    assert host.fetch("/x", expected, tmp_path) == ["c: larger than 5000 bytes"]


def test_a_listing_without_end(host, tmp_path):
    host.server.acts = for_ever
    with pytest.raises(CommandFailed, match="prints more than"):
        host.fetch("/x", {}, tmp_path)


def test_many_strays_make_few_remarks(host, tmp_path):
    host.server.acts = listing(*(f"s{number}" for number in range(1000)))
    remarks = host.fetch("/x", {}, tmp_path)
    assert len(remarks) == remotes.NAMED + 1
    assert remarks[-1] == "990 more that are not files of a run"


def test_a_host_that_was_lost_stays_lost(host):
    host.close()
    with pytest.raises(HostUnreachable):
        host.run("true")
    with pytest.raises(HostUnreachable):
        host.start("true")
