"""Test what needs more workloads than the lab usually has: articles, and the other service.

Articles: verdicts, and a series that is killed and resumed.
"""

import json
import os
import signal
import threading

import pytest

from testbed.asked import catalogue
from tests.lab.campaigns import (
    OF_THIS_MACHINE,
    PATIENCE_S,
    Testbed,
    checks,
    has_figures,
    records,
    wait_until,
)
from tests.lab.faults import provoked

# Parts of each article that load all its apps. Together they use all services, wrk, ab, pacer, GET
# and POST, kept and closed connections, a delayed link and a ramp.
PARTS = {
    "movies": ("as_published", ["saturation"]),
    "records": ("as_published", ["remote"]),
    "pokemon": ("fair", ["debug"]),
}
KILLED = ("fair", ["list_500", "add"])  # the part of todo in which the series is killed

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


@pytest.fixture(scope="module")
def everything(request, lab, results):
    """The lab with all workloads of group_vars/all.yml, and a verified link.

    The link is asked for last: it provisions the lab, if that has not been, with the usual ones.
    """
    testbed = Testbed(lab.name, results, workloads="")
    testbed.provision()
    testbed.put_back()
    assert request.getfixturevalue("linked").results == results
    return testbed


def options(mode, parts):
    mode_option = f"--{mode.replace('_', '-')}"
    return [mode_option, "--scale=small", "--trials=1", "--seed=1", f"--parts={','.join(parts)}"]


def campaigns(folder):
    """Return the campaign folders of a series, in order."""
    series = json.loads((folder / "series.json").read_text())
    assert series["ended_at"]
    return [folder / part["campaign"] for part in series["parts"]]


def judged(testbed, folder):
    """Return the verdicts of a series, as its command prints them."""
    return json.loads(testbed.run("python", "-m", "analysis", "verdicts", folder, "--json").stdout)


def check_runs(folder):
    """Assert that every run of the series has figures, right answers and the declared SQL."""
    for campaign in campaigns(folder):
        for run in records(campaign):
            assert has_figures(run), run
            assert all(check["ok"] for check in run["answers"])
            wrong = [f for f in run["findings"] if f["check"] in ("answer", "sql", "daemon")]
            assert wrong == []


@pytest.mark.parametrize("name", PARTS)
def test_a_workload_is_measured_with_right_answers_and_sql(everything, name):
    mode, parts = PARTS[name]
    everything.fab("run-article", name, *options(mode, parts))
    folder = (everything.results / "latest").resolve()
    check_runs(folder)
    assert judged(everything, folder)


def test_a_series_killed_in_the_middle_is_resumed_and_complete(everything):
    process = everything.start_fab("run-article", "todo", *options(*KILLED))
    latest = everything.results / "latest"
    second = "fair-add"
    wait_until(lambda: list(latest.glob(f"{second}/0*/run.json")), "a run of the second part")
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=PATIENCE_S)
    folder = latest.resolve()
    before = {path: path.read_text() for path in folder.glob("*/*/run.json")}
    everything.fab("run-article", "todo", f"--resume={latest}")
    first, second = campaigns(folder)
    assert [len(records(first)), len(records(second))] == [4, 2]
    assert all(path.read_text() == text for path, text in before.items())
    check_runs(folder)
    said = "nothing: it was killed"
    provoked("series killed", "SIGKILL in its second part; resumed", "interrupted", said)


def test_an_article_s_page_shows_its_verdicts(everything):
    folder = (everything.results / "latest").resolve()
    everything.run("python", "-m", "analysis", "report", folder)
    page = (folder / "report" / "index.html").read_text()
    assert "reproduced" in page
    assert "small" in page


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


def test_every_app_answers_and_asks_its_database_as_declared(everything):
    done = everything.fab("check", "--workload=service")
    shown = " ".join(done.stdout.split())
    apps = catalogue.load().apps_of("service").values()
    endpoints = sum(len(app.spec.endpoints) for app in apps)
    assert f"{len(apps)} apps: {endpoints} ok" in shown


def test_an_app_waits_as_long_as_is_declared(everything, ssh, experiment):
    folder = everything.campaign("run", experiment)
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
def test_the_other_service_convicts_itself(everything, experiment):
    (run,) = records(everything.campaign("run", experiment))
    assert run["failure"] is None, run["failure"]
    assert "upstream_late" in checks(run, "invalid"), run["findings"]
    assert run["upstream"]["late_us"]["99"] > 25_000 or run["upstream"]["lag_us"]["99"] > 25_000
