"""Define the files of a results folder, and `run.json`, which each run has.

`campaign.json` is defined in campaign.py, `link.json` in link.py, `series.json` in article.py.

schema_version history (raise it with any change a reader would notice):
  1  first version
"""

from datetime import datetime
from typing import Any, Literal

from testbed.host_roles import HostRole
from testbed.model.base import Model
from testbed.model.gave_out import GaveOut
from testbed.model.link import LinkState
from testbed.model.load import Load
from testbed.model.tool_output import ToolOutput
from testbed.model.upstream import UpstreamRecord

SCHEMA_VERSION = 1
CAMPAIGN_FILE = "campaign.json"  # in a campaign's folder
SERIES_FILE = "series.json"  # in the folder of a series of campaigns
LINK_FILE = "link.json"  # in the folder of a verification of the data link
RUN_FILE = "run.json"  # in a run's folder, as the following two
TIMELINE_FILE = "timeline.csv"  # figures by the second, of generators that write them
HISTOGRAM_FILE = "latency.hdr"  # HdrHistogram's log of response times, likewise

Verdict = Literal["valid", "doubtful", "invalid"]
Standing = Literal["valid", "doubtful", "invalid", "failed", "interrupted"]


def telemetry_file(role: HostRole) -> str:
    """Return the name of the file in a run's folder that has a host's telemetry."""
    return f"telemetry-{role}.csv"


class Finding(Model):
    """One check of a run's validity, with what it saw."""

    check: str
    verdict: Verdict
    sentence: str


class Failure(Model):
    """Why a run has no figures."""

    stage: str  # start, ready, check, warm-up, load, collect
    message: str
    # True: something around the app ended the run (a lost host, a full disk, a stopped service),
    # which says nothing about the app. False: the app failed
    interrupted: bool = False


class Busy(Model):
    """Processes with the same name that used CPUs while the host should have been idle."""

    name: str
    cpu_percent: float  # of one CPU


class Before(Model):
    """A host shortly before a run's app was started: what else uses it, and its data link."""

    window_s: float
    cpus: int  # that this host's processes may use
    cpu_percent: float  # of all those CPUs; what a hypervisor took (steal) counts as used
    # How long those CPUs were busy, without what a hypervisor took; None: not reported
    host_cpu_ms_per_s: float | None = None
    run_queue: float  # processes that ran or waited for a CPU, mean; of the whole machine
    governor: str | None  # of the CPUs' frequency; None where the kernel does not report it
    clock_offset_s: float | None = None  # how far its clock is ahead of the control side's
    busiest: list[Busy] = []  # this host's own processes, the busiest first
    link: LinkState | None = None  # None: not looked at


class OpenFiles(Model):
    """How many files processes may have open (RLIMIT_NOFILE as it took effect)."""

    app: int | None  # the app's main process
    generator: int | None


When = Literal["before", "during", "after"]  # the load


class AnswerCheck(Model):
    """One comparison of a running app's answers with those that the workload expects.

    Status, type and size are those of the first wrong answer, or of the last one.
    """

    when: When
    part: str | None = None  # the part of a mix that was asked; None: the endpoint is no mix
    what: str | None = None  # which further request; None: the one that is the load
    ok: bool
    status: int | None
    content_type: str | None
    body_bytes: int | None
    answers: int = 1  # how many were compared
    problem: str | None = None


class SqlSeen(Model):
    """A statement that PostgreSQL saw during a load (pg_stat_statements)."""

    text: str  # normalised, white space collapsed
    calls: int
    calls_per_request: float | None
    kind: Literal["declared", "housekeeping", "unexpected"]


class KeptFile(Model):
    """A file of a run as it was when the run ended."""

    sha256: str
    bytes: int


class Cost(Model):
    """What a run took of the server host. None: the host does not report it.

    CPU times are milliseconds of all CPUs together for each second of the measured part.
    """

    app_ms_per_s: float | None = None
    # Of each service that the workload uses, by its name
    services_ms_per_s: dict[str, float | None] = {}
    # What is left of the host's time, less that of the idle host: the kernel's network work, and
    # whatever else belongs to neither app nor services
    kernel_ms_per_s: float | None = None
    of_groups: bool | None = None  # from control groups; False: from processes, at least in part
    # Shared pages counted once (PSS), of all processes of the app
    memory_rest_bytes: float | None = None  # before the load
    memory_peak_bytes: float | None = None  # the most that was seen in the measured part
    memory_worker_bytes: float | None = None  # likewise, of a worker: the mean over them


class RunRecord(Model):
    """`run.json`: one app, one endpoint, one variant, one trial.

    It begins with the run, and each stage adds to it (testbed/run/record.py).
    """

    schema_version: Literal[1]
    run_id: str  # '003-flask-agents-default-t1', also the folder's name
    campaign: str
    workload: str
    app: str
    app_title: str
    endpoint: str
    variant: str
    settings: dict[str, Any]  # the app's settings of this run, e.g. {'workers': 16}
    trial: int
    url: str
    calibration: bool  # generator and server shared one host: never ranked
    load: Load
    # Of a mix: the weight of each of its parts; empty: the endpoint is no mix
    weights: dict[str, float] = {}
    arrivals_seed: int | None = None  # of random arrivals; None: they were not drawn
    # Of which request of a mix comes next, equal for all apps; None: that was not drawn
    requests_seed: int | None = None
    generator_version: str | None
    command: str | None  # as run on the generating host
    started_at: datetime
    ended_at: datetime
    # Start of the measured part, by the control side's clock; None: it was not reached
    measured_from: datetime | None = None
    phases_s: dict[str, float]  # start, ready, check, warm-up, load, collect: how long each took
    before: dict[HostRole, Before] = {}  # empty: not looked at
    link_after: dict[HostRole, LinkState] = {}  # when the load had ended; empty: not looked at
    open_files: OpenFiles | None = None
    # Of each table before the app was started; None: no database
    rows: dict[str, int] | None = None
    # PostgreSQL's settings before the run; None: not used, or not recorded
    postgresql: dict[str, str] | None = None
    # How the app had logged in to PostgreSQL, with the number of statements; None: not observed
    database_logins: dict[str, int] | None = None
    main_pid: int | None = None  # the app's main process as it was started
    telemetry_interval_s: float = 1
    unit: dict[str, Any] | None  # what systemd said of the app's unit after the load
    answers: list[AnswerCheck]
    sql: list[SqlSeen] | None  # None: not observed
    output: ToolOutput | None  # the generator's figures, parsed from raw/; None if it failed
    # How much throughput changed over the measured part, in percent of its median; negative: it
    # fell (without a sign in records of earlier versions). 0: no trend; None: not known
    drift_percent: float | None = None
    response_drift_percent: float | None = None  # the same of the median response time
    cost: Cost | None = None  # None: not recorded
    gave_out: GaveOut | None = None  # what held the run back; None: not recorded, or no figures
    upstream: UpstreamRecord | None = None  # None: the workload asks no other service
    failure: Failure | None
    earlier_failures: list[Failure] = []  # of attempts at this run that a resume repeated
    findings: list[Finding]
    verdict: Verdict
    files: dict[str, KeptFile] = {}  # all others of its folder; empty: not recorded
    digest: str | None = None  # of all the above (testbed/seal.py); None: not recorded

    @property
    def standing(self) -> Standing:
        """Return the verdict, or why there are no figures: failed or interrupted.

        The app failed, or something around the app interrupted the run.
        """
        if self.failure and self.failure.interrupted:
            return "interrupted"
        return "failed" if self.failure or self.output is None else self.verdict

    @property
    def overloaded(self) -> bool:
        """Return whether the run is invalid only because no request was answered correctly.

        It has no usable figures, but searches for the load that an app bears look for just that.
        """
        invalid = {finding.check for finding in self.findings if finding.verdict == "invalid"}
        return self.standing == "invalid" and invalid == {"no_good_answer"}
