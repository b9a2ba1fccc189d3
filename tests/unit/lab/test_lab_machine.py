"""What the lab reads off the machine: its release, CPUs, control groups, firewall."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testbed.errors import Exit, TestbedError
from testbed.lab import cgroups, cpus, machine, network
from testbed.lab.__main__ import main
from testbed.lab.status import HostStatus, LabStatus

# --- release --------------------------------------------------------------------------------------

NOBLE = """PRETTY_NAME="Ubuntu 24.04.2 LTS"
NAME="Ubuntu"
VERSION_ID="24.04"
VERSION="24.04.2 LTS (Noble Numbat)"
VERSION_CODENAME=noble
ID=ubuntu
ID_LIKE=debian
"""


def test_release_is_read():
    assert machine.release(NOBLE) == machine.Release("ubuntu", "24.04", "noble")
    bookworm = "ID=debian\nVERSION_ID='12'\nVERSION_CODENAME=bookworm\n"
    assert machine.release(bookworm) == machine.Release("debian", "12", "bookworm")


@pytest.mark.parametrize(
    "text", ["", "ID=debian\n", NOBLE.replace("24.04", "22.04"), "ID=fedora\nVERSION_ID=41\n"]
)
def test_other_releases_are_refused(text):
    with pytest.raises(TestbedError, match="not supported") as caught:
        machine.release(text)
    assert caught.value.exit_code == Exit.NOT_READY
    assert "Debian 12" in (caught.value.remedy or "")


# --- what is missing is said ----------------------------------------------------------------------


@pytest.fixture
def not_root(monkeypatch):
    monkeypatch.setattr(machine.os, "geteuid", lambda: 1000)


@pytest.mark.parametrize("action", ["up", "down", "status"])
def test_without_root_one_line_says_so(not_root, capsys, action):
    assert main([action, "--name", "tlab"]) == Exit.NOT_READY
    assert capsys.readouterr().err.startswith("error: the lab needs root")


def test_missing_tools_are_named_by_their_packages(monkeypatch):
    monkeypatch.setattr(machine.os, "geteuid", lambda: 0)
    there = {"ip", "tc", "ssh", "ssh-keygen", "setpriv", "unshare", "taskset", "prlimit"}
    monkeypatch.setattr(machine.shutil, "which", lambda tool: tool if tool in there else None)
    with pytest.raises(TestbedError, match="mmdebstrap, nftables, systemd-container") as caught:
        machine.check()
    assert "script/bootstrap" in (caught.value.remedy or "")


def test_every_package_of_the_lab_s_tools_is_installed_by_bootstrap():
    listed = Path(__file__).parents[3].joinpath("script", "packages.txt").read_text()
    declared = {line.split()[0] for line in listed.splitlines() if line and line[0] != "#"}
    assert set(machine.TOOLS.values()) - {"util-linux"} <= declared  # that one is essential


def test_a_bad_name_is_refused_before_anything_else(capsys):
    assert main(["up", "--name", "Not A Lab"]) == Exit.BAD_INPUT
    assert "cannot be a lab's name" in capsys.readouterr().err


# --- CPUs -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cores", "expected"),
    [
        ([[0]], None),
        ([], None),
        ([[0], [1]], ([0], [1])),
        ([[3], [7]], ([3], [7])),  # only these two are allowed
        ([[0, 1]], ([0], [1])),  # two threads of one core: better than none
        ([[0, 4], [1, 5], [2, 6], [3, 7]], ([0, 1, 4, 5], [2, 3, 6, 7])),
        ([[0, 3], [1, 4], [2, 5]], ([0, 1, 3, 4], [2, 5])),
    ],
)
def test_cpus_are_split_by_whole_cores(cores, expected):
    assert cpus.split(cores) == expected


@given(st.lists(st.integers(1, 4), max_size=64))
def test_every_cpu_is_on_exactly_one_side(threads_per_core):
    numbers = iter(range(1000))
    cores = [[next(numbers) for _ in range(threads)] for threads in threads_per_core]
    everything = [cpu for core in cores for cpu in core]
    split = cpus.split(cores)
    if split is None:
        assert len(everything) < 2
    else:
        assert sorted(split[0] + split[1]) == everything
        assert split[0]
        assert split[1]


@pytest.mark.parametrize(
    ("split", "servers", "expected"),
    [
        (None, [], None),
        (([0], [1]), [], ([0], [1])),
        (([0], [1]), [[0]], ([1], [0])),
        (([0], [1]), [[0], [1]], ([0], [1])),
        (([0], [1]), [[1], [1], [0]], ([0], [1])),
        (([0, 4], [1, 5]), [[4, 0]], ([1, 5], [0, 4])),
        (([0, 1, 2], [3]), [[0, 1, 2]], ([0, 1, 2], [3])),  # the server keeps the odd core
        (([0], [1]), [[0, 1]], ([0], [1])),  # that one was made with other CPUs
    ],
)
def test_servers_of_several_labs_spread_over_both_sides(split, servers, expected):
    assert cpus.beside(split, servers) == expected


# --- control groups -------------------------------------------------------------------------------

MIXED = """\
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu
40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime shared:9 - cgroup cgroup rw,xattr,name=systemd
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
"""
UNIFIED = "28 22 0:25 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"


def test_control_group_hierarchies_are_found():
    top = Path("/sys/fs/cgroup")
    assert cgroups.unified_mount(MIXED) == top / "unified"
    assert cgroups.hierarchies(MIXED) == [top / "systemd", top / "unified"]
    assert cgroups.unified_mount(UNIFIED) == top
    assert cgroups.hierarchies(UNIFIED) == [top]
    assert cgroups.unified_mount(MIXED.replace("cgroup2", "tmpfs")) is None


# --- firewall -------------------------------------------------------------------------------------


def chain(**fields):
    base = {"family": "ip", "table": "filter", "name": "FORWARD", "hook": "forward"}
    return {"chain": base | {"policy": "drop"} | fields}


def test_only_chains_that_drop_forwarded_ipv4_are_touched():
    dropping = chain()
    listing = {
        "nftables": [
            {"metainfo": {"json_schema_version": 1}},
            dropping,
            chain(policy="accept"),
            chain(hook="input", name="INPUT"),
            chain(family="ip6"),
            {"chain": {"family": "ip", "table": "filter", "name": "DOCKER"}},
        ]
    }
    assert network.dropping_chains(listing) == [dropping["chain"]]


def test_only_the_lab_s_own_rules_are_taken_back():
    ours = {"family": "ip", "table": "filter", "chain": "FORWARD", "handle": 7, "comment": "c"}
    theirs = ours | {"comment": "cc", "handle": 8}
    listing = {"nftables": [{"rule": theirs}, {"rule": ours}, {"rule": {"handle": 9}}]}
    assert network.marked_rules(listing, "c") == [ours]


# --- status ---------------------------------------------------------------------------------------


def host_status(**fields):
    base = {"role": "server", "is_running": True, "answers": True, "address": "198.18.0.10"}
    return HostStatus(**({**base, "bench_address": "198.19.0.10", "cpus": (0, 1)} | fields))


def test_status_prints_what_one_needs():
    text = str(LabStatus("lab", "up", (host_status(),), "/key", "/known"))
    assert "lab 'lab' is up" in text
    assert "ssh root@198.18.0.10" in text
    assert "on CPU 0,1" in text
    assert "/key" in text


def test_status_tells_hanging_from_off():
    assert "boots or hangs" in str(host_status(answers=False))
    assert "is off" in str(host_status(answers=False, is_running=False))
    assert "on any CPU" in str(host_status(cpus=None))
    assert str(LabStatus("lab", "down", (host_status(),), "/key", "/known")) == "lab 'lab' is down"
