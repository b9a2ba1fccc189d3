"""Explain in one sentence why Ansible found no hosts in an inventory's file, folder or script."""

import os
import subprocess
from pathlib import Path

import yaml

from testbed import files
from testbed.errors import TestbedError

EXAMPLE = "inventory/baremetal/hosts.yml is an example"
SCRIPT_TIMEOUT_S = 60
LARGEST_BYTES = 10_000_000  # the file of thousands of hosts is smaller
OF_VARIABLES = {"group_vars", "host_vars"}
YAML_ENDINGS = {".yml", ".yaml", ".json", ""}


def check_place(source: str) -> None:
    """Raise TestbedError unless the source is a file or a folder.

    An empty name would mean the current folder with everything in it. Ansible would wait for a pipe
    without end, and read a device without end.
    """
    path = Path(source)
    if not source or not path.exists():
        raise TestbedError(f"no inventory at {shown(source) or repr(source)}", remedy=EXAMPLE)
    if (other := files.kind(path)) not in (None, files.FOLDER):
        raise TestbedError(f"{shown(source)}: is {other}, not an inventory", remedy=EXAMPLE)


def explain(source: str) -> None:
    """Raise TestbedError if the source is the reason why groups are missing."""
    path = Path(source)
    if "," in source:
        return
    if not path.exists():
        raise TestbedError(f"no inventory at {shown(source)}", remedy=EXAMPLE)
    try:
        files = _files(path)
    except OSError as error:
        raise TestbedError(
            f"{shown(source)}: the folder cannot be read: {error.strerror}",
            remedy="let your user read it",
        ) from error
    if not files:
        raise TestbedError(
            f"{shown(source)}: this folder holds no inventory file",
            remedy=f"put a hosts.yml into it; {EXAMPLE}",
        )
    for file in files:
        _explain_file(file)


def shown(source: str) -> str:
    """Return the path as the user would type it."""
    if not source.startswith("/"):
        return source
    relative = os.path.relpath(source)
    return source if relative.startswith("..") else relative


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    found = [one for one in sorted(path.iterdir()) if not one.name.startswith(".")]
    return [one for one in found if one.name not in OF_VARIABLES and not one.is_dir()]


def _explain_file(path: Path) -> None:
    name = shown(str(path))
    if not path.is_file():
        raise TestbedError(f"{name}: this is no file", remedy=EXAMPLE)
    if not os.access(path, os.R_OK):
        raise TestbedError(f"{name}: may not be read", remedy="let your user read it")
    if os.access(path, os.X_OK):
        _explain_script(path, name)
        return
    if path.stat().st_size > LARGEST_BYTES:
        raise TestbedError(
            f"{name}: larger than {LARGEST_BYTES} bytes, which no inventory is", remedy=EXAMPLE
        )
    try:
        text = path.read_text(encoding="utf-8")
    except ValueError as error:
        raise TestbedError(f"{name}: this is not text in UTF-8", remedy=EXAMPLE) from error
    if "\0" in text:
        raise TestbedError(f"{name}: this is not text: it holds zero bytes", remedy=EXAMPLE)
    if path.suffix in YAML_ENDINGS:
        _explain_yaml(text, name)


def _explain_script(path: Path, name: str) -> None:
    """Explain an executable file, which Ansible runs to get an inventory; the lab's is one."""
    try:
        done = subprocess.run(
            [path.resolve(), "--list"],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=SCRIPT_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise TestbedError(
            f"{name}: cannot be run: {error}", remedy="`chmod -x` it if it is not a program"
        ) from error
    if done.returncode != 0:
        said = done.stderr.strip() or f"it ended with exit code {done.returncode}, and no word"
        message, _, remedy = said.partition("\n  -> ")
        raise TestbedError(f"{name}: {message}", remedy=remedy or "run it by hand with --list")


def _explain_yaml(text: str, name: str) -> None:
    """Raise TestbedError if the text is not YAML. Ansible's tags, such as !vault, are allowed."""
    try:
        tree = yaml.compose(text, Loader=yaml.SafeLoader)
    except RecursionError as error:
        raise TestbedError(f"{name}: nested too deeply", remedy=EXAMPLE) from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f":{mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or str(error)
        raise TestbedError(f"{name}{where}: not valid YAML: {problem}", remedy=EXAMPLE) from error
    if tree is None:
        raise TestbedError(f"{name}: this file is empty", remedy=EXAMPLE)
    if not isinstance(tree, yaml.MappingNode) and name.endswith((".yml", ".yaml")):
        raise TestbedError(f"{name}: holds no groups: it is not a mapping", remedy=EXAMPLE)
