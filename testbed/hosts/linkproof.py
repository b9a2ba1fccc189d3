"""Judge, by what both hosts report, whether traffic between them takes the data link.

All functions are pure.
"""

from collections.abc import Collection, Mapping, Sequence

from testbed.errors import Exit, Interrupted
from testbed.host_roles import HostRole
from testbed.model.base import Model
from testbed.model.inventory import Host
from testbed.model.link import Carried, LinkRecord, LinkState
from testbed.model.tool_output import Flow
from testbed.tools.table import LINK_TOOL

DEFAULT_FLOOR_MBIT_PER_S = 900
# The share of a card's speed that TCP with timestamps can carry: 1448 of 1538 bytes on the wire.
TCP_SHARE = 1448 / 1538
# The share of that rate which a sound link reaches. If both directions are loaded, each one also
# carries acknowledgements of the other; sound gigabit links then reach 903 to 943 Mbit/s.
FLOOR_SHARE = 0.94
CARRIED_AT_LEAST = (
    0.9  # share of the link tool's figure, which is rounded and misses the last bytes
)
CARRIED_ELSEWHERE = 0.5  # share of that figure: more than SSH or a backup sends meanwhile

Ends = Mapping[HostRole, Host]
PEER: dict[HostRole, HostRole] = {"server": "client", "client": "server"}


class LinkUnfit(Interrupted):
    """Raised if nothing can be measured over the data link; it ends a campaign."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message, remedy=remedy, ends_campaign=True)
        self.exit_code = Exit.NOT_READY

    @property
    def sentence(self) -> str:
        """Return what is wrong and what to do, on one line."""
        return f"{self.message}; {self.remedy}"


class Interface(Model):
    """An interface of a host, with its traffic since it was created."""

    addresses: list[str]
    mac: str | None
    below: list[str]  # the interfaces that it sends by, for example those of a bond or VLAN
    rx_bytes: int | None
    tx_bytes: int | None


class Look(Model):
    """A host's data link and its other interfaces, as `telemetry link` prints them."""

    state: LinkState
    peer_mac: str | None  # None if nobody answered on the link
    interfaces: dict[str, Interface]

    def holder(self, address: str) -> str | None:
        """Return the interface that has the address; None if no interface of this host has it."""
        return next((n for n, one in self.interfaces.items() if address in one.addresses), None)


def way_problems(ends: Ends, looks: Mapping[HostRole, Look]) -> list[LinkUnfit]:
    """Return why packets between the hosts would not take the link; an empty list if they would."""
    server, client = ends["server"], ends["client"]
    if server.bench_address == client.bench_address:
        return [
            LinkUnfit(
                f"server and client both have bench_address {server.bench_address}",
                "give each host its own in the inventory",
            )
        ]
    if looks["server"].holder(client.bench_address) and looks["client"].holder(
        server.bench_address
    ):
        return [
            LinkUnfit(
                f"server and client are swapped: the host at {server.ansible_host} has the "
                f"client's bench_address {client.bench_address}, the host at "
                f"{client.ansible_host} the server's, {server.bench_address}",
                "exchange either both ansible_host or both bench_address in the inventory",
            )
        ]
    for judged in (_end_problem, _neighbour_problem):
        found = [judged(ends[role], ends[PEER[role]], looks) for role in ends]
        if problems := [problem for problem in found if problem]:
            return problems
    return []


def _end_problem(host: Host, peer: Host, looks: Mapping[HostRole, Look]) -> LinkUnfit | None:
    look = looks[host.role]
    elsewhere = look.holder(host.bench_address)
    return state_problem(host, peer, look.state, {host.bench_interface}, elsewhere)


def _neighbour_problem(host: Host, peer: Host, looks: Mapping[HostRole, Look]) -> LinkUnfit | None:
    """Return a problem if another machine than the peer answers on the link, otherwise None."""
    mac, there = looks[host.role].peer_mac, looks[peer.role].interfaces.get(peer.bench_interface)
    if mac is None or there is None or mac == there.mac:
        return None
    return LinkUnfit(
        f"{host.role} host: {peer.bench_address} is answered on {host.bench_interface} by {mac}, "
        f"but {peer.role}'s bench_interface {peer.bench_interface} is {there.mac}",
        f"correct {peer.role}'s bench_interface in the inventory; does another machine have that "
        "address?",
    )


def state_problem(
    host: Host,
    peer: Host,
    state: LinkState,
    ways: Collection[str],
    elsewhere: str | None = None,
) -> LinkUnfit | None:
    """Return why one host's end of the link cannot be used; None if it can.

    `ways` are the interfaces by which packets may leave. `elsewhere` is the interface that has
    bench_address, if that is known.
    """
    name = host.bench_interface
    if not state.up:
        return LinkUnfit(
            f"{host.role} host: bench_interface {name} is down or has no carrier",
            f"join both ends by the cable, and set both up (`ip link set {name} up`)",
        )
    if host.bench_address not in state.addresses:
        has = ", ".join(state.addresses) or "no address"
        where = f" ({elsewhere} has it)" if elsewhere else ""
        return LinkUnfit(
            f"{host.role} host: bench_address {host.bench_address} is no address of "
            f"bench_interface {name}, which has {has}{where}",
            "correct the inventory, or give the interface that address (docs/hosts.md)",
        )
    if state.route_by not in ways:
        way = f"would leave by {state.route_by}" if state.route_by else "have no route"
        return LinkUnfit(
            f"{host.role} host: packets to the {peer.role}'s bench_address {peer.bench_address} "
            f"{way}, not by bench_interface {name}",
            "give both hosts addresses of one network that is the link's alone, and remove other "
            f"routes to it (`ip route get {peer.bench_address} from {host.bench_address}`)",
        )
    if state.peer_answers is False:
        return LinkUnfit(
            f"{host.role} host: the {peer.role}'s bench_address {peer.bench_address} does not "
            f"answer a ping over {name}",
            f"does the cable join {name} with the {peer.role}'s {peer.bench_interface}; does a "
            "firewall drop ICMP there?",
        )
    return None


def speed_problem(role: HostRole, state: LinkState, verified: LinkRecord) -> LinkUnfit | None:
    """Return a problem if the card's speed has changed since the link was verified, else None."""
    then = verified.nics[role].speed_mbit_per_s if role in verified.nics else None
    if then is None or state.speed_mbit_per_s in (None, then):
        return None
    return LinkUnfit(
        f"{role} host: {state.interface} runs at {state.speed_mbit_per_s} Mbit/s, "
        f"and ran at {then} when the link was verified",
        "look at cable and switch, then run `fab link`",
    )


def floor(asked: float | None, speeds: Sequence[int | None]) -> tuple[float, str]:
    """Return the lowest accepted rate of each direction, in Mbit/s, and the reason for it."""
    if asked is not None:
        return asked, "testbed_link_floor_mbit_per_s in the inventory"
    told = [speed for speed in speeds if speed is not None]
    if not told or len(told) < len(speeds):
        return (
            DEFAULT_FLOOR_MBIT_PER_S,
            "of a gigabit link, as a driver does not tell its card's speed; "
            "testbed_link_floor_mbit_per_s sets another",
        )
    lower = min(told)
    best = TCP_SHARE * lower
    reason = f"{FLOOR_SHARE:.0%} of what TCP carries at the slower card's {lower} Mbit/s"
    return round(FLOOR_SHARE * best, 1), reason


def carried(host: Host, before: Look, after: Look) -> list[Carried]:
    """Return what each interface but loopback carried between two looks, bench_interface first.

    The interfaces that bench_interface itself sends by are left out, as they carried the same
    bytes.
    """
    link = after.interfaces.get(host.bench_interface)  # None: it is gone
    kept = {host.bench_interface, *after.interfaces}
    kept -= {"lo", *(link.below if link else [])}
    return [
        Carried(
            interface=name,
            rx_bytes=_grown(before, after, name, "rx_bytes"),
            tx_bytes=_grown(before, after, name, "tx_bytes"),
        )
        for name in sorted(kept, key=lambda name: (name != host.bench_interface, name))
    ]


def _grown(before: Look, after: Look, name: str, counter: str) -> int:
    """Return by how much a counter grew. That of a new interface began at 0; 0 if it is gone."""
    then, now = before.interfaces.get(name), after.interfaces.get(name)
    if now is None:
        return 0
    return (getattr(now, counter) or 0) - ((getattr(then, counter) or 0) if then else 0)


def carried_problems(
    flows: Sequence[Flow], seen: Mapping[HostRole, Sequence[Carried]]
) -> list[LinkUnfit]:
    """Return where measured traffic did not go over the link's interfaces; often an empty list."""
    said = {flow.direction: flow.bytes or 0 for flow in flows}
    problems = []
    for role, (link, *others) in seen.items():
        for direction, counted in (("sent", link.tx_bytes), ("received", link.rx_bytes)):
            from_client = (direction == "sent") == (role == "client")
            wanted = said.get("sent" if from_client else "received", 0)
            more = [one for one in others if _most(one) >= CARRIED_ELSEWHERE * wanted > 0]
            if counted >= CARRIED_AT_LEAST * wanted and not more:
                continue
            meanwhile = "; ".join(f"{one.interface} carried {_mb(_most(one))}" for one in more)
            problems.append(
                LinkUnfit(
                    f"{role} host: of {_mb(wanted)} that {LINK_TOOL.name} {direction}, "
                    f"bench_interface {link.interface} {direction} {_mb(counted)}"
                    + (f", and {meanwhile}" if meanwhile else ""),
                    "bench_interface must be the one that packets take, and nothing else may use "
                    "the host's network meanwhile",
                )
            )
    return problems


def _most(one: Carried) -> int:
    return max(one.rx_bytes, one.tx_bytes)


def _mb(count: int) -> str:
    return f"{count / 1e6:.0f} MB"
