"""What is asked of a measuring tool: a load generator, or one that measures the data link.

Each has a file of its own below testbed/tools/, with its command lines, its options and limits, the
files that it leaves, and the parser of its output. testbed/tools/table.py lists them all.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from testbed.model.load import Load
from testbed.tools.found import Found
from testbed.tools.lines import Line

OUTPUT = "generator.txt"  # what a generator prints, standard error among it
# What generators print, and the limit of open files that their shell wrote (testbed/run/run.py), by
# the most bytes that each may have: a page or two; some print a line per error
PRINTED = {
    OUTPUT: 16 * 2**20,
    "warm-up.txt": 16 * 2**20,
    "generator-open-files.txt": 100,
}


@dataclass(frozen=True)
class Target:
    """What is asked, and the answer that was verified before the load."""

    url: str
    method: str
    answer_bytes: int | None  # length of the verified answer's body; None: not always the same
    answer_sha256: str | None
    content_type: str | None = None  # of the body that is sent, if any
    body_file: str | None = None  # on the generating host


class Tool(ABC):
    """A measuring tool whose output is read."""

    name: str  # in results and on command lines; also the program's, on the host's PATH
    package: str | None = None  # Debian's that holds it, if one does
    # Patterns of whole lines. What it prints first of all, so that another tool's report has ended:
    banner: str | None = None
    # the line up to which, from the banner on, all are its own, where some look like another's:
    own_until: str | None = None
    # what it says where it does not start, and so prints no figures:
    refusals: tuple[str, ...] = ()

    @abstractmethod
    def find(self, lines: Sequence[Line]) -> list[Found]:
        """All of its runs that a text holds, and none of another tool's.

        Raises ParseError where a line of figures is not as the tool prints it.
        """

    def find_own(self, lines: Sequence[Line]) -> list[Found]:
        """All runs of a text of which the caller knows that this tool printed it.

        Raises ParseError as `find` does, and where the text shows that another tool did.
        """
        return self.find(lines)


class Generator(Tool):
    """A load generator: what it can do, what its figures mean, and how it is called.

    Commands are lists of arguments; nothing is run here.
    """

    saturates: bool = False  # it can ask as fast as answers come
    holds_a_rate: bool = False  # it can ask at a rate
    # Whether `generator: auto` takes it, where it fits; the first in the table that does
    taken_by_auto: bool = False
    whole_rates: bool = False  # it takes whole requests per second only
    keeps_connections: bool = False  # it cannot open a connection for each request
    most_threads: int | None = None  # None: as many as the experiment asks
    longest_s: int | None = None  # the longest load; None: as long as the experiment asks
    why_no_longer: str = ""  # a sentence's beginning, where there is such a limit
    # It counts requests that were due and never sent, or sent and never answered
    counts_unsent: bool = False
    # Its response times count from when a request was due; else from when it was sent
    from_due: bool = False
    # Its time-outs are answers that came, but later than the time-out
    late_answers_time_out: bool = False
    # It counts attempts that brought no answer among its requests
    counts_attempts: bool = False
    # It gives up a request that takes too long, which so brings no answer; else a late one counts
    gives_up: bool = False

    # Makes it print its version, first of all; None: only its package tells it
    version_option: str | None = "--version"
    output: str = OUTPUT  # file in the run's folder on the host that holds the figures
    leaves: dict[str, int] = PRINTED  # its files in that folder, and the most bytes of each
    reads: tuple[str, ...] = ()  # names of files that `files` may put into that folder

    @abstractmethod
    def command(self, load: Load, target: Target, folder: str, cpus: int) -> list[str]:
        """The measured load; `cpus` are those of the generating host."""

    @abstractmethod
    def warm_up(self, load: Load, target: Target, folder: str) -> list[str]:
        """The same load for `warmup_s`, at its own rate if it has one; its figures thrown away."""

    def warms_up_itself(self, load: Load) -> bool:
        """Whether `command` holds the warm-up, so that `warm_up` is not called."""
        del load
        return False

    def processes(self, load: Load, cpus: int) -> int:
        """How many processes it runs as, on a host of so many CPUs."""
        del load, cpus
        return 1

    def files(self, target: Target) -> dict[str, str]:
        """Texts of files that the commands read from the run's folder, by name."""
        del target
        return {}

    def measured_from(self, output: str) -> datetime | None:
        """Start of the measured part by the generating host's clock.

        Return None where the output does not tell it; then it began as it was started.
        """
        del output
        return None
