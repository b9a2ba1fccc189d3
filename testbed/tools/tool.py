"""Define what a measuring tool must offer, so that its output can be read or it can be run.

A Tool is one whose output can be read, wherever that comes from. An InstalledTool is also put on
the hosts. A Generator makes load, and the testbed runs it. Each has its own file below
testbed/tools/, with the parser of its output and, if it is run, its command lines, options and
limits. testbed/tools/table.py lists them all.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from testbed.model.load import Load
from testbed.tools.found import Found
from testbed.tools.lines import Line
from testbed.tools.listings import Listing

OUTPUT = "generator.txt"  # all that a generator prints, including standard error
WARM_UP_OUTPUT = "warm-up.txt"
SAMPLE_FILE = "sample.jsonl"  # answers that it kept (testbed/asked/sample.py)
REQUESTS_FILE = "requests.json"  # what a mix asks (testbed/asked/requests.py)
OPEN_FILES_LIMIT = "generator-open-files.txt"  # its shell writes it (testbed/run/generating.py)
# The most bytes of each of these files. Output is usually a page or two, but some generators print
# a line for each error
PRINTED = {OUTPUT: 16 * 2**20, WARM_UP_OUTPUT: 16 * 2**20, OPEN_FILES_LIMIT: 100}


def each(option: str, values: Sequence[str]) -> list[str]:
    """Return a command line's words that give an option with each of the values."""
    return [word for value in values for word in (option, value)]


@dataclass(frozen=True)
class Target:
    """What a generator asks, and the answer that was verified before the load."""

    url: str  # without a path if there is a file of requests
    method: str = "GET"
    answer_bytes: int | None = None  # length of the verified answer's body; None if it varies
    answer_sha256: str | None = None
    content_type: str | None = None  # of the body that is sent, if any
    body_file: str | None = None  # on the generating host
    # A file on the generating host with several requests and their answers, instead of the above
    requests_file: str | None = None
    # Of all that is drawn: when requests are due, which one is next; None: nothing is
    seed: int | None = None
    keep_sample: bool = False  # of the answers, as right ones differ
    headers: Mapping[str, str] = field(default_factory=dict)  # besides `content_type`

    @property
    def header_lines(self) -> list[str]:
        """Return the headers as they are sent, without that of the body's type."""
        return [f"{name}: {value}" for name, value in self.headers.items()]

    @property
    def all_header_lines(self) -> list[str]:
        """Return all headers as they are sent."""
        return [
            *([f"Content-Type: {self.content_type}"] if self.content_type else []),
            *self.header_lines,
        ]


class Tool(ABC):
    """A measuring tool whose output is read."""

    name: str  # in results and on command lines; also of the program
    # The next four are patterns of whole lines. The first line that the tool prints:
    banner: str | None = None
    # Lines of its report that, where the first is missing, show what a log puts before each:
    inner: str | None = None
    # Such lines behind the banner are the tool's, even if they look like another tool's:
    own_lines: str | None = None
    # What the tool prints if it does not start:
    refusals: tuple[str, ...] = ()
    # Files in which it lists each request by itself, and which are not read:
    listings: tuple[Listing, ...] = ()

    def why_no_text(self, data: bytes) -> str | None:
        """Return what a file that is no text is, if this tool wrote it; None otherwise."""
        return None

    @abstractmethod
    def find(self, lines: Sequence[Line]) -> list[Found]:
        """Return all runs of this tool in a text; an empty list if there is none.

        Raises ParseError if a line of figures is not as the tool prints it.
        """

    def find_own(self, lines: Sequence[Line]) -> list[Found]:
        """Return all runs in a text that, as the caller knows, this tool printed.

        Raises ParseError as `find` does, and if the text shows that another tool printed it.
        """
        return self.find(lines)


class InstalledTool(Tool):
    """A tool that the testbed installs on the hosts, where its name is on the PATH."""

    package: str | None = None  # the Debian package that has it, if there is one


class Generator(InstalledTool):
    """A load generator: what it can do, what its figures mean, and how it is called.

    Commands are returned as lists of arguments; nothing is run here.
    """

    saturates: bool = False  # it can ask as fast as answers come
    holds_a_rate: bool = False  # it can ask at a constant rate
    # `generator: auto` may take it, and takes the first one in the table that fits the load
    taken_by_auto: bool = False
    whole_rates: bool = False  # it takes only whole numbers of requests per second
    least_rps: float = 0  # the lowest rate that it takes, requests per second
    most_rps: float | None = None  # the highest; None: as high as an experiment may ask
    keeps_connections: bool = False  # it cannot open a connection for each request
    most_threads: int | None = None  # None: no limit
    whole_seconds: bool = False  # its load lasts a whole number of seconds
    whole_timeouts: bool = False  # its time-out is a whole number of seconds
    longest_s: int | None = None  # the longest load in seconds; None: no limit
    why_no_longer: str = ""  # the reason for `longest_s`, a verb phrase with the tool as subject
    why_it_hangs: str = ""  # a known reason why it may never end, with its remedy
    # It counts requests that were due but never sent, and those that were sent but never answered
    counts_unsent: bool = False
    # At a rate, its response times begin when a request was due; those of others when it was sent
    from_due: bool = False
    # It counts as time-outs the answers that came later than the time-out
    late_answers_time_out: bool = False
    # Its number of requests includes attempts without an answer
    counts_attempts: bool = False
    # Its percentile p of n answers is the time at rank floor(p n), or at one up to so many further
    ranks_beyond: int = 1
    # It rounds its times to a multiple of so many microseconds; 0: to three digits or more
    rounds_to_us: float = 0
    # Among the times that it prints are some that it computed, of requests that were never sent
    adds_samples: bool = False
    # It abandons a request that takes too long; the others wait, and a late answer counts
    gives_up: bool = False
    draws_arrivals: bool = False  # it can send at random times (Poisson)
    # It can count time-outs from when a request was due; all can from when it was sent
    times_out_from_due: bool = False
    # It counts apart the correct answers that came within `good_within_ms`
    has_a_deadline: bool = False
    # What it compares of each answer's body during the load; None: nothing
    compares: str | None = None
    # It can ask several requests in turn, by weights and with values that it draws
    mixes: bool = False
    methods: frozenset[str] | None = None  # those that it can ask with; None: any, as follows
    waits_after_head: bool = False  # for a body, which no answer to HEAD has
    capital_methods: bool = False  # it writes every method in capitals

    # The option that prints its version in the first line; None: only its package has the version
    version_option: str | None = "--version"
    output: str = OUTPUT  # the file with its figures, in the run's folder on the host
    leaves: dict[str, int] = PRINTED  # the files it writes there, and the most bytes of each
    reads: tuple[str, ...] = ()  # names of files that `files` may put into that folder

    def can_ask(self, method: str) -> bool:
        """Return whether it can ask with this method."""
        if self.methods is not None and method not in self.methods:
            return False
        if method == "HEAD" and self.waits_after_head:
            return False
        return method == method.upper() or not self.capital_methods

    @abstractmethod
    def command(self, load: Load, target: Target, folder: str, cpus: int) -> list[str]:
        """Return the command for the measured load. `cpus` are those of the generating host."""

    def warm_up(self, load: Load, target: Target, folder: str, cpus: int) -> list[str]:
        """Return the command for the warm-up of `warmup_s` seconds, whose figures are not used.

        The warm-up is the same load, at its own rate if it has one.
        """
        rate_rps = load.warmup_rate_rps or load.rate_rps
        shorter = load.model_copy(update={"duration_s": load.warmup_s, "rate_rps": rate_rps})
        return self.command(shorter, target, folder, cpus)

    def warms_up_itself(self, load: Load) -> bool:
        """Return whether `command` includes the warm-up, so that `warm_up` is not needed."""
        del load
        return False

    def processes(self, load: Load, cpus: int) -> int:
        """Return how many processes it runs as, on a host with so many CPUs."""
        del load, cpus
        return 1

    def files(self, target: Target) -> dict[str, str]:
        """Return the texts of the files that the commands read from the run's folder, by name."""
        del target
        return {}

    def measured_from(self, output: str) -> datetime | None:
        """Return when the measured part began, by the clock of the generating host.

        Return None if the output does not say so; the start of the generator is then used.
        """
        del output
        return None
