"""Delay the data link while a block runs: with netem, half of the delay on each host.

If the kernel of a lab has no netem, the lab uses a delay line (testbed/lab/delay_line.py). In both
cases, the round trip is measured before any run uses the delay.
"""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Literal

from testbed.errors import Exit, TestbedError
from testbed.hosts import hosts, link
from testbed.hosts.failures import CommandFailed, HostUnreachable
from testbed.hosts.remote import Remote
from testbed.hosts.remotes import Remotes
from testbed.lab import names
from testbed.model.link import LinkDelay, RoundTrip
from testbed.paths import ROOT
from testbed.progress import Progress

PINGS = 10
TOLERANCE = 0.1  # share of the asked delay ...
TOLERANCE_MS = 2  # ... or this, whichever is more: ping and the hosts' timers are not more exact
# tc's messages, which depend on its version
NO_NETEM = ("qdisc kind is unknown", "RTNETLINK answers: No such file or directory")
TAKEN = ("Exclusivity flag on", "RTNETLINK answers: File exists")


class NoNetem(TestbedError):
    """Raised if a host's kernel cannot delay packets."""

    def __init__(self, remote: Remote) -> None:
        super().__init__(
            f"{remote.host.role} host: its kernel has no netem, which link_delay_ms takes",
            remedy="install the kernel's module sch_netem (Ubuntu: linux-modules-extra-<kernel>), "
            "or measure without a delay",
            exit_code=Exit.NOT_READY,
        )


@dataclass(frozen=True)
class Delayed:
    """The data link while it is delayed."""

    record: LinkDelay
    is_there: Callable[[], bool]

    @staticmethod
    def loss() -> TestbedError:
        """Return the error to raise if the delay is no longer there."""
        return TestbedError(
            "the data link has lost the delay that it was given; the last run does not count",
            remedy="did somebody end it on the hosts? Then go on with --resume",
            exit_code=Exit.NOT_READY,
        )


@contextmanager
def applied(asked_ms: float, remotes: Remotes, progress: Progress) -> Iterator[Delayed | None]:
    """Give the data link that round-trip time, in milliseconds, while the block runs.

    With None, leave the link as it is. Raises TestbedError if the delay cannot be set, or if ping
    measures another round trip.
    """
    if not asked_ms:
        yield None
        return
    with ExitStack() as undo:
        by, is_there = _impose(undo, asked_ms, remotes)
        with progress.stage(f"round trip, delayed by {asked_ms:g} ms", PINGS * link.PING_EVERY_S):
            trip = link.round_trip_of(link.ping_server(remotes, PINGS))
        if problem := problem_of(asked_ms, trip):
            raise TestbedError(problem, exit_code=Exit.NOT_READY)
        yield Delayed(LinkDelay(asked_ms=asked_ms, round_trip_ms=trip, by=by), is_there)


def problem_of(asked_ms: float, trip: RoundTrip) -> str | None:
    """Return a sentence if the round trip is not what was asked, otherwise None."""
    if abs(trip.mean - asked_ms) <= max(TOLERANCE * asked_ms, TOLERANCE_MS):
        return None
    return (
        f"the data link was given a round trip of {asked_ms:g} ms (within {TOLERANCE:.0%} or "
        f"{TOLERANCE_MS} ms), but ping measures {trip.mean:g} ms ({trip.min:g} to {trip.max:g})"
    )


def _impose(
    undo: ExitStack, asked_ms: float, remotes: Remotes
) -> tuple[Literal["netem", "delay line"], Callable[[], bool]]:
    one_way_us = max(1, round(asked_ms * 1000 / 2))
    lab = remotes["server"].facts.testbed_lab
    try:
        return "netem", _netem(undo, one_way_us, list(remotes.values()))
    except NoNetem:
        if lab is None:
            raise
    return "delay line", _line(undo, one_way_us, names.lab(lab))


def _netem(undo: ExitStack, one_way_us: int, remotes: list[Remote]) -> Callable[[], bool]:
    unit = f"testbed-delay@{one_way_us}.service"
    for remote in remotes:
        undo.callback(_stop, remote, unit)
        try:
            remote.run(["sudo", "-n", "systemctl", "start", unit])
        except CommandFailed as error:
            raise _refusal(remote, unit, error) from error
    command = ["systemctl", "is-active", "--quiet", unit]
    return lambda: all(remote.run(command, check=False).code == 0 for remote in remotes)


def _stop(remote: Remote, unit: str) -> None:
    """End the delay, whether or not it ever began. Raises CommandFailed if it goes on."""
    try:
        for verb in ("stop", "reset-failed"):  # each fails if there is nothing to do
            remote.run(["sudo", "-n", "systemctl", verb, unit], check=False)
        remote.run(f"! systemctl is-active {unit}")
    except HostUnreachable:
        pass  # this was reported already; `remotes.clear` ends the delay before the next campaign


def _refusal(remote: Remote, unit: str, error: CommandFailed) -> TestbedError:
    """Return why the unit did not start, read from tc's message."""
    words = hosts.journal(remote, unit, awaited=(*NO_NETEM, *TAKEN))
    if any(phrase in words for phrase in NO_NETEM):
        return NoNetem(remote)
    if any(phrase in words for phrase in TAKEN):
        return TestbedError(
            f"{remote.host.role} host: {remote.host.bench_interface} has a queueing discipline "
            "that somebody chose, which a delay would replace",
            remedy=f"`tc qdisc del dev {remote.host.bench_interface} root` on that host",
            exit_code=Exit.NOT_READY,
        )
    return TestbedError(
        f"{error.message}\n{words}".rstrip(),
        remedy="run `ansible-playbook site.yml` for this inventory",
        exit_code=Exit.NOT_READY,
    )


def _line(undo: ExitStack, one_way_us: int, lab: names.LabNames) -> Callable[[], bool]:
    """Start the delay line as a process that ends with this one, however this one ends.

    Its standard input is closed then, which it notices.
    """
    ends = [f"{host.machine}/{names.BENCH_INTERFACE}/{host.bench_address}" for host in lab.hosts]
    line = subprocess.Popen(
        [sys.executable, "-m", "testbed.lab.delay_line", f"--delay-us={one_way_us}", *ends],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # so that Ctrl-C reaches only this process
    )
    undo.callback(line.communicate)  # this closes its standard input, and waits until it ends
    if line.stdout is None or line.stderr is None or line.stdout.readline().strip() != "ready":
        words = line.stderr.read() if line.stderr else ""
        message = words.strip() or "the lab's delay line ended before it was ready"
        raise TestbedError(message, exit_code=Exit.NOT_READY)
    return lambda: line.poll() is None
