"""Frequency, heat and quotas, read from folders laid out as the kernel lays them out."""

import os
from pathlib import Path

import pytest

from telemetry.slowed import Frequency, Heat, Quota, cpu_groups


@pytest.fixture
def cpus(tmp_path):
    """Writes a file of every CPU that may be used; the folder of all CPUs."""

    def write(**files):
        for number in os.sched_getaffinity(0):
            for name, value in files.items():
                file = tmp_path / f"cpu{number}" / name.replace("__", "/")
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(f"{value}\n")
        return tmp_path

    return write


def test_frequency_now_and_at_most(cpus):
    folder = cpus(cpufreq__scaling_cur_freq=1200000, cpufreq__cpuinfo_max_freq=4700000)
    assert Frequency(folder).sample() == {"cpu_mhz": 1200, "cpu_full_mhz": 4700}


def test_the_base_frequency_is_what_counts_as_full(cpus):
    cpus(cpufreq__scaling_cur_freq=2100000, cpufreq__cpuinfo_max_freq=4700000)
    probe = Frequency(cpus(cpufreq__base_frequency=2100000))
    assert probe.sample() == {"cpu_mhz": 2100, "cpu_full_mhz": 2100}
    cpus(cpufreq__scaling_cur_freq=800000)
    assert probe.sample()["cpu_mhz"] == 800


def test_frequency_that_the_kernel_does_not_tell_is_none(tmp_path, monkeypatch):
    monkeypatch.setattr("psutil.cpu_freq", lambda: None)
    assert Frequency(tmp_path).sample() == {"cpu_mhz": None, "cpu_full_mhz": None}


def test_heat(cpus, tmp_path):
    assert Heat(tmp_path).sample() == {"thermal_throttles": None}
    folder = cpus(
        thermal_throttle__core_throttle_count=3, thermal_throttle__package_throttle_count=4
    )
    assert Heat(folder).sample() == {"thermal_throttles": 7 * len(os.sched_getaffinity(0))}


UNIFIED = "30 25 0:26 / {0} rw,nosuid - cgroup2 cgroup2 rw\n"
MIXED = (
    "22 1 0:21 / /proc rw - proc proc rw\n"
    "31 25 0:27 / {0}/cpu rw - cgroup cgroup rw,cpu,cpuacct\n"
    "32 25 0:28 / {0}/set rw - cgroup cgroup rw,cpuset\n"
    "33 25 0:29 / {0}/unified rw - cgroup2 cgroup2 rw\n"
)


@pytest.mark.parametrize(
    ("groups", "mounts", "folders"),
    [
        ("0::/a/b\n", UNIFIED, ["/g/a/b", "/g/a", "/g"]),
        ("0::/\n", UNIFIED, ["/g"]),
        ("0::/a/b\n", UNIFIED.replace(" / ", " /a ", 1), ["/g/b", "/g"]),  # seen from within
        (
            "4:cpuset:/x\n2:cpu,cpuacct:/quota\n0::/a\n",
            MIXED,
            ["/g/cpu/quota", "/g/cpu", "/g/unified/a", "/g/unified"],
        ),
        ("4:cpuset:/x\n", MIXED, []),
        ("2:cpu,cpuacct:/quota\n", UNIFIED, []),  # not mounted here
        ("", "", []),
    ],
)
def test_cpu_groups_of_both_versions(groups, mounts, folders):
    assert cpu_groups(groups, mounts.format("/g")) == list(map(Path, folders))


@pytest.fixture
def process(tmp_path):
    """A process 7 in group /app/web of a unified hierarchy; the folders of /proc and of groups."""
    proc, groups = tmp_path / "proc", tmp_path / "groups"
    for folder in (proc / "7", proc / "self", groups / "app" / "web"):
        folder.mkdir(parents=True)
    (proc / "7" / "cgroup").write_text("0::/app/web\n")
    (proc / "self" / "mountinfo").write_text(UNIFIED.format(groups))
    return proc, groups


def stat(folder, periods, throttled):
    (folder / "cpu.stat").write_text(
        f"usage_usec 5\nnr_periods {periods}\nnr_throttled {throttled}\nthrottled_usec 9\n"
    )


def test_quotas_of_a_group_and_those_above_it(process):
    proc, groups = process
    stat(groups / "app", 100, 30)
    stat(groups / "app" / "web", 50, 1)
    (groups / "cpu.stat").write_text("usage_usec 5\n")  # the root has no quota
    probe = Quota(7, proc)
    assert probe.sample() == {"quota_periods": 150, "quota_throttles": 31}
    stat(groups / "app", 110, 40)
    assert probe.sample() == {"quota_periods": 160, "quota_throttles": 41}
    (groups / "app" / "web" / "cpu.stat").unlink()  # a smaller sum would be a lie
    assert probe.sample() == {"quota_periods": None, "quota_throttles": None}


def test_no_quota_told_is_none(process):
    proc, groups = process
    (groups / "app" / "cpu.stat").write_text("usage_usec 5\n")
    assert Quota(7, proc).sample() == {"quota_periods": None, "quota_throttles": None}
    assert Quota(8, proc).sample() == {"quota_periods": None, "quota_throttles": None}
