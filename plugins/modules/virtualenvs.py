#!/usr/bin/python3
"""Build virtual environments named by the digest of their requirements, and remove earlier ones."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.digest_folders import folder_of, result, stale
from ..module_utils.pip_said import summary

DOCUMENTATION = """
module: virtualenvs
short_description: Build virtual environments named by the digest of their requirements
description:
  - An environment counts as built when its marker says so. A half-built one is built anew.
  - What the missing ones pin with hashes is downloaded by one pip, since much is needed by several
    of them. If they contradict each other, each downloads what it needs itself.
  - They are built at the same time, as pip mostly waits.
  - Of several with the same digest one is built, and the others are links to it.
  - Building three takes 20 s, against 45 s with venv and pip in loops; if they exist already, it
    takes 0.8 s against 8.5 s (bench/ansible_modules.py, in a lab on two busy cores).
  - Environments of the same names with other digests are removed. C(exclusive) removes all others.
  - If pip fails, the error is one line for each environment, and names the file pip.log in the
    environment's folder, which has all that pip printed.
  - It warns of packages that pip added because others need them, if they are not among the C(pins).
  - It needs Debian's python3-pip, which can install into environments that have no pip.
options:
  folder:
    description: The folder of the environments; each lies in folder/name-digest.
    type: path
    required: true
  environments:
    description: >-
      name and digest of each, and the path of its requirements file on the host; optionally pins,
      the names of all packages that it lists.
    type: list
    elements: dict
    required: true
  keep:
    description: Names of other environments in the folder that this task must not remove.
    type: list
    elements: str
  exclusive:
    description: Whether everything else but C(keep) is removed from the folder.
    type: bool
    default: false
author: ["the testbed's authors"]
"""

EXAMPLES = """
- name: Build pacer's environment
  virtualenvs:
    folder: /opt/testbed/venvs
    environments:
      - {name: pacer, digest: 0a1b2c3d4e5f, requirements: /opt/testbed/pacer/requirements.txt}
"""

RETURN = """
missing:
  description: environments that were missing or not complete.
  returned: always
  type: list
stale:
  description: environments of earlier requirements, removed.
  returned: always
  type: list
"""

MARKER = "complete"
LOG = "pip.log"
HASH = "--hash="
PIP = [sys.executable, "-m", "pip"]
LOUDLY = ["--no-input", "--disable-pip-version-check", "--progress-bar=off"]
QUIETLY = ["--quiet", *LOUDLY]


def marker_text() -> str:
    """Return the text that marks a complete environment: the version of its Python.

    Another Python needs other environments.
    """
    return f"{sys.version.split()[0]}\n"


def is_complete(path: Path, leftover: Collection[Path] = ()) -> bool:
    """Return whether an environment was built to its end, by this Python, and stays.

    It does not if it is a link to one of `leftover`, which are to be removed.
    """
    if path.is_symlink() and path.parent / path.readlink() in leftover:
        return False
    marker = path / MARKER
    return marker.is_file() and marker.read_text() == marker_text()


def missing_of(
    folder: Path, environments: list[dict[str, Any]], leftover: Collection[Path]
) -> list[dict[str, Any]]:
    """Return the environments that are not complete, or are not once `leftover` is removed."""
    return [one for one in environments if not is_complete(folder / folder_of(one), leftover)]


def run(command: list[str]) -> str | None:
    """Run a command. Return None, or all that it printed if it failed."""
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode == 0:
        return None
    return done.stdout


def download(folder: str, requirements: list[str]) -> bool:
    """Download all that these files pin to a folder, and return whether that worked.

    It does not if two of them want different versions, or one does not pin all that it needs.
    """
    files = [f"--requirement={one}" for one in requirements]
    options = [*QUIETLY, "--require-hashes", f"--dest={folder}"]
    return run([*PIP, "download", *options, *files]) is None


def remove(path: Path) -> None:
    """Remove an environment, or the link to another's, if there is one."""
    if path.is_symlink():
        path.unlink()
    elif path.exists():
        shutil.rmtree(path)


def build(path: Path, requirements: str, source: Sequence[str] = ()) -> str | None:
    """Build an environment. Return None, or why that failed; pip.log then has all that was printed.

    `source` has the options of pip that say where packages are taken from.
    """
    remove(path)
    into = ["--python", f"{path}/bin/python", "install", "--root-user-action=ignore"]
    problem = run([sys.executable, "-m", "venv", "--without-pip", str(path)]) or run(
        [*PIP, *into, *LOUDLY, *source, "--requirement", requirements]
    )
    if problem is None:
        (path / MARKER).write_text(marker_text())
        return None
    path.mkdir(parents=True, exist_ok=True)
    (path / LOG).write_text(problem)
    return summary(problem)


def unlisted(path: Path, pins: list[str] | None) -> list[str]:
    """Return what pip added to an environment besides what is listed, as name==version."""
    if pins is None:
        return []
    found = (one.name for one in path.glob("lib/python3*/site-packages/*.dist-info"))
    named = (name.removesuffix(".dist-info").rpartition("-") for name in found)
    return sorted(
        f"{normal(name)}=={version}" for name, _, version in named if normal(name) not in pins
    )


def normal(name: str) -> str:
    """Return a package's name in its normal spelling."""
    return re.sub(r"[-_.]+", "-", name).lower()


def link(path: Path, built: Path) -> None:
    """Make an environment a link to the one that has been built for the same requirements."""
    remove(path)
    path.symlink_to(built.resolve().name)


def build_all(folder: Path, missing: list[dict[str, Any]]) -> list[str]:
    """Build these environments, and return a text on each that failed.

    What several pin with hashes is downloaded once. An environment that cannot be built from that
    alone, since pip needs more to build one of its packages, takes all from the package index.
    """
    files = {environment["requirements"] for environment in missing}
    hashed = sorted(one for one in files if HASH in Path(one).read_text())
    with (
        tempfile.TemporaryDirectory() as downloads,
        ThreadPoolExecutor(max(1, len(missing))) as pool,
    ):
        shared = hashed if len(hashed) > 1 and download(downloads, hashed) else []
        from_there = ["--no-index", f"--find-links={downloads}"]

        def problem_of(environment: dict[str, Any]) -> str | None:
            path, requirements = folder / folder_of(environment), environment["requirements"]
            if requirements in shared and build(path, requirements, from_there) is None:
                return None
            return build(path, requirements)

        problems = pool.map(problem_of, missing)
        return [
            f"{environment['name']}: {problem} (all that was printed: "
            f"{folder / folder_of(environment) / LOG})"
            for environment, problem in zip(missing, problems, strict=True)
            if problem
        ]


def provide(
    folder: Path, environments: list[dict[str, Any]], missing: list[dict[str, Any]]
) -> list[str]:
    """Build or link the missing environments, and return a text on each that failed.

    Of those with one digest one will do, as the digest covers all files that are included, too.
    """
    there = [one for one in environments if one not in missing]
    first = {one["digest"]: one for one in reversed([*there, *missing])}
    to_build = [one for one in missing if first[one["digest"]] is one]
    failed = build_all(folder, to_build)
    if not failed:
        for one in missing:
            if one not in to_build:
                link(folder / folder_of(one), folder / folder_of(first[one["digest"]]))
    return failed


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "folder": {"type": "path", "required": True},
            "environments": {"type": "list", "elements": "dict", "required": True},
            "keep": {"type": "list", "elements": "str", "default": []},
            "exclusive": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    os.umask(0o022)  # sudo keeps the umask of the user who logged in, which may lock out all others
    folder, environments = Path(module.params["folder"]), module.params["environments"]
    leftover = stale(folder, environments, module.params["exclusive"], module.params["keep"])
    missing = missing_of(folder, environments, leftover)
    if not module.check_mode:
        folder.mkdir(parents=True, exist_ok=True)
        failed = provide(folder, environments, missing)
        if failed:
            module.fail_json(msg="pip could not install:\n" + "\n".join(failed))
        for environment in missing:
            added = unlisted(folder / folder_of(environment), environment.get("pins"))
            if added:
                module.warn(
                    f"{environment['name']}: pip added what its packages need and its requirements"
                    f" do not list, in the newest version: {', '.join(added)}. Add these lines, so"
                    " that it is the same everywhere."
                )
        for path in leftover:
            remove(path)
    module.exit_json(**result(missing, leftover))


if __name__ == "__main__":
    main()
