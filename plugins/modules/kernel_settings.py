#!/usr/bin/python3
"""Set kernel settings below /proc/sys and /sys, read them back, and remember what was found."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils import kernel_files
from ..module_utils.kernel_files import (
    BOOT_ID,
    DIFFERS,
    NOT_HERE,
    PROC_SYS,
    SET,
    Setting,
    apply,
    file_settings,
    is_to_be_written,
    read,
    sysctl_settings,
)
from ..module_utils.records import DamagedError, keep, load, save

DOCUMENTATION = """
module: kernel_settings
short_description: Set kernel settings, read them back, and remember what was found
description:
  - The settings are applied live. The value before is recorded once and never overwritten. A
    setting that is no longer asked for is put back.
  - A setting that this host cannot change and a setting that this kernel does not have are
    reported as such and are no failure. It is a failure if a setting was written and another
    value reads back.
  - Each setting that is put back is read back, too. If that fails, the setting stays recorded, and
    the module fails and names it. A setting that somebody else has changed since is left as it
    is, with a warning.
  - It is here for what it does, not for its speed. ansible.posix.sysctl keeps no value that was
    there before, does not leave a greater one, and fails alike for a setting that this host cannot
    change and for one that it should have taken.
options:
  state:
    description: C(present) applies the settings; C(restored) puts back what was recorded.
    choices: [present, restored]
    default: present
    type: str
  sysctls:
    description: >-
      name and value of each; C(at_least) keeps a greater value; C(optional) says that a kernel may
      lack the setting, for example if a module is not loaded.
    type: list
    elements: dict
  files:
    description: >-
      name (C({}) stands for what the pattern's star matched), path (a pattern) and value of each.
    type: list
    elements: dict
  folder:
    description: Where the records are kept.
    type: path
    required: true
  record:
    description: The name of the records. For C(tuning) they are tuning-before.json and tuning.json.
    type: str
    default: tuning
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
  description: the same for the files.
  returned: state is present
  type: list
persistent:
  description: names and values of the sysctls that a reboot would undo.
  returned: state is present
  type: list
restored:
  description: a line for each setting that was put back, with the value read back.
  returned: always
  type: list
"""

Write = tuple[str, str | None, str | None]  # name, value before, value after
Entry = dict[str, Any]  # of the record: path, value (found), applied, boot_id


@dataclass(frozen=True)
class Records:
    """The two files that remember what was found before, and what holds now."""

    folder: Path
    name: str = "tuning"

    @property
    def before(self) -> Path:
        """Return the file with path, value found, value applied and boot id of each change."""
        return self.folder / f"{self.name}-before.json"

    @property
    def now(self) -> Path:
        """Return the file with each setting as asked for, as found and as it is, and its state."""
        return self.folder / f"{self.name}.json"

    def entries(self) -> dict[str, Entry]:
        """Return what was found, by setting; an empty mapping if nothing was changed.

        Raises DamagedError if the record cannot be read.
        """
        content = load(self.before, self._remedy)
        if content is None:
            return {}
        if not isinstance(content, dict) or not all(map(_is_entry, content.values())):
            raise DamagedError(f"{self.before} is not a record of settings -> {self._remedy}")
        return content

    @property
    def _remedy(self) -> str:
        return (
            "put it back from a copy; without one, run playbooks/restore.yml, so that nothing is "
            "set at boot, reboot the host, which then has its own settings, and delete the file"
        )

    def refused(self) -> set[str]:
        """Return the settings that the kernel did not let us write the last time."""
        try:
            content = load(self.now) or {}
            lists = [content[key] for key in ("sysctls", "files")]
            return {item["name"] for items in lists for item in items if item["state"] == NOT_HERE}
        except (DamagedError, KeyError, TypeError):
            return set()  # a damaged record is written anew


def _is_entry(item: object) -> bool:
    return (
        isinstance(item, dict)
        and all(isinstance(item.get(key), str) for key in ("path", "value"))
        and all(isinstance(item.get(key), str | None) for key in ("applied", "boot_id"))
    )


def remembered(settings: list[Setting], entries: dict[str, Entry]) -> dict[str, Entry]:
    """Return the record to keep before the first write. It never replaces a value found before."""
    return entries | {
        setting.name: {
            "path": str(setting.path),
            "value": entries.get(setting.name, {}).get("value", read(setting.path)),
            "applied": setting.value,
            "boot_id": read(BOOT_ID),
        }
        for setting in settings
        if is_to_be_written(setting)
    }


@dataclass
class PuttingBack:
    """What became of the settings that were to be put back."""

    writes: list[Write] = field(default_factory=list)
    done: dict[str, str] = field(default_factory=dict)  # name -> what holds now
    left: list[str] = field(default_factory=list)  # sentences: what others have set since
    refused: list[str] = field(default_factory=list)  # sentences: what cannot be put back

    def add(self, name: str, entry: Entry, check_mode: bool) -> None:
        """Put one setting back, unless it holds the value found, or a value that is not ours."""
        path, found = Path(entry["path"]), entry["value"]
        now, applied = read(path), entry.get("applied")
        wanted = f"wanted {found}, as found before it was set"
        if now is None:
            if entry.get("boot_id") not in (None, read(BOOT_ID)) and not path.exists():
                self.done[name] = "gone since a reboot, and what was set with it"
            else:
                self.refused.append(f"{name}: {path} cannot be read now; {wanted}")
        elif now == found:
            self.done[name] = now
        elif applied is not None and now != applied:
            self.left.append(
                f"{name}: is {now}, which is not what was set ({applied}): somebody else has "
                f"changed it since, so it is left; it was {found} before"
            )
            self.done[name] = now
        else:
            self.writes.append((name, now, found))
            problem = (
                kernel_files.not_writable(path)
                if check_mode
                else kernel_files.put_back(path, found)
            )
            if problem:
                self.refused.append(f"{name}: is {read(path)}, {wanted}: {problem}")
            else:
                self.done[name] = found


def put_back(entries: dict[str, Entry], check_mode: bool) -> PuttingBack:
    """Put settings back, in the reverse order of setting them."""
    outcome = PuttingBack()
    for name, entry in reversed(entries.items()):
        outcome.add(name, entry, check_mode)
    return outcome


def present(
    sysctls: list[Setting],
    files: list[Setting],
    kept: Records,
    check_mode: bool,
    root: Path = PROC_SYS,
) -> dict[str, Any]:
    """Put back what is no longer asked for, record what was found, apply, and record what holds."""
    settings = sysctls + files
    refused, first = kept.refused(), kept.entries()
    asked = {setting.name for setting in settings}
    dropped = put_back({n: e for n, e in first.items() if n not in asked}, check_mode)
    first_kept = {name: entry for name, entry in first.items() if name not in dropped.done}
    before = remembered(settings, first_kept)
    if not check_mode and before:
        save(kept.before, before)
    applied = [_apply(one, one.name in refused, check_mode, root) for one in settings]
    before = _settled(before, first_kept, applied)
    writes = dropped.writes + [one.write for one in applied if one.write]
    items = [one.item(before) for one in applied]
    now = {"sysctls": items[: len(sysctls)], "files": items[len(sysctls) :]}
    changed = bool(writes) or before != first
    if not check_mode:
        keep(kept.before, before)
        changed |= save(kept.now, {"schema_version": 1} | now)
    return {
        "changed": changed,
        "diff": difference(writes),
        **now,
        "persistent": [
            {"name": setting.name, "value": setting.value}
            for setting, item in zip(sysctls, now["sysctls"], strict=True)
            if item["state"] == SET and not setting.satisfied_by(item["before"])
        ],
        "restored": [f"{name} = {value}" for name, value in dropped.done.items()],
        "left": dropped.left,
        "refused": dropped.refused,
    }


@dataclass(frozen=True)
class Applied:
    """A setting after it was applied, or as it would be."""

    setting: Setting
    state: str
    old: str | None  # the value just before
    actual: str | None
    write: Write | None  # None if nothing was written

    def item(self, before: dict[str, Entry]) -> dict[str, str | None]:
        """Return what the record of what holds now says of it. None: a value that is not known."""
        return {
            "name": self.setting.name,
            "requested": self.setting.requested,
            "before": before.get(self.setting.name, {}).get("value", self.old),
            "actual": self.actual,
            "state": self.state,
        }


def _apply(setting: Setting, refused: bool, check_mode: bool, root: Path) -> Applied:
    old = read(setting.path)
    state, written = apply(setting, refused, check_mode, root)
    actual = setting.value if check_mode and written else read(setting.path)
    write = (setting.name, old, actual) if written else None
    return Applied(setting, state, old, actual, write)


def _settled(
    before: dict[str, Entry], first: dict[str, Entry], applied: list[Applied]
) -> dict[str, Entry]:
    """Return the record of what was found, now that it is known what was written.

    If the kernel refused a write, there is nothing new to put back: the entry is as it was at
    `first`, or it is left out.
    """
    settled = dict(before)
    for one in applied:
        name = one.setting.name
        if one.write:
            settled[name] = settled[name] | {"applied": one.actual}
        elif name in first:
            settled[name] = first[name]
        else:
            settled.pop(name, None)
    return settled


def restored(kept: Records, check_mode: bool) -> dict[str, Any]:
    """Put back what was recorded. Only what could not be put back stays recorded.

    The record of what holds now is removed first, as the first write makes it wrong.
    """
    entries = kept.entries()
    changed = bool(entries) or kept.now.exists()
    if not check_mode:
        kept.now.unlink(missing_ok=True)
    outcome = put_back(entries, check_mode)
    if not check_mode:
        keep(kept.before, {n: e for n, e in entries.items() if n not in outcome.done})
    return {
        "changed": changed,
        "diff": difference(outcome.writes),
        "restored": [f"{name} = {value}" for name, value in outcome.done.items()],
        "left": outcome.left,
        "refused": outcome.refused,
    }


def difference(writes: list[Write]) -> dict[str, str]:
    """Return what --diff shows of the writes."""
    return {
        "before": "".join(f"{name} = {old}\n" for name, old, _ in writes),
        "after": "".join(f"{name} = {new}\n" for name, _, new in writes),
    }


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "state": {"choices": ["present", "restored"], "default": "present"},
            "sysctls": {"type": "list", "elements": "dict", "default": []},
            "files": {"type": "list", "elements": "dict", "default": []},
            "folder": {"type": "path", "required": True},
            "record": {"type": "str", "default": "tuning"},
        },
        supports_check_mode=True,
    )
    kept = Records(Path(module.params["folder"]), module.params["record"])
    try:
        if module.params["state"] == "restored":
            result = restored(kept, module.check_mode)
        else:
            sysctls = sysctl_settings(module.params["sysctls"])
            files = file_settings(module.params["files"])
            result = present(sysctls, files, kept, module.check_mode)
    except DamagedError as error:
        module.fail_json(msg=str(error))
    for sentence in result.pop("left"):
        module.warn(sentence)
    not_taken = [
        f"{item['name']}: requested {item['requested']}, reads back {item['actual']}"
        for item in result.get("sysctls", []) + result.get("files", [])
        if item["state"] == DIFFERS
    ]
    problems = []
    if not_taken:
        problems.append(
            "The kernel did not take: " + "; ".join(not_taken) + " -> correct these settings in "
            "the inventory, or leave them out; docs/tuning.md tells what each is for"
        )
    if refused := result.pop("refused"):
        problems.append(
            "Not put back: " + "; ".join(refused) + f" -> make it writable and repeat; what was "
            f"found stays recorded in {kept.before}"
        )
    if problems:
        module.fail_json(msg=". ".join(problems), **result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
