#!/usr/bin/python3
"""Build virtual environments named by the digest of their requirements, and remove earlier ones."""

import functools
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.digest_folders import folder_of, result, stale
from ..module_utils.pip_said import masked, summary

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
  - An environment of another Python has that one's own pip, since Debian's may not run under it. So
    that Python has to bring its module C(ensurepip); Debian and Ubuntu have it in a package of its
    own, as python3.13-venv.
  - Apps run as users of their own, whose units hide home folders. A Python that is installed in one
    (by pyenv or uv, without being told where) is refused, also behind a link to it.
options:
  folder:
    description: The folder of the environments; each lies in folder/name-digest.
    type: path
    required: true
  environments:
    description: >-
      name and digest of each, and the path of its requirements file on the host; optionally pins,
      the names of all packages that it lists, and python, the command of another Python there.
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
HOST_PYTHON = "python3"  # stands for the one that runs this module
HOMES = ("/home", "/root", "/run/user")  # what an app's unit hides (ProtectHome=yes)
LOG = "pip.log"
HASH = "--hash="
PIP = [sys.executable, "-m", "pip"]
LOUDLY = ["--no-input", "--disable-pip-version-check", "--progress-bar=off"]
QUIETLY = ["--quiet", *LOUDLY]


def python_of(environment: dict[str, Any]) -> str:
    """Return the command of the Python that an environment is made with."""
    named = environment.get("python", HOST_PYTHON)
    return sys.executable if named == HOST_PYTHON else str(named)


@functools.cache  # several environments may have one Python, and each question starts it
def about(python: str) -> tuple[str, Path] | None:
    """Return a Python's version and where it is installed; None if there is no such program."""
    if python == sys.executable:
        return sys.version.split()[0], Path(sys.base_prefix)
    ask = "import sys; print(sys.version.split()[0], sys.base_prefix)"
    try:
        done = subprocess.run([python, "-c", ask], capture_output=True, text=True, check=True)
        version, folder = done.stdout.strip().split(" ", 1)
    except (OSError, subprocess.CalledProcessError, ValueError):
        return None
    return version, Path(folder)


def version_of(python: str) -> str | None:
    """Return the version of a Python; None if the host has no such program."""
    found = about(python)
    return found[0] if found else None


def hidden(folder: Path) -> bool:
    """Return whether apps, which run as users of their own, cannot use what is in this folder."""
    real = folder.resolve()
    at_home = any(real.is_relative_to(home) for home in HOMES)
    return at_home or not all(one.stat().st_mode & stat.S_IXOTH for one in (real, *real.parents))


def lacking(environments: list[dict[str, Any]]) -> list[str]:
    """Return a sentence for each Python that apps cannot have here, with who wants it."""
    wanted: dict[str, list[str]] = {}
    for one in environments:
        wanted.setdefault(python_of(one), []).append(one["name"])
    told = []
    for python, names in wanted.items():
        named = f"and `python` in app.yml of {', '.join(names)} names it"
        if (found := about(python)) is None:
            told.append(
                f"{python} is not on this host, {named}: install it, with its module ensurepip, or"
                " name one that is there"
            )
        elif python != sys.executable and hidden(found[1]):
            told.append(
                f"{python} is installed in {found[1]}, {named}: apps run as users of their own,"
                " who see no home folder and none that is closed to them; install it elsewhere, as"
                " in /opt, or name another one"
            )
    return told


def marker_text(python: str = sys.executable) -> str:
    """Return the text that marks a complete environment: the version of its Python.

    Another Python needs other environments.
    """
    return f"{version_of(python)}\n"


def is_complete(path: Path, leftover: Collection[Path] = (), python: str = sys.executable) -> bool:
    """Return whether an environment was built to its end, by this Python, and stays.

    It does not if it is a link to one of `leftover`, which are to be removed.
    """
    if path.is_symlink() and path.parent / path.readlink() in leftover:
        return False
    marker = path / MARKER
    return marker.is_file() and marker.read_text() == marker_text(python)


def missing_of(
    folder: Path, environments: list[dict[str, Any]], leftover: Collection[Path]
) -> list[dict[str, Any]]:
    """Return the environments that are not complete, or are not once `leftover` is removed."""
    return [
        one
        for one in environments
        if not is_complete(folder / folder_of(one), leftover, python_of(one))
    ]


def run(command: list[str]) -> str | None:
    """Run a command. Return None, or what it printed if it failed, with URLs' passwords masked."""
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode == 0:
        return None
    return masked(done.stdout)


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


def build(
    path: Path, requirements: str, source: Sequence[str] = (), python: str = sys.executable
) -> str | None:
    """Build an environment. Return None, or why that failed; pip.log then has all that was printed.

    `source` has the options of pip that say where packages are taken from.
    """
    remove(path)
    own = python == sys.executable
    bare = ["--without-pip"] if own else []
    pip = [*PIP, "--python", f"{path}/bin/python"] if own else [f"{path}/bin/python", "-m", "pip"]
    into = ["install", "--root-user-action=ignore"]
    problem = run([python, "-m", "venv", *bare, str(path)]) or run(
        [*pip, *into, *LOUDLY, *source, "--requirement", requirements]
    )
    if problem is None:
        (path / MARKER).write_text(marker_text(python))
        return None
    path.mkdir(parents=True, exist_ok=True)
    (path / LOG).write_text(problem)
    return summary(problem)


def unlisted(path: Path, pins: list[str] | None) -> list[str]:
    """Return what pip added to an environment besides what is listed, as name==version.

    An environment of another Python has pip itself, and of Python 3.11 and before setuptools.
    """
    if pins is None:
        return []
    pins = [*pins, *(["pip", "setuptools"] if (path / "bin" / "pip").exists() else [])]
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
    own = [one for one in missing if python_of(one) == sys.executable]
    files = {environment["requirements"] for environment in own}
    hashed = sorted(one for one in files if HASH in Path(one).read_text())
    with (
        tempfile.TemporaryDirectory() as downloads,
        ThreadPoolExecutor(max(1, len(missing))) as pool,
    ):
        shared = hashed if len(hashed) > 1 and download(downloads, hashed) else []
        from_there = ["--no-index", f"--find-links={downloads}"]

        def problem_of(environment: dict[str, Any]) -> str | None:
            path, requirements = folder / folder_of(environment), environment["requirements"]
            python = python_of(environment)
            there = environment in own and requirements in shared
            if there and build(path, requirements, from_there) is None:
                return None
            return build(path, requirements, python=python)

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
    absent = [] if module.check_mode else lacking(environments)  # a package may bring it
    if absent:
        module.fail_json(msg="\n".join(absent))
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
