"""Describe this host as one JSON object: hardware, kernel, network card, installed versions."""

import os
import platform
import shutil
import subprocess
from pathlib import Path
from typing import Any

import psutil

from telemetry import link


def describe(interface: str, packages: list[str], environments: Path) -> dict[str, Any]:
    """Return the host, its data link interface, and the versions of installed software.

    `packages` are names or patterns of Debian packages; those not installed are left out.
    `environments` is the folder of virtual environments; their distributions are named
    '<environment>:<distribution>'.
    """
    return {
        "hostname": platform.node(),
        "os": platform.freedesktop_os_release().get("PRETTY_NAME", "unknown"),
        "kernel": platform.release(),
        "cpu_model": _cpu_model(),
        "cpus": len(os.sched_getaffinity(0)),
        "memory_bytes": psutil.virtual_memory().total,
        "governor": governor(),
        "virtual": _virtual(),
        "machine_id": _text("/etc/machine-id"),
        "boot_id": _text("/proc/sys/kernel/random/boot_id"),
        "nic": _nic(interface),
        "packages": _debian_versions(packages) | _python_versions(environments),
    }


def governor() -> str | None:
    """Return the CPUs' frequency governor; None if the kernel does not name one."""
    return _text("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")


def _text(path: str) -> str | None:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return None


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def _virtual() -> str | None:
    """Return systemd's name for the virtual machine or container; None on a physical machine."""
    if not shutil.which("systemd-detect-virt"):
        return None
    result = subprocess.run(
        ["systemd-detect-virt"], capture_output=True, text=True, check=False
    ).stdout.strip()
    return None if result in ("none", "") else result


def _nic(interface: str) -> dict[str, Any] | None:
    """Return facts on the data link's interface; None if there is no such interface."""
    if not (link.SYS / interface).exists():
        return None
    kept = ("mac", "mtu", "speed_mbit_per_s", "full_duplex")
    found = link.nic(interface)
    return {"interface": interface, **{key: found[key] for key in kept}}


def _debian_versions(packages: list[str]) -> dict[str, str]:
    result = subprocess.run(
        ["dpkg-query", "-W", "-f", "${db:Status-Abbrev}\t${Package}\t${Version}\n", *packages],
        capture_output=True,
        text=True,
        check=False,
    )
    rows = (line.split("\t") for line in result.stdout.splitlines())
    return {row[1]: row[2] for row in rows if row[0].startswith("ii")}


def _python_versions(environments: Path) -> dict[str, str]:
    versions = {}
    for info in sorted(environments.glob("*/lib/python3*/site-packages/*.dist-info")):
        name, _, version = info.name.removesuffix(".dist-info").rpartition("-")
        versions[f"{info.relative_to(environments).parts[0]}:{name}"] = version
    for about in sorted(environments.glob("*/pyvenv.cfg")):
        for line in about.read_text().splitlines():
            key, _, value = line.partition("=")
            if key.strip() == "version":
                versions[f"{about.parent.name}:python"] = value.strip()
    return versions
