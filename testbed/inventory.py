"""The two hosts and the facts declared about them, as Ansible's inventory has them."""

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from testbed.errors import Exit, TestbedError
from testbed.model.results import HostRole

ROOT = Path(__file__).resolve().parent.parent


class Facts(BaseModel):
    """Facts of group_vars/all.yml that the control side uses; see there for what they mean."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    testbed_prefix: str
    testbed_etc: str
    testbed_run: str
    testbed_user: str
    testbed_app_port: int
    testbed_database: str
    testbed_limit_nofile: int
    testbed_link_floor_mbit_per_s: float
    testbed_link_max_age_h: float
    testbed_place: str
    testbed_lab: str | None = None  # name of the lab, if it is one

    @property
    def start_app(self) -> list[str]:
        """The command that starts an app's unit, which it takes as a last argument.

        As roles/bench_user lets it be called.
        """
        return [f"{self.testbed_prefix}/sbin/start-app", f"{self.testbed_etc}/settings.json"]

    def database_of(self, workload: str) -> str:
        """The workload's own database, named as the postgresql role names it."""
        return f"{self.testbed_database}_{workload}"


class Host(BaseModel):
    """One host: how to reach it, and where it sits on the data link."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    role: HostRole
    ansible_host: str
    ansible_port: int = 22
    ansible_ssh_private_key_file: str | None = None
    ansible_ssh_common_args: str = ""
    bench_address: str
    bench_interface: str

    @property
    def known_hosts(self) -> Path | None:
        """The file of host keys that Ansible's own SSH options name; None: the user's."""
        named = re.search(r"UserKnownHostsFile=(\S+)", self.ansible_ssh_common_args)
        return Path(named.group(1)).expanduser() if named else None


@dataclass(frozen=True)
class Inventory:
    """Both hosts, and the facts that hold for both."""

    server: Host
    client: Host
    facts: Facts

    def host(self, role: HostRole) -> Host:
        """The host of that role."""
        return self.server if role == "server" else self.client


def load(inventory: str | None = None) -> Inventory:
    """Read an inventory through ansible-inventory, so that there is one reading of it.

    `inventory` None: the default of ansible.cfg. Raises TestbedError, naming what is missing.
    """
    listing = _listing(inventory)
    name = inventory or "the default inventory"
    hosts = {}
    for role in ("server", "client"):
        members = listing.get(role, {}).get("hosts", [])
        if len(members) != 1:
            raise TestbedError(
                f"{name}: group '{role}' has {len(members)} hosts; it needs exactly one",
                remedy="see inventory/baremetal/hosts.yml for an example",
            )
        hosts[role] = listing["_meta"]["hostvars"].get(members[0], {})
    try:
        return Inventory(
            server=Host.model_validate(hosts["server"] | {"role": "server"}),
            client=Host.model_validate(hosts["client"] | {"role": "client"}),
            facts=Facts.model_validate(hosts["server"]),
        )
    except ValidationError as error:
        problems = "; ".join(f"{item['loc'][0]}: {item['msg']}" for item in error.errors())
        raise TestbedError(
            f"{name}: {problems}", remedy="see inventory/baremetal/hosts.yml for an example"
        ) from error


def _listing(inventory: str | None) -> dict[str, Any]:
    if inventory is not None and not Path(inventory).exists():
        raise TestbedError(f"no inventory at {inventory}")
    command = [
        str(Path(sys.executable).with_name("ansible-inventory")),
        "--list",
        f"--playbook-dir={ROOT}",
        *(["-i", inventory] if inventory else []),
    ]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        lines = [line for line in result.stderr.splitlines() if line.strip()]
        raise TestbedError(
            f"ansible-inventory cannot read {inventory or 'the default inventory'}: "
            + " ".join(lines[-6:]),
            exit_code=Exit.BAD_INPUT,
        )
    listing: dict[str, Any] = json.loads(result.stdout)
    return listing
