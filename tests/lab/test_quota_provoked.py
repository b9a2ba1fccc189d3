"""Test on this machine itself that a CPU quota which slows a process is seen.

Lab hosts cannot be used: if the machine has the cpu controller in a version 1 hierarchy, its lab
hosts do not see it.
"""

import csv
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from testbed.lab import cgroups
from tests.lab.campaigns import ROOT, wait_until

NAME = "testbed-quota-test"
QUOTA_US, PERIOD_US = 10_000, 100_000  # a tenth of a CPU


def make_group():
    """Make a control group with the quota, in the hierarchy that has the cpu controller."""
    for line in cgroups.MOUNTS.read_text().splitlines():
        before, _, after = line.partition(" - ")
        mount, (kind, _, options) = Path(before.split()[4]), after.split(" ", 2)
        if kind == "cgroup" and "cpu" in options.split(","):
            files = {"cpu.cfs_period_us": PERIOD_US, "cpu.cfs_quota_us": QUOTA_US}
        elif kind == "cgroup2" and "cpu" in (mount / "cgroup.controllers").read_text().split():
            (mount / "cgroup.subtree_control").write_text("+cpu")
            files = {"cpu.max": f"{QUOTA_US} {PERIOD_US}"}
        else:
            continue
        group = mount / NAME
        group.mkdir(exist_ok=True)
        for name, value in files.items():
            (group / name).write_text(str(value))
        return group
    raise AssertionError("no hierarchy has the cpu controller")


@pytest.fixture
def throttled():
    """The process id of a busy process under the quota."""
    busy = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    group = make_group()
    try:
        (group / "cgroup.procs").write_text(str(busy.pid))
        yield busy.pid
    finally:
        busy.kill()
        busy.wait()
        wait_until(lambda: not (group / "cgroup.procs").read_text(), "the group is empty")
        group.rmdir()


def test_a_quota_is_counted(throttled, tmp_path):
    file = tmp_path / "t.csv"
    command = [sys.executable, "-m", "telemetry", "record", str(file), "--interface=lo"]
    command += ["--address=127.0.0.1", "--peer=127.0.0.1"]
    recording = subprocess.Popen(
        [*command, f"--pid={throttled}", "--interval=0.2"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    try:
        wait_until(
            lambda: (
                recording.poll() is not None or (file.exists() and file.read_text().count("\n") > 8)
            ),
            "eight samples",
        )
        assert recording.poll() is None, "telemetry ended by itself"
    finally:
        recording.send_signal(signal.SIGINT)
        recording.wait()
    with file.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    periods, throttles = (
        int(rows[-1][name]) - int(rows[0][name]) for name in ("quota_periods", "quota_throttles")
    )
    assert periods > 0
    assert throttles > 0.1 * periods  # this share makes a run invalid
