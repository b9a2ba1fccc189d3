"""What a check looks at, and what it says."""

from dataclasses import dataclass
from typing import NamedTuple

from testbed.fitness.facts import Facts
from testbed.model.kinds import HostRole
from testbed.model.results import FitnessLevel

UNTOLD = "not told"


@dataclass(frozen=True)
class Subject:
    """One host: what it says of itself, and what the inventory says of it."""

    role: HostRole
    facts: Facts
    other: Facts  # the host at the link's other end
    address: str  # on the data link
    peer: str  # the other host's
    interface: str
    open_files_wanted: int
    clock_ahead_s: float | None = None  # of the control side's clock
    other_clock_ahead_s: float | None = None


class Judged(NamedTuple):
    """What a check found; `wanted` where it is not what checks.yml says."""

    level: FitnessLevel
    found: str
    wanted: str | None = None


NOT_TOLD = Judged("note", UNTOLD)  # never ok where it could not look
