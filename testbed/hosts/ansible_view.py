"""Read the inventory as Ansible itself does: templated values, and how its SSH plugin logs in.

This module runs where Ansible is loaded: for fab in a process of its own (`python -m
testbed.hosts.ansible_view`, which prints the view as JSON), and for site.yml within
ansible-playbook. testbed/hosts/inventory.py reads the view and imports nothing of Ansible. This
module imports nothing of the models, which take as long to load as what else it needs: it is told
which groups and keys are asked for.
"""

import json
import shlex
import sys
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible import constants
from ansible._internal._datatag._tags import Origin  # Ansible's own messages use it, too
from ansible.cli.inventory import InventoryCLI
from ansible.errors import AnsibleError
from ansible.plugins.loader import connection_loader
from ansible.template import Templar
from ansible.vars.hostvars import HostVars
from ansible.vars.plugins import get_vars_from_inventory_sources

from testbed.paths import ROOT

if TYPE_CHECKING:
    from testbed.hosts.inventory import HostView, View

PLUGIN = "ssh"
CONNECTION = "ansible_connection"
FACTS = ROOT / "group_vars" / "all.yml"


def look(
    inventory: Any, variables: Any, loader: Any, roles: Collection[str], keys: Collection[str]
) -> "View":
    """Return what Ansible's inventory and variable managers know of these groups' hosts.

    `keys` are the variables that are asked for, besides those that say how to log in.
    """
    groups: dict[str, list[str]] = {
        role: [host.name for host in inventory.groups[role].get_hosts()]
        for role in roles
        if role in inventory.groups
    }
    members = {name for names in groups.values() for name in names}
    hosts = {name: inventory.get_host(name) for name in sorted(members)}
    known = {name: variables.get_vars(host=host) for name, host in hosts.items()}
    return {
        "sources": [str(source) for source in inventory._sources],
        "groups": groups,
        "hosts": {
            name: _host(known[name], _overruled(inventory, host, known[name], loader), loader, keys)
            for name, host in hosts.items()
        },
    }


def _overruled(inventory: Any, host: Any, known: dict[str, Any], loader: Any) -> dict[str, str]:
    """Return what the inventory sets for a group of the host in vain, with file and line of each.

    To Ansible, FACTS are variables that lie beside the playbook. They count for more than those of
    groups within an inventory, and than group_vars/all beside it.
    """
    facts = loader.load_from_file(str(FACTS))
    everyone = [inventory.groups["all"]]
    beside = get_vars_from_inventory_sources(loader, inventory._sources, everyone, "task")
    return {
        key: _origin(values[key]) or ""
        for values in (beside, *(group.vars for group in host.get_groups()))
        for key in sorted(values.keys() & facts.keys())
        if values[key] != facts[key] == known.get(key)
    }


def _host(
    known: dict[str, Any], overruled: dict[str, str], loader: Any, keys: Collection[str]
) -> "HostView":
    """Return one host's templated values, where they were written, and what could not be read."""
    templar = Templar(loader=loader, variables=known)
    plugin = connection_loader.get(PLUGIN, class_only=True)._load_name
    of_plugin = constants.config.get_plugin_vars("connection", plugin)
    values: dict[str, Any] = {}
    where: dict[str, str] = {}
    unreadable: dict[str, str] = {}
    for key in {*keys, *of_plugin, CONNECTION} & known.keys():
        if origin := _origin(known[key]):
            where[key] = origin
        try:
            values[key] = templar.template(known[key])
        except AnsibleError as error:
            unreadable[key] = _first_line(error)
    connection = str(values.get(CONNECTION) or constants.DEFAULT_TRANSPORT)
    address = ""
    arguments: list[str] = []
    if not unreadable:
        try:
            address, arguments = _login(plugin, values)
        except (AnsibleError, ValueError) as error:
            unreadable["its SSH options"] = _first_line(error)
    return {
        "values": json.loads(
            json.dumps({key: values[key] for key in keys if key in values}, default=str)
        ),
        "where": where,
        "unreadable": unreadable,
        "overruled": overruled,
        "connection": connection,
        "address": address,
        "ssh_arguments": arguments,
    }


def _login(plugin: str, values: dict[str, Any]) -> tuple[str, list[str]]:
    """Return the address that Ansible gives to ssh, and the arguments that it puts before it.

    The options and their order are those of Ansible's own plugin, without the name of the login
    user.
    """

    def option(name: str) -> Any:
        return constants.config.get_config_value(
            name, plugin_type="connection", plugin_name=plugin, variables=values
        )

    arguments = [*_split(option("ssh_args"))]
    if option("host_key_checking") is False:
        arguments += ["-o", "StrictHostKeyChecking=no"]
    if (port := option("port")) is not None:
        arguments += ["-o", f"Port={port}"]
    if key := option("private_key_file"):
        arguments += ["-o", f'IdentityFile="{Path(key).expanduser()}"']
    arguments += ["-o", f"ConnectTimeout={option('timeout')}"]
    arguments += [*_split(option("ssh_common_args")), *_split(option("ssh_extra_args"))]
    return str(option("host")), arguments


def _split(text: str | None) -> list[str]:
    return [word.strip() for word in shlex.split(text or "") if word.strip()]


def _origin(value: Any) -> str | None:
    """Return file and line that a value was read from; None if Ansible did not keep them."""
    origin = Origin.get_tag(value)
    if origin is None or origin.path is None:
        return None
    line = f":{origin.line_num}" if origin.line_num else ""
    return f"{origin.path}{line}"


def _first_line(error: BaseException) -> str:
    lines = str(getattr(error, "message", "") or error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


class _Reader(InventoryCLI):  # type: ignore[misc] # ansible has no types
    """Works as `ansible-inventory --list`, but prints the view in place of the variables."""

    def show(self, roles: Collection[str], keys: Collection[str]) -> None:
        """Read the inventory that the command line names, and print its view."""
        super(InventoryCLI, self).run()
        loader, inventory, variables = self._play_prereqs()
        HostVars(inventory, variables, loader)  # templates may use other hosts' values
        json.dump(look(inventory, variables, loader, roles, keys), sys.stdout)


def main() -> int:
    """Print the view of an inventory, or of that of ansible.cfg.

    The arguments are the groups and the keys that are asked for, each with commas between, and
    perhaps the inventory.
    """
    roles, keys, *sources = sys.argv[1:]
    command = ["ansible-inventory", "--list", f"--playbook-dir={ROOT}"]
    for source in sources:
        command += ["-i", source]
    try:
        reader = _Reader(command)
        reader.parse()
        reader.show(roles.split(","), keys.split(","))
    except AnsibleError as error:
        sys.stderr.write(f"{_first_line(error)}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
