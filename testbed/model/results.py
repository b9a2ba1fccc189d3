"""Define the files of a results folder: `campaign.json`, `run.json` for each run, and the rest.

schema_version history (raise it with any change a reader would notice):
  1  first version
"""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from testbed.model.base import Model
from testbed.model.gave_out import GaveOut
from testbed.model.kinds import HostRole, Trials
from testbed.model.load import Load
from testbed.model.question import QuestionPlan
from testbed.model.tool_output import ToolOutput
from testbed.model.upstream import UpstreamRecord
from testbed.model.why import Why

SCHEMA_VERSION = 1
CAMPAIGN_FILE = "campaign.json"  # in a campaign's folder
SERIES_FILE = "series.json"  # in the folder of a series of campaigns (testbed/model/article.py)
LINK_FILE = "link.json"  # in the folder of a verification of the data link
RUN_FILE = "run.json"  # in a run's folder, as the following two
TIMELINE_FILE = "timeline.csv"  # figures by the second, of generators that write them
HISTOGRAM_FILE = "latency.hdr"  # HdrHistogram's log of response times, likewise

Verdict = Literal["valid", "doubtful", "invalid"]
Standing = Literal["valid", "doubtful", "invalid", "failed", "interrupted"]
# outer: decided by the machine around a container, and not to be changed from inside
FitnessLevel = Literal["fail", "warn", "note", "outer", "ok"]
FITNESS_LEVELS: list[FitnessLevel] = ["fail", "warn", "note", "outer", "ok"]  # the worst first


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


class LinkState(Model):
    """The data link as one host saw it at one moment. None: the host does not say."""

    interface: str  # bench_interface
    up: bool  # it has a carrier
    carrier_changes: int | None  # since the interface was made
    speed_mbit_per_s: int | None
    full_duplex: bool | None
    mtu: int | None
    addresses: list[str]  # of the interface
    route_by: str | None  # by which interface packets to the other host leave; None: by none
    peer_answers: bool | None  # to a ping from bench_address; None: nobody asked
    rx_errors: int | None  # these count since the interface was made
    tx_errors: int | None
    rx_dropped: int | None
    tx_dropped: int | None


class Before(Model):
    """A host shortly before a run's app was started: what else uses it, and its data link."""

    window_s: float
    cpus: int  # that this host's processes may use
    cpu_percent: float  # of all those CPUs; what a hypervisor took (steal) counts as used
    # How long those CPUs were busy, without what a hypervisor took; None: not told
    host_cpu_ms_per_s: float | None = None
    run_queue: float  # processes that ran or waited for a CPU, mean; of the whole machine
    governor: str | None  # of the CPUs' frequency; None where the kernel does not tell
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
    """What a run took of the server host. None: the host does not tell it.

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
    # fell (without a sign in records of earlier versions). 0: no trend; None: that cannot be told
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


class LinkDirection(Model):
    """One direction of the data link, measured while the other one was loaded too."""

    source: HostRole
    target: HostRole
    mbit_per_s: float


class RoundTrip(Model):
    """Round-trip time over the data link, milliseconds (ping)."""

    min: float
    mean: float
    max: float
    samples: int


class Nic(Model):
    """The data link's interface on one host. Speed None: the driver does not say."""

    interface: str
    speed_mbit_per_s: int | None
    full_duplex: bool | None
    mtu: int


class Carried(Model):
    """Bytes that a host's interface carried during the measurement, by its own counters."""

    interface: str
    rx_bytes: int
    tx_bytes: int


class LinkRecord(Model):
    """A verification of the data link, valid for exactly these hosts since their last boot.

    If the way over the link was not proven, nothing was measured, and `directions` is empty.
    """

    schema_version: Literal[1]
    measured_at: datetime
    hosts: dict[HostRole, str]  # identity: machine id, boot id, link address, NIC's MAC
    directions: list[LinkDirection]
    round_trip_ms: RoundTrip | None
    nics: dict[HostRole, Nic]
    floor_mbit_per_s: float
    floor_reason: str = ""  # why this floor
    # Before the measurement; the way that packets take, among others
    states: dict[HostRole, LinkState] = {}
    carried: dict[HostRole, list[Carried]] = {}  # bench_interface first, then all other interfaces
    ok: bool
    problems: list[str] = []
    digest: str | None = None  # of all the above (testbed/seal.py); None: not recorded


class Sysctl(Model):
    """One kernel setting as the kernel_tuning role recorded it and as it read back."""

    name: str
    requested: str
    before: str | None
    actual: str | None
    state: Literal["set", "not namespaced here", "not on this kernel", "differs"]


class HostRecord(Model):
    """What a host was when the campaign ran."""

    role: HostRole
    hostname: str
    os: str
    kernel: str
    cpu_model: str
    cpus: int  # usable by this host's processes
    memory_bytes: int
    governor: str | None
    virtual: str | None  # systemd-detect-virt's word, None on metal
    sysctls: list[Sysctl]
    packages: dict[str, str]  # name -> version, of everything the testbed deployed or relies on


class Fitness(Model):
    """What one check found of a host when the campaign began: is it fit to measure?"""

    check: str
    title: str
    level: FitnessLevel
    found: str
    wanted: str
    why: str
    mend: str


# Why a search made no further probe
SearchEnd = Literal["narrow enough", "most probes made", "no rate met", "invalid probes"]


# Far above every rate that is asked, and small enough to compute with
FoundRate = Annotated[float, Field(ge=0, le=1e9)]


class CapacityResult(Model):
    """The result of a capacity search: the capacity is at least one rate and below another.

    They are the ends of a 95 % interval. Where `ended` is None, an earlier version searched by
    bisection, and they are the highest rate that met the objective and the lowest that did not.
    """

    app: str
    endpoint: str
    variant: str
    trial: int
    at_least_rps: FoundRate | None  # None: no probe that counts met the objective
    below_rps: FoundRate | None  # None: no such probe missed it
    # At which a typical run just meets the objective; None: none met it, or none missed it
    capacity_rps: FoundRate | None = None
    ended: SearchEnd | None = None
    runs: list[str]  # its probes, in the order made


class LinkDelay(Model):
    """Round-trip time that the data link was given, and what was measured of it (ping)."""

    asked_ms: float
    round_trip_ms: RoundTrip
    by: Literal["netem", "delay line"]


class Version(Model):
    """One of two versions of an app that were measured side by side."""

    app: str  # the name under which it was deployed
    source: str  # a folder or a revision, as the user named it
    commit: str | None  # None: a folder


class Versions(Model):
    """Two versions of an app that a campaign measures under two names."""

    app: str
    app_title: str
    old: Version
    new: Version
    differences: list[str]  # files, requirements and settings; empty: an app against itself


class Until(Model):
    """How narrow the intervals of ratios are to be, and how many trials may be made for that."""

    percent: float = Field(gt=0, le=100)  # how far an interval may reach to either side
    metrics: list[str]  # the figures whose ratios are watched
    first_trials: Trials  # tell how much the ratios scatter, and so how many trials are needed
    most_trials: Trials


class Campaign(Model):
    """`campaign.json`: one execution of a round or experiment."""

    schema_version: Literal[1]
    campaign: str  # the folder's name
    experiment: str  # 'round2', 'calibration', ...
    title: str
    description: str
    place: Literal["lab", "metal"]  # stamped: figures of one are never compared with the other's
    workload: str
    asked: dict[str, Any]  # the experiment as resolved
    overridden: list[str]  # keys of `asked` that the command line changed
    seed: int
    runs: list[str]  # run ids in the order planned; a capacity search adds to them as it goes
    # How far each host's clock was ahead of the control side's when the campaign began. Each run
    # measures it again (Before), because clocks that are not synchronised drift apart
    clock_offset_s: dict[HostRole, float]
    capacities: list[CapacityResult] = []
    created_at: datetime
    ended_at: datetime | None
    hosts: list[HostRecord]
    fitness: dict[HostRole, list[Fitness]] = {}  # empty: not looked at
    postgresql: dict[str, str]  # settings read back from pg_settings
    link: LinkRecord | None  # None in a calibration, which does not use it
    link_delay: LinkDelay | None = None  # None: the link as it is
    apps: dict[str, str] = {}  # name -> digest of the files that were deployed of it
    # name -> path in its folder -> digest; a campaign that has none was begun before they were kept
    app_files: dict[str, dict[str, str]] = {}
    workload_digest: str | None = None  # of workload.yml and all files that it names
    workload_files: dict[str, str] = {}  # path in its folder -> digest; empty: not recorded
    apps_path: str | None = None  # the user's own apps folder, on the control side
    versions: Versions | None = None  # None: not a campaign of two versions
    until: Until | None = None  # None: the number of trials was fixed
    why: Why | None = None  # None: not a factorial over what two apps differ in
    question: QuestionPlan | None = None  # None: no question was asked
    testbed: dict[str, str]  # git commit, versions on the control side
    digest: str | None = None  # of all the above (testbed/seal.py); None: not recorded
