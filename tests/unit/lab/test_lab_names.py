"""Names and addresses of labs, and the inventory made of them."""

import ipaddress
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testbed.errors import TestbedError
from testbed.lab import names

PROJECT = Path(__file__).resolve().parents[3]
INVENTORY = PROJECT / "inventory" / "lab" / "hosts.py"
valid_names = st.from_regex(r"[a-z]([a-z0-9-]{0,7}[a-z0-9])?", fullmatch=True)


def test_the_default_lab_has_index_0():
    lab = names.lab("lab")
    assert lab.management_network == "198.18.0.0/24"
    assert (lab.server.address, lab.client.address) == ("198.18.0.10", "198.18.0.20")
    assert (lab.server.bench_address, lab.client.bench_address) == ("198.19.0.10", "198.19.0.20")


@given(valid_names)
def test_every_name_makes_valid_interfaces_and_benchmark_addresses(name):
    lab = names.lab(name)
    interfaces = {lab.bridge, *(host.outer_interface for host in lab.hosts)}
    assert len(interfaces) == 3
    assert all(len(interface) <= 15 for interface in interfaces)
    benchmarks = ipaddress.ip_network("198.18.0.0/15")
    addresses = {a for host in lab.hosts for a in (host.address, host.bench_address)}
    assert len(addresses) == 4
    assert all(ipaddress.ip_address(a) in benchmarks for a in addresses)
    assert (lab.index == 0) == (name == "lab")


@given(valid_names, valid_names)
def test_two_labs_share_no_name(one, other):
    def created(lab):
        interfaces = {lab.bridge, *(host.outer_interface for host in lab.hosts)}
        return interfaces | {
            lab.nft_table,
            lab.rule_comment,
            lab.server.machine,
            lab.client.machine,
        }

    if one != other:
        assert not created(names.lab(one)) & created(names.lab(other))


@pytest.mark.parametrize(
    "name", ["", "Lab", "1lab", "a-", "-a", "a" * 10, "a/b", "..", "a_b", "a b"]
)
def test_other_names_are_refused(name):
    with pytest.raises(TestbedError, match="cannot be a lab's name"):
        names.lab(name)


def test_a_lab_with_the_same_addresses_is_found():
    wanted = names.lab("test")
    candidates = (f"n{number}" for number in range(10_000))
    twin = next(name for name in candidates if names.lab(name).index == wanted.index)
    assert names.same_addresses(wanted, ["lab", "test", "Not A Lab", twin]) == twin
    assert names.same_addresses(wanted, ["lab", "test"]) is None


def run_inventory(lab: str | None, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {
        name: value
        for name, value in os.environ.items()
        if name != "PYTHONPATH" and not name.startswith("TESTBED_")
    }
    environment |= variables | ({"TESTBED_LAB": lab} if lab is not None else {})
    return subprocess.run(
        [sys.executable, "-S", str(INVENTORY)],  # -S: nothing but Python itself is needed
        cwd="/",
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(("asked", "got"), [(None, "lab"), ("", "lab"), ("test", "test")])
def test_the_inventory_follows_the_environment(asked, got):
    inventory = json.loads(run_inventory(asked).stdout)
    lab = names.lab(got)
    assert inventory["all"]["vars"]["testbed_lab"] == got
    assert inventory["all"]["vars"]["testbed_place"] == "lab"
    assert str(lab.known_hosts) in inventory["all"]["vars"]["ansible_ssh_common_args"]
    for host in lab.hosts:
        (member,) = inventory[host.role]["hosts"]
        variables = inventory["_meta"]["hostvars"][member]
        assert variables == {"ansible_host": host.address, "bench_address": host.bench_address}


def test_workloads_and_the_links_floor_are_chosen_by_the_environment():
    done = run_inventory("test", TESTBED_WORKLOADS="agents,todo", TESTBED_LINK_FLOOR="300")
    for variables in json.loads(done.stdout)["_meta"]["hostvars"].values():
        assert variables["testbed_workloads"] == ["agents", "todo"]
        assert variables["testbed_link_floor_mbit_per_s"] == "300"


def test_the_inventory_refuses_a_bad_name_in_one_line():
    done = run_inventory("Not A Lab")
    assert done.returncode == 2
    assert done.stdout == ""
    assert "cannot be a lab's name" in done.stderr
    assert "Traceback" not in done.stderr
