"""Let Ansible carry out one of the project's playbooks, for fab's tasks."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from testbed.errors import Exit, TestbedError
from testbed.paths import ROOT


def play(
    name: str,
    inventory: str | None,
    *,
    ask_password: bool,
    variables: Mapping[str, str] | None = None,
) -> None:
    """Carry out a playbook, by its path in the project, and show Ansible's output.

    `inventory` is None for that of ansible.cfg. `ask_password` makes Ansible ask for sudo's
    password. `variables` go before those of the inventory. Raises TestbedError if Ansible fails.
    """
    place = inventory if inventory is None or "," in inventory else str(Path(inventory).resolve())
    command = [
        str(Path(sys.executable).with_name("ansible-playbook")),
        name,
        *(["-i", place] if place else []),
        *(["--ask-become-pass"] if ask_password else []),
        *(["-e", json.dumps(dict(variables))] if variables else []),
    ]
    if subprocess.run(command, cwd=ROOT, check=False).returncode != 0:
        raise TestbedError(
            f"ansible-playbook {name} ended with an error; it stands above",
            remedy="if it asks for sudo's password, add --ask-become-pass",
            exit_code=Exit.NOT_READY,
        )
