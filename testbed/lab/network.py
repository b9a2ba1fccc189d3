"""Make the lab's two links and its way out: namespaces, veth pairs, a bridge and nftables."""

import json
from collections.abc import Iterable
from typing import Any

from testbed.errors import Exit, TestbedError
from testbed.lab import way_out
from testbed.lab.command import output, run
from testbed.lab.machine import NAMESPACES
from testbed.lab.names import BENCH_INTERFACE, MANAGEMENT_INTERFACE, HostNames, LabNames

# A gigabit link. The bucket holds four of the largest segments that the kernel passes on at once
# (64 kB). The queue of 5 ms is about as long as the buffer of a switch port.
SHAPE = ["tbf", "rate", "1gbit", "burst", "256kb", "latency", "5ms"]


def make(lab: LabNames, needed: Iterable[way_out.Service]) -> None:
    """Make namespaces and links. Of networks inside, the hosts reach only the `needed` services.

    Raises TestbedError if the addresses are taken.
    """
    _refuse_taken(lab)
    own_networks = way_out.networks(json.loads(output(["ip", "-j", "-4", "address"])))
    mtu = _uplink_mtu()
    for host in lab.hosts:
        run(["ip", "netns", "add", host.machine])
        run(["ip", "-n", host.machine, "link", "set", "lo", "up"])
    # the rules come first, before packets could pass without them
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
    """Return the MTU of the way out, in bytes; the management link must not have a larger one."""
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
        # a declared delay refers to this handle (inventory/lab/group_vars/all.yml)
        root = ["dev", BENCH_INTERFACE, "root", "handle", "1:"]
        run(["tc", "-n", host.machine, "qdisc", "add", *root, *SHAPE])


def _give_address(host: HostNames, interface: str, address: str) -> None:
    run(["ip", "-n", host.machine, "address", "add", f"{address}/24", "dev", interface])
    run(["ip", "-n", host.machine, "link", "set", interface, "up"])


def pass_foreign_chains(lab: LabNames) -> None:
    """Let the lab's packets pass firewalls that drop forwarded packets (Docker, ufw)."""
    for chain in dropping_chains(json.loads(output(["nft", "-j", "list", "chains"]))):
        where = [chain["family"], chain["table"], chain["name"]]
        mark = ["accept", "comment", f'"{lab.rule_comment}"']
        run(["nft", "insert", "rule", *where, "iifname", lab.bridge, *mark])
        run(["nft", "insert", "rule", *where, "oifname", lab.bridge, *mark])


def dropping_chains(listing: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the chains at the forward hook that drop IPv4 by default.

    `listing` is the output of `nft -j list chains`.
    """
    chains = (item["chain"] for item in listing["nftables"] if "chain" in item)
    return [
        chain
        for chain in chains
        if chain.get("hook") == "forward"
        and chain.get("policy") == "drop"
        and chain["family"] in ("ip", "inet")
    ]


def marked_rules(listing: dict[str, Any], comment: str) -> list[dict[str, Any]]:
    """Return the rules with that comment, which may be none.

    `listing` is the output of `nft -j list ruleset`.
    """
    rules = (item["rule"] for item in listing["nftables"] if "rule" in item)
    return [rule for rule in rules if rule.get("comment") == comment]


def remove(lab: LabNames) -> None:
    """Remove whatever exists of the lab's network."""
    for rule in marked_rules(
        json.loads(output(["nft", "-j", "list", "ruleset"])), lab.rule_comment
    ):
        where = [rule["family"], rule["table"], rule["chain"]]
        run(["nft", "delete", "rule", *where, "handle", str(rule["handle"])])
    for family, table in _nft_tables():
        if table == lab.nft_table:
            run(["nft", "delete", "table", family, table])
    for host in lab.hosts:
        # with a process in it, the namespace would live on without a name, and could not be found
        if (NAMESPACES / host.machine).exists() and not inhabitants(host):
            run(["ip", "netns", "delete", host.machine])
    for interface in interfaces(lab):
        # a pair disappears with the namespace of its other end, perhaps at this moment
        run(["ip", "link", "delete", interface], check=False)


def leftovers(lab: LabNames) -> list[str]:
    """Return in words what still exists of the lab's network; an empty list if nothing does."""
    left = []
    for host in lab.hosts:
        if (NAMESPACES / host.machine).exists():
            left.append(f"namespace {host.machine}")
            left += [f"process {pid} in it" for pid in inhabitants(host)]
    left += [f"interface {name}" for name in interfaces(lab)]
    left += [f"nft table {table}" for _, table in _nft_tables() if table == lab.nft_table]
    return left


def inhabitants(host: HostNames) -> list[int]:
    """Return the ids of the processes in the host's namespace."""
    return [int(pid) for pid in output(["ip", "netns", "pids", host.machine]).split()]


def interfaces(lab: LabNames) -> list[str]:
    """Return the names of the machine's interfaces that belong to the lab."""
    ours = {lab.bridge, *(host.outer_interface for host in lab.hosts)}
    links = json.loads(output(["ip", "-j", "link"]))
    return [link["ifname"] for link in links if link["ifname"] in ours]


def _nft_tables() -> list[tuple[str, str]]:
    """Return family and name of every nftables table."""
    listing = json.loads(output(["nft", "-j", "list", "tables"]))
    tables = (item["table"] for item in listing["nftables"] if "table" in item)
    return [(table["family"], table["name"]) for table in tables]
