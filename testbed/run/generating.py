"""Run a load generator on its host, and tell from its exit whose fault a failure was."""

import re
import shlex
import time
from pathlib import Path

from testbed.errors import Interrupted, RunFailed
from testbed.hosts.failures import CommandFailed
from testbed.model.load import Load
from testbed.run.session import Session
from testbed.tools.table import GENERATORS
from testbed.tools.tool import OPEN_FILES_LIMIT

LOAD_GRACE_S = 30  # a generator counts as hung so long after the load's duration and time-out
ALIVE_EVERY_S = 10  # how often it is checked during a load that the server host still answers
# What generators print when they give up on an app. Any other failure is the generator's own
GAVE_UP = re.compile(r"connect|reset by peer|refused|broken pipe|time(d )?out", re.IGNORECASE)


class GeneratorHangs(Interrupted):
    """Raised if a generator does not end by itself. It has been stopped."""


def generate(
    session: Session, load: Load, command: list[str], output: str, expected_s: float
) -> None:
    """Run a generator until it ends, with its output going to a file on its host.

    `expected_s` is how long it should take, in seconds. Raises RunFailed if the generator gives
    up on the app, CommandFailed if it fails in another way, GeneratorHangs if it does not end
    `timeout_s` and LOAD_GRACE_S after that, and HostUnreachable if a host is lost meanwhile.
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
                known = GENERATORS[load.generator].why_it_hangs
                raise GeneratorHangs(
                    f"the generator did not end within {limit_s:.0f} s, and was stopped: {line}",
                    remedy=known or None,
                )
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
    """Return a shell line that runs the command and writes its output to a file.

    The testbed's programs are on its PATH. It may open as many files as the host allows, and
    writes that number to a file beside the output.
    """
    prefix = session.inventory.facts.testbed_prefix
    limit = Path(output).with_name(OPEN_FILES_LIMIT)
    return (
        f"PATH={prefix}/bin:$PATH; ulimit -n $(ulimit -Hn); ulimit -n >{shlex.quote(str(limit))}; "
        f"exec {shlex.join(command)} >{shlex.quote(output)} 2>&1"
    )
