"""Define `link.json`, a verification of the data link, and what a host says of its link."""

from datetime import datetime
from typing import Literal

from testbed.host_roles import HostRole
from testbed.model.base import Model


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


class LinkDelay(Model):
    """Round-trip time that the data link was given, and what was measured of it (ping)."""

    asked_ms: float
    round_trip_ms: RoundTrip
    by: Literal["netem", "delay line"]
