"""Run a system command. An error names the command and shows the last lines that it printed."""

import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path

from testbed.errors import Exit, TestbedError

# A host with every app has some 100,000 files; a busy disk takes minutes to delete them
DELETE_TIMEOUT_S = 1800


def run(
    command: Sequence[str], *, text: str | None = None, timeout_s: float = 60, check: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run a command, with `text` as its standard input, and return it with what it printed.

    Raises TestbedError if it cannot be started, fails (unless `check` is false) or takes too long.
    """
    try:
        done = subprocess.run(
            command,
            input=text if text is not None else "",
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
    except FileNotFoundError as error:
        raise TestbedError(
            f"{command[0]}: no such program", remedy="script/bootstrap", exit_code=Exit.NOT_READY
        ) from error
    except subprocess.TimeoutExpired as error:
        raise TestbedError(
            f"{shlex.join(command)}: not finished after {timeout_s:g} s", exit_code=Exit.NOT_READY
        ) from error
    if check and done.returncode != 0:
        words = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()
        raise TestbedError(
            f"{shlex.join(command)}: exit status {done.returncode}: {' / '.join(words[-3:])}",
            exit_code=Exit.NOT_READY,
        )
    return done


def output(command: Sequence[str], *, timeout_s: float = 60) -> str:
    """Return what the command printed. Raises TestbedError as `run` does."""
    return run(command, timeout_s=timeout_s).stdout


def delete(folder: Path) -> None:
    """Delete a folder with all that is in it, but not what is mounted there."""
    run(["rm", "-rf", "--one-file-system", str(folder)], timeout_s=DELETE_TIMEOUT_S)
