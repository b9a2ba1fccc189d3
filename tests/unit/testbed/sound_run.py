"""A sound run, and how its evidence is changed to provoke a check."""

import csv
from datetime import UTC, datetime

from testbed import validity
from testbed.model.endpoint import Statement
from testbed.model.link import LinkDirection, LinkRecord, LinkState, RoundTrip
from testbed.model.load import Load
from testbed.model.results import AnswerCheck, Before, Busy, OpenFiles, RunRecord, SqlSeen
from testbed.model.tool_output import AnswersPerConnection, Distribution, Errors, ToolOutput

LOAD = Load(
    mode="constant_rate",
    generator="pacer",
    from_host="client",
    rate_rps=100,
    connections=10,
    threads=1,
    duration_s=60,
    warmup_s=1,
    timeout_s=5,
)
EVEN = AnswersPerConnection(
    connections=10, none=0, min=590, p5=595, p50=600, p95=605, mean=600, max=610
)
OUTPUT = ToolOutput(
    tool="pacer",
    duration_s=60,
    requests=6000,
    throughput_rps=100,
    goodput_rps=100,
    due=6000,
    unsent=0,
    errors=Errors(connect=0),
    lag_us=Distribution(percentiles={"99": 100}),
    cpu_percent=20,
    busiest_process_cpu_percent=15,
    connections_opened=0,
    answers_per_connection=EVEN,
)
RIGHT = AnswerCheck(
    when="after", ok=True, status=200, content_type="application/json", body_bytes=2
)
SEEN = SqlSeen(text="select 1", calls=6000, calls_per_request=1.0, kind="declared")
LINK = LinkRecord(
    schema_version=1,
    measured_at=datetime(2026, 1, 1, tzinfo=UTC),
    hosts={"server": "s", "client": "c"},
    directions=[
        LinkDirection(source="client", target="server", mbit_per_s=950),
        LinkDirection(source="server", target="client", mbit_per_s=950),
    ],
    round_trip_ms=RoundTrip(min=0.1, mean=0.1, max=0.2, samples=20),
    nics={},
    floor_mbit_per_s=900,
    ok=True,
)
LINKED = LinkState(
    interface="eth1",
    up=True,
    carrier_changes=2,
    speed_mbit_per_s=1000,
    full_duplex=True,
    mtu=1500,
    addresses=["198.18.0.1"],
    route_by="eth1",
    peer_answers=True,
    rx_errors=0,
    tx_errors=0,
    rx_dropped=0,
    tx_dropped=0,
)
QUIET = Before(
    window_s=0.5, cpus=4, cpu_percent=1, run_queue=0.1, governor="performance", link=LINKED
)
RUN = RunRecord(
    schema_version=1,
    run_id="001-one-agents-default-t1",
    campaign="a",
    workload="agents",
    app="one",
    app_title="One",
    endpoint="agents",
    variant="default",
    settings={},
    trial=1,
    url="http://198.18.0.1:8080/agents",
    calibration=False,
    load=LOAD,
    generator_version=None,
    command=None,
    started_at=datetime(2026, 1, 1, tzinfo=UTC),
    ended_at=datetime(2026, 1, 1, tzinfo=UTC),
    phases_s={},
    unit=None,
    answers=[],
    sql=None,
    output=None,
    failure=None,
    findings=[],
    verdict="valid",
)
SINCE_BOOT_S = 5000.0
ROW = {
    "t_s": 1.8e9,
    "monotonic_s": SINCE_BOOT_S,
    "suspended_s": 600,
    "cpu_percent": 50,
    "steal_percent": 0,
    "cpu_mhz": 2900,
    "cpu_full_mhz": 3000,
    "thermal_throttles": 12,
    "quota_periods": 0,
    "quota_throttles": 0,
    "swap_in_bytes": 7,
    "swap_out_bytes": 7,
    "net_tx_bytes": 0,
    "net_rx_packets": 0,
    "net_tx_packets": 0,
    "net_rx_errors": 0,
    "net_tx_errors": 0,
    "net_rx_drops": 0,
    "net_tx_drops": 0,
    "link_up": 1,
    "link_carrier_changes": 2,
    "link_speed_mbit_per_s": 1000,
    "link_full_duplex": 1,
    "link_has_address": 1,
    "link_route": 3,
    "tcp_segments_sent": 1000,
    "tcp_retransmits": 5,
    "listen_overflows": 3,
    "app_processes_ended": 0,
}


def rows(count=60, step_s=1, **columns):
    """Return samples `step_s` seconds apart. A column may be a function of the second."""
    return [
        ROW
        | {"t_s": ROW["t_s"] + t * step_s, "monotonic_s": SINCE_BOOT_S + t * step_s}
        | {k: v(t) if callable(v) else v for k, v in columns.items()}
        for t in range(count)
    ]


def judge_in(folder):
    """Judges a sound run with some of its evidence changed; (check, verdict, sentence) of each."""
    made = evidence_in(folder)

    def judged(**changes):
        findings = validity.judge(made(**changes))
        return [(finding.check, finding.verdict, finding.sentence) for finding in findings]

    return judged


def evidence_in(folder):
    """Makes a sound run's evidence, with some of it changed."""

    def made(server=None, client=None, **changes):
        for role, samples in (("server", server), ("client", client)):
            samples = rows() if samples is None else samples
            with (folder / f"telemetry-{role}.csv").open("w", newline="") as stream:
                writer = csv.DictWriter(stream, fieldnames=list(ROW))
                writer.writeheader()
                writer.writerows(samples)
        evidence = {
            "load": LOAD,
            "output": OUTPUT,
            "answers": [RIGHT],
            "sql": [SEEN],
            "statements": {"agents": [Statement(texts=["select 1"])]},
            "unit": {"ActiveState": "active", "NRestarts": "0"},
            "failure": None,
            "link": LINK,
            "before": {"server": QUIET, "client": QUIET},
            "link_after": {"server": LINKED, "client": LINKED},
            "open_files": OpenFiles(app=110, generator=110),
            "workers": {"one": 16, "other": 16},
            "rows": {"agents": 200},
            "first_rows": {"agents": 200},
            "postgresql": {"fsync": "on"},
            "first_postgresql": {"fsync": "on"},
        }
        if changes.get("output") and "sql" not in changes:  # each answer needed one statement
            answered = changes["output"].requests
            evidence["sql"] = [SEEN.model_copy(update={"calls": answered})]
        evidence |= changes
        of_run = {key: value for key, value in evidence.items() if key in RunRecord.model_fields}
        beside = {key: value for key, value in evidence.items() if key not in of_run}
        return validity.Evidence(RUN.model_copy(update=of_run), folder, validity.Expected(**beside))

    return made


def output(**changes):
    return OUTPUT.model_copy(update=changes)


def served(**changes):
    return output(answers_per_connection=EVEN.model_copy(update=changes))


def starving():
    return EVEN.model_copy(update={"none": 5, "min": 0, "p5": 0})


def before(**changes):
    return QUIET.model_copy(update=changes)


def linked(**changes):
    """Return the link after the load as the client saw it, with some values changed."""
    return {"server": LINKED, "client": LINKED.model_copy(update=changes)}


HOG = Busy(name="c{x}c1", cpu_percent=99)  # braces are not to be taken for a format


def lag(p99):
    return output(lag_us=Distribution(percentiles={"99": p99}))
