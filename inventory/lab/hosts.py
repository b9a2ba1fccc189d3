#!/usr/bin/env python3
"""Ansible's inventory of the lab that $TESTBED_LAB names: addresses follow from the name alone.

$TESTBED_WORKLOADS names the workloads to deploy, as in agents,todo; without it, it is what
group_vars/all.yml says. $TESTBED_LINK_FLOOR is the least that `fab link` accepts, in Mbit/s, for a
machine whose CPUs are too slow or too busy to carry a gigabit.
"""

import json
import os
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent.parent


def inventory(name: str, workloads: str = "", link_floor: str = "") -> dict[str, object]:
    """The inventory of the lab of that name, as `ansible-inventory --list` takes it.

    Workloads and the link's floor are entries of the hosts, which count for more than
    group_vars/all.yml; empty texts leave it to that file.
    """
    sys.path.insert(0, str(PROJECT))
    from testbed.host_roles import ROLES
    from testbed.lab import names

    lab = names.lab(name)
    options = f"-o UserKnownHostsFile={lab.known_hosts} -o StrictHostKeyChecking=yes"
    chosen: dict[str, object] = {}
    if workloads:
        chosen["testbed_workloads"] = workloads.split(",")
    if link_floor:
        chosen["testbed_link_floor_mbit_per_s"] = link_floor
    hosts = {
        host.hostname: {"ansible_host": host.address, "bench_address": host.bench_address} | chosen
        for host in lab.hosts
    }
    everywhere = {
        "ansible_user": "root",
        "ansible_ssh_private_key_file": str(lab.private_key),
        "ansible_ssh_common_args": f"{options} -o IdentitiesOnly=yes",
        "ansible_python_interpreter": "/usr/bin/python3",
        "bench_interface": names.BENCH_INTERFACE,
        "testbed_place": "lab",
        "testbed_lab": lab.name,
    }
    return {
        "_meta": {"hostvars": hosts},
        "all": {"children": list(ROLES), "vars": everywhere},
        **{host.role: {"hosts": [host.hostname]} for host in lab.hosts},
    }


def main() -> int:
    """Print the inventory; 2 and one line on stderr if the lab's name is not valid."""
    sys.path.insert(0, str(PROJECT))
    from testbed.errors import TestbedError
    from testbed.lab import names

    try:
        found = inventory(
            names.name_from(os.environ),
            os.environ.get("TESTBED_WORKLOADS", ""),
            os.environ.get("TESTBED_LINK_FLOOR", ""),
        )
        sys.stdout.write(json.dumps(found, indent=2) + "\n")
    except TestbedError as error:
        sys.stderr.write(f"{error}\n")
        return int(error.exit_code)
    return 0


if __name__ == "__main__":
    sys.exit(main())
