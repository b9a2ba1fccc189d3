#!/usr/bin/python3
"""Have exactly these files where a pattern matches: what is no longer wanted goes."""

import os
import tempfile
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = """
module: file_set
short_description: Have exactly these files where a pattern matches
description:
  - Writes all files in one task, and removes those that match the pattern and are not wanted.
options:
  pattern:
    description: An absolute glob pattern that all wanted files match.
    type: str
    required: true
  files:
    description: path and content of each.
    type: list
    elements: dict
    required: true
  mode:
    description: Permissions of all of them, octal.
    type: str
    default: "0644"
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
  description: paths that were not there, or not as wanted.
  returned: always
  type: list
removed:
  description: paths that are no longer wanted.
  returned: always
  type: list
"""


def text_of(path: Path) -> str | None:
    """A file's content; None if there is none."""
    return path.read_text() if path.is_file() else None


def is_right(path: Path, content: str, mode: int) -> bool:
    """Whether a file is as wanted."""
    return text_of(path) == content and path.stat().st_mode & 0o7777 == mode


def write(path: Path, content: str, mode: int) -> None:
    """Write a file whole or not at all, and the folder it lies in if there is none."""
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    handle, partial = tempfile.mkstemp(dir=path.parent, prefix=".testbed-")
    with os.fdopen(handle, "w") as stream:
        stream.write(content)
    Path(partial).chmod(mode)
    Path(partial).replace(path)


def unwanted(pattern: str, files: dict[Path, str]) -> list[Path]:
    """Files that match the pattern and are not among those wanted."""
    return sorted(set(Path("/").glob(pattern.lstrip("/"))) - set(files))


def differences(paths: list[Path], files: dict[Path, str]) -> list[dict[str, Any]]:
    """What --diff shows."""
    return [
        {
            "before_header": str(path),
            "after_header": str(path),
            "before": text_of(path) or "",
            "after": files.get(path, ""),
        }
        for path in paths
    ]


def main() -> None:
    """Entry point of the module."""
    module = AnsibleModule(
        argument_spec={
            "pattern": {"type": "str", "required": True},
            "files": {"type": "list", "elements": "dict", "required": True},
            "mode": {"type": "str", "default": "0644"},
        },
        supports_check_mode=True,
    )
    pattern, mode = module.params["pattern"], int(module.params["mode"], 8)
    files = {Path(item["path"]): item["content"] for item in module.params["files"]}
    strays = [str(path) for path in files if not path.match(pattern)]
    if strays:
        module.fail_json(msg=f"These do not match {pattern}: {', '.join(strays)}")
    wrong = [path for path, content in files.items() if not is_right(path, content, mode)]
    leftover = unwanted(pattern, files)
    diff = differences(wrong + leftover, files)
    if not module.check_mode:
        for path in wrong:
            write(path, files[path], mode)
        for path in leftover:
            path.unlink()
    module.exit_json(
        changed=bool(wrong or leftover),
        written=[str(path) for path in wrong],
        removed=[str(path) for path in leftover],
        diff=diff,
    )


if __name__ == "__main__":
    main()
