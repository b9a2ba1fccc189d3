"""Provoke bottlenecks in real servers on loopback: real samples of telemetry, pacer's figures."""

import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from testbed.model.gave_out import GaveOut, Limiting
from testbed.model.load import Load
from testbed.tools import parse
from testbed.tools.generators import measured_from
from testbed.validity import Evidence, Expected, gave_out
from tests.unit.apps.cluster import Cluster
from tests.unit.testbed.sound_run import QUIET, RUN

ROOT = Path(__file__).resolve().parents[3]
SERVER = Path(__file__).with_name("server.py")
INTERVAL_S = 0.25


@dataclass(frozen=True)
class Case:
    """A server with one scarce resource, and the load that exhausts it."""

    name: str
    truth: Limiting
    server: dict[str, object]
    connections: int = 16
    rate_rps: float | None = None
    keepalive: bool = True
    # What is right as well where other programs use this machine's CPUs
    disturbed: tuple[Limiting, ...] = ("all_cores",)


def cases(dice: random.Random) -> list[Case]:
    """Return the bottlenecks, with parameters drawn anew."""
    wait_s, few, many = dice.uniform(0.06, 0.2), dice.randint(1, 4), dice.choice([12, 16, 24])
    sleep = {"sql": f"select pg_sleep({wait_s:.3f})"}
    lock_s, burn = dice.uniform(0.02, 0.05), {"burn": dice.uniform(0.003, 0.01)}
    lock = {"sql": f"select pg_advisory_xact_lock(1), pg_sleep({lock_s:.3f})"}
    closing: dict[str, Any] = {"connections": many, "keepalive": False}
    burning = burn | {"workers": 2 * (os.cpu_count() or 1)}
    seldom = {"workers": 1, "backlog": 1, "accept-every": wait_s}
    rate = dice.uniform(5, 20)
    return [
        Case("a loop that burns", "one_core", burn),
        Case("burning workers", "all_cores", burning, **closing),
        Case("sleeping workers", "workers", {"sleep": wait_s, "workers": few}, **closing),
        Case("workers in the database", "workers", sleep | {"workers": few}, **closing),
        Case("a small pool", "pool", sleep | {"pool": few}, many),
        Case("a lock", "database", lock | {"pool": many}, many),
        Case("a slow database", "database", sleep | {"pool": many}, many),
        Case("a slow service", "upstream", {"upstream": wait_s, "pool": many}, many),
        Case("a short listen queue", "listen_queue", seldom, 48, keepalive=False),
        Case("a rate that is met", "nothing", {"sleep": 0.005}, many, rate_rps=rate),
    ]


@contextmanager
def _served(arguments: dict[str, object]) -> Iterator[tuple[int, int]]:
    """Run the server, and give its process id and port."""
    command = [sys.executable, str(SERVER), *(f"--{k}={v}" for k, v in arguments.items())]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    try:
        assert process.stdout
        yield process.pid, int(process.stdout.readline())
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def answer(case: Case, cluster: Cluster, folder: Path, load_s: int = 5) -> GaveOut:
    """Return what the rule says of a run of this server under its load."""
    arguments = dict(case.server)
    if "sql" in arguments:
        arguments["postgresql"] = cluster.folder / f".s.PGSQL.{cluster.port}"
    if "upstream" not in arguments:
        return _measured(case, arguments, cluster, folder, load_s, [])
    with _served({"sleep": arguments["upstream"]}) as (_, port):
        arguments["upstream"] = port
        asked = [f"--asks=upstream=127.0.0.1:{port}"]
        return _measured(case, arguments, cluster, folder, load_s, asked)


def _measured(
    case: Case,
    arguments: dict[str, object],
    cluster: Cluster,
    folder: Path,
    load_s: int,
    asks: list[str],
) -> GaveOut:
    environment = os.environ | {
        "PYTHONPATH": str(ROOT),
        "PGHOST": str(cluster.folder),
        "PGPORT": str(cluster.port),
        "PGUSER": "postgres",
    }
    load = Load(
        mode="constant_rate" if case.rate_rps else "saturation",
        generator="pacer",
        from_host="server",
        rate_rps=case.rate_rps,
        connections=case.connections,
        threads=1,
        duration_s=load_s,
        warmup_s=1,
        timeout_s=10,
        keepalive=case.keepalive,
    )
    with _served(arguments) as (pid, port):
        samples = folder / "telemetry-server.csv"
        address = "--address=127.0.0.1"
        telemetry = subprocess.Popen(
            [sys.executable, "-m", "telemetry", "record", str(samples), "--interface=lo", address,
             "--peer=127.0.0.1", f"--pid={pid}", "--database=postgres",
             f"--service=postgresql={cluster_pid(cluster)}", f"--interval={INTERVAL_S}", *asks],
            env=environment,
        )  # fmt: skip
        asked = f"--rate={case.rate_rps}" if case.rate_rps else "--closed"
        options = [
            *(f"--url=http://127.0.0.1:{port}/", asked, f"--connections={case.connections}"),
            *(f"--duration={load_s}", "--warmup=1", "--timeout=10", f"--json={folder}/pacer.json"),
            *([] if case.keepalive else ["--no-keepalive"]),
        ]
        try:
            done = subprocess.run(
                [sys.executable, "-m", "pacer", *options],
                env=environment, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
            )  # fmt: skip
        finally:
            telemetry.send_signal(signal.SIGINT)
            telemetry.wait(timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    printed = (folder / "pacer.json").read_text()
    here = QUIET.model_copy(update={"clock_offset_s": 0.0})
    run = RUN.model_copy(
        update={
            "load": load,
            "output": parse(printed, "pacer"),
            "before": {"server": here},
            "measured_from": measured_from(printed, load, here),
            "telemetry_interval_s": INTERVAL_S,
        }
    )
    evidence = Evidence(run, folder, Expected())
    found = gave_out.of_run(evidence)
    assert found is not None
    return found


def cluster_pid(cluster: Cluster) -> int:
    """Return the process id of the database's main process."""
    return int((cluster.folder / "data" / "postmaster.pid").read_text().splitlines()[0])
