"""Print raw facts on whether this host is fit to measure, as one JSON object.

The facts are read without root and judged on the control side. A fact that the host does not
report is None, never a guess.
"""

import ipaddress
import os
import platform
import resource
import sys
import time
from pathlib import Path
from typing import Any

import psutil

from telemetry import others
from telemetry.card import card, output, route_to
from telemetry.slowed import Heat, Quota
from telemetry.tree import Tree

CPU = "sys/devices/system/cpu"
SPIN_S = 0.05  # long enough for a CPU to leave its idle frequency
KEEPERS = {"chronyd": "chrony", "systemd-timesyn": "systemd-timesyncd", "ntpd": "ntpd"}
FIREWALLS = ("nftables", "firewalld", "iptables", "netfilter-persistent")
LISTENING = "0A"  # the state of a listening socket in /proc/net/tcp


def facts(
    interface: str, peer: str, ports: list[int], folders: list[str], window_s: float
) -> dict[str, Any]:
    """Return all facts.

    `peer` is the other host's address on the data link, `ports` are the TCP ports that should be
    free, and `window_s` is how long to look at who uses the CPUs, in seconds.
    """
    tree = Tree()
    running = {process.info["name"] for process in psutil.process_iter(["name"])}
    return {
        "cpu": cpu(tree),
        "memory": memory(tree),
        "disks": {folder: disk(folder) for folder in folders},
        "clock": clock(running, output("timedatectl", "show")),
        "kernel": platform.release(),
        "load": others.look(window_s),
        "card": card(interface, tree),
        "addresses": addresses(interface),
        "route": route_to(peer),
        "irqbalance": "irqbalance" in running,
        "open_files": open_files(tree),
        "listeners": {str(port): listeners(port, tree) for port in ports},
        "firewall": firewall(tree, output("systemctl", "list-units", *_UNITS)),
        "container": detected("--container"),
        "vm": detected("--vm"),
        "power": power(tree),
    }


_UNITS = ("--plain", "--no-legend", "--state=active", *(f"{name}.service" for name in FIREWALLS))


def cpu(tree: Tree) -> dict[str, Any]:
    """Return what decides how fast the CPUs run that this process may use."""
    usable = sorted(os.sched_getaffinity(0))
    governors = {tree.text(f"{CPU}/cpu{n}/cpufreq/scaling_governor") for n in usable} - {None}
    full = [_full_mhz(tree, number) for number in usable]
    quota = Quota(os.getpid(), tree.root / "proc").sample()
    return {
        "usable": len(usable),
        "governors": sorted(str(name) for name in governors) or None,
        "driver": tree.text(f"{CPU}/cpu{usable[0]}/cpufreq/scaling_driver"),
        "turbo": turbo(tree),
        "smt": tree.text(f"{CPU}/smt/control"),
        "smt_active": tree.number(f"{CPU}/smt/active"),
        "idle_states": idle_states(tree, usable[0]),
        "numa_nodes": len(tree.names("sys/devices/system/node/node[0-9]*")) or None,
        "thermal_throttles": Heat(tree.root / CPU).sample()["thermal_throttles"],
        "quota_periods": quota["quota_periods"],
        "quota_throttles": quota["quota_throttles"],
        "mhz": busy_mhz(tree, usable[0]),
        "full_mhz": max((mhz for mhz in full if mhz is not None), default=None),
    }


def _full_mhz(tree: Tree, number: int) -> float | None:
    """Return the frequency that a CPU can sustain, in MHz; None if it is not known."""
    folder = f"{CPU}/cpu{number}/cpufreq"
    khz = tree.number(f"{folder}/base_frequency") or tree.number(f"{folder}/cpuinfo_max_freq")
    return khz / 1000 if khz else None


def turbo(tree: Tree) -> bool | None:
    """Return whether the CPUs may exceed the frequency that they can sustain; None if not known."""
    off = tree.number(f"{CPU}/intel_pstate/no_turbo")
    if off is not None:
        return off == 0
    on = tree.number(f"{CPU}/cpufreq/boost")
    return None if on is None else on == 1


def idle_states(tree: Tree, number: int) -> list[dict[str, Any]] | None:
    """Return the states that an idle CPU may enter, with the time to wake up from each.

    Return None if the kernel lists no such states.
    """
    states = [
        {
            "name": tree.text(f"{folder}/name"),
            "latency_us": tree.number(f"{folder}/latency"),
            "disabled": tree.number(f"{folder}/disable") == 1,
        }
        for folder in tree.names(f"{CPU}/cpu{number}/cpuidle/state*")
    ]
    return [one for one in states if one["name"] and one["latency_us"] is not None] or None


def busy_mhz(tree: Tree, number: int) -> float | None:
    """Return the frequency, in MHz, that a CPU reaches while this process gives it work.

    Return None if the kernel does not report it.
    """
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {number})
    try:
        end = time.monotonic() + SPIN_S
        while time.monotonic() < end:
            pass
        khz = tree.number(f"{CPU}/cpu{number}/cpufreq/scaling_cur_freq")
    finally:
        os.sched_setaffinity(0, before)
    return khz / 1000 if khz else None


def memory(tree: Tree) -> dict[str, Any]:
    """Return facts on memory, swap areas and huge pages."""
    now = psutil.virtual_memory()
    swaps = tree.text("proc/swaps")
    return {
        "total_bytes": now.total,
        "available_bytes": now.available,
        "swaps": None if swaps is None else swap_areas(swaps),
        "huge_pages": tree.chosen("sys/kernel/mm/transparent_hugepage/enabled"),
        "defrag": tree.chosen("sys/kernel/mm/transparent_hugepage/defrag"),
    }


def swap_areas(text: str) -> list[dict[str, Any]]:
    """Return path, size and used bytes of each swap area, from the text of /proc/swaps."""
    rows = [line.split() for line in text.splitlines()[1:]]
    return [
        {"path": row[0], "size_bytes": int(row[2]) * 1024, "used_bytes": int(row[3]) * 1024}
        for row in rows
        if len(row) == 5 and row[2].isdecimal() and row[3].isdecimal()
    ]


def disk(folder: str) -> dict[str, Any] | None:
    """Return the space in a folder's file system that an ordinary user may use.

    Return None if there is no such folder.
    """
    try:
        use = psutil.disk_usage(folder)
    except OSError:
        return None
    return {"free_bytes": use.free, "total_bytes": use.total}


def clock(running: set[str], printed: str | None) -> dict[str, Any]:
    """Return whether the kernel calls its clock synchronised, and which service keeps it."""
    told = dict(line.split("=", 1) for line in (printed or "").splitlines() if "=" in line)
    yes = told.get("NTPSynchronized")
    keeper = next((KEEPERS[name] for name in sorted(running & set(KEEPERS))), None)
    return {"synchronised": None if yes is None else yes == "yes", "keeper": keeper}


def addresses(interface: str) -> list[str]:
    """Return the interface's own addresses; an empty list if it has none."""
    return [one.address.split("%")[0] for one in psutil.net_if_addrs().get(interface, [])]


def open_files(tree: Tree) -> dict[str, Any]:
    """Return how many files this user's processes may open, and the use of the whole host."""
    numbers = (tree.text("proc/sys/fs/file-nr") or "").split()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    return {
        "limit": None if most == resource.RLIM_INFINITY else most,
        "used": int(numbers[0]) if len(numbers) == 3 else None,
        "most": int(numbers[2]) if len(numbers) == 3 else None,
    }


def listeners(port: int, tree: Tree) -> list[str] | None:
    """Return the addresses on which some process listens on a TCP port.

    Return None if the kernel's list cannot be read.
    """
    found = []
    for file in ("proc/net/tcp", "proc/net/tcp6"):
        text = tree.text(file)
        if text is None:
            if file == "proc/net/tcp":
                return None
            continue  # the host has no IPv6
        for row in (line.split() for line in text.splitlines()[1:]):
            address, _, number = row[1].rpartition(":")
            if row[3] == LISTENING and int(number, 16) == port:
                found.append(_address(address))
    return found


def _address(text: str) -> str:
    """Return an address of /proc/net/tcp in the usual notation.

    The kernel writes it as 32-bit words in the host's own byte order.
    """
    words = [bytes.fromhex(text[at : at + 8]) for at in range(0, len(text), 8)]
    packed = b"".join(word[::-1] if sys.byteorder == "little" else word for word in words)
    return str(ipaddress.ip_address(packed))


def firewall(tree: Tree, units: str | None) -> dict[str, Any]:
    """Return what can be read without root: firewall services, and if connections are tracked."""
    active = [line.split(".service")[0] for line in (units or "").splitlines() if line.strip()]
    if "ENABLED=yes" in (tree.text("etc/ufw/ufw.conf") or ""):
        active.append("ufw")
    return {
        "services": None if units is None else active,
        "tracked": tree.number("proc/sys/net/netfilter/nf_conntrack_count"),
        "tracked_most": tree.number("proc/sys/net/netfilter/nf_conntrack_max"),
    }


def detected(kind: str) -> str | None:
    """Return systemd's name for the container or virtual machine around this host.

    Return an empty text if there is none, and None if it is not known.
    """
    found = output("sh", "-c", f"systemd-detect-virt {kind}; test $? -le 1")
    if found is None:
        return None
    return "" if found.strip() == "none" else found.strip()


def power(tree: Tree) -> dict[str, Any]:
    """Return whether a mains supply is on, and the firmware's power profile.

    Mains is None if the host reports no supply.
    """
    supplies = tree.names("sys/class/power_supply/*")
    kinds = {path: tree.text(f"{path}/type") for path in supplies}
    mains = [tree.number(f"{path}/online") for path, kind in kinds.items() if kind == "Mains"]
    return {
        "battery": "Battery" in kinds.values() if Path(tree.root / "sys/class").exists() else None,
        "mains": any(mains) if mains and None not in mains else None,
        "profile": tree.text("sys/firmware/acpi/platform_profile"),
    }
