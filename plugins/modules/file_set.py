#!/usr/bin/python3
"""Write several small text files in one task, and remove other files that match a pattern."""

import os
import pwd
import shlex
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = """
module: file_set
short_description: Write several small text files in one task
description:
  - Each file is written completely or not at all. Missing folders are made for the file's owner.
    They are closed to others if the file is.
  - A file whose owner is not root is read, written and shown with the owner's own rights. So a link
    that the owner may have put there gives no access that the owner does not have.
  - It takes one task and one call to the host, where copy or template takes two or more for each
    file. Twelve files take 0.5 s; with ansible.builtin.copy in a loop they take 15.9 s, also if
    all are as wanted (bench/ansible_modules.py, in a lab on two busy cores).
options:
  files:
    description: >-
      path and content of each; optionally mode (octal, default C(0644)), owner (default C(root))
      and validate, a command that must accept the file, with C(%s) for its path.
    type: list
    elements: dict
    required: true
  pattern:
    description: An absolute glob pattern; files that match it and are not among these are removed.
    type: str
author: ["the testbed's authors"]
"""

EXAMPLES = """
- name: Write the units
  file_set:
    pattern: /etc/systemd/system/testbed-*.service
    files:
      - path: /etc/systemd/system/testbed-a.service
        content: "{{ lookup('ansible.builtin.template', 'a.service.j2') }}"
"""

RETURN = """
written:
  description: paths that were missing, or not as wanted.
  returned: always
  type: list
removed:
  description: paths that are no longer wanted.
  returned: always
  type: list
"""


@dataclass(frozen=True)
class File:
    """One file as it should be."""

    path: Path
    content: str
    mode: int = 0o644
    owner: str = "root"
    validate: str | None = None


class Refused(Exception):
    """Raised if a file's validating command did not accept it, or a task's item is wrong."""


def wanted(item: dict[str, Any]) -> File:
    """Return the file that a task's item describes. Raises Refused for an unknown key."""
    known = {"path", "content", "mode", "owner", "validate"}
    if set(item) - known:
        raise Refused(f"unknown keys: {', '.join(sorted(set(item) - known))}")
    return File(
        path=Path(item["path"]),
        content=str(item["content"]),
        mode=int(item.get("mode", "0644"), 8),
        owner=item.get("owner", "root"),
        validate=item.get("validate"),
    )


@contextmanager
def rights_of(owner: str) -> Iterator[None]:
    """Take on the rights of the file's owner while the block runs.

    Raises KeyError if there is no such user.
    """
    account = pwd.getpwnam(owner)
    if account.pw_uid == os.geteuid():
        yield
        return
    groups, gid, uid = os.getgroups(), os.getegid(), os.geteuid()
    os.initgroups(owner, account.pw_gid)
    os.setegid(account.pw_gid)
    os.seteuid(account.pw_uid)
    try:
        yield
    finally:
        os.seteuid(uid)
        os.setegid(gid)
        os.setgroups(groups)


def text_of(path: Path) -> str:
    """Return a file's content, or an empty text if there is no such file."""
    return path.read_text() if path.is_file() else ""


def is_right(file: File) -> bool:
    """Return whether a file has the content, mode and owner that it should have."""
    try:
        with rights_of(file.owner):
            if not file.path.is_file():
                return False
            found = file.path.stat()
            return (found.st_mode & 0o7777, found.st_uid, file.path.read_text()) == (
                file.mode,
                pwd.getpwnam(file.owner).pw_uid,
                file.content,
            )
    except (KeyError, PermissionError):
        return False  # in check mode the user may not exist yet; or the owner may not read the file


def write(file: File) -> None:
    """Write a file as its owner. Raises Refused if its validating command does not accept it."""
    with rights_of(file.owner):
        _write(file, pwd.getpwnam(file.owner))


def _write(file: File, owner: pwd.struct_passwd) -> None:
    folder = file.path.parent
    if not folder.is_dir():
        folder.mkdir(parents=True)
        folder.chmod(0o755 if file.mode & 0o077 else 0o700)
        os.chown(folder, owner.pw_uid, owner.pw_gid)
    handle, name = tempfile.mkstemp(dir=folder, prefix=".testbed-")
    try:
        with os.fdopen(handle, "w") as stream:
            stream.write(file.content)
        Path(name).chmod(file.mode)
        os.chown(name, owner.pw_uid, owner.pw_gid)
        if file.validate:
            validate(file.validate.replace("%s", shlex.quote(name)))
        Path(name).replace(file.path)
    except BaseException:
        Path(name).unlink()
        raise


def validate(command: str) -> None:
    """Raise Refused unless the command succeeds."""
    done = subprocess.run(
        shlex.split(command),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise Refused(f"{command}: {done.stdout.strip()}")


def unwanted(pattern: str | None, files: list[File]) -> list[Path]:
    """Return the files that match the pattern and are not wanted; none without a pattern."""
    matching = Path("/").glob(pattern.lstrip("/")) if pattern else []
    return sorted(set(matching) - {file.path for file in files})


def difference(path: Path, content: str, owner: str = "root") -> dict[str, str]:
    """Return what --diff shows of a file: its content before and after."""
    try:
        with rights_of(owner):
            before = text_of(path)
    except (KeyError, PermissionError):
        before = ""
    return {
        "before_header": str(path),
        "after_header": str(path),
        "before": before,
        "after": content,
    }


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "files": {"type": "list", "elements": "dict", "required": True},
            "pattern": {"type": "str"},
        },
        supports_check_mode=True,
    )
    os.umask(0o022)  # sudo keeps the umask of the user who logged in, which may lock out all others
    pattern = module.params["pattern"]
    try:
        files = [wanted(item) for item in module.params["files"]]
        strays = [str(file.path) for file in files if pattern and not file.path.match(pattern)]
        if strays:
            raise Refused(f"these do not match {pattern}: {', '.join(strays)}")
        wrong = [file for file in files if not is_right(file)]
        leftover = unwanted(pattern, files)
        diff = [difference(file.path, file.content, file.owner) for file in wrong]
        diff += [difference(path, "") for path in leftover]
        if not module.check_mode:
            for file in wrong:
                write(file)
            for path in leftover:
                path.unlink()
    except (Refused, OSError, KeyError) as error:
        module.fail_json(msg=f"Cannot write the files: {error}")
    module.exit_json(
        changed=bool(wrong or leftover),
        written=[str(file.path) for file in wrong],
        removed=[str(path) for path in leftover],
        diff=diff,
    )


if __name__ == "__main__":
    main()
