"""The data link as a host sees it: this machine's loopback, and cards that are files."""

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from telemetry import link, ports, route

ROOT = Path(__file__).resolve().parents[3]


def test_the_way_to_loopback_is_loopback():
    assert route.interface_to("127.0.0.1", "127.0.0.1") == "lo"


def test_there_is_no_way_from_an_address_of_somebody_else():
    assert route.interface_to("127.0.0.1", "192.0.2.77") is None


@pytest.fixture
def card(tmp_path, monkeypatch):
    """Makes an interface of files as sysfs has them; a file without a text cannot be read."""
    monkeypatch.setattr(link, "SYS", tmp_path)

    def make(name="eth1", real=True, **files):
        folder = tmp_path / name
        (folder / "statistics").mkdir(parents=True)
        if real:
            (folder / "device").mkdir()
        for file, text in files.items():
            (folder / file).write_text(f"{text}\n")
        return folder

    return make


def test_a_card_is_read(card):
    card(carrier=1, operstate="up", carrier_changes=4, speed=1000, duplex="full", mtu=1500)
    assert link.nic("eth1") == {
        "up": True,
        "carrier_changes": 4,
        "speed_mbit_per_s": 1000,
        "full_duplex": True,
        "mtu": 1500,
        "mac": None,
    }


@pytest.mark.parametrize(
    ("real", "files"),
    [
        (True, {"speed": -1, "duplex": "unknown"}),  # a virtual card's driver
        (False, {"speed": 10000, "duplex": "full"}),  # a veth makes them up
    ],
)
def test_a_speed_that_is_not_told_is_none(card, real, files):
    card(real=real, **files)
    found = link.nic("eth1")
    assert (found["speed_mbit_per_s"], found["full_duplex"]) == (None, None)


@pytest.mark.parametrize(
    "files",
    [
        {"carrier": 0, "operstate": "down"},
        {"operstate": "down"},  # set down: the kernel refuses to read `carrier`
        {},
    ],
)
def test_a_link_that_is_down_or_gone_is_not_up(card, files):
    card(**files)
    assert not link.nic("eth1")["up"]
    assert not link.nic("eth9")["up"]


def test_an_interface_that_is_gone_is_still_sampled(card):
    row = link.Link("eth9", "192.0.2.77", "192.0.2.78").sample()
    assert row["link_up"] == row["link_has_address"] == row["link_route"] == 0
    assert row["link_carrier_changes"] is None


def test_what_an_interface_sends_by_is_found_down_to_the_cards(card):
    folder = card("vlan", real=False)
    (folder / "lower_bond").mkdir()
    bond = card("bond", real=False)
    for name in ("eth0", "eth1"):
        (bond / f"lower_{name}").mkdir()
        card(name)
    assert link.below("vlan") == ["bond", "eth0", "eth1"]


def test_a_port_is_listened_on_and_reached():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert ports.connect("127.0.0.1", "127.0.0.1", port, 60)["problem"] is None
        done = subprocess.run(
            [sys.executable, "-m", "telemetry", "listen", "--address=127.0.0.1", f"--port={port}"],
            cwd=ROOT, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 1
        assert done.stdout.startswith("Address already in use")


def test_a_port_that_nobody_listens_on_refuses():
    with socket.socket() as unused:  # as long as it is ours, nobody else can listen there
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        found = ports.connect("127.0.0.1", "127.0.0.1", port, 60)
    assert found["problem"] == "Connection refused"


def test_a_look_is_one_json_document():
    command = [sys.executable, "-m", "telemetry", "link", "--interface=lo"]
    command += ["--address=127.0.0.1", "--peer=127.0.0.1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert found["state"]["route_by"] == "lo"
    assert "127.0.0.1" in found["interfaces"]["lo"]["addresses"]
