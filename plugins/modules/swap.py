#!/usr/bin/python3
"""Turn all swap off and remember what was on, or turn it on again."""

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.records import DamagedError, keep, load

DOCUMENTATION = """
module: swap
short_description: Turn all swap off and remember what was on, or turn it on again
description:
  - What is on is recorded before it is turned off. The record is removed when all is on again.
  - The change holds until the next boot, which turns on what /etc/fstab says.
  - It is here for what it does, not for its speed. ansible.posix.mount edits /etc/fstab, and
    swapoff as a command would keep nothing of what was on, nor show it in check mode.
options:
  state:
    description: C(off) turns all swap off; C(restored) turns on what was recorded.
    choices: ["off", restored]
    required: true
    type: str
  folder:
    description: Where swap-before.json is kept.
    type: path
    required: true
author: ["the testbed's authors"]
"""

EXAMPLES = """
- name: Turn swap off
  swap:
    state: "off"
    folder: /etc/testbed
"""

RETURN = """
restored:
  description: a line for each swap area that is on again.
  returned: always
  type: list
"""

SWAPS = Path("/proc/swaps")
RECORD = "swap-before.json"
ENGLISH = {"LC_ALL": "C"}


def areas(text: str) -> dict[str, int]:
    """Return the priority of each area that is on, by its path, from the text of /proc/swaps."""
    rows = (line.split() for line in text.splitlines()[1:])  # a space is written as \040
    return {row[0].replace("\\040", " "): int(row[-1]) for row in rows if row}


def recorded(file: Path) -> dict[str, int]:
    """Return the priority of each area that was on, by its path.

    Raises DamagedError, with a sentence for the user, if the record is damaged.
    """
    remedy = "reboot the host, which turns its own swap on, and delete the file"
    content = load(file, remedy)
    if content is None:
        return {}
    try:
        return {str(path): int(priority) for path, priority in content.items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise DamagedError(f"{file} is damaged ({error}) -> {remedy}") from error


class Swap:
    """Controls the host's swap with swapon(8) and swapoff(8)."""

    def __init__(self, module: AnsibleModule, file: Path) -> None:
        self._module = module
        self._file = file

    def off(self) -> dict[str, Any]:
        """Record what is on in addition to what was recorded, turn it off, and look again."""
        on = areas(SWAPS.read_text())
        if on and not self._module.check_mode:
            known = recorded(self._file)
            keep(self._file, known | on)
            _, _, errors = self._module.run_command(["swapoff", "-a"], environ_update=ENGLISH)
            still = areas(SWAPS.read_text())
            keep(
                self._file, {p: n for p, n in (known | on).items() if p in known or p not in still}
            )
            if still:
                self._stays_on(still, errors.strip())
            on = {path: priority for path, priority in on.items() if path not in still}
        return self._result(bool(on), on, {})

    def _stays_on(self, still: dict[str, int], errors: str) -> None:
        sentence = f"swap stays on: {', '.join(still)}: {errors}"
        if "not permitted" not in errors:
            self._fail(sentence)
        self._module.warn(f"{sentence}: the machine around this host decides")

    def restored(self) -> dict[str, Any]:
        """Turn on what was on, look again, and remove the record."""
        wanted = recorded(self._file)
        missing = {path: n for path, n in wanted.items() if path not in areas(SWAPS.read_text())}
        if not self._module.check_mode:
            # the kernel chose a negative priority, and does not accept one
            errors = [
                self._module.run_command(
                    ["swapon", *(["-p", str(priority)] if priority >= 0 else []), path]
                )[2].strip()
                for path, priority in missing.items()
            ]
            off = set(wanted) - set(areas(SWAPS.read_text()))
            if off:
                self._fail(
                    f"not put back: swap on {', '.join(sorted(off))}: {'; '.join(errors)} -> see "
                    f"to it and repeat; it stays recorded in {self._file}"
                )
            self._file.unlink(missing_ok=True)
        return self._result(bool(wanted), {}, missing) | {
            "restored": [f"swap on {path}" for path in wanted]
        }

    def _fail(self, message: str) -> None:
        self._module.fail_json(msg=message, restored=[])

    @staticmethod
    def _result(changed: bool, before: dict[str, int], after: dict[str, int]) -> dict[str, Any]:
        lines = ["".join(f"swap on {path}\n" for path in side) for side in (before, after)]
        return {
            "changed": changed,
            "diff": {"before": lines[0], "after": lines[1]},
            "restored": [],
        }


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "state": {"choices": ["off", "restored"], "required": True},
            "folder": {"type": "path", "required": True},
        },
        supports_check_mode=True,
    )
    swap = Swap(module, Path(module.params["folder"]) / RECORD)
    try:
        result = swap.off() if module.params["state"] == "off" else swap.restored()
    except DamagedError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
