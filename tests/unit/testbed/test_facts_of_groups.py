"""Facts that an inventory sets for a group count for nothing, so they are refused by name."""

import copy

import pytest

from testbed.errors import TestbedError
from testbed.hosts import inventory
from testbed.paths import ROOT

TEXT = (ROOT / "inventory" / "baremetal" / "hosts.yml").read_text()
OF_ALL = "testbed_place: metal"
OF_SERVER = "    server:"
OF_HOST = "bench_address: 198.18.0."


@pytest.fixture(scope="module")
def example():
    return inventory._view(str(ROOT / "inventory" / "baremetal"))


@pytest.fixture
def mine(tmp_path):
    """Writes an inventory of several files, and returns its folder."""

    def write(**files):
        for name, text in files.items():
            path = tmp_path / f"{name.replace('__', '/')}.yml"
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        return str(tmp_path)

    return write


def refusal(folder):
    with pytest.raises(TestbedError) as refused:
        inventory.load(folder)
    return str(refused.value)


def line_of(text, key):
    return next(n for n, line in enumerate(text.splitlines(), 1) if key in line)


def test_what_counts_for_nothing_is_named_with_its_file_and_line(mine):
    text = TEXT.replace(OF_ALL, f"{OF_ALL}\n    testbed_app_port: 9000\n    testbed_user: meter")
    text = text.replace(OF_SERVER, f"{OF_SERVER}\n      vars:\n        testbed_workloads: [todo]")
    said = refusal(mine(hosts=text, group_vars__all="testbed_database: mine\n"))
    problems, remedy = said.split("\n  -> ")
    assert remedy == "make it an entry of each host"
    found = problems.splitlines()
    assert len(found) == 4
    for key in ("testbed_app_port", "testbed_user", "testbed_workloads"):
        (sentence,) = (one for one in found if f": {key} is set for a group" in one)
        assert f"hosts.yml:{line_of(text, key)}: " in sentence
        assert "of host bench-server, and counts for nothing" in sentence
    assert any("group_vars/all.yml:1: testbed_database is set" in one for one in found)


def test_what_counts_is_taken(mine):
    """Entries of hosts, group_vars of one group, and what group_vars/all.yml does not set."""
    text = TEXT.replace(OF_HOST, f"testbed_app_port: 9000\n          {OF_HOST}")
    text = text.replace(OF_ALL, f"{OF_ALL}\n    testbed_link_floor_mbit_per_s: 800")
    port = "testbed_database_port: 5433\n"
    folder = mine(hosts=text, group_vars__server=port, group_vars__client=port)
    facts = inventory.load(folder).facts
    assert facts.testbed_app_port == 9000
    assert facts.testbed_link_floor_mbit_per_s == 800
    assert facts.testbed_database_port == 5433


@pytest.mark.parametrize(
    ("key", "value"),
    [*[("testbed_workloads", value) for value in ("agents", [5], {}, None, [""], True, [["a"]])],
     *[("testbed_apps_path", value) for value in (None, [], 5, "a\nb")]],
)  # fmt: skip
def test_what_is_deployed_is_a_list_and_a_path(example, key, value):
    changed = copy.deepcopy(example)
    changed["hosts"]["bench-server"]["values"][key] = value
    with pytest.raises(TestbedError, match=f"host bench-server: {key} is .*; it has to be "):
        inventory.check(changed)


def test_the_value_that_counts_anyway_may_stand_there(mine):
    text = TEXT.replace(OF_ALL, f"{OF_ALL}\n    testbed_app_port: 8080")
    assert inventory.load(mine(hosts=text)).facts.testbed_app_port == 8080
