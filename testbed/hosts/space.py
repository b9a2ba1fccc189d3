"""Check that there is disk space for a run, on both hosts and on this machine."""

import os
import re
import shlex
import shutil
from pathlib import Path

from testbed.errors import Exit, TestbedError
from testbed.hosts.failures import NotAnAnswer
from testbed.hosts.remote import Remote
from testbed.texts import shown_name

NEEDED_BYTES = 32 << 20  # before a run: many times as much as a run of five minutes writes
FULL_BYTES = 1 << 20  # a run that failed with less space than this failed because of it


def check_here(folder: Path, least_bytes: int = NEEDED_BYTES) -> None:
    """Raise TestbedError unless a folder of this machine has so much free space."""
    free = shutil.disk_usage(folder).free
    if free < least_bytes:
        raise _shortage(f"this machine: {shown_name(os.path.relpath(folder))}", free)


def check_there(remote: Remote, folder: str, least_bytes: int = NEEDED_BYTES) -> None:
    """Raise TestbedError unless a folder of a host has so much free space."""
    command = ["stat", "--file-system", "--format=%a %S", folder]
    told = re.fullmatch(r"(\d{1,20}) (\d{1,20})\n?", remote.run(command).stdout)
    if told is None:
        raise NotAnAnswer(remote.host, shlex.join(command), "two numbers were asked for")
    free = int(told[1]) * int(told[2])
    if free < least_bytes:
        raise _shortage(f"{remote.host.role} host: {folder}", free)


def _shortage(where: str, free: int) -> TestbedError:
    return TestbedError(
        f"{where}: the disk is full: {free / 2**20:.1f} MB free, a run needs "
        f"{NEEDED_BYTES / 2**20:.0f} MB",
        remedy="make room there; `df -h` tells which file system it is",
        exit_code=Exit.NOT_READY,
    )
