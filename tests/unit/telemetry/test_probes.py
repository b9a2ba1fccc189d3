"""Sampling this very machine, and clocks that do what a test cannot make real ones do."""

import csv
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from telemetry import others
from telemetry.__main__ import Stopped, record
from telemetry.probes import App, Clock, Cpu

ROOT = Path(__file__).resolve().parents[3]


LOOPBACK = ["--interface=lo", "--address=127.0.0.1", "--peer=127.0.0.1"]


class Clocks:
    """Three clocks that stand still unless told otherwise, seconds."""

    def __init__(self):
        self.values = {
            time.CLOCK_MONOTONIC: 1000.0,
            time.CLOCK_REALTIME: 1.8e9,
            time.CLOCK_BOOTTIME: 1000.0,
        }
        self.delays = []  # before a reading of the wall clock, one after the other

    def __call__(self, number):
        if number == time.CLOCK_REALTIME and self.delays:
            self.go(self.delays.pop(0))
        return int(self.values[number] * 1e9)

    def go(self, seconds, *names):
        """Let these clocks go on, all by default."""
        for name in names or list(self.values):
            self.values[name] += seconds


def test_clocks_tell_a_step_from_a_sleep():
    clocks = Clocks()
    clock = Clock(clocks)
    assert clock.sample() == {"t_s": 1.8e9, "monotonic_s": 1000, "suspended_s": 0}
    clocks.go(1)
    clocks.go(-3600, time.CLOCK_REALTIME)
    assert clock.sample() == {"t_s": 1.8e9 - 3599, "monotonic_s": 1001, "suspended_s": 0}
    clocks.go(60, time.CLOCK_REALTIME, time.CLOCK_BOOTTIME)
    assert clock.sample()["suspended_s"] == 60


def test_a_reading_that_was_interrupted_is_not_taken():
    clocks = Clocks()
    clocks.delays = [0.5, 0, 0.5]
    row = Clock(clocks).sample()
    assert row["t_s"] - row["monotonic_s"] == 1.8e9 - 1000


def recorded(tmp_path, *options):
    """Rows of a short recording of this machine."""
    file = tmp_path / "t.csv"
    command = [sys.executable, "-m", "telemetry", "record", str(file), *LOOPBACK]
    recording = subprocess.Popen([*command, *options], cwd=ROOT, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while not file.exists() or len(file.read_text().splitlines()) < 5:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    recording.send_signal(signal.SIGINT)
    _, complaint = recording.communicate(timeout=120)
    assert (recording.returncode, complaint) == (0, "")
    with file.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_this_machine_is_sampled(tmp_path):
    rows = recorded(tmp_path, "--interval", "0.1", "--pid", str(os.getpid()))
    times = [float(row["monotonic_s"]) for row in rows]
    assert times == sorted(times)
    for row in rows:
        assert abs(float(row["suspended_s"]) - float(rows[0]["suspended_s"])) < 0.05
        assert int(row["tcp_segments_sent"]) >= 0
        assert row["app_processes"] != ""
        assert (row["link_up"], row["link_has_address"]) == ("1", "1")
        assert int(row["link_route"]) == socket.if_nametoindex("lo")
        assert int(row["net_rx_errors"]) >= 0
        for number in os.sched_getaffinity(0):
            shares = [row[f"cpu{number}_{what}"] for what in ("steal_percent", "percent")]
            assert all(share == "" or 0 <= float(share) <= 100 for share in shares)


class Times:
    """psutil with the CPU times of two CPUs that a test sets, seconds."""

    def __init__(self, *cpus):
        self.cpus = cpus

    def cpu_times(self, percpu):
        names = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")
        return [SimpleNamespace(**(dict.fromkeys(names, 0) | times)) for times in self.cpus]


def test_stolen_time_is_told_of_each_cpu(monkeypatch):
    monkeypatch.setattr("telemetry.probes.os.sched_getaffinity", lambda _: {0, 1})
    monkeypatch.setattr("telemetry.probes.psutil", Times({}, {}))
    probe = Cpu()
    changed = Times({"user": 2, "steal": 1, "idle": 1}, {"system": 1, "iowait": 3})
    monkeypatch.setattr("telemetry.probes.psutil", changed)
    assert probe.sample() == {
        "cpu_percent": 50,
        "steal_percent": 12.5,
        "cpu0_percent": 75,
        "cpu0_steal_percent": 25,
        "cpu1_percent": 25,
        "cpu1_steal_percent": 0,
    }


ARBITER = "import subprocess\nwhile True: subprocess.run(['sleep', '60'])"


@pytest.fixture
def arbiter():
    """A process that replaces its only worker as soon as that ends."""
    process = psutil.Popen([sys.executable, "-c", ARBITER])
    yield process
    workers = process.children()
    process.kill()
    process.wait()
    for worker in workers:
        worker.kill()


def worker_of(arbiter, other_than=None):
    """Its worker, once it has one that is not the other."""
    deadline = time.monotonic() + 120
    while not (workers := [one for one in arbiter.children() if one != other_than]):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return workers[0]


def test_a_replaced_process_of_the_app_is_counted(arbiter):
    app, worker = App(arbiter.pid), worker_of(arbiter)
    first = app.sample()
    worker.kill()
    worker_of(arbiter, other_than=worker)
    second = app.sample()
    assert first["app_processes"] == second["app_processes"] == 2
    assert (first["app_processes_ended"], second["app_processes_ended"]) == (0, 1)


def test_an_app_that_has_ended_has_no_figures():
    gone = subprocess.Popen(["true"])
    gone.wait()
    assert App(gone.pid).sample() == dict.fromkeys(App.columns)


class Sleeper:
    """Time that passes only in sleep, and by what a sample takes."""

    def __init__(self, sample_s):
        self.now, self.samples, self.sample_s = 50.0, [], sample_s

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds

    def sample(self):
        self.samples.append(self.now - 50)
        self.now += self.sample_s
        if len(self.samples) == 4:
            raise Stopped
        return {"x": 1}


@pytest.mark.parametrize(
    ("sample_s", "beats"),
    [
        (0, [0.25, 0.5, 0.75, 1.0]),
        (0.125, [0.25, 0.5, 0.75, 1.0]),
        (0.625, [0.25, 1.0, 1.75, 2.5]),  # missed ones are left out
    ],
)
def test_samples_keep_to_the_beat_asked_for(tmp_path, monkeypatch, sample_s, beats):
    sleeper = Sleeper(sample_s)
    monkeypatch.setattr("telemetry.__main__.time", sleeper)
    with pytest.raises(Stopped):
        record(tmp_path / "t.csv", [sleeper], 0.25)
    assert sleeper.samples == beats


def test_who_else_uses_this_host(tmp_path):
    busy = "print(flush=True)\nwhile True: pass"
    hog = subprocess.Popen([sys.executable, "-c", busy], stdout=subprocess.PIPE)
    try:
        hog.stdout.readline()  # it has begun
        found = others.look(1.0)
    finally:
        hog.kill()
        hog.communicate()
    assert found["cpus"] == len(os.sched_getaffinity(0))
    assert 0 < found["cpu_percent"] <= 100
    assert found["run_queue"] > 0
    assert all(one["cpu_percent"] >= others.NAMED_PERCENT for one in found["busiest"])
    assert len(found["busiest"]) <= others.BUSIEST


def test_the_busiest_are_named():
    before = {(1, 0.0): ("idle", 10.0), (2, 0.0): ("hog", 10.0), (3, 0.0): ("ended", 5.0)}
    after = {
        (1, 0.0): ("idle", 10.01),
        (2, 0.0): ("hog", 10.45),
        (3, 9.0): ("new", 0.1),  # another process under an id that was free again
        (4, 9.0): ("hog", 0.05),
    }
    assert others._busiest(before, after, 0.5) == [
        {"name": "hog", "cpu_percent": 100.0},
        {"name": "new", "cpu_percent": 20.0},
    ]
