"""Whether packets take the link: what hosts show, and the sentence that it gives."""

import pytest

from testbed.hosts import linkproof, ports
from testbed.hosts.linkproof import Interface, Look
from testbed.model.inventory import Host
from testbed.model.link import Carried, LinkRecord, LinkState, Nic
from testbed.model.tool_output import Flow

SERVER = Host(
    role="server",
    name="box-1",
    ansible_host="192.0.2.10",
    bench_address="198.18.0.1",
    bench_interface="enp3s0",
)
CLIENT = SERVER.model_copy(
    update={"role": "client", "ansible_host": "192.0.2.20", "bench_address": "198.18.0.2"}
)
STATE = LinkState(
    interface="enp3s0",
    up=True,
    carrier_changes=2,
    speed_mbit_per_s=1000,
    full_duplex=True,
    mtu=1500,
    addresses=["198.18.0.1", "fe80::1"],
    route_by="enp3s0",
    peer_answers=True,
    rx_errors=0,
    tx_errors=0,
    rx_dropped=0,
    tx_dropped=0,
)


def interface(*addresses, mac="02:00:00:00:00:01", rx=0, tx=0, below=()):
    return Interface(
        addresses=list(addresses), mac=mac, below=list(below), rx_bytes=rx, tx_bytes=tx
    )


def looks(server=None, client=None):
    """Looks at two sound hosts, with some of their states and interfaces changed."""
    ends = {}
    for host, peer_mac, own_mac, changes in (
        (SERVER, "02:00:00:00:00:02", "02:00:00:00:00:01", server or {}),
        (CLIENT, "02:00:00:00:00:01", "02:00:00:00:00:02", client or {}),
    ):
        interfaces = {
            "enp3s0": interface(host.bench_address, mac=own_mac),
            "eno1": interface(host.ansible_host, mac="02:00:00:00:01:00"),
        }
        changes = {"addresses": [host.bench_address]} | changes
        ends[host.role] = Look(
            state=STATE.model_copy(
                update={k: v for k, v in changes.items() if k in LinkState.model_fields}
            ),
            peer_mac=changes.get("peer_mac", peer_mac),
            interfaces=interfaces | changes.get("interfaces", {}),
        )
    return ends


def sentences(seen, server=SERVER, client=CLIENT):
    return [
        one.sentence for one in linkproof.way_problems({"server": server, "client": client}, seen)
    ]


def test_a_sound_link_gives_no_sentence():
    assert sentences(looks()) == []


@pytest.mark.parametrize(
    ("client", "words"),
    [
        ({"up": False}, "client host: bench_interface enp3s0 is down or has no carrier"),
        (
            {"addresses": [], "interfaces": {"eno1": interface("198.18.0.2")}},
            "bench_address 198.18.0.2 is no address of bench_interface enp3s0, "
            "which has no address",
        ),
        (
            {"route_by": "eno1"},
            "client host: packets to the server's bench_address 198.18.0.1 would leave by eno1, "
            "not by bench_interface enp3s0",
        ),
        ({"route_by": None}, "bench_address 198.18.0.1 have no route, not by"),
        ({"peer_answers": False}, "198.18.0.1 does not answer a ping over enp3s0"),
        (
            {"peer_mac": "02:00:00:00:00:99"},
            "198.18.0.1 is answered on enp3s0 by 02:00:00:00:00:99, but server's bench_interface",
        ),
    ],
)
def test_what_is_wrong_with_one_end_is_said_once(client, words):
    (sentence,) = sentences(looks(client=client))
    assert words in sentence


def test_an_address_on_another_interface_is_found():
    moved = {
        "addresses": ["192.0.2.20"],
        "interfaces": {
            "enp3s0": interface(mac="02:00:00:00:00:02"),
            "eno1": interface("192.0.2.20", "198.18.0.2"),
        },
    }
    (sentence,) = sentences(looks(client=moved))
    assert "which has 192.0.2.20 (eno1 has it)" in sentence


def test_swapped_hosts_and_equal_addresses_have_sentences_of_their_own():
    swapped = looks(
        server={"addresses": ["198.18.0.2"], "interfaces": {"enp3s0": interface("198.18.0.2")}},
        client={"addresses": ["198.18.0.1"], "interfaces": {"enp3s0": interface("198.18.0.1")}},
    )
    (sentence,) = sentences(swapped)
    assert "server and client are swapped: the host at 192.0.2.10 has the client's" in sentence
    (sentence,) = sentences(
        looks(), client=CLIENT.model_copy(update={"bench_address": "198.18.0.1"})
    )
    assert "server and client both have bench_address 198.18.0.1" in sentence


@pytest.mark.parametrize(
    ("asked", "speeds", "floor", "reason"),
    [
        (None, [1000, 1000], 885, "94% of what TCP carries at the slower card's 1000 Mbit/s"),
        (None, [10000, 2500], 2212.5, "94% of what TCP carries at the slower card's 2500 Mbit/s"),
        (None, [None, 10000], 900, "does not tell"),
        (None, [None, None], 900, "does not tell"),
        (500, [1000, 1000], 500, "testbed_link_floor_mbit_per_s in the inventory"),
    ],
)
def test_the_floor_and_why(asked, speeds, floor, reason):
    least, why = linkproof.floor(asked, speeds)
    assert least == floor
    assert reason in why


def test_what_interfaces_carried():
    def seen(rx, tx, elsewhere):
        return Look(
            state=STATE,
            peer_mac=None,
            interfaces={
                "lo": interface(rx=9 * rx, tx=9 * tx),
                "enp3s0": interface(rx=rx, tx=tx, below=["enp3s0.card"]),
                "enp3s0.card": interface(rx=rx, tx=tx),
                "eno1": interface(rx=elsewhere, tx=elsewhere),
            },
        )

    assert linkproof.carried(SERVER, seen(5, 7, 1), seen(105, 207, 11)) == [
        Carried(interface="enp3s0", rx_bytes=100, tx_bytes=200),
        Carried(interface="eno1", rx_bytes=10, tx_bytes=10),
    ]
    gone = Look(state=STATE, peer_mac=None, interfaces={})
    assert linkproof.carried(SERVER, gone, gone) == [
        Carried(interface="enp3s0", rx_bytes=0, tx_bytes=0)
    ]


def flows(sent, received):
    return [
        Flow(stream="1", direction="sent", duration_s=1, mbit_per_s=1, bytes=sent),
        Flow(stream="2", direction="received", duration_s=1, mbit_per_s=1, bytes=received),
    ]


def counted(rx, tx, elsewhere=0):
    return [
        Carried(interface="enp3s0", rx_bytes=rx, tx_bytes=tx),
        Carried(interface="eno1", rx_bytes=elsewhere, tx_bytes=0),
    ]


def test_counters_that_agree_with_iperf_prove_the_way():
    seen = {"server": counted(101e6, 201e6), "client": counted(201e6, 101e6)}
    assert linkproof.carried_problems(flows(100_000_000, 200_000_000), seen) == []


def test_counters_that_saw_less_than_iperf_are_told():
    seen = {"server": counted(1e6, 201e6, elsewhere=101e6), "client": counted(201e6, 101e6)}
    problems = linkproof.carried_problems(flows(100_000_000, 200_000_000), seen)
    told = " | ".join(one.sentence for one in problems)
    assert "server host: of 100 MB that iperf received, bench_interface enp3s0 received 1" in told
    assert "eno1 carried 101 MB" in told


def test_another_speed_than_verified_is_told():
    nics = {
        "server": Nic(interface="enp3s0", speed_mbit_per_s=1000, full_duplex=True, mtu=1500),
        "client": Nic(interface="enp3s0", speed_mbit_per_s=None, full_duplex=None, mtu=1500),
    }
    verified = LinkRecord.model_construct(nics=nics)
    slow = STATE.model_copy(update={"speed_mbit_per_s": 100})
    assert linkproof.speed_problem("server", STATE, verified) is None
    assert linkproof.speed_problem("client", slow, verified) is None
    problem = linkproof.speed_problem("server", slow, verified)
    assert problem is not None
    assert "enp3s0 runs at 100 Mbit/s, and ran at 1000" in problem.message


# as `ss -Htlnpe` of iproute2 6.1 prints them
NGINX = "LISTEN 0 511 0.0.0.0:8080 0.0.0.0:* ino:1 sk:1 cgroup:/system.slice/nginx.service <->"
OWN = 'LISTEN 0 5 198.18.0.1:8080 0.0.0.0:* users:(("python3",pid=123,fd=3)) uid:1001 ino:1 <->'
LOOPBACK = "LISTEN 0 5 127.0.0.1:8080 0.0.0.0:* uid:33 ino:1 sk:2 cgroup:/a.service <->"
MAPPED = "LISTEN 0 100 [::ffff:198.18.0.1]:8080 *:* uid:34 ino:1 sk:2 v6only:0 <->"  # as of Java
ANY6 = "LISTEN 0 5 *:8080 *:* uid:33 ino:1 sk:2 v6only:0 <->"


@pytest.mark.parametrize(
    ("line", "name"),
    [
        (NGINX, "nginx.service"),
        (OWN, "python3 (process 123)"),
        (ANY6, "one of user id 33"),
        (MAPPED, "one of user id 34"),
        (LOOPBACK, None),
        ("welcome", None),
    ],
)
def test_who_holds_a_port(line, name):
    assert ports.holder_in([line], "198.18.0.1") == name


def test_an_address_of_ipv4_is_served_by_a_socket_of_ipv6_that_has_it():
    assert ports.serves("[::ffff:198.18.0.1]:8080", "198.18.0.1:8080")
    assert not ports.serves("[::ffff:127.0.0.1]:8080", "198.18.0.1:8080")
