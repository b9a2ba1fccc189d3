"""The service workload in the lab: its apps, and the other service that they ask."""

import json
import threading

import pytest

from testbed.asked import catalogue
from tests.lab.campaigns import OF_THIS_MACHINE, checks, records

ASKED_MS = 20
EXPERIMENT = f"""\
schema_version: 1
title: A service that waits for another one
description: One run of a mix, most of which waits for the other service.
workload: service
apps: [fastapi]
endpoints: [upstream]
trials: 1
upstream: {{latency_ms: {ASKED_MS}}}
load:
  mode: constant_rate
  generator: pacer
  rate_rps: 20
  connections: 10
  threads: 1
  duration_s: 4
  warmup_s: 1
  timeout_s: 10
"""
OTHER = "pgrep -u bench -f 'python3 -m upstream'"
# It gets no CPU for three quarters of the time, as on a client that is much too busy
HINDER = (
    "for n in $(seq 600); do for pid in $(pgrep -u bench -f 'python3 -m upstream'); do "
    "kill -STOP $pid; sleep 0.15; kill -CONT $pid; done; sleep 0.05; "
    "test -e /run/no-hindrance && break; done; true"
)


@pytest.fixture
def experiment(tmp_path):
    file = tmp_path / "waits.yml"
    file.write_text(EXPERIMENT)
    return str(file)


@pytest.fixture
def hindered(ssh):
    """The other service is stopped again and again, whenever it runs."""
    ssh("client", "rm -f /run/no-hindrance")
    hindering = threading.Thread(target=ssh, args=("client", HINDER))
    hindering.start()
    yield
    ssh("client", "touch /run/no-hindrance")
    hindering.join()
    ssh("client", "rm /run/no-hindrance")


def test_every_app_answers_and_asks_its_database_as_declared(verified):
    done = verified.fab("check", "--workload=service")
    shown = " ".join(done.stdout.split())
    apps = catalogue.load().apps_of("service").values()
    endpoints = sum(len(app.spec.endpoints) for app in apps)
    assert f"{len(apps)} apps: {endpoints} ok" in shown


def test_an_app_waits_as_long_as_is_declared(verified, ssh, experiment):
    folder = verified.campaign("run", experiment)
    (run,) = records(folder)
    assert run["failure"] is None, run["failure"]
    assert checks(run, "invalid") <= OF_THIS_MACHINE, run["findings"]
    assert run["output"]["latency_us"]["percentiles"]["50"] >= 1000 * ASKED_MS
    other = run["upstream"]
    assert other["asked"] == {"latency_ms": ASKED_MS, "distribution": "constant", "sigma": 0}
    assert other["requests"] > 0
    assert other["drawn_us"]["50"] == 1000 * ASKED_MS
    assert (other["gone"], other["strange"]) == (0, 0)
    assert (folder / run["run_id"] / "upstream.jsonl").is_file()
    asked = json.loads((folder / "campaign.json").read_text())["asked"]
    assert asked["upstream"]["latency_ms"] == ASKED_MS
    assert ssh("client", OTHER, check=False) == ""  # it ended with its run


@pytest.mark.usefixtures("hindered")
def test_the_other_service_convicts_itself(verified, experiment):
    (run,) = records(verified.campaign("run", experiment))
    assert run["failure"] is None, run["failure"]
    assert "upstream_late" in checks(run, "invalid"), run["findings"]
    assert run["upstream"]["late_us"]["99"] > 25_000 or run["upstream"]["lag_us"]["99"] > 25_000
