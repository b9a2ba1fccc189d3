"""Provoke real faults of the data link, and test how `fab link` and a campaign react."""

import contextlib
import json
import subprocess

import pytest
import yaml

from testbed.errors import Exit
from testbed.host_roles import ROLES
from tests.lab import faults
from tests.lab.campaigns import (
    FEW_WORKERS,
    ONE,
    PATIENCE_S,
    ROOT,
    Testbed,
    checks,
    during_load,
    records,
    sentences,
    short,
    the_run,
    wait_until,
)

DOWN, UP = "ip link set bench0 down", "ip link set bench0 up"


@contextlib.contextmanager
def changed(ssh, role, change, undo):
    """Change a host while the block runs."""
    try:
        ssh(role, change)
        yield
    finally:
        ssh(role, undo)


def disturbed(testbed, ssh, role, change, undo, seconds=3):
    """Return the run in whose load a host was changed for some seconds."""
    line = f"sleep 2; {change}; sleep {seconds}; {undo}"
    try:
        run, *_ = during_load(testbed, ssh, lambda: ssh(role, line))
        return run
    finally:
        ssh(role, f"{undo} || true", check=False)


@contextlib.contextmanager
def firewall(host, rule):
    """Add a rule to the host's own input hook while the block runs."""
    inside = ["ip", "netns", "exec", host.machine, "nft"]
    chain = f"chain in {{\ntype filter hook input priority 0;\n{rule}\n}}"
    try:
        text = f"table inet fault {{\n{chain}\n}}\n"
        subprocess.run([*inside, "-f", "-"], input=text, text=True, check=True)
        yield
    finally:
        subprocess.run([*inside, "delete", "table", "inet", "fault"], check=False)


@pytest.fixture
def fresh(provisioned, tmp_path):
    """The provisioned lab with an empty results folder, so that no old verification counts."""
    return Testbed(provisioned.lab, tmp_path / "results", link_floor="")


@pytest.fixture
def inventory_with(lab, tmp_path):
    """A function that makes an inventory of the lab with some of a host's entries changed."""

    def make(**changes):
        listing = json.loads(
            subprocess.run(
                [str(ROOT / "inventory" / "lab" / "hosts.py")],
                env={"TESTBED_LAB": lab.name, "PATH": "/usr/bin:/bin"},
                capture_output=True,
                text=True,
                check=True,
            ).stdout
        )
        groups = {}
        for role in ROLES:
            (name,) = listing[role]["hosts"]
            entries = listing["_meta"]["hostvars"][name] | changes.get(role, {})
            groups[role] = {"hosts": {name: entries}}
        file = tmp_path / "hosts.yml"
        file.write_text(
            yaml.safe_dump({"all": {"vars": listing["all"]["vars"], "children": groups}})
        )
        return f"--inventory={file}"

    return make


def refused(testbed, *options):
    """Return what `fab link` says of a link that it refuses, and the record that it keeps."""
    done = testbed.fab("link", "--duration=1", *options, check=False)
    assert done.returncode == Exit.NOT_READY, done.stdout + done.stderr
    (file,) = testbed.results.glob("link/*/link.json")
    record = json.loads(file.read_text())
    assert not record["ok"]
    assert record["problems"]
    assert all(problem in done.stdout for problem in record["problems"])
    return " | ".join(record["problems"]), record


def test_a_link_is_proven_by_way_and_counters(fresh):
    done = fresh.fab("link", "--duration=1", check=False)
    (file,) = fresh.results.glob("link/*/link.json")
    record = json.loads(file.read_text())
    # the measured rate depends on the machine, so it is not asserted
    assert all("below the floor" in problem for problem in record["problems"]), done.stdout
    assert {one["route_by"] for one in record["states"].values()} == {"bench0"}
    for of_host in record["carried"].values():
        link, *others = of_host
        assert link["interface"] == "bench0"
        assert [one["interface"] for one in others] == ["mgmt0"]
        assert link["tx_bytes"] > 10 * max(one["tx_bytes"] for one in others)
    assert record["floor_mbit_per_s"] == 900
    assert "driver does not tell" in record["floor_reason"]


def test_a_wrong_interface_is_refused(fresh, lab, inventory_with):
    said, record = refused(fresh, inventory_with(client={"bench_interface": "mgmt0"}))
    assert f"client host: bench_address {lab.client.bench_address} is no address of" in said
    assert "bench_interface mgmt0" in said
    assert "bench0 has it" in said
    assert record["directions"] == []
    faults.provoked("wrong bench_interface", "the management interface's name", "refused", said)


def test_swapped_hosts_are_refused(fresh, lab, inventory_with):
    said, _ = refused(
        fresh,
        inventory_with(
            server={"ansible_host": lab.client.address}, client={"ansible_host": lab.server.address}
        ),
    )
    assert "server and client are swapped" in said
    faults.provoked("swapped hosts", "ansible_host exchanged", "refused", said)


def test_equal_addresses_are_refused(fresh, lab, inventory_with):
    said = refused_by_name(fresh, inventory_with, "bench_address", lab.server.bench_address)
    faults.provoked("equal addresses", "one bench_address for both hosts", "refused", said)


def test_one_host_for_both_is_refused(fresh, lab, inventory_with):
    said = refused_by_name(fresh, inventory_with, "ansible_host", lab.server.address)
    faults.provoked("one host for both", "one ansible_host for both hosts", "refused", said)


def refused_by_name(testbed, inventory_with, key, address):
    """Return the error for a client that has the server's address under a key of the inventory."""
    done = testbed.fab("link", inventory_with(client={key: address}), check=False)
    assert done.returncode in (Exit.BAD_INPUT, Exit.NOT_READY)
    said = done.stdout + done.stderr
    assert key in said
    line = next(line for line in said.splitlines() if key in line)
    return line[line.find("host ") :]  # without the inventory's path, which differs for each test


def test_a_route_over_the_management_network_is_refused(fresh, lab, ssh):
    route = f"{lab.server.bench_address} via {lab.server.address} dev mgmt0"
    with changed(ssh, "client", f"ip route add {route}", f"ip route del {route}"):
        said, _ = refused(fresh)
    assert "client host: packets to the server's bench_address" in said
    assert "would leave by mgmt0, not by bench_interface bench0" in said
    faults.provoked("route over management", f"ip route add {route}", "refused", said)


def test_an_interface_that_is_not_there_is_named(fresh, inventory_with):
    options = inventory_with(server={"bench_interface": "enp9s9"})
    done = fresh.fab("link", options, check=False)
    assert done.returncode == Exit.NOT_READY
    assert "server host: bench_interface 'enp9s9' is none of its interfaces" in done.stderr
    assert "bench0" in done.stderr


def test_a_link_that_is_down_is_refused(fresh, ssh):
    with changed(ssh, "server", DOWN, UP):
        said, _ = refused(fresh)
    assert "server host: bench_interface bench0 is down or has no carrier" in said
    assert "client host: bench_interface bench0 is down or has no carrier" in said


@pytest.mark.parametrize(
    ("role", "port", "what", "way"),
    [
        ("server", 8080, "testbed_app_port", "from client"),
        ("server", 5001, "iperf", "from client"),
        ("client", 5001, "iperf", "from server"),
    ],
)
def test_a_firewall_is_found_before_iperf(fresh, lab, role, port, what, way):
    host = lab.server if role == "server" else lab.client
    with firewall(host, f"iifname bench0 tcp dport {port} drop;"):
        said, _ = refused(fresh)
    assert f"TCP port {port} ({what}) is closed {way} " in said
    assert f"to {role} ({host.bench_address})" in said
    assert "no answer within" in said
    faults.provoked("firewall on the link", f"nft drops {port} on the {role}", "refused", said)


def test_a_firewall_that_rejects_is_told_in_its_own_words(fresh, lab):
    rule = "iifname bench0 tcp dport 5001 reject with icmp type host-unreachable;"
    with firewall(lab.server, rule):
        said, _ = refused(fresh)
    assert "No route to host" in said


@pytest.mark.parametrize(("port", "what"), [(5001, "iperf"), (8080, "testbed_app_port")])
def test_a_port_that_another_program_holds_is_named(fresh, ssh, port, what):
    start = f"systemd-run --unit=squatter python3 -m http.server {port}"
    with changed(ssh, "server", start, "systemctl stop squatter"):
        wait_until(lambda: ssh("server", f"ss -Htln 'sport = :{port}'"), "it listens")
        said, _ = refused(fresh)
    assert f"server host: TCP port {port} ({what}) is held by another program: squatter.s" in said
    faults.provoked("port held by another program", start, "refused", said)


def test_a_link_down_within_a_run_is_invalid(verified, ssh):
    run = disturbed(verified, ssh, "server", DOWN, UP)
    assert "its carrier changed 2 times" in sentences(run, "link_steady")
    assert run["verdict"] == "invalid"
    faults.provoked_in("link down for 3 s in a run", f"{DOWN}; {UP}", run, "link_steady")


def test_a_carrier_lost_between_samples_is_invalid(verified, ssh):
    run = disturbed(verified, ssh, "client", DOWN, UP, seconds=0)
    assert "client: the data link did not stay as it was: its carrier" in sentences(
        run, "link_steady"
    )
    assert run["verdict"] == "invalid"


def test_an_address_gone_for_a_while_is_invalid(verified, lab, ssh):
    address = f"{lab.client.bench_address}/24 dev bench0"
    change, undo = f"ip address del {address}", f"ip address add {address}"
    run = disturbed(verified, ssh, "client", change, undo)
    assert "client: the data link did not stay as it was: its address was gone" in sentences(
        run, "link_steady"
    )
    assert run["verdict"] == "invalid"
    faults.provoked_in("address gone for 3 s in a run", change, run, "link_steady")


def test_a_route_over_management_for_a_while_is_invalid(verified, lab, ssh):
    route = f"{lab.client.bench_address} via {lab.client.address} dev mgmt0"
    change, undo = f"ip route add {route}", f"ip route del {route}"
    run = disturbed(verified, ssh, "server", change, undo)
    assert "packets would have taken another way" in sentences(run, "link_steady")
    assert run["verdict"] == "invalid"
    faults.provoked_in("route over management for 3 s in a run", change, run, "link_steady")


def test_an_mtu_changed_in_a_run_is_invalid(verified, ssh):
    mtu = "ip link set bench0 mtu {}"
    try:
        run, *_ = during_load(verified, ssh, lambda: ssh("server", f"sleep 2; {mtu.format(1400)}"))
    finally:
        ssh("server", mtu.format(1500))
    assert "MTU 1400 and 1500" in sentences(run, "link_steady")
    assert run["verdict"] == "invalid"


def test_dropped_packets_are_remarked(verified, ssh):
    """Send frames of a protocol that nobody uses there, which the kernel counts as dropped."""
    send = (
        "import socket; s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW); "
        "s.bind(('bench0', 0)); "
        "[s.send(b'\\xff' * 6 + b'\\x02' * 6 + b'\\x88\\xb5' + bytes(50)) for _ in range(5)]"
    )
    run, *_ = during_load(verified, ssh, lambda: ssh("client", f'sleep 1; python3 -c "{send}"'))
    assert "server: the data link's interface dropped 5 packets" in sentences(run, "link_drops")
    assert "link_drops" in checks(run, "valid")
    faults.provoked_in("few packets dropped in a run", "unknown protocol", run, "link_drops")


def test_a_dead_link_ends_the_campaign_which_can_go_on(verified, ssh):
    """Cut the link after the first run: the second must not use the management network."""
    (verified.results / "latest").unlink(missing_ok=True)
    asked = ONE | {"trials": 2}
    process = verified.start_fab(*FEW_WORKERS, *short(**asked))
    latest = verified.results / "latest"
    with changed(ssh, "client", "true", UP):
        wait_until(lambda: list(latest.glob("001-*/run.json")), "the first run is finished")
        ssh("client", DOWN)
        output, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == Exit.RUN_INTERRUPTED, output
    assert "bench0 is down or has no carrier" in output
    assert "--resume" in output
    folder = latest.resolve()
    first, second = (folder / run for run in _planned(folder))
    kept = (first / "run.json").read_text()
    assert json.loads((second / "run.json").read_text())["failure"]["interrupted"]
    verified.fab(*FEW_WORKERS, f"--resume={folder}")
    assert (first / "run.json").read_text() == kept
    assert [run["failure"] for run in records(folder)] == [None, None]
    said = output[output.index("error:") :].partition("; then go on")[0]
    faults.provoked("link dead before a run", DOWN, "interrupted", said)


def _planned(folder):
    return json.loads((folder / "campaign.json").read_text())["runs"]


def test_an_address_that_stays_away_ends_the_campaign(verified, lab, ssh):
    address = f"{lab.server.bench_address}/24 dev bench0"
    change = f"ip address del {address}"
    with changed(ssh, "server", "true", f"ip address replace {address}"):
        run, code, output = during_load(verified, ssh, lambda: ssh("server", change))
    assert code == Exit.RUN_INTERRUPTED, output
    assert run["failure"]["interrupted"]
    assert f"bench_address {lab.server.bench_address} is no address" in output
    faults.provoked_in("address removed in a run", change, run, "")


def test_a_firewall_that_came_after_the_verification_is_named_at_once(verified, lab):
    rule = "iifname bench0 tcp dport 8080 drop;"
    with firewall(lab.server, rule):
        run = the_run(verified, code=Exit.RUN_INTERRUPTED)
    assert run["failure"]["stage"] == "ready"
    assert run["failure"]["interrupted"]
    assert "TCP port 8080 (testbed_app_port) is closed from client" in run["failure"]["message"]
    faults.provoked_in("firewall drops 8080 before a run", rule, run, "")


def test_a_calibration_does_not_need_the_link(verified, ssh):
    options = ["--apps=flask", "--endpoints=index", "--duration=3", "--warmup=1", "--trials=1"]
    with changed(ssh, "client", DOWN, UP):
        folder = verified.campaign("run-calibration", *options)
    (run,) = records(folder)
    assert run["failure"] is None
    assert not {"link_steady", "link_errors", "link_drops"} & {
        finding["check"] for finding in run["findings"]
    }
