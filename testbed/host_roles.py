"""Name the two roles of hosts. The lab's inventory reads them without any library installed."""

from typing import Literal, get_args

HostRole = Literal["server", "client"]
ROLES: tuple[HostRole, ...] = get_args(HostRole)
