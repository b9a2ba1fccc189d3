"""Two hosts on one machine: booted containers in network namespaces, joined by a shaped link."""

from testbed.lab.control import check_up, down, status, up
from testbed.lab.status import HostStatus, LabStatus

__all__ = ["HostStatus", "LabStatus", "check_up", "down", "status", "up"]
