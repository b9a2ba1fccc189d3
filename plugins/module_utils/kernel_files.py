"""Read and write the kernel's settings, which are files below /proc/sys and /sys."""

import errno
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROC_SYS = Path("/proc/sys")
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
SET, DIFFERS = "set", "differs"
NOT_HERE, NOT_ON_KERNEL = "not namespaced here", "not on this kernel"


@dataclass(frozen=True)
class Setting:
    """One file of the kernel, and the value that it should hold."""

    name: str
    path: Path
    value: str
    at_least: bool = False
    optional: bool = False

    @property
    def requested(self) -> str:
        """Return what was asked for, as the records write it."""
        return f"at least {self.value}" if self.at_least else self.value

    def satisfied_by(self, actual: str | None) -> bool:
        """Return whether this value of the kernel's fulfils what was asked for."""
        if actual is None:
            return False
        return int(actual) >= int(self.value) if self.at_least else actual == self.value


def words(value: object) -> str:
    """Return a value in the form in which it is compared: with single spaces in place of tabs.

    For choices such as 'always [madvise] never', return the one in force.
    """
    chosen = re.search(r"\[(\S+)\]", str(value))
    return chosen[1] if chosen else " ".join(str(value).split())


def sysctl_settings(items: list[dict[str, Any]], root: Path = PROC_SYS) -> list[Setting]:
    """Return the settings that a list of sysctls declares."""
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
    """Return a setting for each file that a pattern matches, or one for the pattern itself."""
    settings = []
    for item in items:
        head, _, tail = item["path"].partition("*")
        for path in sorted(Path("/").glob(item["path"].lstrip("/"))) or [Path(item["path"])]:
            name = item["name"].format(str(path)[len(head) : len(str(path)) - len(tail)])
            settings.append(Setting(name, path, words(item["value"]), optional=True))
    return settings


def read(path: Path) -> str | None:
    """Return the kernel's value, or None if there is no such setting that can be read."""
    try:
        return words(path.read_text())
    except OSError:
        return None


def absence(setting: Setting, root: Path = PROC_SYS) -> str:
    """Return the state that says why a setting has no file.

    A network namespace shows only those settings of net.* that belong to it. net.core.dev_weight
    belongs to none of them: where it can be seen, no setting of net.* is hidden.
    """
    hidden = root / "net" in setting.path.parents and not (root / "net/core/dev_weight").exists()
    return NOT_HERE if hidden and not setting.optional else NOT_ON_KERNEL


def write(path: Path, value: str) -> str | None:
    """Write a value. Return None if the kernel took it, otherwise the state that says why not."""
    try:
        path.write_text(value + "\n")
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.EIO):
            return NOT_HERE  # EIO: the kernel itself manages the CPU of this interrupt
        return NOT_ON_KERNEL if error.errno == errno.ENOENT else DIFFERS
    return None


def is_to_be_written(setting: Setting) -> bool:
    """Return whether a setting exists, differs from what was asked for, and may be written."""
    found = read(setting.path)
    return (
        found is not None and not setting.satisfied_by(found) and os.access(setting.path, os.W_OK)
    )


def apply(
    setting: Setting, refused: bool, check_mode: bool, root: Path = PROC_SYS
) -> tuple[str, bool]:
    """Make a setting hold. Return its state, and whether that took (or would take) a write.

    `refused` says that the kernel refused the write the last time. Only a new write can show it.
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


def not_writable(path: Path) -> str | None:
    """Return why a file cannot be written, or None if it can. Nothing is written."""
    return None if os.access(path, os.W_OK) else f"{path} is not writable"


def put_back(path: Path, value: str) -> str | None:
    """Write a value and read it back. Return why it does not hold, or None if it does."""
    try:
        path.write_text(value + "\n")
    except OSError as error:
        return f"{path}: {error.strerror}"
    now = read(path)
    return None if now == value else f"{path} took the write and reads back {now}"
