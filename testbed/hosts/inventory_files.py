"""Explain in one sentence why Ansible found no hosts in an inventory's file, folder or script."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import yaml

from testbed import files
from testbed.errors import TestbedError
from testbed.texts import is_plain, shown_name
from testbed.texts import shown as shown_value

EXAMPLE = "inventory/baremetal/hosts.yml is an example"
SCRIPT_TIMEOUT_S = 60
LARGEST_BYTES = 10_000_000  # the file of thousands of hosts is smaller
# Values with every alias written out, as Ansible does it: a few bytes may stand for many more
MOST_VALUES = 1_000_000
OF_VARIABLES = {"group_vars", "host_vars"}
YAML_ENDINGS = {".yml", ".yaml", ".json", ""}


def check_place(source: str) -> None:
    """Raise TestbedError unless the source is a file or folder that Ansible reads to an end.

    An empty name would mean the current folder with everything in it. Ansible would wait for a pipe
    without end, and read a device, or write out aliases of aliases, without end.
    """
    path = Path(source)
    if not source or not path.exists():
        raise TestbedError(f"no inventory at {shown(source) or repr(source)}", remedy=EXAMPLE)
    if (other := files.kind(path)) not in (None, files.FOLDER):
        raise TestbedError(f"{shown(source)}: is {other}, not an inventory", remedy=EXAMPLE)
    try:
        for file in _read_by_ansible(path):
            _check_end(file)
    except OSError:  # a folder or file that may not be read: `explain` says so
        return


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


def explain_variables(source: str) -> None:
    """Raise TestbedError if a file of variables beside the source is why Ansible cannot read it."""
    path = Path(source)
    folder = path if path.is_dir() else path.parent
    for name in sorted(OF_VARIABLES):
        for file in sorted((folder / name).rglob("*")):
            if file.is_file() and file.suffix in YAML_ENDINGS:
                text = _text(file, shown(str(file)))
                if not text.startswith("$ANSIBLE_VAULT"):
                    _tree(text, shown(str(file)))


def shown(source: str) -> str:
    """Return the path as the user would type it, on one line."""
    relative = os.path.relpath(source) if source.startswith("/") else source
    return shown_name(source if relative.startswith("..") else relative)


def _read_by_ansible(path: Path) -> Iterator[Path]:
    """Yield the inventory's files, and the files of variables beside them."""
    yield from _files(path)
    folder = path if path.is_dir() else path.parent
    for name in sorted(OF_VARIABLES):
        yield from (one for one in sorted((folder / name).rglob("*")) if not one.is_dir())


def _check_end(path: Path) -> None:
    """Raise TestbedError for a file that Ansible could not read to its end."""
    name = shown(str(path))
    if not path.exists():  # a link that leads nowhere
        return
    if (other := files.kind(path)) is not None:
        raise TestbedError(f"{name}: is {other}, not a file", remedy=EXAMPLE)
    _check_size(path, name)
    content = path.read_bytes()
    if os.access(path, os.X_OK) or not (b"&" in content and b"*" in content):
        return
    try:
        tree = yaml.compose(content, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, ValueError, RecursionError):  # no YAML; Ansible refuses it
        return
    if tree is not None and (count := _values(tree, name, {})) > MOST_VALUES:
        raise TestbedError(
            f"{name}: its aliases, written out, are {count:,} values; an inventory has at most "
            f"{MOST_VALUES:,}",
            remedy=EXAMPLE,
        )


def _check_size(path: Path, name: str) -> None:
    if path.stat().st_size > LARGEST_BYTES:
        raise TestbedError(
            f"{name}: larger than {LARGEST_BYTES} bytes, which no inventory is", remedy=EXAMPLE
        )


def _values(node: yaml.Node, name: str, known: dict[int, int | None]) -> int:
    """Return how many values a node stands for, with every alias written out.

    `known` has the count of each node that was visited, and None while it is being counted. Raises
    TestbedError for a node that contains itself.
    """
    if id(node) in known:
        if (count := known[id(node)]) is None:
            line = node.start_mark.line + 1
            raise TestbedError(f"{name}:{line}: contains itself, by an alias", remedy=EXAMPLE)
        return count
    known[id(node)] = None
    children: list[yaml.Node] = []
    if isinstance(node, yaml.MappingNode):
        children = [one for pair in node.value for one in pair]
    elif isinstance(node, yaml.SequenceNode):
        children = node.value
    known[id(node)] = count = 1 + sum(_values(child, name, known) for child in children)
    return count


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
    text = _text(path, name)
    if path.suffix in YAML_ENDINGS:
        _explain_yaml(text, name)


def _text(path: Path, name: str) -> str:
    """Return a file's text. Raises TestbedError if it is none, or not in UTF-8."""
    _check_size(path, name)
    try:
        text = path.read_text(encoding="utf-8")
    except ValueError as error:
        raise TestbedError(f"{name}: this is not text in UTF-8", remedy=EXAMPLE) from error
    if "\0" in text:
        raise TestbedError(f"{name}: this is not text: it holds zero bytes", remedy=EXAMPLE)
    return text


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


def _tree(text: str, name: str) -> yaml.Node | None:
    """Return the text's YAML, None if it is empty. Raises TestbedError if it is not YAML.

    Ansible's tags, such as !vault, are allowed. An unquoted template is not.
    """
    try:
        tree: yaml.Node | None = yaml.compose(text, Loader=yaml.SafeLoader)
    except RecursionError as error:
        raise TestbedError(f"{name}: nested too deeply", remedy=EXAMPLE) from error
    except yaml.reader.ReaderError as error:
        line, character = text.count("\n", 0, error.position) + 1, int(error.character)
        raise TestbedError(
            f"{name}:{line}: not valid YAML: it holds the character U+{character:04X}",
            remedy=EXAMPLE,
        ) from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f":{mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or str(error)
        raise TestbedError(f"{name}{where}: not valid YAML: {problem}", remedy=EXAMPLE) from error
    for key in _keys(tree) if tree else []:
        if not isinstance(key, yaml.ScalarNode):
            raise TestbedError(
                f"{name}:{key.start_mark.line + 1}: a key is a list or mapping; a text that begins "
                "with {, as a template does, takes quotes",
                remedy=EXAMPLE,
            )
    return tree


def _explain_yaml(text: str, name: str) -> None:
    """Raise TestbedError if the text is not YAML of groups and hosts."""
    tree = _tree(text, name)
    if tree is None:
        raise TestbedError(f"{name}: this file is empty", remedy=EXAMPLE)
    if not isinstance(tree, yaml.MappingNode) and name.endswith((".yml", ".yaml")):
        raise TestbedError(f"{name}: holds no groups: it is not a mapping", remedy=EXAMPLE)
    for key in _keys(tree):
        if not all(map(is_plain, key.value)):
            raise TestbedError(
                f"{name}:{key.start_mark.line + 1}: the name {shown_value(key.value)} holds a "
                "character that does not print",
                remedy=EXAMPLE,
            )


def _keys(node: yaml.Node) -> Iterator[yaml.Node]:
    """Yield all keys of mappings in a tree: names of groups, hosts and variables."""
    seen, left = set(), [node]
    while left:
        one = left.pop()
        if id(one) in seen or not isinstance(one, yaml.CollectionNode):
            continue
        seen.add(id(one))
        if isinstance(one, yaml.MappingNode):
            yield from (key for key, _ in one.value)
            left += [value for _, value in one.value]
        else:
            left += one.value
