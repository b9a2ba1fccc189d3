"""Check that the CPUs run at one speed, and at full speed."""

from testbed.fitness.subject import NOT_TOLD, UNTOLD, Judged, Subject
from testbed.fitness.table import limit
from testbed.validity.limits import limits


def governor(subject: Subject) -> Judged:
    """Check that every CPU's frequency governor is 'performance'."""
    names = subject.facts.cpu.governors
    if not names:
        return NOT_TOLD
    driver = subject.facts.cpu.driver
    found = ", ".join(names) + (f" ({driver})" if driver else "")
    return Judged("ok" if names == ["performance"] else "warn", found)


def turbo(subject: Subject) -> Judged:
    """Check that the clock does not exceed the frequency that it can sustain."""
    on = subject.facts.cpu.turbo
    if on is None:
        return NOT_TOLD
    return Judged("note", "on") if on else Judged("ok", "off")


def smt(subject: Subject) -> Judged:
    """Check that no two CPUs share a core."""
    active, control = subject.facts.cpu.smt_active, subject.facts.cpu.smt
    if active is None:
        return NOT_TOLD
    if active:
        return Judged("note", "on: two CPUs share a core")
    known = {"notsupported": "the CPU has none", "forceoff": "off, by the kernel's command line"}
    return Judged("ok", known.get(control or "", "off"))


def idle_states(subject: Subject) -> Judged:
    """Check that an idle CPU wakes up soon."""
    states = subject.facts.cpu.idle_states
    if states is None:
        return NOT_TOLD
    entered = [state for state in states if not state.disabled]
    if not entered:
        return Judged("ok", "none is entered")
    deepest = max(entered, key=lambda state: state.latency_us)
    found = f"down to {deepest.name}, {deepest.latency_us} µs to wake"
    for level in ("warn", "note"):
        if deepest.latency_us >= limit("idle_states", f"{level}_us"):
            return Judged("warn" if level == "warn" else "note", found)
    return Judged("ok", found)


def numa(subject: Subject) -> Judged:
    """Check that all memory is equally near to all CPUs."""
    nodes, card = subject.facts.cpu.numa_nodes, subject.facts.card
    if nodes is None:
        return NOT_TOLD
    if nodes == 1:
        return Judged("ok", "one node")
    node = card.numa_node if card else None
    near = f", the card at node {node}" if node is not None and node >= 0 else ""
    return Judged("note", f"{nodes} nodes{near}")


def throttling(subject: Subject) -> Judged:
    """Check that neither heat nor a quota has slowed the CPUs since boot."""
    cpu = subject.facts.cpu
    found = []
    if cpu.thermal_throttles:
        found.append(f"by heat {cpu.thermal_throttles} times since boot")
    if cpu.quota_throttles:
        found.append(f"by a CPU quota in {cpu.quota_throttles} of {cpu.quota_periods} periods")
    if found:
        return Judged("warn", "; ".join(found))
    if cpu.thermal_throttles is None:
        return NOT_TOLD
    return Judged("ok", "never since boot")


def frequency(subject: Subject) -> Judged:
    """Check that a CPU that has work reaches the frequency that it can sustain."""
    now, full = subject.facts.cpu.mhz, subject.facts.cpu.full_mhz
    if now is None or not full:
        return NOT_TOLD if now is None else Judged("note", f"{now:.0f} MHz of {UNTOLD}")
    most = limits()["frequency_below_percent"].doubtful or 0
    slow = 100 * (1 - now / full) >= most
    return Judged("warn" if slow else "ok", f"{now:.0f} MHz with work, full is {full:.0f} MHz")
