"""Read facts on the data link's network card and on the route to the other host, for `fitness`."""

import json
import os
import shutil
import subprocess
from typing import Any

from telemetry.tree import Tree

OFFLOADS = (
    "tcp-segmentation-offload",
    "generic-segmentation-offload",
    "generic-receive-offload",
    "large-receive-offload",
    "rx-checksumming",
    "tx-checksumming",
)
ERRORS = ("rx_errors", "tx_errors", "rx_dropped", "tx_dropped", "collisions")
TOOL_LIMIT_S = 5


def output(*command: str) -> str | None:
    """Return what a program printed; None if it is not installed, fails or takes too long.

    It is also looked for in /usr/sbin and /sbin, which an ordinary user's PATH may lack.
    """
    program = shutil.which(command[0], path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if program is None:
        return None
    try:
        done = subprocess.run(
            [program, *command[1:]],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=TOOL_LIMIT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def card(interface: str, tree: Tree) -> dict[str, Any] | None:
    """Return what the card is and how it is set; None if there is no such interface."""
    folder = f"sys/class/net/{interface}"
    if tree.text(f"{folder}/operstate") is None:
        return None
    speed = tree.number(f"{folder}/speed")
    real = bool(
        tree.names(f"{folder}/device")
    )  # a virtual interface (veth) reports a made-up speed
    return {
        "interface": interface,
        "real": real,
        "driver": tree.link(f"{folder}/device/driver"),
        "state": tree.text(f"{folder}/operstate"),
        "speed_mbit_per_s": speed if real and speed and speed > 0 else None,
        "duplex": tree.text(f"{folder}/duplex") if real else None,
        "mtu": tree.number(f"{folder}/mtu"),
        "numa_node": tree.number(f"{folder}/device/numa_node"),
        "errors": {name: tree.number(f"{folder}/statistics/{name}") for name in ERRORS},
        "carrier_changes": tree.number(f"{folder}/carrier_changes"),
        "offloads": offloads(output("ethtool", "-k", interface)),
        "rings": rings(output("ethtool", "-g", interface)),
        "irqs": irqs(interface, tree),
    }


def offloads(text: str | None) -> dict[str, bool] | None:
    """Return which offloads are on, as read from the output of `ethtool -k`.

    Return None if there is no output.
    """
    if text is None:
        return None
    pairs = (line.strip().split(": ", 1) for line in text.splitlines() if ": " in line)
    return {name: value.startswith("on") for name, value in pairs if name in OFFLOADS}


def rings(text: str | None) -> dict[str, dict[str, int]] | None:
    """Return how many packets the card's rings hold now and at most, by 'rx' and 'tx'.

    `text` is the output of `ethtool -g`. Return None if it names no ring.
    """
    found: dict[str, dict[str, int]] = {}
    key = ""
    for line in (text or "").splitlines():
        if line.startswith(("Pre-set", "Current")):
            key = "most" if line.startswith("Pre-set") else "now"
        name, _, value = line.partition(":")
        if key and name in ("RX", "TX") and value.strip().isdecimal():
            found.setdefault(name.lower(), {})[key] = int(value)
    return {name: both for name, both in found.items() if len(both) == 2} or None


def irqs(interface: str, tree: Tree) -> dict[str, str] | None:
    """Return which CPUs take each of the card's interrupts; None if it has none of its own."""
    device = f"sys/class/net/{interface}/device"
    found = tree.names(f"{device}/msi_irqs/*") or tree.names(f"{device}/../msi_irqs/*")
    cpus = {}
    for number in sorted((path.rsplit("/", 1)[1] for path in found), key=int):
        folder = f"proc/irq/{number}"
        cpus[number] = tree.text(f"{folder}/effective_affinity_list") or tree.text(
            f"{folder}/smp_affinity_list"
        )
    return {number: text for number, text in cpus.items() if text} or None


def route(peer: str, printed: str | None) -> dict[str, str | None] | None:
    """Return the route to the other host, as read from the output of `ip -json route get`.

    Return None if there is no route.
    """
    try:
        ways = json.loads(printed or "[]")
        way = ways[0]
        return {
            "peer": peer,
            "interface": str(way["dev"]),
            "source": way.get("prefsrc"),
            "gateway": way.get("gateway"),
        }
    except (ValueError, LookupError, TypeError, AttributeError):
        return None


def route_to(peer: str) -> dict[str, str | None] | None:
    """Return the route to the other host that the kernel would take now; None if there is none."""
    return route(peer, output("ip", "-json", "route", "get", peer))
