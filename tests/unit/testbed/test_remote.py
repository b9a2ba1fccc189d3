"""A host is reached as OpenSSH would reach it, and what it sends can harm nobody."""

import base64
import os
import shutil
import subprocess
import threading
from types import SimpleNamespace

import paramiko
import pytest

from testbed.errors import Exit, TestbedError
from testbed.hosts import remote as remotes
from testbed.hosts.remote import CommandFailed, HostUnreachable, NotAnAnswer, Remote, ask
from testbed.model.inventory import Host
from tests.unit.testbed.ssh_server import Server, listening, shell

FACTS = SimpleNamespace(testbed_user="bench")
SECRET = "open sesame"  # noqa: S105 - of a key of this test


def keygen(path, passphrase="", kind="ed25519"):
    command = ["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-C", path.name, "-f", str(path)]
    subprocess.run(command, check=True)
    return path


def public(path):
    return base64.b64decode(path.with_name(f"{path.name}.pub").read_text().split()[1])


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    """Keys of users and hosts: files as ssh-keygen makes them."""
    folder = tmp_path_factory.mktemp("keys")
    for name in ("plain", "other", "host", "jump", "changed"):
        keygen(folder / name)
    keygen(folder / "rsa", kind="rsa")
    keygen(folder / "locked", SECRET)
    return folder


@pytest.fixture(scope="module")
def agent(keys, tmp_path_factory):
    """A real agent that holds the key 'locked', and one that nobody knows."""
    path = tmp_path_factory.mktemp("agent") / "socket"
    process = subprocess.Popen(
        ["ssh-agent", "-D", "-a", str(path)], stdout=subprocess.DEVNULL, start_new_session=True
    )
    while not path.exists():
        assert process.poll() is None
    asked = tmp_path_factory.mktemp("ask") / "pass"
    asked.write_text(f"#!/bin/sh\necho '{SECRET}'\n")
    asked.chmod(0o700)
    environment = os.environ | {
        "SSH_AUTH_SOCK": str(path),
        "SSH_ASKPASS": str(asked),
        "SSH_ASKPASS_REQUIRE": "force",
    }
    for key in ("other", "locked"):
        subprocess.run(["ssh-add", "-q", keys / key], env=environment, check=True)
    yield path
    process.terminate()
    process.wait()


@pytest.fixture
def machine(keys, tmp_path, monkeypatch):
    """A host that lets in all our keys but 'other', and what we know of it."""
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    server = Server([public(keys / name) for name in ("plain", "rsa", "locked")], shell)
    host_key = paramiko.PKey.from_path(keys / "host")
    with listening(server, host_key) as port:
        yield Machine(keys, tmp_path, server, port, host_key)


class Machine:
    def __init__(self, keys, folder, server, port, host_key):
        self.keys, self.folder, self.server, self.port = keys, folder, server, port
        self.known = folder / "known_hosts"
        self.config = folder / "config"
        self.config.write_text("")
        self.know("127.0.0.1", port, host_key)

    def know(self, name, port, key, how=""):
        with self.known.open("a") as file:
            line = f"[{name}]:{port} {key.get_name()} {key.get_base64()}\n"
            file.write(f"{how} {line}" if how else line)

    def remote(self, *arguments, address="127.0.0.1", port=None, key="plain"):
        """The host, with arguments as Ansible gives them."""
        given = ["-F", str(self.config), *arguments]
        if port is not False:
            given += ["-o", f"Port={port or self.port}"]
        if key:
            given += ["-o", f'IdentityFile="{self.keys / key}"', "-o", "IdentitiesOnly=yes"]
        given += ["-o", f"UserKnownHostsFile={self.known}", "-o", "ConnectTimeout=5"]
        host = Host(
            role="server",
            name="box",
            ansible_host=address,
            ssh_arguments=given,
            bench_address="198.18.0.1",
            bench_interface="eth1",
        )
        return Remote(host, FACTS)

    def reaches(self, *arguments, **how):
        remote = self.remote(*arguments, **how)
        remote.open()
        try:
            assert remote.run(["echo", "it's me"]).stdout == "it's me\n"
        finally:
            remote.close()
        assert set(self.server.users) == {"bench"}

    def refuses(self, *arguments, **how):
        remote = self.remote(*arguments, **how)
        with pytest.raises(HostUnreachable) as refused:
            remote.open()
        assert refused.value.exit_code == Exit.NOT_READY
        assert "\n" not in refused.value.message
        return str(refused.value)


@pytest.mark.parametrize("key", ["plain", "rsa"])
def test_a_key_file(machine, key):
    machine.reaches(key=key)


@pytest.mark.parametrize(
    ("environment", "arguments"),
    [
        ({"SSH_AUTH_SOCK": "{agent}"}, []),
        ({}, ["-o", "IdentityAgent={agent}"]),
        ({"MINE": "{agent}"}, ["-o", "IdentityAgent=$MINE"]),
        ({"SSH_AUTH_SOCK": "/nowhere", "MINE": "{agent}"}, ["-o", "IdentityAgent=$MINE"]),
    ],
)
def test_keys_of_an_agent(machine, agent, monkeypatch, environment, arguments):
    for name, value in environment.items():
        monkeypatch.setenv(name, value.format(agent=agent))
    machine.reaches(*(text.format(agent=agent) for text in arguments), key=None)


def test_an_agents_key_is_chosen_by_its_public_half(machine, agent, monkeypatch):
    monkeypatch.setenv("SSH_AUTH_SOCK", str(agent))
    machine.reaches(key="locked.pub")


def test_an_encrypted_key_that_an_agent_holds_needs_no_public_file(machine, agent, monkeypatch):
    monkeypatch.setenv("SSH_AUTH_SOCK", str(agent))
    shutil.copy(machine.keys / "locked", machine.folder / "alone")
    machine.reaches("-o", f"IdentityFile={machine.folder / 'alone'}", "-o", "IdentitiesOnly=yes",
                    key=None)  # fmt: skip


def test_with_identities_only_an_agents_other_keys_are_not_tried(machine, agent, monkeypatch):
    monkeypatch.setenv("SSH_AUTH_SOCK", str(agent))
    assert "not let in by any key (tried: other (agent))" in machine.refuses(key="other")


def test_an_agent_that_settings_forbid_is_not_asked(machine, agent, monkeypatch):
    monkeypatch.setenv("SSH_AUTH_SOCK", str(agent))
    said = machine.refuses("-o", "IdentityAgent=none", key="locked")
    assert "locked is encrypted, and no agent holds it" in said
    assert f"ssh-add {machine.keys / 'locked'}" in said


def test_a_file_that_is_no_key(machine):
    (machine.folder / "broken").write_text("nothing\n")
    said = machine.refuses("-o", f"IdentityFile={machine.folder / 'broken'}", key="other")
    assert "broken (not readable as a private key)" in said


def test_an_alias_of_the_users_own_configuration(machine):
    more = machine.folder / "more"
    machine.config.write_text(f"Include {more}\n")
    more.write_text(
        f"Host box\n  HostName 127.0.0.1\n  Port {machine.port}\n  User root\n"
        f"  IdentityFile {machine.keys}/plain\n"
        "Match originalhost nobody\n  Port 1\n"
    )
    machine.reaches(address="box", port=False, key=None)


@pytest.mark.parametrize("address", ["localhost", "LOCALHOST"])
def test_a_host_name(machine, address):
    machine.know("localhost", machine.port, paramiko.PKey.from_path(machine.keys / "host"))
    machine.reaches(address=address)


def test_an_ipv6_address(machine):
    host_key = paramiko.PKey.from_path(machine.keys / "host")
    with listening(machine.server, host_key, "::1") as port:
        machine.know("::1", port, host_key)
        machine.reaches(address="::1", port=port)


def test_a_proxy_command(machine):
    pipe = machine.folder / "pipe.py"
    pipe.write_text(
        "import socket, sys, threading, os\n"
        "there = socket.create_connection((sys.argv[1], int(sys.argv[2])))\n"
        "def send():\n"
        "    while data := os.read(0, 65536): there.sendall(data)\n"
        "    there.shutdown(1)\n"
        "threading.Thread(target=send, daemon=True).start()\n"
        "while data := there.recv(65536): os.write(1, data)\n"
    )
    machine.config.write_text(
        f"Host box\n  HostName 127.0.0.1\n  ProxyCommand python3 {pipe} %h %p\n"
    )
    machine.reaches(address="box")


def test_a_proxy_that_fails_is_told_by_its_own_words(machine):
    said = machine.refuses("-o", "ProxyCommand=sh -c 'echo no way today >&2; exit 1'")
    assert "no SSH connection: no way today" in said


@pytest.mark.parametrize("how", ["argument", "configuration"])
def test_a_jump_host_has_settings_of_its_own(machine, how):
    jump_key = paramiko.PKey.from_path(machine.keys / "jump")
    jump = Server([public(machine.keys / "other")], shell)
    with listening(jump, jump_key) as port:
        machine.know("127.0.0.1", port, jump_key)
        machine.config.write_text(
            f"Host gate\n  HostName 127.0.0.1\n  Port {port}\n  User keeper\n"
            f"  IdentityFile {machine.keys}/other\n  UserKnownHostsFile {machine.known}\n"
            + ("Host 127.0.0.1 !gate\n  ProxyJump gate\n" if how == "configuration" else "")
        )
        machine.reaches(*(["-J", "gate"] if how == "argument" else []))
    assert set(jump.users) == {"keeper"}
    assert jump.forwards == [("127.0.0.1", machine.port)]


def test_a_jump_host_that_lets_nobody_in(machine):
    jump_key = paramiko.PKey.from_path(machine.keys / "jump")
    with listening(Server([], shell), jump_key) as port:
        machine.know("127.0.0.1", port, jump_key)
        machine.config.write_text(
            f"Host gate\n  HostName 127.0.0.1\n  Port {port}\n  User keeper\n"
            f"  IdentityFile {machine.keys}/other\n  UserKnownHostsFile {machine.known}\n"
        )
        said = machine.refuses("-J", "gate")
    assert "keeper@127.0.0.1: Permission denied (publickey)" in said


# --- host keys ---


def test_an_unknown_host_is_refused_with_its_fingerprint(machine):
    machine.known.write_text("")
    said = machine.refuses()
    assert "its host key (SHA256:" in said
    assert "log in to it once by hand" in said


def test_a_changed_host_key_is_refused(machine):
    machine.known.write_text("")
    machine.know("127.0.0.1", machine.port, paramiko.PKey.from_path(machine.keys / "changed"))
    said = machine.refuses()
    assert "is another one than in" in said
    assert f"ssh-keygen -R '[127.0.0.1]:{machine.port}'" in said
    assert "is another one" in machine.refuses("-o", "StrictHostKeyChecking=accept-new")


def test_a_revoked_host_key_is_refused(machine):
    host_key = paramiko.PKey.from_path(machine.keys / "host")
    machine.know("127.0.0.1", machine.port, host_key, how="@revoked")
    assert "its host key is revoked" in machine.refuses()


def test_hashed_names_and_patterns_are_known(machine):
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", machine.known], check=True)
    machine.reaches()
    host_key = paramiko.PKey.from_path(machine.keys / "host")
    machine.known.write_text(f"127.0.0.? {host_key.get_name()} {host_key.get_base64()}\n")
    machine.reaches()


def test_an_alias_names_the_host_key(machine):
    host_key = paramiko.PKey.from_path(machine.keys / "host")
    machine.known.write_text(f"my-box {host_key.get_name()} {host_key.get_base64()}\n")
    machine.reaches("-o", "HostKeyAlias=my-box")


def test_a_first_key_is_kept_where_new_hosts_are_accepted(machine):
    machine.known.unlink()
    machine.reaches("-o", "StrictHostKeyChecking=accept-new")
    machine.reaches("-o", "StrictHostKeyChecking=yes")


def test_without_host_key_checking_any_key_will_do(machine):
    machine.known.write_text("")
    machine.know("127.0.0.1", machine.port, paramiko.PKey.from_path(machine.keys / "changed"))
    machine.reaches("-o", "StrictHostKeyChecking=no")


def test_settings_that_ssh_refuses(machine):
    machine.config.write_text("Colour green\n")
    with pytest.raises(TestbedError, match=r"host box: ssh refuses .*: Bad configuration option"):
        machine.remote().open()


def test_nobody_listens(machine):
    assert "Connection refused" in machine.refuses(port=1)


# --- what a host sends ---


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


def test_a_command_without_end_is_given_up(host):
    host.server.acts = lambda command, channel: threading.Event().wait(5)
    with pytest.raises(CommandFailed, match=r"no end after 0\.2 s"):
        host.run("sleep infinity", timeout_s=0.2)


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
