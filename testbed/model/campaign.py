"""Define `campaign.json`: what was asked, with which hosts, and what searches found."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from testbed.host_roles import HostRole
from testbed.model.base import Model
from testbed.model.kinds import Trials
from testbed.model.link import LinkDelay, LinkRecord
from testbed.model.question import QuestionPlan
from testbed.model.why import Why
from testbed.texts import masked

# outer: decided by the machine around a container, and not to be changed from inside
FitnessLevel = Literal["fail", "warn", "note", "outer", "ok"]
FITNESS_LEVELS: list[FitnessLevel] = ["fail", "warn", "note", "outer", "ok"]  # the worst first
# Why a search made no further probe
SearchEnd = Literal["narrow enough", "most probes made", "no rate met", "invalid probes"]
# Far above every rate that is asked, and small enough to compute with
FoundRate = Annotated[float, Field(ge=0, le=1e9)]


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


def fitness_summary(rows: Sequence[Fitness]) -> str:
    """Return how many checks of a host came to each level, the worst level first."""
    number = Counter(row.level for row in rows)
    return ", ".join(f"{number[level]} {level}" for level in FITNESS_LEVELS if number[level])


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
    # Files, requirements and settings, without passwords of URLs; empty: an app against itself
    differences: list[Annotated[str, AfterValidator(masked)]]


class Until(Model):
    """How narrow the intervals of ratios are to be, and how many trials may be made for that."""

    percent: float = Field(gt=0, le=100)  # how far an interval may reach to either side
    metrics: list[str]  # the figures whose ratios are watched
    first_trials: Trials  # show how much the ratios scatter, and so how many trials are needed
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
