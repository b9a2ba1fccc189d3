"""Test whether one host reaches a TCP port of the other over the data link.

For the test, a listener of the testbed is started at the port.
"""

import re

from typing_extensions import TypedDict  # pydantic cannot read typing's own before Python 3.12

from testbed.hosts.linkproof import LinkUnfit
from testbed.hosts.remote import Remote, ask

TRY_S = 3  # a lost first packet is sent again after one second
_EVERYWHERE = ("0.0.0.0", "*", "::")  # noqa: S104 - as ss has it
_USERS = re.compile(r'users:\(\("([^"]+)",pid=(\d+)')
_CGROUP = re.compile(r"cgroup:\S*?([^/\s]+\.(?:service|socket|scope))")
_UID = re.compile(r"uid:(\d+)")


def problem(source: Remote, target: Remote, port: int, what: str) -> LinkUnfit | None:
    """Return why `source` cannot connect to that port of `target`; None if it can.

    A listener is started there for the moment, so that no other program can answer.
    """
    there = f"{target.host.role} host: TCP port {port} ({what})"
    if name := holder(target, port):
        return LinkUnfit(
            f"{there} is held by another program: {name}",
            f"stop it (on that host: `sudo ss -tlnp sport = :{port}`)",
        )
    address = target.host.bench_address
    program = f"{target.facts.testbed_prefix}/bin/telemetry"
    listener = target.start([program, "listen", f"--address={address}", f"--port={port}"])
    try:
        while "listening" not in listener.output:
            if listener.wait(0.05) is not None:
                said = listener.output.strip() or "it says nothing"
                return LinkUnfit(
                    f"{there}: nothing can listen on {address}: {said}",
                    "correct bench_address and the port in the inventory",
                )
        return closed(source, target, port, what)
    finally:
        listener.stop()


def closed(source: Remote, target: Remote, port: int, what: str) -> LinkUnfit | None:
    """Return why `source` cannot connect to a port of `target` on which a program listens.

    Return None if it can.
    """
    found = connect(source, target, port)
    if found is None:
        return None
    way = (
        f"from {source.host.role} ({source.host.bench_address}) "
        f"to {target.host.role} ({target.host.bench_address})"
    )
    return LinkUnfit(
        f"TCP port {port} ({what}) is closed {way}, though a program listens there: {found}",
        f"does a firewall drop or reject it? Open it on {target.host.role}'s "
        f"{target.host.bench_interface}, or exempt the data link (`nft list ruleset`)",
    )


class Said(TypedDict):
    """The output of `telemetry connect`."""

    problem: str | None


def connect(source: Remote, target: Remote, port: int) -> str | None:
    """Return why `source` gets no connection to that port of `target`; None if it gets one."""
    command = [
        f"{source.facts.testbed_prefix}/bin/telemetry",
        "connect",
        f"--address={source.host.bench_address}",
        f"--peer={target.host.bench_address}",
        f"--port={port}",
        f"--timeout={TRY_S}",
    ]
    return ask(source, command, Said)["problem"]


def holder(remote: Remote, port: int) -> str | None:
    """Return who listens on that port of bench_address, as far as can be seen; None if nobody."""
    lines = remote.run(["ss", "-Htlnpe", f"sport = :{port}"]).stdout.splitlines()
    return holder_in(lines, remote.host.bench_address)


def listening(remote: Remote, pid: str) -> list[str]:
    """Return where the user of a process listens for TCP, as '127.0.0.1:8000'.

    Each app has a user of its own. Return an empty list if the process has ended, too.
    """
    uid = remote.run(["stat", "-c", "%u", f"/proc/{pid}"], check=False).stdout.strip()
    return listening_in(remote.run(["ss", "-Htlnpe"]).stdout.splitlines(), uid)


def listening_in(lines: list[str], uid: str) -> list[str]:
    """Return where a user listens, from the lines that `ss -Htlnpe` printed.

    Return an empty list if the user listens nowhere.
    """
    owned = [line for line in lines if (found := _UID.search(line)) and found[1] == uid]
    return list(dict.fromkeys(place for line in owned if (place := _place(line))))


def serves(place: str, wanted: str) -> bool:
    """Return whether a program that listens at `place` gets the connections to `wanted`."""
    same_port = place.rpartition(":")[2] == wanted.rpartition(":")[2]
    return same_port and (everywhere(place) or _address(place) == _address(wanted))


def everywhere(place: str) -> bool:
    """Return whether a program that listens at `place` does so at every address of its host."""
    return _address(place) in _EVERYWHERE


def _place(line: str) -> str:
    """Return where somebody listens, from a line of `ss`; an empty text if the line is none."""
    return next(iter(line.split()[3:]), "")


def _address(place: str) -> str:
    """Return the address of a place such as '[::1]:80' or '127.0.0.1%lo:80'.

    One of IPv4 that a socket of IPv6 has, as those of Java, is that: '[::ffff:10.0.0.1]:80'.
    """
    return place.rpartition(":")[0].partition("%")[0].strip("[]").removeprefix("::ffff:")


def holder_in(lines: list[str], address: str) -> str | None:
    """Return who listens at an address, from the lines that `ss -Htlnpe` printed; None if nobody.

    A program of another user is named only by its unit or user id.
    """
    for line in lines:
        if _address(_place(line)) not in (address, *_EVERYWHERE):
            continue
        if users := _USERS.search(line):
            return f"{users[1]} (process {users[2]})"
        if group := _CGROUP.search(line):
            return group[1]
        return f"one of user id {uid[1]}" if (uid := _UID.search(line)) else "one of root's"
    return None
