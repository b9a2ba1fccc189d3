#!/usr/bin/python3
"""Set kernel settings below /proc/sys and /sys, read them back, and remember what was found."""

import errno
import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = """
module: kernel_settings
short_description: Set kernel settings, read them back, and remember what was found
description:
  - Applies settings live. What a setting was before is recorded once and never overwritten.
  - A setting that this host cannot change is told apart from one that this kernel does not have;
    neither is a failure. One that could be written and reads back otherwise is.
options:
  state:
    description: C(present) applies the settings; C(restored) puts back what was recorded.
    choices: [present, restored]
    default: present
    type: str
  sysctls:
    description: >-
      name and value; C(at_least) leaves a greater value alone; C(optional) says that a kernel may
      well lack it, for instance because a module is not loaded.
    type: list
    elements: dict
  files:
    description: name (with C({}) for what the pattern's star stood for), path (a pattern), value.
    type: list
    elements: dict
  folder:
    description: Where tuning-before.json and tuning.json are kept.
    type: path
    required: true
author: ["the testbed's authors"]
"""

EXAMPLES = """
- name: Set the kernel up for many short connections
  kernel_settings:
    folder: /etc/testbed
    sysctls:
      - {name: net.core.somaxconn, value: 8192, at_least: true}
"""

RETURN = """
sysctls:
  description: name, requested, before, actual and state of each.
  returned: state is present
  type: list
files:
  description: the same of the files.
  returned: state is present
  type: list
persistent:
  description: names and values of the sysctls that a reboot would undo.
  returned: state is present
  type: list
"""

PROC_SYS = Path("/proc/sys")
BEFORE, NOW = "tuning-before.json", "tuning.json"
SET, DIFFERS = "set", "differs"
NOT_HERE, NOT_ON_KERNEL = "not namespaced here", "not on this kernel"

Write = tuple[str, str | None, str | None]  # name, value before, value after


@dataclass(frozen=True)
class Setting:
    """One file of the kernel's, and what it should hold."""

    name: str
    path: Path
    value: str
    at_least: bool = False
    optional: bool = False

    @property
    def requested(self) -> str:
        """As records show it."""
        return f"at least {self.value}" if self.at_least else self.value

    def satisfied_by(self, actual: str | None) -> bool:
        """Whether this value of the kernel's is what was asked."""
        if actual is None:
            return False
        return int(actual) >= int(self.value) if self.at_least else actual == self.value


def words(value: object) -> str:
    """A value as compared: the kernel puts tabs where people put spaces."""
    return " ".join(str(value).split())


def sysctl_settings(items: list[dict[str, Any]], root: Path = PROC_SYS) -> list[Setting]:
    """The settings that a list of sysctls declares."""
    return [
        Setting(
            name=item["name"],
            path=root / item["name"].replace(".", "/"),
            value=words(item["value"]),
            at_least=bool(item.get("at_least", False)),
            optional=bool(item.get("optional", False)),
        )
        for item in items
    ]


def file_settings(items: list[dict[str, Any]]) -> list[Setting]:
    """One setting per file that a pattern matches; the pattern itself where none does."""
    settings = []
    for item in items:
        head, _, tail = item["path"].partition("*")
        for path in sorted(Path("/").glob(item["path"].lstrip("/"))) or [Path(item["path"])]:
            name = item["name"].format(str(path)[len(head) : len(str(path)) - len(tail)])
            settings.append(Setting(name, path, words(item["value"]), optional=True))
    return settings


def read(path: Path) -> str | None:
    """What the kernel says; None if there is no such setting, or none that can be read."""
    try:
        return words(path.read_text())
    except OSError:
        return None


def absence(setting: Setting, root: Path = PROC_SYS) -> str:
    """Why a setting has no file.

    A network namespace shows only those settings of net.* that are its own. net.core.dev_weight is
    none of these: where it can be seen, nothing of net.* is hidden.
    """
    hidden = root / "net" in setting.path.parents and not (root / "net/core/dev_weight").exists()
    return NOT_HERE if hidden and not setting.optional else NOT_ON_KERNEL


def write(path: Path, value: str) -> str | None:
    """Write a value; None if the kernel took it, else the state that its refusal stands for."""
    try:
        path.write_text(value + "\n")
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            return NOT_HERE
        return NOT_ON_KERNEL if error.errno == errno.ENOENT else DIFFERS
    return None


def is_to_be_written(setting: Setting) -> bool:
    """Whether a setting is there, is not what was asked, and may be written."""
    found = read(setting.path)
    return (
        found is not None and not setting.satisfied_by(found) and os.access(setting.path, os.W_OK)
    )


def apply(
    setting: Setting, refused: bool, check_mode: bool, root: Path = PROC_SYS
) -> tuple[str, bool]:
    """Make a setting hold: its state, and whether that took (or would take) a write.

    `refused`: the kernel did not let us the last time, which only a write can tell.
    """
    found = read(setting.path)
    if found is None:
        return absence(setting, root), False
    if setting.satisfied_by(found):
        return SET, False
    if not is_to_be_written(setting):
        return NOT_HERE, False
    if check_mode:
        return (NOT_HERE, False) if refused else (SET, True)
    refusal = write(setting.path, setting.value)
    if refusal:
        return refusal, False
    return (SET if setting.satisfied_by(read(setting.path)) else DIFFERS), True


def load(file: Path) -> Any:
    """A record's content; None if it was never written."""
    return json.loads(file.read_text()) if file.exists() else None


def save(file: Path, content: Any) -> bool:
    """Write a record that all may read, whole or not at all; whether that changed anything."""
    if load(file) == content:
        return False
    file.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    handle, partial = tempfile.mkstemp(dir=file.parent, prefix=file.name)
    with os.fdopen(handle, "w") as stream:
        json.dump(content, stream, indent=1)
        stream.write("\n")
    Path(partial).chmod(0o644)
    Path(partial).replace(file)
    return True


def remembered(settings: list[Setting], recorded: dict[str, Any] | None) -> dict[str, Any]:
    """What was found before the first write: a setting once recorded is never recorded again."""
    found = {
        setting.name: {"path": str(setting.path), "value": read(setting.path)}
        for setting in settings
        if is_to_be_written(setting)
    }
    return found | (recorded or {})


def present(
    sysctls: list[Setting],
    files: list[Setting],
    folder: Path,
    check_mode: bool,
    root: Path = PROC_SYS,
) -> dict[str, Any]:
    """Record what was found, apply all settings, record what holds now."""
    settings = sysctls + files
    refused = {
        record["name"]
        for records in (load(folder / NOW) or {}).values()
        if isinstance(records, list)
        for record in records
        if record["state"] == NOT_HERE
    }
    before = remembered(settings, load(folder / BEFORE))
    changed = not check_mode and save(folder / BEFORE, before)
    records: list[dict[str, str | None]] = []
    writes: list[Write] = []
    for setting in settings:
        old = read(setting.path)
        state, written = apply(setting, setting.name in refused, check_mode, root)
        actual = setting.value if check_mode and written else read(setting.path)
        if written:
            writes.append((setting.name, old, actual))
        records.append(
            {
                "name": setting.name,
                "requested": setting.requested,
                "before": before.get(setting.name, {}).get("value", old),
                "actual": actual,
                "state": state,
            }
        )
    now = {"sysctls": records[: len(sysctls)], "files": records[len(sysctls) :]}
    changed |= not check_mode and save(folder / NOW, {"schema_version": 1} | now)
    return {
        "changed": changed or bool(writes),
        "diff": difference(writes),
        **now,
        "persistent": [
            {"name": setting.name, "value": setting.value}
            for setting, record in zip(sysctls, now["sysctls"], strict=True)
            if record["state"] == SET and not setting.satisfied_by(record["before"])
        ],
    }


def restored(folder: Path, check_mode: bool) -> dict[str, Any]:
    """Put back what was recorded, where it differs and can be written; then drop the records."""
    before = load(folder / BEFORE)
    writes: list[Write] = []
    refused = []
    for name, item in (before or {}).items():
        path = Path(item["path"])
        now = read(path)
        if now in (None, item["value"]) or not os.access(path, os.W_OK):
            continue
        if not check_mode and (write(path, item["value"]) or read(path) != item["value"]):
            refused.append(f"{name}: found {item['value']} before tuning, is {read(path)}")
        writes.append((name, now, item["value"]))
    if not check_mode and not refused:
        for record in (BEFORE, NOW):
            (folder / record).unlink(missing_ok=True)
    return {
        "changed": before is not None or (folder / NOW).exists(),
        "diff": difference(writes),
        "refused": refused,
    }


def difference(writes: list[Write]) -> dict[str, str]:
    """What --diff shows."""
    return {
        "before": "".join(f"{name} = {old}\n" for name, old, _ in writes),
        "after": "".join(f"{name} = {new}\n" for name, _, new in writes),
    }


def main() -> None:
    """Entry point of the module."""
    module = AnsibleModule(
        argument_spec={
            "state": {"choices": ["present", "restored"], "default": "present"},
            "sysctls": {"type": "list", "elements": "dict", "default": []},
            "files": {"type": "list", "elements": "dict", "default": []},
            "folder": {"type": "path", "required": True},
        },
        supports_check_mode=True,
    )
    folder = Path(module.params["folder"])
    if module.params["state"] == "restored":
        result = restored(folder, module.check_mode)
        refused = result.pop("refused")
    else:
        sysctls = sysctl_settings(module.params["sysctls"])
        files = file_settings(module.params["files"])
        result = present(sysctls, files, folder, module.check_mode)
        refused = [
            f"{item['name']}: requested {item['requested']}, reads back {item['actual']}"
            for item in result["sysctls"] + result["files"]
            if item["state"] == DIFFERS
        ]
    if refused:
        module.fail_json(
            msg="The kernel did not take: " + "; ".join(refused) + ". Correct or leave out these"
            " settings in kernel_tuning_sysctls; docs/tuning.md tells what each is for.",
            **result,
        )
    module.exit_json(**result)


if __name__ == "__main__":
    main()
