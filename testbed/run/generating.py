"""Running a load generator on its host, and what its end means."""

import re
import shlex
import time
from pathlib import Path

from testbed.errors import Interrupted, RunFailed
from testbed.hosts.remote import CommandFailed
from testbed.model.load import Load
from testbed.run import conditions
from testbed.run.session import Session

LOAD_GRACE_S = 30  # beyond the load's own duration and time-out, before it counts as hung
ALIVE_EVERY_S = 10  # how often the server host is asked for a sign of life during a load
# What generators say when they give up on an app; any other end of one is its own trouble
GAVE_UP = re.compile(r"connect|reset by peer|refused|broken pipe|time(d )?out", re.IGNORECASE)


def generate(
    session: Session, load: Load, command: list[str], output: str, expected_s: float
) -> None:
    """Run a generator to its end, its output into a file on its host.

    Raises RunFailed if it gives up on the app, CommandFailed if it fails otherwise, Interrupted if
    it hangs, HostUnreachable if a host is lost meanwhile.
    """
    generating = session.remotes[load.from_host]
    line = shell_line(session, command, output)
    limit_s = expected_s + load.timeout_s + LOAD_GRACE_S
    begin = time.monotonic()
    alive_at = begin + ALIVE_EVERY_S
    process = generating.start(line)
    try:
        while (code := process.wait(0.25)) is None:
            elapsed_s = time.monotonic() - begin
            session.progress.tick(elapsed_s)
            if elapsed_s > limit_s:
                raise Interrupted(f"the generator did not end within {limit_s:.0f} s: {line}")
            if time.monotonic() > alive_at:
                session.server.check_alive(ALIVE_EVERY_S)
                alive_at = time.monotonic() + ALIVE_EVERY_S
    finally:
        process.stop()
    if code != 0:
        tail = generating.run(["tail", "-n", "5", output], check=False).stdout.strip()
        if GAVE_UP.search(tail):
            raise RunFailed(f"the generator failed (exit {code}): {command[0]}: {tail}")
        raise CommandFailed(generating.host, command[0], code, tail)


def shell_line(session: Session, command: list[str], output: str) -> str:
    """The command with the testbed's programs on PATH, output to a file.

    It may open as many files as the host allows; how many that is goes into a file beside the
    output.
    """
    prefix = session.inventory.facts.testbed_prefix
    limit = Path(output).with_name(conditions.GENERATOR_OPEN_FILES)
    return (
        f"PATH={prefix}/bin:$PATH; ulimit -n $(ulimit -Hn); ulimit -n >{shlex.quote(str(limit))}; "
        f"exec {shlex.join(command)} >{shlex.quote(output)} 2>&1"
    )
