"""Measure whether the data link is as fast as it should be, and whether traffic uses it.

First the path is checked on both hosts: address, route, neighbour and ports. Then the round trip is
measured, and the rate in both directions at once, with the tool that testbed/tools/table.py names.
The interfaces' own counters must have seen the bytes that the tool reports.
"""

import re
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from testbed import store
from testbed.errors import Exit, TestbedError
from testbed.host_roles import HostRole
from testbed.hosts import hosts, linkproof, ports
from testbed.hosts.linkproof import PEER, LinkUnfit, Look
from testbed.hosts.process import Process
from testbed.hosts.remote import Remote
from testbed.hosts.remotes import Remotes, at_once
from testbed.model.link import Carried, LinkDirection, LinkRecord, Nic, RoundTrip
from testbed.model.results import LINK_FILE
from testbed.model.tool_output import ToolOutput
from testbed.progress import Progress
from testbed.tools import ParseError, parse
from testbed.tools.table import LINK_TOOL

TRIES = 3
PINGS = 20
PING_EVERY_S = 0.2
SAID_BY_CLIENT, SAID_BY_SERVER = (f"{LINK_TOOL.name}-{end}.txt" for end in ("client", "server"))


@dataclass(frozen=True)
class _Measured:
    """The measurements of a link, as far as they succeeded."""

    directions: list[LinkDirection] = field(default_factory=list)
    round_trip: RoundTrip | None = None
    carried: dict[HostRole, list[Carried]] = field(default_factory=dict)
    problems: list[LinkUnfit] = field(default_factory=list)


def measure(remotes: Remotes, progress: Progress, folder: Path, duration_s: int = 10) -> LinkRecord:
    """Measure the link, keep the raw outputs in `folder`, and judge it.

    `duration_s` is a whole number of seconds. Raises TestbedError if a tool is missing. If the link
    is slow, or packets do not take it, the returned record has `ok` False.
    """
    found = at_once(remotes, hosts.describe)
    nics: dict[HostRole, Nic] = {role: hosts.nic(one) for role, one in found.items()}
    floor, reason = linkproof.floor(
        remotes["server"].facts.testbed_link_floor_mbit_per_s,
        [nic.speed_mbit_per_s for nic in nics.values()],
    )
    (folder / "raw").mkdir(parents=True, exist_ok=True)
    with progress.stage("way and ports", 2):
        looks = look(remotes)
        unfit = same_machine(found) or linkproof.way_problems(
            {role: remote.host for role, remote in remotes.items()}, looks
        )
        unfit = unfit or port_problems(remotes)
    measured = _Measured(problems=unfit)
    if not unfit:
        measured = _measure(remotes, progress, folder, duration_s)
    problems = [one.sentence for one in measured.problems]
    problems += problems_of(measured.directions, nics, floor)
    record = LinkRecord(
        schema_version=1,
        measured_at=datetime.now(UTC),
        hosts={role: hosts.identity(remotes[role], one) for role, one in found.items()},
        directions=measured.directions,
        round_trip_ms=measured.round_trip,
        nics=nics,
        floor_mbit_per_s=floor,
        floor_reason=reason,
        states={role: one.state for role, one in looks.items()},
        carried=measured.carried,
        ok=not problems,
        problems=problems,
    )
    store.write(folder / LINK_FILE, record)
    return record


def look(remotes: Remotes) -> dict[HostRole, Look]:
    """Return the state of both hosts' ends of the link, which are read at the same time."""
    return at_once(remotes, lambda one: hosts.link_look(one, remotes[PEER[one.host.role]]))


def same_machine(found: dict[HostRole, dict[str, Any]]) -> list[LinkUnfit]:
    """Return a problem if both hosts are the same machine; otherwise an empty list."""
    ids = {(one["machine_id"], one["boot_id"]) for one in found.values()}
    if len(ids) > 1:
        return []
    return [
        LinkUnfit(
            "server and client are one and the same machine",
            "correct ansible_host in the inventory: two hosts are needed",
        )
    ]


def port_problems(remotes: Remotes) -> list[LinkUnfit]:
    """Return a problem for each port that will be used and cannot be reached; often none."""
    server, client = remotes["server"], remotes["client"]
    wanted = [
        (client, server, server.facts.testbed_app_port, "testbed_app_port"),
        (client, server, LINK_TOOL.port, LINK_TOOL.name),
        (server, client, LINK_TOOL.port, LINK_TOOL.name),
    ]
    found = [ports.problem(*one) for one in wanted]
    return [problem for problem in found if problem]


def _measure(remotes: Remotes, progress: Progress, folder: Path, duration_s: int) -> _Measured:
    """Measure the round trip and the rate. A measurement that fails is added to the problems."""
    try:
        with progress.stage("round trip", PINGS * PING_EVERY_S):
            ping = ping_server(remotes, PINGS)
        (folder / "raw" / "ping.txt").write_text(ping)
        trip = round_trip_of(ping)
        for _ in range(TRIES):
            before = look(remotes)
            with progress.stage(f"{LINK_TOOL.name}, both directions at once", duration_s):
                sent, received = _both_ways(remotes, duration_s)
            after = look(remotes)
            (folder / "raw" / SAID_BY_CLIENT).write_text(sent)
            (folder / "raw" / SAID_BY_SERVER).write_text(received)
            if not LINK_TOOL.missed_the_start(sent):
                break
        output = _read(sent)
        directions = directions_of(output, sent, received)
    except LinkUnfit as error:
        return _Measured(problems=[error])
    carried: dict[HostRole, list[Carried]] = {
        role: linkproof.carried(one.host, before[role], after[role])
        for role, one in remotes.items()
    }
    problems = linkproof.carried_problems(output.flows or [], carried)
    return _Measured(directions, trip, carried, problems)


def ping_server(remotes: Remotes, count: int) -> str:
    """Return what ping printed on the client host for `count` round trips over the data link."""
    server, client = remotes["server"], remotes["client"]
    command = ["ping", "-n", "-q", "-c", str(count), "-i", str(PING_EVERY_S), "-W", "2"]
    command += ["-I", client.host.bench_address]
    return client.run([*command, server.host.bench_address], check=False).stdout


def _both_ways(remotes: Remotes, duration_s: int) -> tuple[str, str]:
    """Return what the tool's client and server printed, including their errors."""
    server, client = remotes["server"], remotes["client"]
    listening = server.start(LINK_TOOL.serve(server.host.bench_address))
    try:
        _wait_until_listening(server, listening)
        done = client.run(
            LINK_TOOL.measure(server.host.bench_address, client.host.bench_address, duration_s),
            timeout_s=duration_s + 30,
            check=False,
        )
        listening.poll()
        return done.stdout + done.stderr, listening.output
    finally:
        listening.stop()


def _wait_until_listening(server: Remote, listening: Process, timeout_s: float = 10) -> None:
    """Raise LinkUnfit, with the tool's own message, if it does not begin to listen in time."""
    deadline = time.monotonic() + timeout_s
    while not server.run(["ss", "-Htln", f"sport = :{LINK_TOOL.port}"]).stdout.strip():
        if listening.poll() is not None or time.monotonic() > deadline:
            raise LinkUnfit(
                f"server host: {LINK_TOOL.name} does not listen on port {LINK_TOOL.port}: "
                f"{_complaints(listening.output)}",
                f"run `ansible-playbook site.yml`, which installs {LINK_TOOL.name}",
            )


def directions_of(output: ToolOutput, client_said: str, server_said: str) -> list[LinkDirection]:
    """Return the rates of both directions from the output of the tool's client.

    Raises LinkUnfit if one is missing.
    """
    rates = {flow.direction: flow.mbit_per_s for flow in output.flows or []}
    if not {"sent", "received"} <= rates.keys():
        raise LinkUnfit(
            f"{LINK_TOOL.name} did not measure both directions; "
            f"client: {_complaints(client_said)}; server: {_complaints(server_said)}",
            f"all that it printed is in raw/{SAID_BY_CLIENT} and raw/{SAID_BY_SERVER}",
        )
    return [
        LinkDirection(source="client", target="server", mbit_per_s=rates["sent"]),
        LinkDirection(source="server", target="client", mbit_per_s=rates["received"]),
    ]


def _read(said: str) -> ToolOutput:
    """Return what the tool's client measured.

    If it printed only an error, return an output without figures that has it as a problem.
    """
    try:
        return parse(said, LINK_TOOL.name)
    except ParseError as error:
        return ToolOutput(tool=LINK_TOOL.name, problems=[error.what])


def _complaints(said: str) -> str:
    """Return the tool's own messages about what went wrong, in quotes."""
    lines = LINK_TOOL.complaints(said)
    return "'" + "', '".join(lines) + "'" if lines else "no error was printed"


def round_trip_of(ping: str) -> RoundTrip:
    """Return the summary that `ping -q` (iputils) printed. Raises LinkUnfit if there is none."""
    times = re.search(r"= (\d+(?:\.\d+)?)/(\d+(?:\.\d+)?)/(\d+(?:\.\d+)?)/[\d.]+ ms", ping)
    received = re.search(r"(\d+) received", ping)
    if not times or not received:
        raise LinkUnfit(
            "ping over the data link got no answer; see raw/ping.txt",
            "are bench_address and bench_interface right in the inventory?",
        )
    low, mean, high = map(float, times.groups())
    return RoundTrip(min=low, mean=mean, max=high, samples=int(received.group(1)))


def problems_of(
    directions: list[LinkDirection], nics: dict[HostRole, Nic], floor_mbit_per_s: float
) -> list[str]:
    """Return sentences on why nothing can be measured over this link; none if it is fit."""
    slow = [
        f"{way.source} to {way.target}: {way.mbit_per_s:.0f} Mbit/s, below the floor of "
        f"{floor_mbit_per_s:.0f}"
        for way in directions
        if way.mbit_per_s < floor_mbit_per_s
    ]
    half = [
        f"{role}: {nic.interface} is not full duplex"
        for role, nic in nics.items()
        if nic.full_duplex is False
    ]
    return slow + half


def verified(remotes: Remotes, identities: dict[HostRole, str], folder: Path) -> LinkRecord:
    """Return the newest verification of these hosts' link in the folders below `folder`.

    Raises TestbedError if there is none, if it is too old, if the link was not fit, or if the
    record of any verification was edited.
    """
    max_age = timedelta(hours=remotes["server"].facts.testbed_link_max_age_h)
    records = [store.read(path, LinkRecord) for path in sorted(folder.glob(f"*/{LINK_FILE}"))]
    same = [record for record in records if record.hosts == identities]
    if not same:
        problem = "the data link of these hosts has not been verified since their last boot"
    elif datetime.now(UTC) - same[-1].measured_at > max_age:
        problem = f"the data link was verified more than {max_age.total_seconds() / 3600:g} h ago"
    elif not same[-1].ok:
        problem = "the data link is not fit to measure over: " + "; ".join(same[-1].problems)
    else:
        return same[-1]
    raise TestbedError(problem, remedy="run `fab link`", exit_code=Exit.NOT_READY)
