"""Check the inventory on the control machine, with the same sentences as fab.

Only Ansible's own managers of inventory and variables know from which file and line a value came,
and with which arguments its SSH plugin logs in. They are no public interface. That is why
pyproject.toml holds ansible-core to one minor version, and tests/unit/testbed/test_inventory.py
reads inventories through them.
"""

import sys
from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase

PROJECT = str(Path(__file__).resolve().parents[2])


class ActionModule(ActionBase):  # type: ignore[misc] # ansible has no types
    """Checks the inventory as this run of Ansible reads it, extra variables included."""

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Fail with one sentence for each error in the inventory, or if its lab is not up."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        if PROJECT not in sys.path:
            sys.path.insert(0, PROJECT)
        from testbed import lab
        from testbed.errors import TestbedError
        from testbed.host_roles import ROLES
        from testbed.hosts import inventory
        from testbed.hosts.ansible_view import look

        hosts = (task_vars or {})["hostvars"]
        try:
            view = look(
                hosts._inventory,
                hosts._variable_manager,
                hosts._loader,
                ROLES,
                inventory.KEYS,
            )
            found = inventory.check(view)
            lab.check_up(found.facts.testbed_lab)
        except TestbedError as error:
            return result | {"failed": True, "msg": str(error)}
        return result | {"changed": False}
