"""Log in to a host along its route: the socket, the host's key and the user's keys."""

import base64
import os
import signal
import socket
import struct
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paramiko
from paramiko.agent import AgentSSH
from paramiko.auth_strategy import AuthSource, AuthStrategy, InMemoryPrivateKey
from paramiko.pkey import UnknownKeyType

from testbed.hosts.ssh_config import Route

PROXY_END_S = 2
# the first line of a private key in OpenSSH's own format
BEGIN = "-----BEGIN OPENSSH PRIVATE KEY-----"
MAGIC = b"openssh-key-v1\0"


class Refused(paramiko.SSHException):
    """Raised if a login is refused, with what can be done about it."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy


class Proxy:
    """A command that carries the connection. It ends when its end of the socket closes."""

    def __init__(self, command: str) -> None:
        ours, its = socket.socketpair()
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - it stays open as long as the proxy runs
        self._process = subprocess.Popen(
            ["/bin/sh", "-c", f"exec {command}"],
            stdin=its.fileno(),
            stdout=its.fileno(),
            stderr=self._stderr,
            start_new_session=True,  # so that Ctrl-C reaches only this process
        )
        its.close()
        self.socket = ours

    def said(self) -> str:
        """Return the last line of its error output; an empty text if there is none."""
        self._stderr.seek(0)
        lines = self._stderr.read(10_000).decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else ""

    def close(self) -> None:
        """End it, and the programs that it started."""
        self.socket.close()
        try:
            self._process.wait(PROXY_END_S)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._stderr.close()


def straight(route: Route) -> socket.socket:
    """Return a connection to the host's port.

    Raises OSError with the problem of the last address that was tried.
    """
    problem: OSError = OSError(f"{route.hostname} has no address")
    found = socket.getaddrinfo(route.hostname, route.port, route.family, socket.SOCK_STREAM)
    for family, kind, protocol, _, address in found:
        one = socket.socket(family, kind, protocol)
        try:
            one.settimeout(route.connect_timeout_s)
            if route.bind_address:
                one.bind((route.bind_address, 0))
            one.connect(address)
        except OSError as error:
            one.close()
            problem = error
        else:
            return one
    raise problem


def expect_host_key(client: paramiko.SSHClient, route: Route, known: list[tuple[str, str]]) -> None:
    """Let the client accept the known keys of the host, and other keys only if the settings do."""
    client.set_missing_host_key_policy(_NewHostKey(route))
    # the name by which paramiko looks keys up
    name = route.hostname if route.port == 22 else f"[{route.hostname}]:{route.port}"
    for kind, text in known:
        key = paramiko.hostkeys.HostKeyEntry.from_line(f"{name} {kind} {text}")
        if key is not None and key.key is not None:
            client.get_host_keys().add(name, kind, key.key)


def known_host_keys(route: Route) -> list[tuple[str, str]]:
    """Return kind and text of each key that known_hosts files have of this host.

    The files are read by ssh-keygen. Certificate authorities are left out. Raises Refused if one of
    the keys is marked as revoked.
    """
    for name in route.host_key_names:
        found = []
        for file in route.known_hosts:
            if not file.is_file():
                continue
            done = subprocess.run(
                ["ssh-keygen", "-F", name, "-f", str(file)],
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
            )
            for line in done.stdout.splitlines():
                words = line.split()
                if words[:1] == ["@revoked"]:
                    raise Refused(f"its host key is revoked in {file}", "is it the right host?")
                if len(words) >= 3 and not words[0].startswith(("#", "@")):
                    found.append((words[1], words[2]))
        if found:
            return found
    return []


class _NewHostKey(paramiko.MissingHostKeyPolicy):
    """Decides on a host without a known key, as StrictHostKeyChecking says."""

    def __init__(self, route: Route) -> None:
        self._route = route

    def missing_host_key(
        self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey
    ) -> None:
        """Raise Refused or accept the key. An accepted key is kept to notice a later change."""
        if self._route.new_keys == "refuse":
            raise Refused(
                f"its host key ({key.fingerprint}) is not in "
                f"{self._route.known_hosts[0] if self._route.known_hosts else 'known_hosts'}",
                "log in to it once by hand with ssh, and compare the fingerprint",
            )
        if self._route.new_keys == "accept" and self._route.known_hosts:
            file = self._route.known_hosts[0]
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with file.open("a") as known:
                known.write(
                    f"{self._route.host_key_names[0]} {key.get_name()} {key.get_base64()}\n"
                )


class _Agent(AgentSSH):
    """The SSH agent at a given path; paramiko's own class only uses $SSH_AUTH_SOCK."""

    def __init__(self, path: str) -> None:
        super().__init__()
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.connect(path)
            connection.settimeout(10)
            self._connect(connection)  # type: ignore[attr-defined] # not in the stubs
        except (OSError, paramiko.SSHException):
            connection.close()  # there is no agent, so it has no keys

    def close(self) -> None:
        """Close the connection to the agent."""
        self._close()  # type: ignore[attr-defined] # not in the stubs


class Keys(AuthStrategy):
    """The user's keys in OpenSSH's order: first the agent's, led by those that settings name.

    Then come the keys in files. With IdentitiesOnly, only keys that the settings name are used.
    """

    def __init__(self, route: Route) -> None:
        super().__init__(ssh_config=paramiko.SSHConfig())
        self._route = route
        self.locked: list[Path] = []  # encrypted keys that the agent does not have
        self.tried: list[str] = []

    def get_sources(self) -> Iterator[AuthSource]:
        """Yield one key after the other."""
        agent = _Agent(self._route.agent) if self._route.agent else None
        try:
            yield from self._sources(list(agent.get_keys()) if agent else [])
        finally:
            if agent:
                agent.close()

    def _sources(self, held: list[Any]) -> Iterator[AuthSource]:
        files = {path: _public(path) for path in self._route.identity_files if _is_key(path)}
        named = [key for public in files.values() for key in held if key.blob == public]
        others = [] if self._route.identities_only else [key for key in held if key not in named]
        for key in [*named, *others]:
            self.tried.append(f"{key.comment or key.get_name()} (agent)")
            yield InMemoryPrivateKey(self._route.user, key)
        for path, public in files.items():
            if path.suffix == ".pub" or any(key.blob == public for key in held):
                continue
            try:
                private = paramiko.PKey.from_path(path)
            except (paramiko.PasswordRequiredException, TypeError):  # cryptography raises TypeError
                self.locked.append(path)
            except (paramiko.SSHException, UnknownKeyType, OSError, ValueError):
                self.tried.append(f"{path} (not readable as a private key)")
            else:
                self.tried.append(str(path))
                yield InMemoryPrivateKey(self._route.user, private)

    def refusal(self, host_name: str) -> Refused:
        """Return the error that says why no key was accepted."""
        if self.locked:
            locked = ", ".join(map(str, self.locked))
            return Refused(
                f"user {self._route.user} was not let in: the key {locked} is encrypted, and no "
                "agent holds it",
                f"`ssh-add {self.locked[0]}`, then again",
            )
        tried = ", ".join(self.tried) or "there was no key to try"
        return Refused(
            f"user {self._route.user} was not let in by any key (tried: {tried})",
            "bench_user_authorized_keys in the inventory says who may log in; then run "
            f"`ansible-playbook site.yml` (host {host_name})",
        )


def _is_key(path: Path) -> bool:
    return path.is_file() or _public_file(path).is_file()


def _public_file(path: Path) -> Path:
    return path if path.suffix == ".pub" else path.with_name(f"{path.name}.pub")


def _public(path: Path) -> bytes | None:
    """Return the public half of a key file, as agents write it; None if it cannot be read.

    It is in the .pub file beside it, and unencrypted in OpenSSH's own format.
    """
    try:
        return base64.b64decode(_public_file(path).read_text().split()[1], validate=True)
    except (OSError, ValueError, IndexError):
        pass
    try:
        body = "".join(path.read_text().partition(BEGIN)[2].partition("-----")[0].split())
        content = paramiko.Message(base64.b64decode(body).removeprefix(MAGIC))
        for _ in ("cipher", "key derivation", "its options"):
            content.get_binary()
        content.get_int()  # the number of keys, which is 1
        return content.get_binary() or None
    except (OSError, ValueError, struct.error):
        return None
