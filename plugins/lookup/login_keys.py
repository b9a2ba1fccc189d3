"""Look up the public halves of the SSH keys with which Ansible logs in to a host."""

import shlex
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ansible.plugins.lookup import LookupBase

DOCUMENTATION = """
name: login_keys
short_description: Public halves of the keys that SSH logs in to a host with
description:
  - If a private key is named, its public half. Otherwise that of each identity that SSH would offer
    to the host (its defaults or those of the user's configuration), and all keys of an agent.
  - No lookup of Ansible's knows what a user's SSH configuration and agent offer to a host.
options:
  _terms:
    description: The host, as it is given to SSH.
    required: true
  private_key:
    description: A private key's file; empty for SSH's own choice.
    type: str
    default: ""
  arguments:
    description: Further arguments of SSH, as one string.
    type: str
    default: ""
author: ["the testbed's authors"]
"""

EXAMPLES = """
- name: Show them
  ansible.builtin.debug:
    msg: "{{ query('login_keys', ansible_host) }}"
"""

RETURN = """
_list:
  description: One line for each key, as in authorized_keys; an empty list if there is no key.
  type: list
"""

KINDS = ("ssh-", "ecdsa-", "sk-")  # how the line of a public key begins


class LookupModule(LookupBase):  # type: ignore[misc] # ansible has no types
    """Ansible's entry point."""

    def run(
        self, terms: list[str], variables: dict[str, Any] | None = None, **keywords: str
    ) -> list[str]:
        """Return the public keys for the named hosts, each key once."""
        key = keywords.get("private_key", "")
        if key:
            return distinct(public_half(Path(key).expanduser()))
        arguments = shlex.split(keywords.get("arguments", ""))
        return distinct(line for host in terms for line in offered(host, arguments))


def offered(host: str, arguments: list[str]) -> list[str]:
    """Return the public keys of all identities that SSH would offer to this host."""
    settings = [line.partition(" ") for line in printed("ssh", "-G", *arguments, host)]
    lines = [
        line
        for name, _, value in settings
        if name == "identityfile"
        for line in public_half(Path(value).expanduser())
    ]
    if ("identitiesonly", " ", "yes") not in settings:
        lines += [line for line in printed("ssh-add", "-L") if line.startswith(KINDS)]
    return lines


def public_half(key: Path) -> list[str]:
    """Return a private key's public line, from the file beside it or from the key itself.

    The list is empty if there is no such key, or if reading it needs a passphrase.
    """
    for path in (Path(f"{key}.pub"), key):
        if path.is_file():
            lines = path.read_text(errors="replace").splitlines()
            if public := [line.strip() for line in lines if line.startswith(KINDS)]:
                return public
    return printed("ssh-keygen", "-y", "-P", "", "-f", str(key)) if key.is_file() else []


def printed(*command: str) -> list[str]:
    """Return the lines that a command prints, or an empty list if it fails."""
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    return done.stdout.splitlines() if done.returncode == 0 else []


def distinct(lines: Iterable[str]) -> list[str]:
    """Return each key once, in the order of first appearance. Comments are not compared."""
    found: dict[tuple[str, ...], str] = {}
    for line in lines:
        found.setdefault(tuple(line.split()[:2]), line)
    return list(found.values())
