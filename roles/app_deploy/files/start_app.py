#!/usr/bin/python3 -I
"""Start an app's unit with the settings of its run, as root for the user who measures.

    start-app /etc/testbed/settings.json testbed-agents-flask.service

Sudoers allows only these two arguments, once for each app. Standard input has the settings, a
NAME=value on each line. Only settings that the app declares are accepted, with values that are
allowed, and addresses on which the host listens for the testbed. They are written to a folder of
root's, from which systemd reads them for the unit. A variable that is declared with a file is no
setting: its line is taken from a file of root's, whose name has values of settings in it. Nothing
that another user may write is ever read or followed.
"""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

MOST_BYTES = 64 * 1024
LONGEST_VALUE = 1000  # characters
READ_TIMEOUT_S = 10
NUMBER = re.compile(r"-?[0-9]{1,18}")


class Refused(Exception):
    """Raised if what was asked for is not allowed."""


def read(stream: Any) -> str:
    """Return all of a stream. Raises Refused if it is too long or not UTF-8."""
    signal.alarm(READ_TIMEOUT_S)  # ends this if the caller sends nothing
    content: bytes = stream.read(MOST_BYTES + 1)
    signal.alarm(0)
    if len(content) > MOST_BYTES:
        raise Refused(f"more than {MOST_BYTES} bytes of settings")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise Refused(f"settings are not UTF-8: {error}") from error


def settings_of(text: str) -> dict[str, str]:
    """Return the settings by name. Raises Refused for any other line, or a name given twice."""
    settings: dict[str, str] = {}
    for line in text.split("\n"):
        if not line:
            continue
        name, equals, value = line.partition("=")
        if not equals:
            raise Refused(f"not NAME=value: {line[:80]!r}")
        if name in settings:
            raise Refused(f"{name} is given twice")
        settings[name] = value
    return settings


def check(settings: dict[str, str], declared: dict[str, Any]) -> None:
    """Raise Refused for a setting that is not declared, or a value that is not allowed."""
    for name, value in settings.items():
        if name not in declared or "file" in declared[name]:
            raise Refused(f"{name[:80]!r} is no setting of this app")
        choices = declared[name]["choices"]
        if choices is not None and value not in choices:
            raise Refused(f"{name} cannot be {value[:80]!r}; it is one of: {', '.join(choices)}")
        if declared[name]["integer"] and not NUMBER.fullmatch(value):
            raise Refused(f"{name} is a whole number, and cannot be {value[:80]!r}")
        if (most := declared[name].get("most")) is not None:
            least = declared[name]["least"]
            if not least <= int(value) <= most:
                raise Refused(f"{name} is from {least} to {most}, and cannot be {value}")
        if len(value) > LONGEST_VALUE:
            raise Refused(f"{name} has more than {LONGEST_VALUE} characters")
        if not value.isprintable():
            raise Refused(f"{name} holds what cannot be printed: {value[:80]!r}")


def environment_file(settings: dict[str, str]) -> str:
    """Return the settings as an EnvironmentFile of systemd, each value in double quotes."""
    lines = []
    for name, value in settings.items():
        quoted = re.sub(r'(["\\`$])', r"\\\1", value)
        lines.append(f'{name}="{quoted}"\n')
    return "".join(lines)


def lines_of_files(settings: dict[str, str], declared: dict[str, Any]) -> str:
    """Return the lines for variables that come from files; their settings have been checked.

    Where the settings in a file's name are not given, the unit's own value stays.
    """
    lines = []
    for setting in declared.values():
        if "file" in setting and all(name in settings for name in setting["named_by"]):
            lines.append(Path(setting["file"].format_map(settings)).read_text())
    return "".join(lines)


def write(path: Path, text: str) -> None:
    """Write a file whole or not at all, for root alone, into a folder of root's."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    partial = path.with_name(f".{path.name}-{os.getpid()}")
    partial.touch(mode=0o600)
    partial.write_text(text)
    partial.replace(path)


def main(arguments: list[str]) -> int:
    """Write the settings and start the unit.

    Return 2 if the settings are refused, else the exit code of systemctl.
    """
    try:
        declared_in, unit = arguments
        declared = json.loads(Path(declared_in).read_text())
        if unit not in declared["units"]:
            raise Refused(f"{unit} is no app's unit on this host; it may have changed since")
        settings = settings_of(read(sys.stdin.buffer))
        check(settings, declared["units"][unit])
        text = environment_file(settings) + lines_of_files(settings, declared["units"][unit])
        write(Path(declared["folder"]) / f"{unit}.env", text)
    except Refused as refusal:
        sys.stderr.write(f"start-app: {refusal}\n")
        return 2
    return subprocess.run(
        ["/usr/bin/systemctl", "--no-ask-password", "start", unit],
        stdin=subprocess.DEVNULL,
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"},
        check=False,
    ).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
