"""What four kinds of host say of themselves: a server, a laptop, a virtual machine, a lab host."""

import copy

GB = 10**9
SERVER = {
    "cpu": {
        "usable": 32,
        "governors": ["performance"],
        "driver": "acpi-cpufreq",
        "turbo": False,
        "smt": "on",
        "smt_active": 1,
        "idle_states": [
            {"name": "POLL", "latency_us": 0, "disabled": False},
            {"name": "C1", "latency_us": 1, "disabled": False},
            {"name": "C6", "latency_us": 400, "disabled": True},
        ],
        "numa_nodes": 2,
        "thermal_throttles": 0,
        "quota_periods": 0,
        "quota_throttles": 0,
        "mhz": 2890.0,
        "full_mhz": 2900.0,
    },
    "memory": {
        "total_bytes": 128 * GB,
        "available_bytes": 120 * GB,
        "swaps": [],
        "huge_pages": "madvise",
        "defrag": "madvise",
    },
    "disks": {
        "/opt/testbed": {"free_bytes": 90 * GB, "total_bytes": 200 * GB},
        "/run/testbed": {"free_bytes": 10 * GB, "total_bytes": 12 * GB},
    },
    "clock": {"synchronised": True, "keeper": "chrony"},
    "kernel": "6.1.0-28-amd64",
    "load": {
        "window_s": 0.5,
        "cpus": 32,
        "cpu_percent": 0.4,
        "run_queue": 0.1,
        "governor": "performance",
        "busiest": [],
    },
    "card": {
        "interface": "enp3s0",
        "real": True,
        "driver": "ixgbe",
        "state": "up",
        "speed_mbit_per_s": 10000,
        "duplex": "full",
        "mtu": 1500,
        "numa_node": 1,
        "errors": {"rx_errors": 0, "tx_errors": 0, "rx_dropped": 0, "tx_dropped": 0},
        "carrier_changes": 2,
        "offloads": {
            "tcp-segmentation-offload": True,
            "generic-segmentation-offload": True,
            "generic-receive-offload": True,
            "rx-checksumming": True,
            "tx-checksumming": True,
        },
        "rings": {"rx": {"now": 512, "most": 4096}, "tx": {"now": 512, "most": 4096}},
        "irqs": {"41": "0", "42": "1", "43": "2"},
    },
    "addresses": ["198.18.0.1", "fe80::1"],
    "route": {
        "peer": "198.18.0.2",
        "interface": "enp3s0",
        "source": "198.18.0.1",
        "gateway": None,
    },
    "irqbalance": False,
    "open_files": {"limit": 1048576, "used": 3000, "most": 9223372036854775807},
    "listeners": {"5001": [], "8080": []},
    "firewall": {"services": [], "tracked": None, "tracked_most": None},
    "container": "",
    "vm": "",
    "power": {"battery": False, "mains": None, "profile": None},
}


def changed(facts, **changes):
    """The facts with other values: `cpu__turbo=True` changes the key turbo of the part cpu."""
    result = copy.deepcopy(facts)
    for path, value in changes.items():
        *parts, last = path.split("__")
        place = result
        for part in parts:
            place = place[part]
        place[last] = value
    return result


LAPTOP = changed(
    SERVER,
    cpu__usable=8,
    cpu__governors=["powersave"],
    cpu__driver="intel_pstate",
    cpu__turbo=True,
    cpu__numa_nodes=1,
    cpu__thermal_throttles=311,
    cpu__idle_states=[{"name": "C10", "latency_us": 890, "disabled": False}],
    cpu__mhz=1100.0,
    memory__huge_pages="always",
    memory__swaps=[{"path": "/dev/dm-2", "size_bytes": 8 * GB, "used_bytes": 10**6}],
    card__driver="r8169",
    card__speed_mbit_per_s=1000,
    card__rings={"rx": {"now": 256, "most": 256}, "tx": {"now": 256, "most": 256}},
    card__irqs={"130": "3"},
    firewall={"services": ["firewalld"], "tracked": 17, "tracked_most": 262144},
    power={"battery": True, "mains": False, "profile": "balanced"},
)
VM = changed(
    SERVER,
    cpu__governors=None,
    cpu__driver=None,
    cpu__turbo=None,
    cpu__smt="notsupported",
    cpu__smt_active=0,
    cpu__idle_states=None,
    cpu__numa_nodes=1,
    cpu__thermal_throttles=None,
    cpu__mhz=None,
    cpu__full_mhz=None,
    card__driver="virtio_net",
    card__speed_mbit_per_s=None,
    card__duplex="unknown",
    card__rings=None,
    vm="kvm",
)
LAB = changed(
    VM,
    card__real=False,
    card__driver=None,
    card__duplex=None,
    card__irqs=None,
    clock={"synchronised": False, "keeper": None},
    open_files__limit=20000,
    container="systemd-nspawn",
)
HOSTS = {"server": SERVER, "laptop": LAPTOP, "vm": VM, "lab": LAB}
