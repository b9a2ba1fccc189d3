"""Test the lab as a user gets it: what its hosts are, and what `up` and `down` leave behind."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from testbed.errors import TestbedError
from testbed.host_roles import ROLES
from testbed.lab import cgroups, command, control, cpus, host, names, roots
from tests.lab import machine_snapshot

NAME = "tlab"
PROJECT = Path(__file__).resolve().parent.parent.parent
DEADLINE_S = 300

# --- what the hosts are (on the lab that all tests share) -----------------------------------------


def inside(lab: names.LabNames, role: str, *words: str) -> str:
    """Return what a command prints on the host."""
    one = lab.server if role == "server" else lab.client
    return command.run(host.ssh_command(lab, one, *words), timeout_s=120).stdout.strip()


def on_both(lab: names.LabNames, *words: str) -> list[str]:
    return [inside(lab, role, *words) for role in ROLES]


def test_hosts_have_booted_without_a_failed_unit(lab):
    failed = ["systemctl", "list-units", "--failed", "--plain", "--no-legend"]
    assert on_both(lab, *failed) == ["", ""]
    assert on_both(lab, "systemctl", "is-system-running") == ["running", "running"]


def test_each_host_is_a_machine_of_its_own(lab):
    assert on_both(lab, "hostname") == [f"{lab.name}-server", f"{lab.name}-client"]
    for identity in ("/etc/machine-id", "/proc/sys/kernel/random/boot_id"):
        server, client = on_both(lab, "cat", identity)
        assert server != client
        assert server != Path(identity).read_text().strip()


def test_data_link_is_shaped_like_gigabit_on_both_ends(lab):
    for listing in on_both(lab, "tc", "-j", "qdisc", "show", "dev", names.BENCH_INTERFACE):
        (queue,) = json.loads(listing)
        assert queue["kind"] == "tbf"
        assert queue["options"]["rate"] == 1_000_000_000 / 8


def test_hosts_reach_each_other_over_the_data_link(lab):
    route = inside(lab, "client", "ip", "-j", "route", "get", lab.server.bench_address)
    assert json.loads(route)[0]["dev"] == names.BENCH_INTERFACE
    assert "1 received" in inside(lab, "client", "ping", "-c1", lab.server.bench_address)


def test_the_data_link_carries_no_more_than_a_gigabit(lab):
    """Measure, by the receiver's counter, what the shaped queue lets through in a second."""
    receive = "import socket; s = socket.create_server(('{0}', 5999)); c, _ = s.accept()\n"
    receive += "while c.recv(1 << 20): pass"
    send = "import socket, time; s = socket.create_connection(('{0}', 5999)); n = 0\n"
    send += "t = time.monotonic()\nwhile time.monotonic() < t + 2: n += s.send(bytes(1 << 16))\n"
    send += "s.shutdown(1); s.recv(1); print(8 * n / (time.monotonic() - t) / 1e6)"
    server = host.ssh_command(lab, lab.server, "python3", "-")
    with subprocess.Popen(server, stdin=subprocess.PIPE, text=True) as receiver:
        receiver.stdin.write(receive.format(lab.server.bench_address))
        receiver.stdin.close()
        until(lambda: "5999" in inside(lab, "server", "ss", "-ltn"))
        client = host.ssh_command(lab, lab.client, "python3", "-")
        sent = command.run(client, text=send.format(lab.server.bench_address))
        assert receiver.wait(DEADLINE_S) == 0
    assert 0 < float(sent.stdout) < 1000  # `fab link` judges how near it comes


def test_server_and_client_run_on_different_cpus(lab):
    split = cpus.split(cpus.usable_cores())
    pinned = [list(one.cpus or []) for one in control.status(lab.name).hosts]
    assert sorted(pinned) == sorted(split or ([], []))
    for one, expected in zip(lab.hosts, pinned, strict=True):
        pids = cgroups.processes(one.machine)
        assert pids
        allowed = set()
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):  # the process has ended meanwhile
                allowed.add(frozenset(os.sched_getaffinity(pid)))
        assert allowed == {frozenset(expected or os.sched_getaffinity(0))}


def test_network_settings_can_be_written_and_stay_in_the_host(lab):
    key = "/proc/sys/net/ipv4/tcp_fin_timeout"
    outside = Path(key).read_text()
    server, client = on_both(lab, "cat", key)  # a provisioned lab is tuned already
    inside(lab, "server", "sysctl", "-q", "-w", "net.ipv4.tcp_fin_timeout=17")
    try:
        assert on_both(lab, "cat", key) == ["17", client]
        assert Path(key).read_text() == outside
    finally:
        inside(lab, "server", "sysctl", "-q", "-w", f"net.ipv4.tcp_fin_timeout={server}")


def test_the_distribution_s_archive_is_reached_from_inside(lab):
    assert "Err:" not in inside(lab, "client", "apt-get", "update")
    assert inside(lab, "client", "apt-get", "install", "-y", "--reinstall", "netbase")


def test_management_goes_another_way_than_load(lab):
    for one in lab.hosts:
        listening = inside(lab, one.role, "ss", "-Hltn", "sport", "=", "22")
        assert re.findall(r"\S+:22\b", listening) == [f"{one.address}:22"]


def test_nobody_but_root_may_read_the_keys(lab):
    assert lab.folder.stat().st_mode & 0o777 == 0o700
    assert lab.private_key.stat().st_mode & 0o777 == 0o600


def test_ansible_reaches_the_hosts_through_the_inventory(lab):
    program = Path(sys.executable).with_name("ansible")
    ping = [str(program), "-i", "inventory/lab", "server,client", "-m", "ansible.builtin.ping"]
    environment = os.environ | {names.NAME_VARIABLE: lab.name, "ANSIBLE_NOCOLOR": "1"}
    done = subprocess.run(
        ping, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("| SUCCESS") == 2


# --- up and down (on a lab of their own) ----------------------------------------------------------


def until(condition: Callable[[], bool]) -> None:
    """Wait until the condition holds."""
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


@pytest.fixture
def nothing_left() -> Iterator[names.LabNames]:
    """The lab `tlab`, not up. Whatever the test does, `down` must leave nothing of it."""
    control.down(NAME, print)
    before = machine_snapshot.take(NAME)
    yield names.lab(NAME)
    control.down(NAME, print)
    assert machine_snapshot.take(NAME) - before == set()
    assert before - machine_snapshot.take(NAME) == set()


def test_up_twice_status_and_down_twice(nothing_left):
    said: list[str] = []
    control.up(NAME, said.append)
    hosts = [cgroups.processes(one.machine) for one in nothing_left.hosts]
    assert control.status(NAME).state == "up"
    said.clear()
    control.up(NAME, said.append)
    assert said == ["lab 'tlab' is up"]
    for one, earlier in zip(nothing_left.hosts, hosts, strict=True):
        assert min(earlier) in cgroups.processes(one.machine)
    control.down(NAME, said.append)
    assert control.status(NAME).state == "down"
    control.down(NAME, said.append)
    assert said[-1] == "lab 'tlab' is not there"


def test_two_ups_at_once_make_one_lab(nothing_left):
    command_line = [sys.executable, "-m", "testbed.lab", "up", "--name", NAME]
    both = [
        subprocess.Popen(command_line, cwd=PROJECT, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = [one.communicate(timeout=DEADLINE_S)[0] for one in both]
    assert [one.returncode for one in both] == [0, 0]
    assert sum("booting the hosts" in words for words in said) == 1


def with_files(lab: names.LabNames) -> bool:
    return lab.private_key.exists()


def linked(lab: names.LabNames) -> bool:
    return Path("/run/netns", lab.server.machine).exists()


def booting(lab: names.LabNames) -> bool:
    return host.is_running(lab.client)


def kill_up_when(reached: Callable[[names.LabNames], bool], lab: names.LabNames) -> None:
    """Start `up` and kill it at the given moment, without a chance to clean up."""
    with subprocess.Popen(
        [sys.executable, "-m", "testbed.lab", "up", "--name", NAME], cwd=PROJECT
    ) as process:
        until(lambda: reached(lab) or process.poll() is not None)
        assert process.poll() is None, "it was done before it could be killed"
        process.kill()


@pytest.mark.parametrize("reached", [with_files, linked, booting])
def test_down_after_a_killed_up_leaves_nothing(nothing_left, reached):
    kill_up_when(reached, nothing_left)
    assert control.status(NAME).state == "partial"


def test_up_after_a_killed_up_and_after_a_host_died(nothing_left):
    kill_up_when(booting, nothing_left)
    control.up(NAME, print)
    assert control.status(NAME).state == "up"

    cgroups.send(nothing_left.client.machine, signal.SIGKILL)
    until(lambda: not host.is_running(nothing_left.client))
    assert control.status(NAME).state == "partial"
    control.up(NAME, print)
    assert control.status(NAME).state == "up"


def test_a_host_that_does_not_boot_is_told_by_its_console(nothing_left, monkeypatch):
    real = host._nspawn

    def without_system(one, *rest):
        elsewhere = f"--directory={one.folder}"  # that folder has no operating system
        return real(one, *rest) + ([elsewhere] if one.role == "client" else [])

    monkeypatch.setattr(host, "_nspawn", without_system)
    with pytest.raises(
        TestbedError, match=r"tlab-client ended while booting(.*\n)+.*OS root directory"
    ):
        control.up(NAME, print)


def test_hosts_whose_files_cannot_be_layered_are_copies(nothing_left, monkeypatch):
    monkeypatch.setattr(roots, "_can_be_joined", lambda image, one: False)
    control.up(NAME, print)
    assert (nothing_left.server.root / "etc/hostname").read_text() == "tlab-server\n"
    assert inside(nothing_left, "server", "stat", "-c", "%a:%U", "/etc", "/root") == (
        "755:root\n700:root"
    )


@pytest.mark.parametrize("family", ["ip", "inet"])
def test_a_firewall_that_drops_what_is_forwarded_lets_the_lab_through(family):
    """Test it in a network namespace of its own; the machine's firewall is not touched."""
    steps = [
        "from testbed.lab import command, names, network",
        "lab = names.lab('tlab')",
        f"table = 'table {family} theirs {{ chain FORWARD {{ type filter hook forward '",
        "table += 'priority filter; policy drop; counter; }; }'",
        "command.run(['nft', '-f', '-'], text=table)",
        "network.pass_foreign_chains(lab)",
        f"print(command.output(['nft', 'list', 'table', '{family}', 'theirs']), '---')",
        "network.remove(lab)",
        f"print(command.output(['nft', 'list', 'table', '{family}', 'theirs']))",
    ]
    program = [sys.executable, "-c", "\n".join(steps)]
    done = subprocess.run(
        ["unshare", "--net", *program], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    during, after = done.stdout.split("---")
    rules = [line.strip() for line in during.splitlines() if "tb-tlab" in line]
    assert sorted(rule.split()[0] for rule in rules) == ["iifname", "oifname"]
    assert all('accept comment "testbed-tlab"' in rule for rule in rules)
    assert during.index("tb-tlab") < during.index("counter")  # the lab's rule comes first
    assert "tb-tlab" not in after
    assert "counter" in after


def test_down_names_a_process_that_keeps_it_from_ending(nothing_left):
    control.up(NAME, print)
    namespace = nothing_left.server.machine
    stranger = subprocess.Popen(["ip", "netns", "exec", namespace, "sleep", "300"])
    try:
        until(lambda: str(stranger.pid) in command.output(["ip", "netns", "pids", namespace]))
        with pytest.raises(TestbedError, match=rf"process {stranger.pid} in it"):
            control.down(NAME, print)
    finally:
        stranger.kill()
        stranger.wait()


def test_a_killed_image_build_leaves_no_process_and_no_mount(tmp_path):
    """Use a stand-in for the tool, in the real process and mount namespaces."""
    tool = tmp_path / "mmdebstrap"
    tool.write_text(f"#!/bin/sh\nmount -t tmpfs none {tmp_path}\ntouch {tmp_path}/on\nsleep 300\n")
    tool.chmod(0o755)
    bounded = "from testbed.lab import image; import subprocess\n"
    bounded += "subprocess.run([*image.BOUNDED, 'mmdebstrap'])"
    marker = str(tmp_path / "mmdebstrap")
    with subprocess.Popen(
        [sys.executable, "-c", bounded],
        cwd=PROJECT,
        env=os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"},
    ) as process:
        until(lambda: marker in command.output(["ps", "-wweo", "args"]))
        process.kill()
    until(lambda: marker not in command.output(["ps", "-wweo", "args"]))
    assert str(tmp_path) not in Path("/proc/self/mountinfo").read_text()
