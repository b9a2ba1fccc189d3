"""Define one model for the output of every measuring tool.

Each tool means something different by 'requests' and 'errors'. A field here has one meaning.
"""

from typing import Literal

from testbed.model.base import Model
from testbed.model.kinds import Name


class Errors(Model):
    """Counts by class. None: the tool does not distinguish this class. 0: it does, and had none."""

    connect: int | None = None
    read: int | None = None
    write: int | None = None
    timeout: int | None = None
    status: int | None = None  # answers that are not 2xx or 3xx
    wrong_body: int | None = None  # answers whose length or digest is not the expected one

    @property
    def total(self) -> int:
        """Return the sum of all errors of the classes that the tool distinguishes."""
        return sum(count for count in self.model_dump().values() if count is not None)


class ErrorText(Model):
    """What some errors of one class said, and how many of them did."""

    kind: str  # as in Errors
    text: str
    count: int


class Distribution(Model):
    """A distribution of times in microseconds. Percentile keys are written as '50', '99.9'."""

    mean: float | None = None
    stdev: float | None = None
    min: float | None = None
    max: float | None = None
    percentiles: dict[str, float] = {}


class AnswersPerConnection(Model):
    """How evenly the connections of a load were served, by the measured answers of each.

    If a connection was closed and opened again, the answers of both count as one connection's.
    """

    connections: int
    none: int  # connections that got no answer at all
    min: int
    p5: int
    p50: int
    p95: int
    mean: float
    max: int


class Flow(Model):
    """One direction of a measurement of the data link, as seen from the host that printed it."""

    stream: str  # the tool's own number, e.g. '4'
    direction: Literal["sent", "received"] | None = None
    duration_s: float
    bytes: int | None = None
    mbit_per_s: float


class RequestFigures(Model):
    """The figures of one request of a mix, each with the meaning that it has in ToolOutput."""

    due: int | None = None
    requests: int
    correct: int
    warmup_requests: int
    throughput_rps: float | None = None
    goodput_rps: float | None = None
    errors: Errors = Errors()
    latency_us: Distribution = Distribution()
    correct_us: Distribution | None = None
    failed_us: Distribution | None = None
    service_us: Distribution | None = None
    unsent: int | None = None
    unanswered: int

    @property
    def all_answered(self) -> int:
        """Return the number of answers of the measured part and of the tool's own warm-up."""
        return self.requests + self.warmup_requests


class ToolOutput(Model):
    """What one run of a tool printed, or what follows from that, in SI units."""

    tool: Name  # of one in testbed/tools/table.py
    command: str | None = None  # as printed; None: the tool prints none
    url: str | None = None
    duration_s: float | None = None  # measured part, as the tool printed it
    connections: int | None = None
    threads: int | None = None
    rate_rps: float | None = None  # asked rate of a constant-rate tool
    requests: int | None = None  # complete answers of any status
    # Correct answers to requests that were due in the measured part, whenever they came but within
    # the time-out (pacer)
    correct: int | None = None
    warmup_requests: int | None = None  # answers in the tool's own warm-up, in no other figure
    throughput_rps: float | None = None  # complete answers of any status per second
    # Correct answers (status, and body where checked) per second; with `good_within_ms`, only those
    # whose response time is not longer
    goodput_rps: float | None = None
    good_within_ms: float | None = None
    bytes: int | None = None
    errors: Errors = Errors()
    error_texts: list[ErrorText] = []  # the most frequent first; empty: the tool reports none
    status_codes: dict[str, int] = {}  # answers of each status; empty: not reported
    # Response time. For constant-rate tools it begins when a request was due. Closed-loop tools
    # only know when it was sent, so theirs is in fact a service time. A tool may add samples that
    # it did not measure; `problems` says so where it shows.
    latency_us: Distribution = Distribution()
    # Answers that latency_us is of. None: of all that are counted, but for those that came late
    timed: int | None = None
    # Of the other answers, those of wrk2's calibration: the longest mean and p90 of its threads
    untimed_us: Distribution | None = None
    # Response times of correct answers alone, and of the other answers (status, wrong body). None:
    # the tool does not tell them apart
    correct_us: Distribution | None = None
    failed_us: Distribution | None = None
    service_us: Distribution | None = None  # from when a request was sent
    handshake_us: Distribution | None = None  # of TLS; None: no https, or not reported
    lag_us: Distribution | None = None  # how late the generator itself sent
    due: int | None = None  # requests that the schedule held in the measured part
    unsent: int | None = None  # due but never sent
    unanswered: int | None = None  # sent but not answered when the run ended
    cpu_percent: float | None = None  # of one core, all generator processes together
    busiest_process_cpu_percent: float | None = None  # of one core, the busiest of them alone
    connections_opened: int | None = None  # TCP connections made in the measured part
    answers_per_connection: AnswersPerConnection | None = None  # None: the tool does not count so
    # The figures of each request of a mix, by its name; empty: all requests were equal
    by_request: dict[str, RequestFigures] = {}
    flows: list[Flow] | None = None  # of the data link's tool only
    problems: list[str] = []  # sentences: what in this output is cut off or cannot be true

    @property
    def all_answered(self) -> int | None:
        """Return the number of answers of the measured part and of the tool's own warm-up.

        Return None if the tool printed no number of answers.
        """
        return None if self.requests is None else self.requests + (self.warmup_requests or 0)

    def of_request(self, name: str) -> "ToolOutput":
        """Return the figures of one request of a mix as if it had been the only one."""
        return ToolOutput(
            tool=self.tool,
            duration_s=self.duration_s,
            connections=self.connections,
            good_within_ms=self.good_within_ms,
            **dict(self.by_request[name]),
        )
