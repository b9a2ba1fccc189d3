"""Check the facts that a host reports (`telemetry fitness`), because a host is not trusted.

A fact that the host does not report is None. telemetry/fitness.py and telemetry/card.py explain
each name.
"""

from pydantic import ConfigDict, Field

from testbed.model.base import Model
from testbed.model.results import Busy

Text = str | None
Number = int | None


class Part(Model):
    """A part of the facts, with finite numbers only."""

    model_config = ConfigDict(allow_inf_nan=False)


class IdleState(Part):
    """A state that an idle CPU may enter."""

    name: str
    latency_us: int
    disabled: bool


class Cpu(Part):
    """What decides how fast the CPUs run."""

    usable: int = Field(ge=1)
    governors: list[str] | None
    driver: Text
    turbo: bool | None
    smt: Text
    smt_active: Number
    idle_states: list[IdleState] | None
    numa_nodes: Number
    thermal_throttles: Number
    quota_periods: Number
    quota_throttles: Number
    mhz: float | None
    full_mhz: float | None


class SwapArea(Part):
    """A swap area that is in use."""

    path: str
    size_bytes: int
    used_bytes: int


class Memory(Part):
    """Facts on memory, swap and huge pages."""

    total_bytes: int
    available_bytes: int
    swaps: list[SwapArea] | None
    huge_pages: Text
    defrag: Text


class Disk(Part):
    """The file system of a folder."""

    free_bytes: int
    total_bytes: int


class Clock(Part):
    """Which service keeps the clock, and whether it is synchronised."""

    synchronised: bool | None
    keeper: Text


class Use(Part):
    """Who uses the CPUs while nothing of the testbed runs."""

    window_s: float
    cpus: int
    cpu_percent: float | None
    host_cpu_ms_per_s: float | None = None
    run_queue: float
    governor: Text
    busiest: list[Busy]


class Ring(Part):
    """How many packets one of the card's rings holds, now and at most."""

    now: int
    most: int


class Card(Part):
    """The data link's network card."""

    interface: str
    real: bool
    driver: Text
    state: Text
    speed_mbit_per_s: Number
    duplex: Text
    mtu: Number
    numa_node: Number
    errors: dict[str, Number]
    carrier_changes: Number
    offloads: dict[str, bool] | None
    rings: dict[str, Ring] | None
    irqs: dict[str, str] | None


class Route(Part):
    """The route to the other host."""

    peer: str
    interface: str
    source: Text
    gateway: Text


class OpenFiles(Part):
    """How many files may be open."""

    limit: Number  # None for any number
    used: Number
    most: Number


class Firewall(Part):
    """What can be read of packet filters without root."""

    services: list[str] | None
    tracked: Number
    tracked_most: Number


class Power(Part):
    """Where the power comes from."""

    battery: bool | None
    mains: bool | None
    profile: Text


class HostFacts(Part):
    """All facts of one host."""

    cpu: Cpu
    memory: Memory
    disks: dict[str, Disk | None]
    clock: Clock
    kernel: str
    load: Use
    card: Card | None
    addresses: list[str]
    route: Route | None
    irqbalance: bool
    open_files: OpenFiles
    listeners: dict[str, list[str] | None]
    firewall: Firewall
    container: Text  # an empty text outside of containers
    vm: Text
    power: Power
