"""Is the data link what it should be? iperf both ways at once, round trip, and the NICs."""

import re
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

from analysis.parsers import parse
from testbed import hosts, results
from testbed.errors import Exit, TestbedError
from testbed.model.results import HostRole, LinkDirection, LinkRecord, Nic, RoundTrip
from testbed.model.tool_output import ToolOutput
from testbed.progress import Progress
from testbed.remote import Remote

IPERF_PORT = 5001
PINGS = 20
PING_EVERY_S = 0.2


def measure(
    server: Remote, client: Remote, progress: Progress, folder: Path, duration_s: int = 10
) -> LinkRecord:
    """Measure the link, keep the raw outputs in `folder`, and judge it. Whole seconds only.

    Raises TestbedError if a tool is missing or fails; a slow link is a record with ok False.
    """
    with ThreadPoolExecutor(2) as pool:
        found = dict(zip(("server", "client"), pool.map(hosts.describe, (server, client))))  # noqa: B905
    (folder / "raw").mkdir(parents=True, exist_ok=True)
    with progress.stage("round trip", PINGS * PING_EVERY_S):
        ping = ping_server(server, client, PINGS)
    (folder / "raw" / "ping.txt").write_text(ping)
    with progress.stage("iperf, both directions at once", duration_s):
        sent, received = _iperf(server, client, duration_s)
    (folder / "raw" / "iperf-client.txt").write_text(sent)
    (folder / "raw" / "iperf-server.txt").write_text(received)
    identities: dict[HostRole, str] = {
        "server": hosts.identity(server, found["server"]),
        "client": hosts.identity(client, found["client"]),
    }
    nics: dict[HostRole, Nic] = {
        "server": hosts.nic(found["server"]),
        "client": hosts.nic(found["client"]),
    }
    directions = directions_of(parse(sent, "iperf"))
    floor = server.facts.testbed_link_floor_mbit_per_s
    problems = problems_of(directions, nics, floor)
    record = LinkRecord(
        schema_version=1,
        measured_at=datetime.now(UTC),
        hosts=identities,
        directions=directions,
        round_trip_ms=round_trip_of(ping),
        nics=nics,
        floor_mbit_per_s=floor,
        ok=not problems,
        problems=problems,
    )
    results.write(folder / "link.json", record)
    return record


def ping_server(server: Remote, client: Remote, count: int) -> str:
    """What ping printed on the client host, of so many round trips over the data link."""
    command = ["ping", "-n", "-q", "-c", str(count), "-i", str(PING_EVERY_S), "-W", "2"]
    return client.run([*command, server.host.bench_address]).stdout


def _iperf(server: Remote, client: Remote, duration_s: int) -> tuple[str, str]:
    """What iperf's client and server printed."""
    listening = server.start(["iperf", "-s", "-f", "m", "-B", server.host.bench_address])
    try:
        _wait_until_listening(server)
        command = ["iperf", "-c", server.host.bench_address, "-B", client.host.bench_address]
        done = client.run(
            [*command, "-d", "-f", "m", "-t", str(duration_s)], timeout_s=duration_s + 30
        )
        listening.poll()
        return done.stdout, listening.output
    finally:
        listening.stop()


def _wait_until_listening(server: Remote, timeout_s: float = 10) -> None:
    deadline = time.monotonic() + timeout_s
    while not server.run(["ss", "-Htln", f"sport = :{IPERF_PORT}"]).stdout.strip():
        if time.monotonic() > deadline:
            raise TestbedError(
                f"server host: iperf does not listen on port {IPERF_PORT}",
                remedy="run `ansible-playbook site.yml`; is the port taken by another program?",
                exit_code=Exit.NOT_READY,
            )


def directions_of(output: ToolOutput) -> list[LinkDirection]:
    """Both directions from what iperf's client printed. Raises TestbedError if one is missing."""
    rates = {flow.direction: flow.mbit_per_s for flow in output.flows or []}
    if not {"sent", "received"} <= rates.keys():
        raise TestbedError(
            "iperf did not measure both directions; see raw/iperf-client.txt",
            remedy=f"is TCP port {IPERF_PORT} open both ways on the data link?",
            exit_code=Exit.NOT_READY,
        )
    return [
        LinkDirection(source="client", target="server", mbit_per_s=rates["sent"]),
        LinkDirection(source="server", target="client", mbit_per_s=rates["received"]),
    ]


def round_trip_of(ping: str) -> RoundTrip:
    """The summary of ping -q (iputils). Raises TestbedError if there is none."""
    times = re.search(r"= ([\d.]+)/([\d.]+)/([\d.]+)/[\d.]+ ms", ping)
    received = re.search(r"(\d+) received", ping)
    if not times or not received:
        raise TestbedError(
            "ping over the data link got no answer; see raw/ping.txt",
            remedy="are bench_address and bench_interface right in the inventory?",
            exit_code=Exit.NOT_READY,
        )
    low, mean, high = map(float, times.groups())
    return RoundTrip(min=low, mean=mean, max=high, samples=int(received.group(1)))


def problems_of(
    directions: list[LinkDirection], nics: dict[HostRole, Nic], floor_mbit_per_s: float
) -> list[str]:
    """Sentences: why this link cannot be measured over. None: it can."""
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


def verified(
    server: Remote, client: Remote, identities: dict[HostRole, str], folder: Path
) -> LinkRecord:
    """The newest verification of these hosts' link below `folder`.

    Raises TestbedError if there is none, it is too old, or the link was not good enough.
    """
    max_age = timedelta(hours=server.facts.testbed_link_max_age_h)
    records = [results.read(path, LinkRecord) for path in sorted(folder.glob("*/link.json"))]
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
