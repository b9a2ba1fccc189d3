"""How much memory an app's processes have, told to a user who may not look."""

import importlib.util
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

PATH = Path(__file__).resolve().parents[3] / "roles" / "app_deploy" / "files" / "app_memory.py"
SPEC = importlib.util.spec_from_file_location("app_memory", PATH)
app_memory = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(app_memory)

# A main process whose two workers share with it what it allocated before they began
FORKS = """
import os, sys
shared = os.urandom(32 * 2**20)
for _ in range(2):
    if not os.fork():
        own = os.urandom(8 * 2**20)
        os.write(1, b"up\\n")  # in one piece: the other one writes at the same time
        sys.stdin.read()
        os._exit(0)
sys.stdin.read()
"""
MIB = 2**20


@pytest.fixture
def forks():
    process = psutil.Popen(
        [sys.executable, "-c", FORKS], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert [process.stdout.readline() for _ in range(2)] == [b"up\n"] * 2
    yield process
    process.communicate()


def test_shared_pages_count_once(forks):
    """The sum is that of what each has alone and of what all share; not three times the latter."""
    answers = io.StringIO()
    app_memory.answer(forks.pid, io.StringIO("\n\n"), answers)
    first, second = map(json.loads, answers.getvalue().splitlines())
    sizes = first["pss_bytes"]
    assert len(sizes) == len(second["pss_bytes"]) == 3
    assert 48 * MIB <= sum(sizes) < 48 * MIB + 3 * 15 * MIB  # and three interpreters
    assert sum(psutil.Process(pid).memory_info().rss for pid in app_memory.tree(forks.pid)) > (
        sum(sizes) + 60 * MIB
    )
    assert min(sizes[1:]) > 8 * MIB + 10 * MIB  # a third of the shared ones
    assert first["took_s"] >= 0
    assert second["cpu_usec"] >= first["cpu_usec"] > 0


def test_a_tree_begins_with_its_root(forks):
    found = app_memory.tree(forks.pid)
    assert found[0] == forks.pid
    assert set(found[1:]) == {child.pid for child in forks.children()}


def test_a_process_with_a_strange_name_has_its_parent(tmp_path):
    for pid, name, parent in ((7, "a", 1), (8, "x) S 99 (", 7), (9, "y", 8), (10, "z", 99)):
        (tmp_path / str(pid)).mkdir()
        (tmp_path / str(pid) / "stat").write_text(f"{pid} ({name}) S {parent} 7 7 0 -1\n")
    assert app_memory.tree(7, tmp_path) == [7, 8, 9]


def test_what_has_ended_or_is_not_told_is_left_out(tmp_path):
    for pid, text in ((7, "Rss:  900 kB\nPss:   40 kB\nPss_Anon: 3 kB\n"), (8, "Rss: 1 kB\n")):
        (tmp_path / str(pid)).mkdir()
        (tmp_path / str(pid) / "smaps_rollup").write_text(text)
    assert list(app_memory.sizes([7, 8, 9], tmp_path)) == [40 * 1024]


def test_a_unit_that_does_not_run_has_no_memory():
    answers = io.StringIO()
    app_memory.answer(0, io.StringIO("\n"), answers)
    assert json.loads(answers.getvalue())["pss_bytes"] == []


@pytest.mark.parametrize(("told", "pid"), [("812\n", 812), ("0\n", 0), ("\n", 0), ("x\n", 0)])
def test_the_main_process_is_the_one_that_systemd_names(monkeypatch, told, pid):
    def run(command, **options):
        assert command == ["/usr/bin/systemctl", "show", "-P", "MainPID", "testbed-a-b.service"]
        return subprocess.CompletedProcess(command, 0, told, "")

    monkeypatch.setattr(app_memory.subprocess, "run", run)
    assert app_memory.main_pid("testbed-a-b.service") == pid


def test_this_very_process_is_told():
    (size,) = app_memory.sizes([os.getpid()])
    assert 2 * MIB < size < 2**40
