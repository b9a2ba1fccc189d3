"""Make results folders as a campaign writes them, from models and without hosts."""

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hdrh.histogram import HdrHistogram

from testbed.model.campaign import Campaign, HostRecord, Sysctl
from testbed.model.link import LinkDirection, LinkRecord, Nic, RoundTrip
from testbed.model.load import Load
from testbed.model.results import AnswerCheck, Failure, Finding, RunRecord
from testbed.model.tool_output import Distribution, Errors, ToolOutput

BEGAN = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
NAME = "round2-20260302-0930"
TITLES = {
    "django": "Django + Gunicorn",
    "flask": "Flask + Gunicorn",
    "aiohttp_api_hour": "aiohttp + API-Hour",
}
CPUS = 2


def output(
    *,
    rate_rps: float | None = 4000.0,
    throughput_rps: float | None = 3998.2,
    goodput_rps: float | None = 3998.2,
    mean_us: float | None = 2100.0,
    p50_us: float | None = 1500.0,
    p99_us: float | None = 9000.0,
    max_us: float | None = 31000.0,
    errors: Errors | None = None,
    tool: Any = "pacer",
    duration_s: float = 20.0,
    **other: Any,
) -> ToolOutput:
    """What a generator measured; None leaves a figure out."""
    percentiles = {"50": p50_us, "99": p99_us}
    values: dict[str, Any] = {
        "tool": tool,
        "duration_s": duration_s,
        "connections": 400,
        "rate_rps": rate_rps,
        "requests": None if throughput_rps is None else int(throughput_rps * duration_s),
        "throughput_rps": throughput_rps,
        "goodput_rps": goodput_rps,
        "errors": errors or Errors(connect=0, read=0, write=0, timeout=0, status=0, wrong_body=0),
        "latency_us": Distribution(
            mean=mean_us,
            max=max_us,
            percentiles={key: value for key, value in percentiles.items() if value is not None},
        ),
        "lag_us": Distribution(mean=30, max=900, percentiles={"50": 20.0, "99": 110.0}),
        "due": None if rate_rps is None else int(rate_rps * duration_s),
        "unsent": 0,
        "unanswered": 0,
        "cpu_percent": 22.4,
    }
    return ToolOutput(**(values | other))


def run(
    number: int,
    app: str,
    endpoint: str,
    *,
    trial: int = 1,
    variant: str = "default",
    settings: dict[str, Any] | None = None,
    verdict: Any = "valid",
    findings: list[Finding] | None = None,
    figures: ToolOutput | None = None,
    failure: Failure | None = None,
    calibration: bool = False,
    title: str | None = None,
    generator: Any = "pacer",
    **load: Any,
) -> RunRecord:
    """A run record; without `figures` and `failure` one with usual figures."""
    if figures is None and failure is None:
        figures = output()
    asked = {"mode": "constant_rate", "rate_rps": 4000.0, "connections": 400, "threads": 12}
    asked |= {"duration_s": 20.0, "warmup_s": 3.0, "timeout_s": 5.0, "generator": generator}
    asked |= {"from_host": "server" if calibration else "client"}
    began = BEGAN + timedelta(seconds=40 * number)
    url = f"http://198.18.0.1:8080/{endpoint}"
    return RunRecord(
        schema_version=1,
        run_id=f"{number:03}-{app}-{endpoint}-{variant}-t{trial}",
        campaign=NAME,
        workload="agents",
        app=app,
        app_title=title or TITLES.get(app, app),
        endpoint=endpoint,
        variant=variant,
        settings=settings or {"workers": 16},
        trial=trial,
        url=url,
        calibration=calibration,
        load=Load(**(asked | load)),
        generator_version="1.0.0",
        command=f"python -m pacer --url {url} --rate 4000 --connections 400 --duration 20 "
        "--warmup 3 --timeline timeline.csv --hdr latency.hdr --json pacer.json",
        started_at=began,
        ended_at=began + timedelta(seconds=31),
        phases_s={
            "start": 1.2, "ready": 0.4, "check": 0.1, "warm-up": 3.0, "load": 20.1, "collect": 1.1,
        },
        unit={"NRestarts": 0},
        answers=[
            AnswerCheck(
                when="before", ok=True, status=200, content_type="application/json", body_bytes=26
            )
        ],
        output=figures,
        failure=failure,
        sql=None,
        findings=findings or [],
        verdict=verdict,
    )  # fmt: skip


def host(role: Any) -> HostRecord:
    """Return the record of a lab host."""
    return HostRecord(
        role=role,
        hostname=f"lab-{role}",
        os="Debian GNU/Linux 12 (bookworm)",
        kernel="6.18.5",
        cpu_model="Example CPU @ 2.90GHz",
        cpus=1,
        memory_bytes=16 * 2**30,
        governor=None,
        virtual="systemd-nspawn",
        sysctls=[
            Sysctl(
                name="net.ipv4.ip_local_port_range", requested="1024 65000", before="32768 60999",
                actual="1024 65000", state="set",
            ),
            Sysctl(
                name="fs.file-max", requested="2097152", before="9223372036854775807",
                actual="9223372036854775807", state="not namespaced here",
            ),
            Sysctl(
                name="net.core.somaxconn", requested="65535", before="4096", actual="4096",
                state="differs",
            ),
        ],
        packages={"nginx-light": "1.22.1-9", "postgresql-15": "15.18-0+deb12u1"}
        if role == "server"
        else {"wrk": "4.1.0-3+b1", "iperf": "2.1.8+dfsg-1"},
    )  # fmt: skip


def link() -> LinkRecord:
    """Return the record of a verified link."""
    return LinkRecord(
        schema_version=1,
        measured_at=BEGAN - timedelta(minutes=3),
        hosts={"server": "a1/b1/198.18.0.1/02:00:00:00:00:01", "client": "a2/b2/198.18.0.2/02"},
        directions=[
            LinkDirection(source="server", target="client", mbit_per_s=953.6),
            LinkDirection(source="client", target="server", mbit_per_s=954.1),
        ],
        round_trip_ms=RoundTrip(min=0.041, mean=0.0583, max=0.112, samples=20),
        nics={
            "server": Nic(interface="bench0", speed_mbit_per_s=None, full_duplex=None, mtu=1500),
            "client": Nic(interface="bench0", speed_mbit_per_s=1000, full_duplex=True, mtu=1500),
        },
        floor_mbit_per_s=900,
        ok=True,
    )


def campaign(runs: list[RunRecord], **other: Any) -> Campaign:
    """Return the campaign of these runs."""
    calibration = any(record.calibration for record in runs)
    values: dict[str, Any] = {
        "schema_version": 1,
        "campaign": NAME,
        "experiment": "round2",
        "title": "Round 2: constant rate over the link",
        "description": "Each app answers 4000 requests per second on 400 connections, or as many "
        "as it can.",
        "place": "lab",
        "workload": "agents",
        "asked": {
            "rate_rps": 4000, "duration_s": 20, "connections": 400, "trials": 1,
            "apps": ["django", "flask", "aiohttp_api_hour"], "endpoints": ["index", "agents"],
        },
        "overridden": ["duration_s"],
        "seed": 20150225,
        "runs": [record.run_id for record in runs],
        "clock_offset_s": {"server": 0.01, "client": -0.02},
        "created_at": BEGAN,
        "ended_at": BEGAN + timedelta(seconds=40 * (len(runs) + 1)),
        "hosts": [host("server"), host("client")],
        "postgresql": {"max_connections": "600", "shared_buffers": "4096MB"},
        "link": None if calibration else link(),
        "testbed": {"git_commit": "0123abc", "python": "3.11.2"},
    }  # fmt: skip
    return Campaign(**(values | other))


def write(
    folder: Path, about: Campaign, runs: list[RunRecord], *, curves: bool = True, seconds: int = 20
) -> Path:
    """Write the results folder and return it.

    With `curves`, each run has a timeline, telemetry and a histogram.
    """
    folder.mkdir(parents=True)
    (folder / "campaign.json").write_text(about.model_dump_json(indent=1))
    for record in runs:
        run_folder = folder / record.run_id
        (run_folder / "raw").mkdir(parents=True)
        (run_folder / "run.json").write_text(record.model_dump_json(indent=1))
        if curves and record.output is not None:
            write_curves(run_folder, record, record.output, seconds)
    return folder


def write_curves(folder: Path, record: RunRecord, figures: ToolOutput, seconds: int) -> None:
    """Write curves that fit the run's figures."""
    dice = random.Random(record.run_id)  # noqa: S311 - figures of a test, always the same
    good, every = figures.goodput_rps or 0, figures.throughput_rps or 0
    median = figures.latency_us.percentiles.get("50", 1000.0)
    timeline = [
        "second,phase,due,sent,completed,ok,errors,response_p50_us,response_p99_us,lag_p99_us"
    ]
    for second in range(-3, seconds + 1):
        phase = "warmup" if second < 0 else "measured" if second < seconds else "drain"
        swing = dice.uniform(0.94, 1.03)
        p50 = median * dice.uniform(0.8, 1.3)
        timeline.append(
            f"{second},{phase},4000,{every * swing:.0f},{every * swing:.0f},{good * swing:.0f},"
            f"{(every - good) * swing:.0f},{p50:.0f},{p50 * dice.uniform(4, 9):.0f},90"
        )
    (folder / "timeline.csv").write_text("\n".join(timeline) + "\n")
    for role, load in (("server", 91), ("client", 24)):
        (folder / f"telemetry-{role}.csv").write_text(telemetry(record, load, seconds, dice))
    (folder / "latency.hdr").write_text(histogram_log(median, seconds, dice))


def telemetry(record: RunRecord, load: float, seconds: int, dice: random.Random) -> str:
    """Return telemetry with one row for each second from the run's start to its end."""
    began = record.started_at.timestamp()
    lines = ["t_s,cpu_percent,cpu0_percent,cpu1_percent,steal_percent,memory_used_bytes,load1"]
    for second in range(seconds + 9):
        busy = load * dice.uniform(0.9, 1.05) if second > 2 else 3
        cores = f"{min(busy * 1.1, 100):.1f},{busy * 0.7:.1f}"
        lines.append(
            f"{began + second:.3f},{min(busy, 100):.1f},{cores},0.0,{3 * 2**30},{load / 50}"
        )
    return "\n".join(lines) + "\n"


def histogram_log(median_us: float, seconds: int, dice: random.Random, count: int = 40) -> str:
    """Return a log like pacer's: `seconds` intervals with `count` times each around a median."""
    lines = ["#[Histogram log format version 1.2]", "#[StartTime: 1772443805.120 (seconds)]"]
    lines.append(
        '"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"'
    )
    for second in range(seconds):
        interval = HdrHistogram(1, 3_600_000_000, 3)
        for _ in range(count):
            interval.record_value(int(median_us * dice.lognormvariate(0, 0.7)) + 1)
        top = interval.get_max_value() / 1000
        lines.append(f"{second:.3f},1.000,{top:.3f},{interval.encode().decode()}")
    return "\n".join(lines) + "\n"


def six_runs() -> list[RunRecord]:
    """Return round 2 as in the article: three apps, two endpoints, and overloaded sync apps."""
    connect = {"connect": 0, "write": 0}
    slow = {
        ("django", "index"): (1799, 1700, 97e6, Errors(**connect, read=4100, timeout=22783)),
        ("flask", "index"): (2714, 2650, 52e6, Errors(**connect, read=3000, timeout=23000)),
        ("django", "agents"): (278, 270, 141.6e6, Errors(**connect, read=480, timeout=37000)),
        ("flask", "agents"): (304, 290, 136.8e6, Errors(**connect, read=951, timeout=40000)),
    }  # fmt: skip
    runs = []
    for number, (app, endpoint) in enumerate(
        ((app, endpoint) for endpoint in ("index", "agents") for app in TITLES), start=1
    ):
        figures = output(mean_us=2000.0 if endpoint == "index" else 7840.0)
        if (app, endpoint) in slow:
            throughput, goodput, mean, errors = slow[app, endpoint]
            figures = output(
                throughput_rps=float(throughput), goodput_rps=float(goodput), mean_us=mean,
                p50_us=mean * 0.9, p99_us=mean * 2, max_us=mean * 2.1, errors=errors,
                unsent=(4000 - throughput) * 20 - 400, unanswered=400,
            )  # fmt: skip
        runs.append(run(number, app, endpoint, figures=figures))
    return runs
