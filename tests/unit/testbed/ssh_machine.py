"""A host that is reached over SSH for real, on loopback, and the keys of those who do."""

import base64
import os
import subprocess
from types import SimpleNamespace

import paramiko
import pytest

from testbed.errors import Exit
from testbed.hosts.failures import HostUnreachable
from testbed.hosts.remote import Remote
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
        ["ssh-agent", "-D", "-a", str(path)], stdout=subprocess.PIPE, start_new_session=True
    )
    process.stdout.readline()  # it listens
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
    process.communicate()


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
        given += ["-o", f"UserKnownHostsFile={self.known}", "-o", "ConnectTimeout=60"]
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
