"""Ask OpenSSH how it would reach a host, by `ssh -G` with Ansible's own arguments.

So ~/.ssh/config (with Include, Match and ProxyJump), ansible.cfg and the inventory's SSH options
hold for fab as they do for Ansible, and are read by the same program.
"""

import os
import pwd
import shlex
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path

from testbed.errors import Exit, TestbedError
from testbed.model.inventory import Host

RESOLVE_TIMEOUT_S = 30  # `Match exec` may run programs
FAMILIES = {"inet": socket.AF_INET, "inet6": socket.AF_INET6}


@dataclass(frozen=True)
class Route:
    """The way to a host's SSH server, and the keys of both sides that may be used."""

    hostname: str
    port: int
    user: str
    connect_timeout_s: float
    family: int
    bind_address: str | None
    proxy_command: str | None  # a command line for a shell; None for a direct connection
    agent: str | None  # path of the socket of an SSH agent
    identity_files: list[Path]
    identities_only: bool
    known_hosts: list[Path]  # the user's file comes first; new keys are added to it
    host_key_names: list[str]  # names under which known_hosts may have the host's key
    new_keys: str  # 'refuse' unknown keys; 'accept' them; or accept 'any' key, even a changed one


def resolve(host: Host, user: str) -> Route:
    """Return the way to a host for that user. Raises TestbedError if OpenSSH refuses it."""
    command = ["ssh", "-G", "-T", "-o", f"User={user}", *host.ssh_arguments]
    try:
        done = subprocess.run(
            [*command, "--", host.ansible_host],
            capture_output=True,
            text=True,
            errors="replace",
            stdin=subprocess.DEVNULL,
            timeout=RESOLVE_TIMEOUT_S,
            check=False,
        )
    except FileNotFoundError as error:
        raise TestbedError(
            "this machine has no `ssh`", remedy="install openssh-client", exit_code=Exit.NOT_READY
        ) from error
    except subprocess.TimeoutExpired as error:
        raise TestbedError(
            f"host {host.name}: `ssh -G` does not end: a `Match exec` of ~/.ssh/config hangs"
        ) from error
    if done.returncode != 0:
        said = " ".join(done.stderr.split()) or f"exit code {done.returncode}"
        raise TestbedError(
            f"host {host.name}: ssh refuses its settings: {said}",
            remedy="correct ~/.ssh/config, or the inventory's SSH arguments",
        )
    return _route(done.stdout, host, user)


class _Settings:
    """The settings that `ssh -G` printed, and what OpenSSH's percent tokens mean in them."""

    def __init__(self, printed: str, host: Host, user: str) -> None:
        self._values: dict[str, list[str]] = {}
        for line in printed.splitlines():
            key, _, value = line.partition(" ")
            self._values.setdefault(key.lower(), []).append(value)
        self.hostname = self.one("hostname") or host.ansible_host
        self.port = int(self.one("port") or 22)
        self.alias = self.one("hostkeyalias")
        self._home = pwd.getpwuid(os.getuid()).pw_dir  # OpenSSH does not use $HOME
        self.tokens = {
            "%": "%",
            "d": self._home,
            "h": self.hostname,
            "i": str(os.getuid()),
            "k": self.alias or host.ansible_host,
            "L": socket.gethostname().partition(".")[0],
            "l": socket.gethostname(),
            "n": host.ansible_host,
            "p": str(self.port),
            "r": user,
            "u": pwd.getpwuid(os.getuid()).pw_name,
        }

    def all(self, key: str) -> list[str]:
        """Return the values of a setting that may be given several times."""
        return [value for value in self._values.get(key, []) if value != "none"]

    def one(self, key: str) -> str | None:
        """Return the value of a setting; None if it is not set or set to 'none'."""
        value = self._values.get(key, ["none"])[0]
        return None if value == "none" else value

    def path(self, text: str) -> Path:
        """Return the path that a setting means, with its tokens and `~` replaced."""
        text = self._home + text[1:] if text == "~" or text.startswith("~/") else text
        return Path(_expand(text, self.tokens))

    def agent(self) -> Path | None:
        """Return the socket of the SSH agent; None if there is none."""
        agent = self.one("identityagent") if "identityagent" in self._values else "SSH_AUTH_SOCK"
        if agent is not None and (agent == "SSH_AUTH_SOCK" or agent.startswith("$")):
            agent = os.environ.get(agent.removeprefix("$"))
        return self.path(agent) if agent else None

    def known_hosts(self) -> list[Path]:
        """Return the files with the keys of known hosts, the user's own first."""
        return [
            self.path(name)
            for key in ("userknownhostsfile", "globalknownhostsfile")
            for name in (self.one(key) or "").split()
        ]


def _route(printed: str, host: Host, user: str) -> Route:
    """Return the way that the output of `ssh -G` describes."""
    settings = _Settings(printed, host, user)
    one, hostname, port = settings.one, settings.hostname, settings.port
    at_port = hostname if port == 22 else f"[{hostname}]:{port}"
    agent = settings.agent()
    return Route(
        hostname=hostname,
        port=port,
        user=user,
        connect_timeout_s=float(one("connecttimeout") or 10),
        family=FAMILIES.get(one("addressfamily") or "any", socket.AF_UNSPEC),
        bind_address=one("bindaddress"),
        proxy_command=_proxy_command(one("proxyjump"), one("proxycommand"), host, settings.tokens),
        agent=str(agent) if agent else None,
        identity_files=[settings.path(name) for name in settings.all("identityfile")],
        identities_only=one("identitiesonly") == "yes",
        known_hosts=settings.known_hosts(),
        host_key_names=[settings.alias]
        if settings.alias
        else list(dict.fromkeys([at_port, hostname])),
        new_keys={"accept-new": "accept", "false": "any", "no": "any", "off": "any"}.get(
            one("stricthostkeychecking") or "ask", "refuse"
        ),
    )


def _expand(text: str, tokens: dict[str, str]) -> str:
    """Replace OpenSSH's percent tokens in the text; an unknown token stays as it is."""
    parts = text.split("%")
    expanded, rest = parts[0], iter(parts[1:])
    for part in rest:
        if part:
            expanded += tokens.get(part[0], f"%{part[0]}") + part[1:]
        else:  # the text had '%%'
            expanded += "%" + next(rest, "")
    return expanded


def _proxy_command(
    jumps: str | None, command: str | None, host: Host, tokens: dict[str, str]
) -> str | None:
    """Return the command whose input and output are the connection, as OpenSSH would run it.

    OpenSSH itself connects to jump hosts, so that their own settings count. It must not ask
    questions there. Return None if the host is connected to directly.
    """
    if jumps is None:
        return None if command is None else _expand(command, tokens)
    *before, last = jumps.split(",")
    destination = last if last.startswith("ssh://") else f"ssh://{last}"
    return shlex.join(
        [
            "ssh",
            *_config_file(host.ssh_arguments),
            *(["-J", ",".join(before)] if before else []),
            "-o",
            "BatchMode=yes",
            "-W",
            f"[{tokens['h']}]:{tokens['p']}",
            destination,
        ]
    )


def _config_file(arguments: list[str]) -> list[str]:
    """Return the argument that names another file than ~/.ssh/config; often an empty list.

    The file holds for jump hosts, too.
    """
    for index, argument in enumerate(arguments):
        if argument == "-F":
            return arguments[index : index + 2]
        if argument.startswith("-F"):
            return [argument]
    return []
