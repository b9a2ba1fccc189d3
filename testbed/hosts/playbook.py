"""Let Ansible carry out one of the project's playbooks."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from testbed.arguments import Arguments
from testbed.errors import Exit, TestbedError
from testbed.paths import ROOT
from testbed.texts import shown_name


def provision(arguments: Sequence[str]) -> None:
    """Carry out site.yml with these arguments of ansible-playbook, and show Ansible's output.

    Paths in them are relative to the current folder. Raises TestbedError if Ansible fails, and
    before that for arguments that it does not take.
    """
    os.environ["ANSIBLE_CONFIG"] = str(ROOT / "ansible.cfg")
    command = [_program(), str(ROOT / "site.yml"), *arguments]
    _check(command[1:])
    if subprocess.run(command, check=False).returncode != 0:
        raise _failed("site.yml")


def _check(arguments: Sequence[str]) -> None:
    """Raise TestbedError for what is no command line of ansible-playbook, by its own parser.

    The program itself would answer with all of its help, and end as if a host had failed.
    """
    from ansible.cli.playbook import PlaybookCLI  # reads ANSIBLE_CONFIG; takes half a second

    program = PlaybookCLI(["ansible-playbook"])
    program.init_parser()
    known = program.parser
    given = Arguments(
        prog="ansible-playbook",
        usage=known.usage,
        description=known.description,
        parents=[known],
        add_help=False,  # it has one
        formatter_class=known.formatter_class,
    ).read(arguments)
    if len(given.args) > 1:  # the playbooks
        raise TestbedError(
            f"{shown_name(given.args[1])}: provision carries out site.yml, and no other playbook",
            remedy="it takes the options of ansible-playbook, such as --tags",
        )


def _program() -> str:
    return str(Path(sys.executable).with_name("ansible-playbook"))


def _failed(name: str) -> TestbedError:
    return TestbedError(
        f"ansible-playbook {name} ended with an error; it stands above",
        remedy="if it asks for sudo's password, add --ask-become-pass",
        exit_code=Exit.NOT_READY,
    )


def play(
    name: str,
    inventory: str | None,
    *,
    ask_password: bool,
    variables: Mapping[str, str] | None = None,
    options: Sequence[str] = (),
) -> None:
    """Carry out a playbook, by its path in the project, and show Ansible's output.

    `inventory` is None for that of ansible.cfg. `ask_password` makes Ansible ask for sudo's
    password. `variables` go before those of the inventory. `options` are others of
    ansible-playbook. Raises TestbedError if Ansible fails.
    """
    place = inventory if inventory is None or "," in inventory else str(Path(inventory).resolve())
    command = [
        _program(),
        name,
        *(["-i", place] if place else []),
        *(["--ask-become-pass"] if ask_password else []),
        *(["-e", json.dumps(dict(variables))] if variables else []),
        *options,
    ]
    if subprocess.run(command, cwd=ROOT, check=False).returncode != 0:
        raise _failed(name)
