"""A host is reached as OpenSSH would reach it."""

import shutil
import subprocess

import paramiko
import pytest

from testbed.errors import TestbedError
from tests.unit.testbed.ssh_machine import public
from tests.unit.testbed.ssh_server import Server, listening, shell


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
