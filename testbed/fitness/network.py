"""Check the data link at this host's end."""

from testbed.fitness.subject import NOT_TOLD, Judged, Subject
from testbed.fitness.table import limit

HARMFUL = (
    "rx_errors",
    "tx_errors",
    "collisions",
)  # drops are left out: they include packets that nobody asked for
GOOD_OFFLOADS = (
    "tcp-segmentation-offload",
    "generic-segmentation-offload",
    "generic-receive-offload",
    "rx-checksumming",
    "tx-checksumming",
)


def route(subject: Subject) -> Judged:
    """Check that packets to the other host leave by the data link's interface and address.

    They must not pass a gateway.
    """
    way = subject.facts.route
    wanted = f"{subject.peer} by {subject.interface}, from {subject.address}, no gateway"
    if subject.address not in subject.facts.addresses:
        return Judged("fail", f"{subject.interface} has no address {subject.address}", wanted)
    if way is None:
        return Judged("fail", f"no way to {subject.peer}", wanted)
    hop = f", through {way.gateway}" if way.gateway else ""
    found = f"{way.peer} by {way.interface}, from {way.source or 'no address'}{hop}"
    wrong = way.interface != subject.interface or way.source != subject.address
    if wrong or way.peer != subject.peer:
        return Judged("fail", found, wanted)
    return Judged("warn" if hop else "ok", found, wanted)


def card_state(subject: Subject) -> Judged:
    """Check that the interface exists and has a carrier."""
    card = subject.facts.card
    if card is None:
        return Judged("fail", f"no interface {subject.interface}")
    if card.state in (None, "unknown"):
        return NOT_TOLD
    changes = f", changed {card.carrier_changes} times" if card.carrier_changes else ""
    return Judged("ok" if card.state == "up" else "fail", f"{card.state}{changes}")


def card_driver(subject: Subject) -> Judged:
    """Check that the interface is a real card whose driver the kernel names."""
    card = subject.facts.card
    if card is None:
        return NOT_TOLD
    if not card.real:
        return Judged("note", "no card: a virtual interface")
    return Judged("ok", card.driver) if card.driver else NOT_TOLD


def speed(subject: Subject) -> Judged:
    """Check that the card has a gigabit or more, and the same speed on both hosts."""
    card, other = subject.facts.card, subject.other.card
    if card is None or card.speed_mbit_per_s is None:
        return NOT_TOLD
    found = f"{card.speed_mbit_per_s} Mbit/s"
    if card.speed_mbit_per_s < limit("speed", "warn_below_mbit"):
        return Judged("warn", found)
    if other and other.speed_mbit_per_s not in (None, card.speed_mbit_per_s):
        return Judged("note", f"{found}; the other host {other.speed_mbit_per_s}")
    return Judged("ok", found)


def duplex(subject: Subject) -> Judged:
    """Check that the card sends and receives at the same time."""
    card = subject.facts.card
    if card is None or card.duplex in (None, "unknown"):
        return NOT_TOLD
    return Judged("ok" if card.duplex == "full" else "fail", card.duplex or "")


def mtu(subject: Subject) -> Judged:
    """Check that the MTU is the same on both hosts, and not below Ethernet's."""
    card, other = subject.facts.card, subject.other.card
    if card is None or card.mtu is None:
        return NOT_TOLD
    if other and other.mtu not in (None, card.mtu):
        return Judged("warn", f"{card.mtu}; the other host {other.mtu}")
    return Judged("note" if card.mtu < limit("mtu", "note_below") else "ok", f"{card.mtu}")


def offloads(subject: Subject) -> Judged:
    """Check that the card does the work that its driver's defaults give to it."""
    known = subject.facts.card.offloads if subject.facts.card else None
    told = {name: known[name] for name in GOOD_OFFLOADS if name in known} if known else {}
    if not told:
        return NOT_TOLD
    off = [name for name, on in told.items() if not on]
    return Judged("note", f"off: {', '.join(off)}") if off else Judged("ok", "on")


def rings(subject: Subject) -> Judged:
    """Check that the card's rings can hold a burst of packets."""
    known = subject.facts.card.rings if subject.facts.card else None
    if not known:
        return NOT_TOLD
    found = ", ".join(f"{name} {ring.now} of {ring.most}" for name, ring in sorted(known.items()))
    least = limit("rings", "note_below")
    small = [ring for ring in known.values() if ring.now < min(least, ring.most)]
    return Judged("note" if small else "ok", found)


def interrupts(subject: Subject) -> Judged:
    """Check that the card's interrupts do not all go to one CPU."""
    facts = subject.facts
    known = facts.card.irqs if facts.card else None
    if not known:
        return NOT_TOLD
    cpus = sorted(set(known.values()))
    found = f"{len(known)} to CPUs {', '.join(cpus)}"
    found += "; irqbalance may move them" if facts.irqbalance else ""
    alone = len(known) > 1 and len(cpus) == 1 and cpus[0].isdecimal() and facts.cpu.usable > 1
    return Judged("warn" if alone else "ok", found)


def card_errors(subject: Subject) -> Judged:
    """Check that no error occurred on the wire since boot."""
    known = subject.facts.card.errors if subject.facts.card else {}
    told = {name: count for name, count in known.items() if count is not None}
    if not told:
        return NOT_TOLD
    found = ", ".join(f"{name} {count}" for name, count in sorted(told.items()) if count)
    if any(told.get(name) for name in HARMFUL):
        return Judged("warn", found)
    return Judged("note", found) if found else Judged("ok", "none since boot")


def firewall(subject: Subject) -> Judged:
    """Check that no packet filter is in the way.

    Only root can read its rules, so the result is never plainly ok.
    """
    known = subject.facts.firewall
    services = ", ".join(known.services or []) or "no service that sets one up"
    found = UNKNOWN_SERVICES if known.services is None else services
    if known.tracked:
        found += f"; {known.tracked} connections tracked"
    full = known.tracked_most and known.tracked is not None
    if full and 100 * (known.tracked or 0) >= limit("firewall", "warn_percent") * (
        known.tracked_most or 1
    ):
        return Judged("warn", f"{found}, of {known.tracked_most} at most")
    return Judged("note", f"{found}; rules not told without root")


UNKNOWN_SERVICES = "services not told"
