"""Test that a declared delay of the data link is set, measured, stored, and removed."""

import json
import os
import re
import signal
import subprocess

import pytest

from testbed.errors import Exit
from testbed.lab import delay_line, names
from tests.lab.campaigns import PATIENCE_S, interrupt, records, wait_until
from tests.lab.faults import provoked

ASKED_MS = 45
EXPERIMENT = f"""\
schema_version: 1
title: A far-away client
description: One run over a link that is given a delay.
workload: agents
apps: [flask]
endpoints: [index]
trials: 1
link_delay_ms: {ASKED_MS}
load:
  mode: saturation
  generator: wrk
  connections: 4
  threads: 1
  duration_s: 3
  warmup_s: 1
  timeout_s: 10
"""


@pytest.fixture
def experiment(tmp_path):
    file = tmp_path / "far.yml"
    file.write_text(EXPERIMENT)
    return str(file)


@pytest.fixture
def round_trip_ms(ssh, lab):
    """A function that returns the data link's shortest round trip; longer ones are chance."""

    def measure():
        text = ssh("client", "ping", "-n", "-q", "-c", "5", "-i", "0.2", lab.server.bench_address)
        return float(re.search(r"= ([\d.]+)/", text)[1])

    return measure


def devices(lab):
    """Return devices and routes of delay lines in both hosts' namespaces."""
    found = []
    for host in lab.hosts:
        for what in ("link", "route"):
            command = ["ip", "-n", host.machine, what, "show"]
            text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
            found += [line for line in text.splitlines() if delay_line.DEVICE in line]
    return found


def test_a_campaign_gets_its_delay_and_leaves_none(verified, lab, experiment, round_trip_ms):
    folder = verified.campaign("run", experiment)
    delay = json.loads((folder / "campaign.json").read_text())["link_delay"]
    assert delay["asked_ms"] == ASKED_MS
    assert delay["round_trip_ms"]["mean"] >= 0.95 * ASKED_MS
    assert delay["round_trip_ms"]["min"] <= 1.5 * ASKED_MS  # the delay was not set twice
    (run,) = records(folder)
    assert run["failure"] is None, run["failure"]
    # the generator waited at least so long for each answer
    assert run["output"]["latency_us"]["percentiles"]["50"] >= 0.95 * ASKED_MS * 1000
    assert not devices(lab)
    assert round_trip_ms() < ASKED_MS / 2


@pytest.mark.parametrize("end", ["Ctrl-C", "SIGKILL"])
def test_a_campaign_that_is_ended_leaves_no_delay(verified, lab, experiment, round_trip_ms, end):
    process = verified.start_fab("run", experiment, "--duration=60")
    try:
        wait_until(lambda: round_trip_ms() > ASKED_MS / 2, "a link with a delay")
        if end == "Ctrl-C":
            interrupt(process)
        else:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    finally:
        process.kill()
    wait_until(lambda: not devices(lab), "the delay line's end")
    assert round_trip_ms() < ASKED_MS / 2


def test_a_delay_line_that_dies_is_noticed(verified, lab, experiment):
    process = verified.start_fab("run", experiment)
    while "001-" not in (line := process.stdout.readline()):
        assert line, "the campaign ended before its first run"
    mine = f"delay_line .*{lab.server.machine}/{names.BENCH_INTERFACE}/"
    found = subprocess.run(["pgrep", "-f", mine], capture_output=True, text=True, check=True)
    for pid in found.stdout.split():
        os.kill(int(pid), signal.SIGKILL)
    output, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == Exit.RUN_INTERRUPTED, output
    assert "lost the delay" in output
    newest = max(verified.results.glob("*-far"))
    assert not list(newest.glob("*/run.json"))  # a run without the delay is not kept
    said = output[output.index("lost the delay") - 60 :]
    provoked("the declared delay lost", "its delay line killed during a run", "stopped", said)
