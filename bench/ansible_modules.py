"""Measure how many seconds the project's own Ansible modules save, compared with stock modules.

This does the same work with the own module and with stock modules, on one host of an inventory that
site.yml has provisioned: first where nothing is there yet, then where nothing is left to do. It
prints the seconds of each, without those of a play that only pings; the best of several tries
counts. All files are in a separate folder on the host, which is removed at the end.

    python bench/ansible_modules.py [--inventory inventory/lab] [--host server] [--tries 3]
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY))

from testbed import bundle  # noqa: E402 - this is a script

FOLDER = "/var/tmp/testbed-bench"  # noqa: S108 - on the host, where only root writes into it
WORKLOADS = ["agents", "todo", "movies", "records", "pokemon"]
Task = dict[str, Any]


def files() -> tuple[list[Task], list[Task]]:
    """Return the tasks that write a dozen units: with file_set, and with copy."""
    wanted = [{"path": f"{FOLDER}/unit-{n}", "content": f"{n}\n" * 500} for n in range(12)]
    stock = {
        "ansible.builtin.copy": {"dest": "{{ item.path }}", "content": "{{ item.content }}",
                                 "mode": "0644"},
        "loop": wanted,
        "loop_control": {"label": "{{ item.path }}"},
    }  # fmt: skip
    return [{"file_set": {"files": wanted}}], [stock]


def archives(bundles: list[dict[str, Any]]) -> tuple[list[Task], list[Task]]:
    """Return the tasks that unpack the apps' code, with the own module and with stock modules.

    The first use the role releases and its module; the others file, unarchive and compileall.
    """
    own = {
        "ansible.builtin.import_role": {"name": "releases"},
        "vars": {"releases_folder": f"{FOLDER}/apps", "releases_wanted": bundles,
                 "releases_exclusive": True},
    }  # fmt: skip
    target = FOLDER + "/apps/{{ item.name }}-{{ item.digest }}"
    loop = {"loop": bundles, "loop_control": {"label": "{{ item.name }}"}}
    make = {"ansible.builtin.file": {"path": target, "state": "directory", "mode": "0755"}}
    unpack = {
        "ansible.builtin.unarchive": {"src": "{{ item.archive }}", "dest": target,
                                      "creates": target + "/{{ item.requirements }}"},
        "register": "unpacked",
    }  # fmt: skip
    compiled = {"ansible.builtin.command": f"python3 -m compileall -q {FOLDER}/apps",
                "when": "unpacked is changed"}  # fmt: skip
    return [own], [make | loop, unpack | loop, compiled]


def environments(bundles: list[dict[str, Any]]) -> tuple[list[Task], list[Task]]:
    """Return the tasks that make virtual environments: all at once, and one after the other."""
    wanted = [
        {"name": one["name"], "digest": one["requirements_digest"],
         "requirements": f"/opt/testbed/apps/{one['name']}-{one['digest']}/{one['requirements']}"}
        for one in bundles
    ]  # fmt: skip
    own = {"virtualenvs": {"folder": f"{FOLDER}/venvs", "environments": wanted}}
    target = FOLDER + "/venvs/{{ item.name }}-{{ item.digest }}"
    pip = f"python3 -m pip --python {target}/bin/python install --quiet --no-input"
    stock = [
        {"ansible.builtin.command": {"cmd": f"python3 -m venv --without-pip {target}",
                                     "creates": f"{target}/bin/python"}},
        {"ansible.builtin.command": {
            "cmd": f"{pip} --root-user-action=ignore --requirement {{{{ item.requirements }}}}",
            "creates": f"{target}/complete"}},
        {"ansible.builtin.copy": {"content": "yes", "dest": f"{target}/complete", "mode": "0644"}},
    ]  # fmt: skip
    return [own], [task | {"loop": wanted} for task in stock]


def seconds(tasks: list[Task], options: argparse.Namespace) -> float:
    """Return how many seconds a play with these tasks takes. Raises RuntimeError if it fails."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as playbook:
        named = [{"name": f"Task {n}"} | task for n, task in enumerate(tasks)]
        play = {"hosts": options.host, "become": True, "gather_facts": False, "tasks": named}
        json.dump([play], playbook)
        playbook.flush()
        begin = time.monotonic()
        done = subprocess.run(
            ["ansible-playbook", "-i", options.inventory, playbook.name],
            cwd=REPOSITORY, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            raise RuntimeError(done.stdout + done.stderr)
        return time.monotonic() - begin


def main() -> None:
    """Measure files, archives and environments, and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inventory", default="inventory/lab")
    parser.add_argument("--host", default="server")
    parser.add_argument("--tries", type=int, default=3)
    options = parser.parse_args()
    bundles = [asdict(app.bundle) for app in bundle.deployment(WORKLOADS).apps]
    work = {
        "12 files: file_set, copy": files(),
        f"{len(bundles)} archives: releases, unarchive": archives(bundles),
        "3 environments: virtualenvs, pip": environments(bundles[:3]),
    }
    gone = [{"ansible.builtin.file": {"path": FOLDER, "state": "absent"}}]
    made = [{"ansible.builtin.file": {"path": FOLDER, "state": "directory", "mode": "0755"}}]
    ping: list[Task] = [{"ansible.builtin.ping": {}}]
    try:
        for what, both in work.items():
            took: dict[str, list[float]] = {}
            for _ in range(options.tries):
                alone = seconds(ping, options)
                for whose, tasks in zip(("own", "stock"), both, strict=True):
                    seconds(gone + made, options)
                    for when in ("first", "again"):
                        took.setdefault(f"{whose} {when}", []).append(
                            seconds(tasks, options) - alone
                        )
            told = ", ".join(f"{key} {min(values):.1f} s" for key, values in took.items())
            print(f"{what}: {told}", flush=True)
    finally:
        seconds(gone, options)


if __name__ == "__main__":
    main()
