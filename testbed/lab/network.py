"""The lab's two links and its way out: namespaces, virtual Ethernet pairs, a bridge, nftables."""

import json
from collections.abc import Iterable
from typing import Any

from testbed.errors import Exit, TestbedError
from testbed.lab import way_out
from testbed.lab.command import output, run
from testbed.lab.machine import NAMESPACES
from testbed.lab.names import BENCH_INTERFACE, MANAGEMENT_INTERFACE, HostNames, LabNames

# A gigabit link. The bucket holds four of the largest segments that the kernel hands over at once
# (64 kB); the queue of 5 ms is about what a switch port buffers.
SHAPE = ["tbf", "rate", "1gbit", "burst", "256kb", "latency", "5ms"]


def make(lab: LabNames, needed: Iterable[way_out.Service]) -> None:
    """Make namespaces and links; inside, the hosts reach the `needed` services alone.

    Raises TestbedError if the addresses are taken.
    """
    _refuse_taken(lab)
    own_networks = way_out.networks(json.loads(output(["ip", "-j", "-4", "address"])))
    mtu = _uplink_mtu()
    for host in lab.hosts:
        run(["ip", "netns", "add", host.machine])
        run(["ip", "-n", host.machine, "link", "set", "lo", "up"])
    # before there is a way that it could let anything through
    run(["nft", "-f", "-"], text=way_out.table(lab, needed, own_networks))
    _management_link(lab, mtu)
    _data_link(lab)
    pass_foreign_chains(lab)


def _refuse_taken(lab: LabNames) -> None:
    addresses = json.loads(output(["ip", "-j", "-4", "address"]))
    prefix = lab.gateway.rsplit(".", 1)[0] + "."
    for interface in addresses:
        for address in interface.get("addr_info", []):
            if address["local"].startswith(prefix):
                raise TestbedError(
                    f"{lab.management_network} is already used by {interface['ifname']}",
                    remedy="give the lab another name: its addresses follow from it",
                    exit_code=Exit.NOT_READY,
                )


def _uplink_mtu() -> int:
    """The MTU of the way out, in bytes: a larger one on the management link would lose packets."""
    routes = json.loads(output(["ip", "-j", "-4", "route", "show", "default"]))
    if not routes:
        return 1500
    (link,) = json.loads(output(["ip", "-j", "link", "show", "dev", routes[0]["dev"]]))
    return min(int(link["mtu"]), 1500)


def _management_link(lab: LabNames, mtu: int) -> None:
    run(["ip", "link", "add", lab.bridge, "mtu", str(mtu), "type", "bridge", "forward_delay", "0"])
    run(["ip", "address", "add", f"{lab.gateway}/24", "dev", lab.bridge])
    run(["ip", "link", "set", lab.bridge, "up"])
    for host in lab.hosts:
        pair = ["ip", "link", "add", host.outer_interface, "mtu", str(mtu), "type", "veth"]
        run([*pair, "peer", "name", MANAGEMENT_INTERFACE, "mtu", str(mtu), "netns", host.machine])
        run(["ip", "link", "set", host.outer_interface, "master", lab.bridge, "up"])
        _give_address(host, MANAGEMENT_INTERFACE, host.address)
        run(["ip", "-n", host.machine, "route", "add", "default", "via", lab.gateway])


def _data_link(lab: LabNames) -> None:
    pair = ["ip", "-n", lab.server.machine, "link", "add", BENCH_INTERFACE, "type", "veth"]
    run([*pair, "peer", "name", BENCH_INTERFACE, "netns", lab.client.machine])
    for host in lab.hosts:
        _give_address(host, BENCH_INTERFACE, host.bench_address)
        # 1: is what a declared delay refers to (inventory/lab/group_vars/all.yml)
        root = ["dev", BENCH_INTERFACE, "root", "handle", "1:"]
        run(["tc", "-n", host.machine, "qdisc", "add", *root, *SHAPE])


def _give_address(host: HostNames, interface: str, address: str) -> None:
    run(["ip", "-n", host.machine, "address", "add", f"{address}/24", "dev", interface])
    run(["ip", "-n", host.machine, "link", "set", interface, "up"])


def pass_foreign_chains(lab: LabNames) -> None:
    """Let the lab's packets through firewalls that drop what is forwarded (Docker, ufw)."""
    for chain in dropping_chains(json.loads(output(["nft", "-j", "list", "chains"]))):
        where = [chain["family"], chain["table"], chain["name"]]
        mark = ["accept", "comment", f'"{lab.rule_comment}"']
        run(["nft", "insert", "rule", *where, "iifname", lab.bridge, *mark])
        run(["nft", "insert", "rule", *where, "oifname", lab.bridge, *mark])


def dropping_chains(listing: dict[str, Any]) -> list[dict[str, Any]]:
    """The chains at the forward hook that drop IPv4 by default, by `nft -j list chains`."""
    chains = (item["chain"] for item in listing["nftables"] if "chain" in item)
    return [
        chain
        for chain in chains
        if chain.get("hook") == "forward"
        and chain.get("policy") == "drop"
        and chain["family"] in ("ip", "inet")
    ]


def marked_rules(listing: dict[str, Any], comment: str) -> list[dict[str, Any]]:
    """The rules with that comment, by `nft -j list ruleset`."""
    rules = (item["rule"] for item in listing["nftables"] if "rule" in item)
    return [rule for rule in rules if rule.get("comment") == comment]


def remove(lab: LabNames) -> None:
    """Remove whatever there is of the lab's network."""
    for rule in marked_rules(
        json.loads(output(["nft", "-j", "list", "ruleset"])), lab.rule_comment
    ):
        where = [rule["family"], rule["table"], rule["chain"]]
        run(["nft", "delete", "rule", *where, "handle", str(rule["handle"])])
    for family, table in _nft_tables():
        if table == lab.nft_table:
            run(["nft", "delete", "table", family, table])
    for host in lab.hosts:
        # with somebody's process in it, it would live on without a name, where nobody finds it
        if (NAMESPACES / host.machine).exists() and not inhabitants(host):
            run(["ip", "netns", "delete", host.machine])
    for interface in interfaces(lab):
        # a pair goes when its other end's namespace does, perhaps at this moment
        run(["ip", "link", "delete", interface], check=False)


def leftovers(lab: LabNames) -> list[str]:
    """What is still there of the lab's network, in words."""
    left = []
    for host in lab.hosts:
        if (NAMESPACES / host.machine).exists():
            left.append(f"namespace {host.machine}")
            left += [f"process {pid} in it" for pid in inhabitants(host)]
    left += [f"interface {name}" for name in interfaces(lab)]
    left += [f"nft table {table}" for _, table in _nft_tables() if table == lab.nft_table]
    return left


def inhabitants(host: HostNames) -> list[int]:
    """Ids of the processes in the host's namespace."""
    return [int(pid) for pid in output(["ip", "netns", "pids", host.machine]).split()]


def interfaces(lab: LabNames) -> list[str]:
    """The machine's interfaces that are the lab's."""
    ours = {lab.bridge, *(host.outer_interface for host in lab.hosts)}
    links = json.loads(output(["ip", "-j", "link"]))
    return [link["ifname"] for link in links if link["ifname"] in ours]


def _nft_tables() -> list[tuple[str, str]]:
    """Family and name of every table."""
    listing = json.loads(output(["nft", "-j", "list", "tables"]))
    tables = (item["table"] for item in listing["nftables"] if "table" in item)
    return [(table["family"], table["name"]) for table in tables]
