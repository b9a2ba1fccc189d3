"""Look at the data link from this host: carrier, speed, errors, address and route."""

import json
import subprocess
from pathlib import Path
from typing import Any

import psutil

from telemetry import route

Row = dict[str, float | int | None]

SYS = Path("/sys/class/net")
PING_LIMIT_S = 3  # several packets, so that a single lost one does not look like a dead link


class Link:
    """Sample the data link while a run goes on. `address` is this host's own address on it."""

    def __init__(self, interface: str, address: str, peer: str) -> None:
        self.interface, self._address, self._peer = interface, address, peer

    def sample(self) -> Row:
        """Return the columns of the link.

        `link_up` and `link_has_address` are 1 or 0. `link_route` is the number of the interface by
        which packets to the peer leave, or 0 if there is no route.
        """
        card = nic(self.interface)
        return {
            "link_up": int(card["up"]),
            "link_carrier_changes": card["carrier_changes"],
            "link_speed_mbit_per_s": card["speed_mbit_per_s"],
            "link_full_duplex": None if card["full_duplex"] is None else int(card["full_duplex"]),
            "link_has_address": int(self._address in addresses().get(self.interface, [])),
            "link_route": route.index_to(self._peer, self._address) or 0,
        }


def nic(interface: str) -> dict[str, Any]:
    """Return the interface's state. If there is none, it is not up and all else is None.

    Speed and duplex are None if the driver does not know them (it reports -1), and for a virtual
    interface without hardware, which reports a made-up speed.
    """
    folder = SYS / interface
    real = (folder / "device").exists()
    speed, duplex = _number(folder / "speed"), _text(folder / "duplex")
    return {
        "up": _text(folder / "carrier") == "1" and _text(folder / "operstate") != "down",
        "carrier_changes": _number(folder / "carrier_changes"),
        "speed_mbit_per_s": speed if real and speed and speed > 0 else None,
        "full_duplex": duplex == "full" if real and duplex in ("full", "half") else None,
        "mtu": _number(folder / "mtu"),
        "mac": _text(folder / "address"),
    }


def addresses() -> dict[str, list[str]]:
    """Return the IP addresses of each interface that has one."""
    found = {
        name: [one.address.split("%")[0] for one in ones if one.family != psutil.AF_LINK]
        for name, ones in psutil.net_if_addrs().items()
    }
    return {name: of_it for name, of_it in found.items() if of_it}


def state(interface: str, address: str, peer: str) -> dict[str, Any]:
    """Return how the data link is now.

    This waits up to `PING_LIMIT_S` seconds if the peer does not answer.
    """
    counters = ("rx_errors", "tx_errors", "rx_dropped", "tx_dropped")
    return {
        "interface": interface,
        **{key: value for key, value in nic(interface).items() if key != "mac"},
        "addresses": addresses().get(interface, []),
        "route_by": route.interface_to(peer, address),
        "peer_answers": _answers(address, peer),
        **{name: counter(interface, name) for name in counters},
    }


def look(interface: str, address: str, peer: str) -> dict[str, Any]:
    """Return the data link's state, the traffic of all interfaces, and the peer's MAC address."""
    # This comes first: its ping makes the kernel look up the peer's MAC address
    now = state(interface, address, peer)
    held = addresses()
    return {
        "state": now,
        "peer_mac": neighbour(interface, peer),
        "interfaces": {
            name: {
                "addresses": held.get(name, []),
                "mac": nic(name)["mac"],
                "below": below(name),
                "rx_bytes": counter(name, "rx_bytes"),
                "tx_bytes": counter(name, "tx_bytes"),
            }
            for name in sorted(path.name for path in SYS.iterdir() if path.is_dir())
        },
    }


def below(interface: str) -> list[str]:
    """Return the interfaces that this one sends by, such as the cards of a bond or VLAN."""
    direct = [
        path.name.removeprefix("lower_") for path in sorted((SYS / interface).glob("lower_*"))
    ]
    return [*direct, *(name for one in direct for name in below(one))]


def neighbour(interface: str, peer: str) -> str | None:
    """Return the MAC address that answered for the peer on the interface; None if none did."""
    command = ["ip", "-j", "neighbour", "show", "to", peer, "dev", interface]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = json.loads(done.stdout or "[]") if done.returncode == 0 else []
    return next((one["lladdr"] for one in found if "lladdr" in one), None)


def _answers(address: str, peer: str) -> bool | None:
    """Return whether the peer answers one of several pings that leave from the address.

    Return None if this host has no ping.
    """
    command = ["ping", "-n", "-q", "-c", "1", "-i", "0.2", "-w", str(PING_LIMIT_S), "-I", address]
    try:
        done = subprocess.run([*command, peer], capture_output=True, check=False)
    except FileNotFoundError:
        return None
    return done.returncode == 0


def counter(interface: str, name: str) -> int | None:
    """Return one of the interface's counters; None if it has no such counter."""
    return _number(SYS / interface / "statistics" / name)


def _number(path: Path) -> int | None:
    text = _text(path)
    try:
        return None if text is None else int(text)
    except ValueError:
        return None


def _text(path: Path) -> str | None:
    """Return a file of sysfs; None if it is missing or cannot be read while the link is down."""
    try:
        return path.read_text().strip()
    except OSError:
        return None
