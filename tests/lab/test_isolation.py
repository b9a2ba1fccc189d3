"""Test with real sockets what lab hosts reach over the management link, and who reaches them."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from testbed.lab import command, control, host, names
from tests.lab.campaigns import wait_until

CONNECT = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 5).close()"
LISTEN = (
    "import socket; s = socket.create_server(('0.0.0.0', {port}))\nwhile 1: s.accept()[0].close()"
)
# A network of the machine that no lab knows, with one other machine in it
OUTSIDE, BESIDE_IT, PORT = "10.213.77.2", "10.213.77.1", 18022


@dataclass(frozen=True)
class Outside:
    """Another machine, in another network of this one: a namespace with a listener in it."""

    namespace: str

    def connects_to(self, address: str, port: int) -> bool:
        """Return whether a connection from there is accepted."""
        prefix = ["ip", "netns", "exec", self.namespace]
        return (
            command.run(
                [*prefix, sys.executable, "-c", CONNECT, address, str(port)], check=False
            ).returncode
            == 0
        )


def connects(lab: names.LabNames, role: str, address: str, port: int) -> bool:
    """Return whether a lab host gets a connection to an address."""
    one = lab.server if role == "server" else lab.client
    line = host.ssh_command(lab, one, "python3", "-", address, str(port))
    return command.run(line, text=CONNECT, check=False).returncode == 0


def pings(lab: names.LabNames, address: str, *options: str) -> bool:
    """Return whether the lab's client gets an answer from an address."""
    line = host.ssh_command(lab, lab.client, "ping", "-n", "-c1", "-W2", *options, address)
    return command.run(line, check=False).returncode == 0


def accepted(address: str, port: int) -> bool:
    """Return whether this machine itself gets a connection."""
    try:
        socket.create_connection((address, port), 5).close()
    except OSError:
        return False
    return True


@pytest.fixture(scope="module")
def other(lab: names.LabNames) -> Iterator[names.LabNames]:
    """A second lab beside the shared one."""
    name = f"{lab.name[:7].rstrip('-')}-2"
    try:
        control.up(name, print)
        yield names.lab(name)
    finally:
        control.down(name, print)


@pytest.fixture(scope="module")
def outside(lab: names.LabNames) -> Iterator[Outside]:
    """A machine in another network, with a route to the lab's hosts."""
    namespace, link = f"testbed-{lab.name}-outside", f"tbo-{lab.name}"
    inside = ["ip", "-n", namespace]
    command.run(["ip", "netns", "add", namespace])
    try:
        pair = ["ip", "link", "add", link, "type", "veth", "peer", "name", "eth0"]
        command.run([*pair, "netns", namespace])
        command.run(["ip", "address", "add", f"{BESIDE_IT}/30", "dev", link])
        command.run(["ip", "link", "set", link, "up"])
        command.run([*inside, "address", "add", f"{OUTSIDE}/30", "dev", "eth0"])
        command.run([*inside, "link", "set", "eth0", "up"])
        command.run([*inside, "route", "add", "default", "via", BESIDE_IT])
        listener = [
            "ip",
            "netns",
            "exec",
            namespace,
            sys.executable,
            "-c",
            LISTEN.format(port=PORT),
        ]
        with subprocess.Popen(listener) as process:
            try:
                wait_until(lambda: accepted(OUTSIDE, PORT), "the listener outside")
                yield Outside(namespace)
            finally:
                process.kill()
    finally:
        command.run(["ip", "netns", "delete", namespace])


@pytest.fixture
def own_service() -> Iterator[int]:
    """The port of a service of this machine that listens on all its addresses."""
    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as server:
        yield server.getsockname()[1]


def test_the_machine_itself_gets_in(lab, other):
    for one in (*lab.hosts, *other.hosts):
        assert host.answers(one)


def test_hosts_of_two_labs_do_not_reach_each_other(lab, other):
    for here, there in ((lab, other), (other, lab)):
        for one in there.hosts:
            assert not connects(here, "client", one.address, 22)
            assert not connects(here, "server", one.address, 22)
            assert not pings(here, one.address)
            assert not pings(here, one.bench_address)
        assert not connects(here, "server", there.gateway, 22)


def test_a_borrowed_address_does_not_lead_into_the_other_lab(lab, other):
    """Test that a host that takes an address of the other lab's network gets no answer either."""
    borrowed = other.gateway.rsplit(".", 1)[0] + ".99"
    namespace = ["ip", "-n", lab.client.machine]
    command.run([*namespace, "address", "add", f"{borrowed}/32", "dev", names.MANAGEMENT_INTERFACE])
    try:
        assert not pings(lab, lab.gateway, "-I", borrowed)
        assert not pings(lab, other.server.address, "-I", borrowed)
    finally:
        command.run(
            [*namespace, "address", "del", f"{borrowed}/32", "dev", names.MANAGEMENT_INTERFACE]
        )


def test_hosts_reach_no_other_network_of_the_machine(lab, outside):
    for one in lab.hosts:
        assert not connects(lab, one.role, OUTSIDE, PORT)
    assert not pings(lab, OUTSIDE)


def test_other_networks_reach_no_host(lab, outside):
    for one in lab.hosts:
        assert host.answers(one)
        assert not outside.connects_to(one.address, 22)


def machines_addresses(lab: names.LabNames) -> list[str]:
    """Return every address of this machine, as a host of the lab would write it."""
    found = []
    for interface in json.loads(command.output(["ip", "-j", "address"])):
        for address in interface["addr_info"]:
            if interface["ifname"] == "lo":
                continue
            if address["scope"] != "link":
                found.append(address["local"])
            elif interface["ifname"] == lab.bridge:
                found.append(f"{address['local']}%{names.MANAGEMENT_INTERFACE}")
    return found


def test_hosts_reach_no_service_of_the_machine(lab, outside, own_service):
    addresses = machines_addresses(lab)
    assert {lab.gateway, BESIDE_IT} <= set(addresses)
    assert outside.connects_to(BESIDE_IT, own_service)  # the service really listens there
    for address in addresses:
        assert not connects(lab, "client", address, own_service), address


def test_the_data_link_is_as_direct_as_before(lab):
    assert pings(lab, lab.server.bench_address)
