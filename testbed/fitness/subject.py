"""Define what a check looks at, and what it returns."""

from dataclasses import dataclass
from typing import NamedTuple

from testbed.fitness.facts import HostFacts
from testbed.host_roles import HostRole
from testbed.model.campaign import FitnessLevel

UNTOLD = "not told"


@dataclass(frozen=True)
class Subject:
    """One host: the facts that it reports, and what the inventory says about it."""

    role: HostRole
    facts: HostFacts
    other: HostFacts  # the host at the link's other end
    address: str  # its own address on the data link
    peer: str  # the other host's address on the data link
    interface: str
    open_files_wanted: int
    upstream_port: int  # needed by workloads alone that ask another service
    clock_ahead_s: float | None = None  # ahead of the control side's clock, in seconds
    other_clock_ahead_s: float | None = None


class Judged(NamedTuple):
    """What a check found. `wanted` is set only if it differs from the text in checks.yml."""

    level: FitnessLevel
    found: str
    wanted: str | None = None


NOT_TOLD = Judged("note", UNTOLD)  # a check that could not look is never 'ok'
