"""Decide which CPUs serve and which generate load.

All functions but `usable_cores`, which reads the machine's topology, are pure.
"""

import os
from collections.abc import Sequence
from pathlib import Path

TOPOLOGY = "/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list"


def split(cores: Sequence[Sequence[int]]) -> tuple[list[int], list[int]] | None:
    """Return the server's and the client's CPUs; None if there is only one CPU.

    `cores` lists the usable CPUs by physical core. Each core goes to one side as a whole, since its
    threads share its time; only a single core is split by threads. An odd core goes to the server.
    """
    groups = [list(core) for core in cores]
    if len(groups) == 1:
        groups = [[cpu] for cpu in groups[0]]
    if len(groups) < 2:
        return None
    middle = (len(groups) + 1) // 2
    server = sorted(cpu for core in groups[:middle] for cpu in core)
    client = sorted(cpu for core in groups[middle:] for cpu in core)
    return server, client


def beside(
    split: tuple[list[int], list[int]] | None, servers: Sequence[Sequence[int]]
) -> tuple[list[int], list[int]] | None:
    """Return the server's and the client's CPUs of a lab that is made beside others.

    `servers` has the CPUs of the others' servers. If more of them are on the server's side of the
    split than on the client's, the lab takes the sides the other way round, as servers have more
    to do. Sides of different sizes stay as they are. Return None if the CPUs cannot be split.
    """
    if split is None:
        return None
    server, client = split
    there = [sorted(one) for one in servers]
    crowded = there.count(server) > there.count(client)
    return (client, server) if crowded and len(client) == len(server) else split


def usable_cores() -> list[list[int]]:
    """Return the CPUs that this process may use, grouped by physical core."""
    usable = os.sched_getaffinity(0)
    cores: dict[str, list[int]] = {}
    for cpu in sorted(usable):
        siblings = Path(TOPOLOGY.format(cpu=cpu))
        key = siblings.read_text().strip() if siblings.exists() else str(cpu)
        cores.setdefault(key, []).append(cpu)
    return list(cores.values())


def listed(cpus: Sequence[int]) -> str:
    """Return CPUs as taskset and people write them: 0,1,4."""
    return ",".join(str(cpu) for cpu in cpus)
