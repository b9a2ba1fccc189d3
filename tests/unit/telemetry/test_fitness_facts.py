"""Facts on being fit, read from folders laid out as the kernel lays them out."""

import json
import os
import subprocess
import sys

import pytest

from telemetry import card, fitness
from telemetry.tree import Tree
from testbed.fitness import HostFacts

CPU = "sys/devices/system/cpu"
FIRST = min(os.sched_getaffinity(0))

FEATURES = """\
Features for bench0:
rx-checksumming: on
tx-checksumming: on
	tx-checksum-ipv4: off [fixed]
	tx-checksum-ip-generic: on
scatter-gather: on
tcp-segmentation-offload: on
	tx-tcp-segmentation: on
generic-segmentation-offload: on
generic-receive-offload: off
large-receive-offload: off [fixed]
rx-vlan-offload: on
"""  # ethtool -k bench0, ethtool 6.1, a veth
RINGS = """\
Ring parameters for eth0:
Pre-set maximums:
RX:		256
RX Mini:	n/a
RX Jumbo:	n/a
TX:		256
Current hardware settings:
RX:		256
RX Mini:	n/a
RX Jumbo:	n/a
TX:		256
RX Buf Len:		n/a
CQE Size:		n/a
TX Push:	off
TCP data split:	n/a
"""  # ethtool -g eth0, ethtool 6.1, virtio_net
TCP = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0AF312C6:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 58970 1
   1: 0AF313C6:0016 14F313C6:9C40 01 00000000:00000000 00:00000000 00000000     0        0 58971 1
"""  # /proc/net/tcp
TCP6 = """\
  sl  local_address                         remote_address                        st tx_queue
   0: 00000000000000000000000000000000:0016 00000000000000000000000000000000:0000 0A
   1: 00000000000000000000000001000000:0CEA 00000000000000000000000000000000:0000 0A
"""  # /proc/net/tcp6
ROUTE = (
    '[{"dst":"198.19.243.20","dev":"bench0","prefsrc":"198.19.243.10","flags":[],"uid":0,'
    '"cache":[]}]'
)  # ip -json route get 198.19.243.20
TIMEDATECTL = """\
Timezone=Etc/UTC
LocalRTC=no
CanNTP=no
NTP=no
NTPSynchronized=no
TimeUSec=Fri 2026-11-27 00:38:45 UTC
"""  # timedatectl show


@pytest.fixture
def tree(tmp_path):
    """Writes files below a root of their own; reads them."""

    def write(files):
        for path, text in files.items():
            file = tmp_path / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(f"{text}\n")
        return Tree(tmp_path)

    return write


def for_every_cpu(**files):
    return {
        f"{CPU}/cpu{number}/{path.replace('__', '/')}": text
        for number in os.sched_getaffinity(0)
        for path, text in files.items()
    }


def test_the_cpus_of_a_server(tree):
    found = fitness.cpu(
        tree(
            for_every_cpu(
                cpufreq__scaling_governor="performance",
                cpufreq__scaling_driver="intel_pstate",
                cpufreq__scaling_cur_freq=2890000,
                cpufreq__base_frequency=2900000,
                cpufreq__cpuinfo_max_freq=4100000,
                cpuidle__state0__name="POLL",
                cpuidle__state0__latency=0,
                cpuidle__state0__disable=0,
                cpuidle__state1__name="C6",
                cpuidle__state1__latency=133,
                cpuidle__state1__disable=1,
                thermal_throttle__core_throttle_count=2,
            )
            | {
                f"{CPU}/intel_pstate/no_turbo": 1,
                f"{CPU}/smt/control": "on",
                f"{CPU}/smt/active": 1,
                "sys/devices/system/node/node0/cpulist": "0-1",
                "sys/devices/system/node/node1/cpulist": "2-3",
            }
        )
    )
    assert found["governors"] == ["performance"]
    assert (found["driver"], found["turbo"]) == ("intel_pstate", False)
    assert (found["smt"], found["smt_active"], found["numa_nodes"]) == ("on", 1, 2)
    assert (found["mhz"], found["full_mhz"]) == (2890, 2900)
    assert found["thermal_throttles"] == 2 * found["usable"]
    assert found["idle_states"] == [
        {"name": "POLL", "latency_us": 0, "disabled": False},
        {"name": "C6", "latency_us": 133, "disabled": True},
    ]


def test_what_the_kernel_does_not_tell_is_none(tree):
    found = fitness.cpu(tree({}))
    assert {key for key, value in found.items() if value is not None} == {"usable"}
    assert fitness.memory(tree({}))["swaps"] is None
    assert fitness.memory(tree({}))["huge_pages"] is None
    assert fitness.listeners(8080, tree({})) is None
    assert fitness.power(tree({})) == {"battery": None, "mains": None, "profile": None}
    assert card.card("enp3s0", tree({})) is None
    unknown = {"services": None, "tracked": None, "tracked_most": None}
    assert fitness.firewall(tree({}), None) == unknown


def test_giving_a_cpu_work_leaves_this_process_on_its_cpus(tree):
    before = os.sched_getaffinity(0)
    assert fitness.busy_mhz(tree({}), FIRST) is None
    assert os.sched_getaffinity(0) == before


@pytest.mark.parametrize(("value", "on"), [(1, True), (0, False)])
def test_turbo_of_other_drivers(tree, value, on):
    assert fitness.turbo(tree({f"{CPU}/cpufreq/boost": value})) is on


def test_memory(tree):
    swaps = "Filename\tType\tSize\tUsed\tPriority\n/dev/sda2 partition\t1000\t20\t-2"
    found = fitness.memory(
        tree(
            {
                "proc/swaps": swaps,
                "sys/kernel/mm/transparent_hugepage/enabled": "always [madvise] never",
            }
        )
    )
    assert found["swaps"] == [{"path": "/dev/sda2", "size_bytes": 1024000, "used_bytes": 20480}]
    assert found["huge_pages"] == "madvise"


def test_the_clock():
    told = fitness.clock({"sh", "systemd-timesyn"}, TIMEDATECTL)
    assert told == {"synchronised": False, "keeper": "systemd-timesyncd"}
    assert fitness.clock(set(), None) == {"synchronised": None, "keeper": None}


def test_listeners_on_a_port(tree):
    found = tree({"proc/net/tcp": TCP, "proc/net/tcp6": TCP6})
    assert fitness.listeners(22, found) == ["198.18.243.10", "::"]
    assert fitness.listeners(3306, found) == ["::1"]
    assert fitness.listeners(8080, found) == []
    assert fitness.listeners(22, tree({"proc/net/tcp6": "header"})) == ["198.18.243.10"]


def test_the_firewall(tree):
    found = tree(
        {"etc/ufw/ufw.conf": "ENABLED=yes", "proc/sys/net/netfilter/nf_conntrack_count": 3}
    )
    units = "nftables.service loaded active exited nftables\n"
    told = fitness.firewall(found, units)
    assert told == {"services": ["nftables", "ufw"], "tracked": 3, "tracked_most": None}


def test_power(tree):
    plugged = {"AC/type": "Mains", "AC/online": 0, "BAT0/type": "Battery"}
    found = tree({f"sys/class/power_supply/{path}": text for path, text in plugged.items()})
    assert fitness.power(found) == {"battery": True, "mains": False, "profile": None}


def test_the_card(tree):
    net = "sys/class/net/enp3s0"
    found = card.card(
        "enp3s0",
        tree(
            {
                f"{net}/operstate": "up",
                f"{net}/speed": 1000,
                f"{net}/duplex": "full",
                f"{net}/mtu": 1500,
                f"{net}/device/numa_node": 0,
                f"{net}/device/msi_irqs/9": "msix",
                f"{net}/device/msi_irqs/41": "msix",
                f"{net}/statistics/rx_errors": 3,
                "proc/irq/9/smp_affinity_list": "0-3",
                "proc/irq/41/effective_affinity_list": 2,
            }
        ),
    )
    assert (found["state"], found["speed_mbit_per_s"], found["duplex"]) == ("up", 1000, "full")
    assert found["irqs"] == {"9": "0-3", "41": "2"}
    assert found["errors"]["rx_errors"] == 3
    assert found["errors"]["tx_errors"] is None


def test_a_virtual_interfaces_speed_is_made_up(tree):
    net = "sys/class/net/bench0"
    found = card.card("bench0", tree({f"{net}/operstate": "up", f"{net}/speed": 10000}))
    assert (found["real"], found["speed_mbit_per_s"], found["irqs"]) == (False, None, None)


def test_what_ethtool_says():
    on = card.offloads(FEATURES)
    assert on["tcp-segmentation-offload"]
    assert not on["generic-receive-offload"]
    assert "tx-checksum-ipv4" not in on
    assert card.offloads(None) is None
    assert card.rings(RINGS) == {"rx": {"most": 256, "now": 256}, "tx": {"most": 256, "now": 256}}
    assert card.rings(None) is card.rings("n/a") is None


def test_the_way_to_the_other_host():
    assert card.route("198.19.243.20", ROUTE) == {
        "peer": "198.19.243.20",
        "interface": "bench0",
        "source": "198.19.243.10",
        "gateway": None,
    }
    for printed in (None, "", "[]", "{}", "7", "RTNETLINK answers: Network is unreachable"):
        assert card.route("198.19.243.20", printed) is None


def test_a_tool_that_is_missing_or_fails_says_nothing():
    assert card.output("no-such-tool-at-all") is None
    assert card.output("sh", "-c", "echo x; exit 3") is None
    assert card.output("sh", "-c", "printf '\\377'") == "\ufffd"


def test_what_this_host_says_is_what_the_control_side_reads():
    command = [sys.executable, "-m", "telemetry", "fitness", "--interface=lo", "--peer=127.0.0.1"]
    done = subprocess.run(
        [*command, "--port=8080", "--folder=/", "--window=0.05"],
        capture_output=True,
        text=True,
        check=True,
    )
    told = HostFacts.model_validate(json.loads(done.stdout))
    assert told.card is not None
    assert told.disks["/"] is not None
    assert told.route is not None
