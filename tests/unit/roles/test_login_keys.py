"""Which public keys may log in as the user that measures: those that SSH itself would offer."""

import subprocess
from pathlib import Path

import pytest
from ansible.plugins.loader import lookup_loader

ROOT = Path(__file__).resolve().parents[3]
lookup_loader.add_directory(str(ROOT / "plugins" / "lookup"))


@pytest.fixture
def ask(tmp_path, monkeypatch):
    """Asks for a host's keys, by an SSH configuration of the test's own and without an agent."""
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    (tmp_path / "config").write_text("")

    def query(**keywords):
        keywords.setdefault("arguments", f"-F {tmp_path / 'config'}")
        return lookup_loader.get("login_keys").run(["host.example"], **keywords)

    return query


@pytest.fixture
def key(tmp_path):
    """Makes a key; its file, and its public line."""

    def make(name, passphrase=""):
        file = tmp_path / name
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-C", name, "-N", passphrase, "-f", file]
        subprocess.run(command, check=True)
        return file, Path(f"{file}.pub").read_text().strip()

    return make


def test_a_key_that_is_named_is_the_only_one(ask, key, tmp_path):
    file, line = key("named")
    (tmp_path / "config").write_text(f"IdentityFile {key('other')[0]}\n")
    assert ask(private_key=str(file)) == [line]


def test_a_home_is_expanded(ask, key, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert ask(private_key="~/named") == []
    _, line = key("named")
    assert ask(private_key="~/named") == [line]


def test_identities_of_the_configuration_are_taken_in_its_order_and_once(ask, key, tmp_path):
    (one, first), (two, second) = key("one"), key("two")
    (tmp_path / "config").write_text(
        f"Host host.example\n IdentityFile {one}\n IdentityFile {two}\n IdentityFile {one}.pub\n"
        f"Host other.example\n IdentityFile {key('three')[0]}\n"
    )
    assert ask() == [first, second]


def test_without_its_public_file_a_key_tells_it_itself(ask, key):
    file, line = key("alone")
    Path(f"{file}.pub").unlink()
    assert [" ".join(found.split()[:2]) for found in ask(private_key=str(file))] == [
        " ".join(line.split()[:2])
    ]


def test_a_key_that_needs_its_passphrase_for_that_is_left_out(ask, key):
    file, _ = key("closed", "a passphrase")
    Path(f"{file}.pub").unlink()
    assert ask(private_key=str(file)) == []


@pytest.mark.parametrize("content", ["", "no key\n", "\x00\xff"])
def test_what_is_no_key_is_left_out(ask, tmp_path, content):
    (tmp_path / "id").write_bytes(content.encode("latin-1"))
    assert ask(private_key=str(tmp_path / "id")) == []


def test_an_agents_keys_are_taken_unless_only_named_ones_may_be(ask, key, tmp_path, monkeypatch):
    named, line = key("named")
    held, of_agent = key("held")
    socket = tmp_path / "agent"
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", socket], stdout=subprocess.PIPE)
    try:
        agent.stdout.readline()  # it listens
        monkeypatch.setenv("SSH_AUTH_SOCK", str(socket))
        subprocess.run(["ssh-add", "-q", held], check=True)
        (tmp_path / "config").write_text(f"IdentityFile {named}\n")
        assert ask() == [line, of_agent]
        (tmp_path / "config").write_text(f"IdentityFile {named}\nIdentitiesOnly yes\n")
        assert ask() == [line]
    finally:
        agent.terminate()
        agent.wait()
