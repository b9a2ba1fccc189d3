"""Name everything that a lab has on the machine: addresses, interfaces, folders.

All functions are pure. Every name follows from the lab's own name, so that `down` finds everything
after an `up` that was killed at any moment.
"""

import re
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from testbed.errors import TestbedError

DEFAULT_NAME = "lab"
NAME_VARIABLE = "TESTBED_LAB"  # the environment variable that names the lab
LABS_FOLDER = Path("/var/lib/testbed")
CACHE_FOLDER = Path("/var/cache/testbed")
MANAGEMENT_INTERFACE = "mgmt0"
BENCH_INTERFACE = "bench0"

# Interface names hold at most 15 characters, of which "tbs-" takes four.
_NAME = re.compile(r"[a-z]([a-z0-9-]{0,7}[a-z0-9])?")
_HOST_OCTET = {"server": 10, "client": 20}


@dataclass(frozen=True)
class HostNames:
    """One host of a lab."""

    lab: str
    role: str
    index: int

    @property
    def hostname(self) -> str:
        """The name by which the host calls itself."""
        return f"{self.lab}-{self.role}"

    @property
    def machine(self) -> str:
        """The name of the host's namespace, control group and container."""
        return f"testbed-{self.lab}-{self.role}"

    @property
    def address(self) -> str:
        """The host's address on the management link."""
        return f"198.18.{self.index}.{_HOST_OCTET[self.role]}"

    @property
    def bench_address(self) -> str:
        """The host's address on the data link."""
        return f"198.19.{self.index}.{_HOST_OCTET[self.role]}"

    @property
    def outer_interface(self) -> str:
        """The machine's end of the host's management link."""
        return f"tb{self.role[0]}-{self.lab}"

    @property
    def folder(self) -> Path:
        """The folder with all files of the host."""
        return LABS_FOLDER / self.lab / self.role

    @property
    def root(self) -> Path:
        """The host's root file system: a copy of the image, or the place of its joined layers."""
        return self.folder / "root"

    @property
    def changes(self) -> Path:
        """The layer with what the host has changed, if its root is joined of layers."""
        return self.folder / "changes"

    @property
    def work(self) -> Path:
        """The folder that the overlay file system itself needs."""
        return self.folder / "work"

    @property
    def log(self) -> Path:
        """The file with what the host printed on its console."""
        return LABS_FOLDER / self.lab / f"{self.role}.log"


@dataclass(frozen=True)
class LabNames:
    """The names of a lab. RFC 2544 sets its addresses, 198.18.0.0/15, aside for benchmarks."""

    name: str
    index: int

    @property
    def server(self) -> HostNames:
        """The names of the system under test."""
        return HostNames(self.name, "server", self.index)

    @property
    def client(self) -> HostNames:
        """The names of the host that makes the load."""
        return HostNames(self.name, "client", self.index)

    @property
    def hosts(self) -> tuple[HostNames, HostNames]:
        """The names of both hosts, the server first."""
        return (self.server, self.client)

    @property
    def bridge(self) -> str:
        """The machine's bridge that joins the hosts' management links."""
        return f"tb-{self.name}"

    @property
    def gateway(self) -> str:
        """The machine's address on the management link."""
        return f"198.18.{self.index}.1"

    @property
    def management_network(self) -> str:
        """The network of the management link, as address and prefix."""
        return f"198.18.{self.index}.0/24"

    @property
    def nft_table(self) -> str:
        """The firewall table that holds all of the lab's own chains."""
        return "testbed_" + self.name.replace("-", "_")

    @property
    def rule_comment(self) -> str:
        """The comment that marks the lab's rules in firewall chains that are not its own."""
        return f"testbed-{self.name}"

    @property
    def folder(self) -> Path:
        """The folder with all files of the lab."""
        return LABS_FOLDER / self.name

    @property
    def state_file(self) -> Path:
        """The file that says how far the lab is made, from which image and with which CPUs."""
        return self.folder / "state.json"

    @property
    def private_key(self) -> Path:
        """The key with which the control side logs in to the hosts."""
        return self.folder / "ssh" / "id_ed25519"

    @property
    def known_hosts(self) -> Path:
        """The file with the hosts' own keys, against which ssh checks them."""
        return self.folder / "ssh" / "known_hosts"


def lab(name: str) -> LabNames:
    """Return the names of the lab of that name.

    Raises TestbedError if the name would not make valid interface names.
    """
    if not _NAME.fullmatch(name):
        raise TestbedError(
            f"'{name}' cannot be a lab's name",
            remedy="use one to nine of a-z, 0-9 and '-', beginning with a letter and not "
            "ending in '-'",
        )
    index = 0 if name == DEFAULT_NAME else 1 + zlib.crc32(name.encode()) % 255
    return LabNames(name, index)


def name_from(environment: Mapping[str, str]) -> str:
    """Return the lab's name that the environment asks for."""
    return environment.get(NAME_VARIABLE) or DEFAULT_NAME


def same_addresses(wanted: LabNames, others: Iterable[str]) -> str | None:
    """Return the first of the other labs that would have the wanted lab's addresses, else None."""
    for other in others:
        if other != wanted.name and _NAME.fullmatch(other) and lab(other).index == wanted.index:
            return other
    return None
