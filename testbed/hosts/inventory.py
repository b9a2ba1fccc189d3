"""Read the two hosts, and the facts declared about them, from Ansible's inventory.

Errors in an inventory are found here both for fab and for site.yml, so that both report the same:
plugins/action/check_inventory.py calls `check`.
"""

import itertools
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict, TypeVar

from pydantic import BaseModel, ValidationError

from testbed.errors import TestbedError
from testbed.host_roles import ROLES, HostRole
from testbed.hosts import inventory_files
from testbed.model.inventory import Deployed, Facts, Host
from testbed.paths import ROOT
from testbed.texts import shown_name
from testbed.tools.table import LINK_TOOL

KEYS = {*Facts.model_fields, *Deployed.model_fields, "bench_address", "bench_interface"}
CONNECTIONS = {"ssh", "ansible.builtin.ssh", "smart"}
FOLDERS = ("testbed_prefix", "testbed_etc", "testbed_run", "testbed_settings")
# By apps: their units hide home folders, and give each app temporary folders of its own
UNSEEN = ("/home", "/root", "/run/user", "/tmp", "/var/tmp")  # noqa: S108 - nothing is written
REMEDIES = {
    "bench_address": "give the host's own address on the data link (docs/hosts.md)",
    "bench_interface": "give the host's interface on the data link, a name in its /sys/class/net",
}

M = TypeVar("M", bound=BaseModel)


class HostView(TypedDict):
    """One host as Ansible sees it."""

    values: dict[str, Any]  # of KEYS
    where: dict[str, str]  # file and line by key
    unreadable: dict[str, str]  # the reason why a key has no value
    overruled: dict[str, str]  # file and line of keys that a group has in vain; "" if not known
    connection: str
    address: str
    ssh_arguments: list[str]


class View(TypedDict):
    """An inventory as Ansible sees it (testbed/hosts/ansible_view.py)."""

    sources: list[str]
    groups: dict[str, list[str]]  # hosts of the groups in ROLES that exist
    hosts: dict[str, HostView]


@dataclass(frozen=True)
class Inventory:
    """The hosts by their roles, and the facts that hold for all of them."""

    hosts: dict[HostRole, Host]
    facts: Facts


def load(inventory: str | None = None) -> Inventory:
    """Read an inventory by asking Ansible, so that both always read it in the same way.

    If `inventory` is None, read the one in ansible.cfg. Raises TestbedError, which names what is
    wrong.
    """
    if inventory is not None and "," not in inventory:
        inventory_files.check_place(inventory)
    return check(_view(inventory))


def _view(inventory: str | None) -> View:
    asked = [",".join(ROLES), ",".join(sorted(KEYS))]
    command = [sys.executable, "-m", "testbed.hosts.ansible_view", *asked]
    if inventory is not None:
        command.append(inventory if "," in inventory else str(Path(inventory).resolve()))
    result = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, errors="replace", check=False
    )
    if result.returncode != 0:
        if inventory is not None and "," not in inventory:
            inventory_files.explain_variables(inventory)
        lines = [line for line in result.stderr.splitlines() if line.strip()]
        raise TestbedError(
            f"Ansible cannot read {shown_name(inventory or 'the default inventory')}: "
            f"{' '.join(lines[-3:])}"
        )
    view: View = json.loads(result.stdout)
    return view


def check(view: View) -> Inventory:
    """Return the inventory if it is right. Otherwise raise TestbedError, a sentence per error."""
    name = ", ".join(map(inventory_files.shown, view["sources"])) or "the inventory"
    members = {role: _Member(view, role, name) for role in ROLES}
    for one, other in itertools.combinations(members.values(), 2):
        if one.name == other.name:
            raise TestbedError(
                f"{name}: host {shown_name(one.name)} is in group '{one.role}' and in group "
                f"'{other.role}'",
                remedy=f"two hosts are needed, one in each; {inventory_files.EXAMPLE}",
            )
    hosts = {role: one.typed(Host, one.host_values) for role, one in members.items()}
    facts = {role: one.typed(Facts, one.view["values"]) for role, one in members.items()}
    members["server"].typed(Deployed, members["server"].view["values"])
    _check_ports(members["server"], facts["server"])
    _check_folders(members["server"], facts["server"])
    for a, b in itertools.combinations(ROLES, 2):
        _check_pair(members[a], members[b], hosts[a], hosts[b])
        _check_same_facts(members[a], members[b], facts[a], facts[b])
    return Inventory(hosts, facts["server"])


class _Member:
    """The only host of a group, with all that an error message about it names."""

    def __init__(self, view: View, role: HostRole, inventory: str) -> None:
        """Raise TestbedError unless there is one host, reached by SSH, whose values can be read."""
        self.role, self.inventory = role, inventory
        names = view["groups"].get(role, [])
        if len(names) != 1:
            for source in view["sources"]:
                inventory_files.explain(source)
            there = f" ({', '.join(map(shown_name, names[:5]))})" if names else ""
            raise TestbedError(
                f"{inventory}: group '{role}' has {len(names)} hosts{there}; it needs exactly one",
                remedy=inventory_files.EXAMPLE,
            )
        self.name = names[0]
        self.view = view["hosts"][self.name]
        for key, reason in self.view["unreadable"].items():
            raise self.error(key, f"cannot be read: {reason}", remedy="correct it there")
        if (connection := self.view["connection"]) not in CONNECTIONS:
            raise self.error(
                "ansible_connection",
                f"is '{connection}'; fab reaches hosts by SSH only",
                remedy="leave ansible_connection out",
            )
        if overruled := self.view["overruled"]:
            raise TestbedError(
                "\n".join(
                    f"{inventory_files.shown(place or inventory)}: {shown_name(key)} is set for a "
                    f"group of host {shown_name(self.name)}, and counts for nothing, as "
                    "group_vars/all.yml of the testbed counts for more"
                    for key, place in overruled.items()
                ),
                remedy="make it an entry of each host",
            )

    @property
    def host_values(self) -> dict[str, Any]:
        """Return the values that the model `Host` is made from."""
        return self.view["values"] | {
            "role": self.role,
            "name": self.name,
            "ansible_host": self.view["address"],
            "ssh_arguments": self.view["ssh_arguments"],
        }

    def error(self, key: str, problem: str, remedy: str) -> TestbedError:
        """Return the error about one of its keys, with the file that has the key."""
        return TestbedError(self.sentence(key, problem), remedy=remedy)

    def sentence(self, key: str, problem: str) -> str:
        """Return a sentence with file, host, key and what is wrong with the key."""
        where = self.view["where"]
        place = where.get(key) or where.get("inventory_hostname") or self.inventory
        return f"{inventory_files.shown(place)}: host {shown_name(self.name)}: {key} {problem}"

    def typed(self, model: type[M], values: dict[str, Any]) -> M:
        """Return the values as `model`. Raises TestbedError with a sentence per wrong value."""
        try:
            return model.model_validate(values)
        except ValidationError as error:
            keys = [str(item["loc"][0]) for item in error.errors()]
            sentences = [
                self.sentence(
                    key,
                    "is missing"
                    if item["type"] == "missing"
                    else item["msg"].removeprefix("Value error, "),
                )
                for key, item in zip(keys, error.errors(), strict=True)
            ]
        raise TestbedError(
            "\n".join(sentences),
            remedy=REMEDIES.get(keys[0], f"group_vars/all.yml says what {keys[0]} is for"),
        )


def _check_ports(server: _Member, facts: Facts) -> None:
    """Raise TestbedError if apps would use a port that another program on the server needs."""
    taken = {facts.testbed_database_port: "PostgreSQL's", LINK_TOOL.port: f"{LINK_TOOL.name}'s"}
    if whose := taken.get(facts.testbed_app_port):
        raise server.error(
            "testbed_app_port",
            f"is {facts.testbed_app_port}, which is {whose} port",
            remedy="choose another port for the apps",
        )
    if facts.testbed_upstream_port == LINK_TOOL.port:
        raise server.error(
            "testbed_upstream_port",
            f"is {facts.testbed_upstream_port}, which is {taken[LINK_TOOL.port]} port",
            remedy="choose another port for the other service",
        )


def _check_folders(server: _Member, facts: Facts) -> None:
    """Raise TestbedError if a folder lies in another one, or programs where apps see none.

    One folder is that of the user who measures, and what root runs or reads may not lie in it.
    """
    for key, other in itertools.permutations(FOLDERS, 2):
        place, around = Path(getattr(facts, key)), Path(getattr(facts, other))
        if place.is_relative_to(around):
            raise server.error(
                key,
                f"is {place}; it has to be apart from {other}, which is {around}",
                remedy="give each a folder of its own, as group_vars/all.yml does",
            )
    for unseen in UNSEEN:
        if Path(facts.testbed_prefix).is_relative_to(unseen):
            raise server.error(
                "testbed_prefix",
                f"is {facts.testbed_prefix}, below {unseen}, of which apps see nothing",
                remedy="choose a folder such as /opt/testbed",
            )


def _check_pair(one: _Member, other: _Member, host: Host, other_host: Host) -> None:
    """Raise TestbedError if two hosts are one machine, or share an address of the data link."""
    if host.bench_address == other_host.bench_address:
        raise other.error(
            "bench_address",
            f"is {other_host.bench_address}, which is host {host.name}'s as well",
            remedy=REMEDIES["bench_address"],
        )
    for member, own, beside in ((one, host, other_host), (other, other_host, host)):
        if own.ansible_host == beside.bench_address:
            raise member.error(
                "ansible_host",
                f"is {own.ansible_host}, which is the bench_address of host {beside.name}",
                remedy="give the address of its own by which Ansible logs in to it",
            )
    same = host.ansible_host == other_host.ansible_host
    if same and host.ssh_arguments == other_host.ssh_arguments:
        raise other.error(
            "ansible_host",
            f"is {other_host.ansible_host}, which is host {host.name}'s as well",
            remedy=f"{one.role} and {other.role} have to be two machines",
        )


def _check_same_facts(one: _Member, other: _Member, facts: Facts, other_facts: Facts) -> None:
    """Raise TestbedError unless facts that hold for all hosts are equal on both."""
    for key in Facts.model_fields:
        value, other_value = getattr(facts, key), getattr(other_facts, key)
        if value != other_value:
            raise other.error(
                key,
                f"is {other_value}, but {value} for host {one.name}",
                remedy="give both hosts the same entry",
            )
