"""What a run finds on its hosts, beside what provisioning made of them."""

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from testbed import hosts
from testbed.model.results import Before, HostRole
from testbed.remote import Remote, ask

WINDOW_S = 0.5  # tells 2 % of a CPU (a tick of 10 ms); longer would cost every run more
GENERATOR_OPEN_FILES = "generator-open-files.txt"  # as the shell says that becomes the generator
OPEN_FILES = re.compile(r"^Max open files\s+(\d{1,18})\s", re.MULTILINE)


def before(server: Remote, client: Remote) -> dict[HostRole, Before]:
    """Both hosts for a moment, at the same time. Raises CommandFailed or HostUnreachable."""
    remotes = (server, client)
    with ThreadPoolExecutor(len(remotes)) as pool:
        looks = list(pool.map(_look, remotes))
    return {remote.host.role: look for remote, look in zip(remotes, looks, strict=True)}


def _look(remote: Remote) -> Before:
    program = f"{remote.facts.testbed_prefix}/bin/telemetry"
    looked = ask(remote, [program, "others", f"--window={WINDOW_S}"], Before)
    return looked.model_copy(update={"clock_offset_s": hosts.clock_offset_s(remote)})


def open_files(remote: Remote, pid: int) -> int | None:
    """How many files a process may have open; None if it has ended."""
    limits = remote.run(["cat", f"/proc/{pid}/limits"], check=False).stdout
    found = OPEN_FILES.search(limits)
    return int(found[1]) if found else None


def generator_open_files(raw: Path) -> int | None:
    """How many files the generator might open; None if it was never started. `raw`: the run's."""
    try:
        return int((raw / GENERATOR_OPEN_FILES).read_text())
    except (OSError, ValueError):
        return None
