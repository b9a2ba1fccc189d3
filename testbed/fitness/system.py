"""Check that the host is free for the testbed alone, and that it is a real one."""

import ipaddress
import re

from testbed.fitness.subject import NOT_TOLD, UNTOLD, Judged, Subject
from testbed.fitness.table import limit
from testbed.validity.limits import limits

LOW_POWER = ("low-power", "cool", "quiet")


def other_load(subject: Subject) -> Judged:
    """Check that nothing else uses the CPUs; the limits are those by which runs are judged."""
    use = subject.facts.load
    if use.cpu_percent is None:
        return NOT_TOLD
    who = ", ".join(f"{one.name} {one.cpu_percent:.0f} %" for one in use.busiest)
    found = f"{use.cpu_percent:.0f} % of {use.cpus} CPUs" + (f": {who}" if who else "")
    share, cpus = limits()["other_load_percent"], limits()["other_load_cpus"]
    if share.invalid is not None and use.cpu_percent >= share.invalid:
        return Judged("fail", found)
    if share.doubtful is not None and use.cpu_percent >= share.doubtful:
        return Judged("warn", found)
    if cpus.doubtful is not None and use.cpu_percent / 100 * use.cpus >= cpus.doubtful:
        return Judged("warn", found)
    return Judged("ok", found)


def clock_synchronised(subject: Subject) -> Judged:
    """Check that a time service keeps the clock."""
    clock = subject.facts.clock
    if clock.synchronised is None:
        return NOT_TOLD
    by = f" by {clock.keeper}" if clock.keeper else ", by no service that is known"
    if clock.synchronised:
        return Judged("ok", f"synchronised{by if clock.keeper else ''}")
    return Judged("warn", f"not synchronised{by}")


def clock_offset(subject: Subject) -> Judged:
    """Check that both hosts' clocks agree."""
    mine, others = subject.clock_ahead_s, subject.other_clock_ahead_s
    if mine is None or others is None:
        return NOT_TOLD
    found = f"{mine - others:+.3f} s from the other host, {mine:+.3f} s from this machine"
    apart = abs(mine - others) >= limit("clock_offset", "warn_s")
    return Judged("warn" if apart else "ok", found)


def kernel(subject: Subject) -> Judged:
    """Check that the kernel is recent enough for the settings, and the same on both hosts."""
    mine, others = subject.facts.kernel, subject.other.kernel
    numbers = re.match(r"(\d{1,9})\.(\d{1,9})", mine)
    if not numbers:
        return Judged("note", f"{mine or UNTOLD}: not a version that can be read")
    if (int(numbers[1]), int(numbers[2])) < (
        int(limit("kernel", "major")),
        int(limit("kernel", "minor")),
    ):
        return Judged("warn", mine)
    return Judged("note", f"{mine}; the other host {others}") if mine != others else _ok(mine)


def _ok(found: str) -> Judged:
    return Judged("ok", found)


def open_files(subject: Subject) -> Judged:
    """Check that apps and generators may open a file for each connection."""
    files = subject.facts.open_files
    wanted = f"at least {subject.open_files_wanted} for each process"
    if files.used is not None and files.most:
        if 100 * files.used >= limit("open_files", "warn_percent") * files.most:
            return Judged("warn", f"{files.used} of the host's {files.most} are open", wanted)
    elif files.limit is None:
        return Judged("note", UNTOLD, wanted)
    found = "any number" if files.limit is None else f"{files.limit} for each process"
    enough = files.limit is None or files.limit >= subject.open_files_wanted
    return Judged("ok" if enough else "warn", found, wanted)


def free_ports(subject: Subject) -> Judged:
    """Check that no other program listens on the ports that the testbed needs.

    Only some workloads need that of the other service.
    """
    listeners = subject.facts.listeners
    ports = sorted(listeners, key=lambda port: (len(port), port))  # a host may name what is none
    wanted = f"no program listens on TCP {', '.join(ports)}"
    if not listeners or None in listeners.values():
        return Judged("note", UNTOLD, wanted)
    held = {port: found for port, found in listeners.items() if found}
    if not held:
        return Judged("ok", "free", wanted)
    text = "; ".join(
        f"{port} is held on {', '.join(where)}" for port, where in held.items() if where
    )
    outside = [
        port for port, where in held.items() if not all(_loopback(one) for one in where or [])
    ]
    if not outside:
        return Judged("note", text, wanted)
    spare = subject.role == "client" and outside == [f"{subject.upstream_port}"]
    return Judged("warn" if spare else "fail", text, wanted)


def _loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def virtualisation(subject: Subject) -> Judged:
    """Check that no other machine shares this one's hardware."""
    container, vm = subject.facts.container, subject.facts.vm
    if container is None or vm is None:
        return NOT_TOLD
    if not container and not vm:
        return _ok("none")
    return Judged("warn", " in ".join(name for name in (container, vm) if name))


def power(subject: Subject) -> Judged:
    """Check that the power comes from the mains, and that no profile saves power."""
    known = subject.facts.power
    if known.profile in LOW_POWER:
        return Judged("warn", f"profile {known.profile}")
    if known.mains is False:
        return Judged("warn", "battery")
    if known.mains:
        return _ok("mains")
    return NOT_TOLD if known.battery is not False else _ok("no battery")
