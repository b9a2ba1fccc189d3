"""What programs cost: known truths on this machine, and files laid out as the kernel lays them."""

import os
import subprocess
import sys
import time

import psutil
import pytest

from telemetry.cost import Busy, Pss, Used, own_group

UNIFIED = "30 25 0:26 / {0} rw,nosuid - cgroup2 cgroup2 rw\n"
SPAWNER = (
    "import subprocess, sys, time\n"
    "burn = 'import time\\nwhile time.thread_time() < 0.3: pass'\n"
    "subprocess.run([sys.executable, '-c', burn], check=True)\n"
    "print('done', flush=True)\n"
    "sys.stdin.read()\n"
)


@pytest.fixture
def grouped(tmp_path):
    """This process in a group /app of a unified hierarchy: folders of /proc and of the group."""
    proc, groups = tmp_path / "proc", tmp_path / "groups"
    for folder in (proc / str(os.getpid()), proc / "self", groups / "app" / "below"):
        folder.mkdir(parents=True)
    (proc / str(os.getpid()) / "cgroup").write_text("0::/app\n")
    (proc / "self" / "mountinfo").write_text(UNIFIED.format(groups))
    (groups / "app" / "cgroup.procs").write_text(f"{os.getpid()}\n")
    (groups / "app" / "below" / "cgroup.procs").write_text("")
    (groups / "app" / "cpu.stat").write_text("usage_usec 5000\nuser_usec 4000\n")
    (groups / "cpu.stat").write_text("usage_usec 99000\n")
    (groups / "cgroup.procs").write_text("0\n1\n")
    return proc, groups / "app"


def test_a_group_of_its_own_is_read(grouped):
    proc, group = grouped
    probe = Used("app", os.getpid(), proc)
    assert probe.sample() == {"app_cpu_usec": 5000, "app_cpu_of_group": 1}
    (group / "cpu.stat").write_text("usage_usec 7000\n")
    assert probe.sample()["app_cpu_usec"] == 7000
    (group / "cpu.stat").unlink()
    assert probe.sample()["app_cpu_usec"] is None


@pytest.mark.parametrize("stranger", ["0", "1", pytest.param(str(os.getppid()), id="parent")])
def test_a_group_with_a_stranger_is_not_its_own(grouped, stranger):
    proc, group = grouped
    (group / "below" / "cgroup.procs").write_text(f"{stranger}\n")
    assert own_group(os.getpid(), proc) is None
    assert Used("app", os.getpid(), proc).sample()["app_cpu_of_group"] == 0


def test_a_member_that_has_ended_is_no_stranger(grouped):
    proc, group = grouped
    gone = subprocess.Popen(["true"])
    gone.wait()
    (group / "cgroup.procs").write_text(f"{os.getpid()}\n{gone.pid}\n")
    assert own_group(os.getpid(), proc) == group


@pytest.mark.parametrize("file", ["cgroup.procs", "cpu.stat"])
def test_a_group_that_cannot_be_read_is_none(grouped, file):
    proc, group = grouped
    (group / file).unlink()
    (group / file).mkdir()
    assert own_group(os.getpid(), proc) is None


def test_processes_that_ended_are_counted_in_a_tree(tmp_path):
    parent = psutil.Popen(
        [sys.executable, "-c", SPAWNER], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        probe = Used("app", parent.pid, tmp_path)
        assert parent.stdout.readline() == b"done\n"
        told = probe.sample()
    finally:
        parent.communicate()
    assert told["app_cpu_of_group"] == 0
    assert told["app_cpu_usec"] >= 280_000  # 0.3 s, in ticks of 10 ms
    assert probe.sample()["app_cpu_usec"] is None


def test_a_busy_loop_is_time_that_was_not_idle():
    probe = Busy()
    stolen_s = -psutil.cpu_times().steal  # a hypervisor's part of the loop, which is not told
    begin, before = time.process_time(), probe.sample()["host_cpu_usec"]
    while time.process_time() - begin < 0.3:
        pass
    after = probe.sample()["host_cpu_usec"]
    stolen_s += psutil.cpu_times().steal
    assert after - before > 1e6 * (0.3 - stolen_s) - 20_000 * len(os.sched_getaffinity(0))


@pytest.mark.parametrize("text", ["", "cpu 1 2\n", "cpu0 1 2 x 4 5 6 7 8\n", "intr 5\n"])
def test_a_kernel_that_counts_no_idle_time_tells_nothing(tmp_path, text):
    (tmp_path / "stat").write_text(text)
    assert Busy(tmp_path).sample() == {"host_cpu_usec": None}
    assert Busy(tmp_path / "none").sample() == {"host_cpu_usec": None}


def reader(answer):
    """A command that answers each line with the same text."""
    return [sys.executable, "-c", f"for _ in open(0): print({answer!r}, flush=True)"]


def reading(probe):
    """The next sample with a reading in it."""
    deadline = time.monotonic() + 120
    while (row := probe.sample())["app_pss_bytes"] is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return row


def test_memory_is_that_of_all_and_of_a_worker():
    probe = Pss(reader('{"pss_bytes": [50, 10, 20], "took_s": 0, "cpu_usec": 7}'))
    found = {"app_pss_bytes": 80, "app_worker_pss_bytes": 15, "app_pss_cpu_usec": 7}
    assert [reading(probe), reading(probe)] == [found, found]


def test_a_single_process_is_its_own_worker():
    probe = Pss(reader('{"pss_bytes": [50], "took_s": 0, "cpu_usec": 7}'))
    assert reading(probe)["app_worker_pss_bytes"] == 50


def test_memory_is_not_read_so_often_that_it_costs_much():
    probe = Pss(reader('{"pss_bytes": [50], "took_s": 600, "cpu_usec": 7}'))
    assert reading(probe)["app_pss_bytes"] == 50
    nothing = {"app_pss_bytes": None, "app_worker_pss_bytes": None, "app_pss_cpu_usec": 7}
    assert probe.sample() == nothing
    assert not probe._asked


@pytest.mark.parametrize(
    "command",
    [
        ["false"],
        ["/nothing/there"],
        reader("no JSON"),
        reader("[]"),
        reader('{"pss_bytes": null, "took_s": 0, "cpu_usec": 7}'),
        reader('{"pss_bytes": ["x"], "took_s": 0, "cpu_usec": 7}'),
        reader('{"took_s": 0, "cpu_usec": 7}'),
    ],
)
def test_memory_that_cannot_be_read_is_none(command):
    probe = Pss(command)
    deadline = time.monotonic() + 120
    while probe._reader is not None:
        assert probe.sample()["app_pss_bytes"] is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert probe.sample()["app_worker_pss_bytes"] is None


def test_an_app_without_processes_has_no_memory():
    probe = Pss(reader('{"pss_bytes": [], "took_s": 0, "cpu_usec": 7}'))
    while probe.sample()["app_pss_cpu_usec"] == 0:
        time.sleep(0.01)
    assert probe.sample()["app_pss_bytes"] is None


def test_a_reader_that_is_silent_is_not_waited_for():
    probe = Pss([sys.executable, "-c", "import sys; sys.stdin.read()"])
    nothing = {"app_pss_bytes": None, "app_worker_pss_bytes": None, "app_pss_cpu_usec": 0}
    assert [probe.sample() for _ in range(3)] == [nothing] * 3
