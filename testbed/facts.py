"""What a campaign recorded of its hosts and settings, by name, to compare with another's. Pure."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from testbed.model.results import HostRecord
from testbed.numbers import size

# 'agents-flask-c34eed7cecda:flask': an app's environment is named by the digest of what is in it
DIGEST = re.compile(r"-[0-9a-f]{12}(?=:)")


def flat(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """Leaves of nested tables by their path; what is null is not there."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from flat(f"{name}.{key}", inner)
    elif isinstance(value, list):
        yield name, ", ".join(map(str, value))
    elif value is not None:
        yield name, f"{value:g}" if isinstance(value, float) else str(value)


def host_facts(host: HostRecord) -> dict[str, str]:
    """A host's properties, sysctls and packages by name; what it did not tell is not there."""
    facts = {
        "name": host.hostname,
        "system": host.os,
        "kernel": host.kernel,
        "CPU": host.cpu_model,
        "CPUs": str(host.cpus),
        "memory": size(host.memory_bytes),
        "governor": host.governor,
        "virtual": host.virtual,
    }
    facts |= {f"sysctl {one.name}": one.actual or one.state for one in host.sysctls}
    facts |= {f"package {name}": versions for name, versions in _packages(host.packages).items()}
    return {what: fact for what, fact in facts.items() if fact is not None}


def _packages(packages: Mapping[str, str]) -> dict[str, str]:
    """Versions by name, of apps' environments without their digest; several where there are."""
    found: dict[str, set[str]] = {}
    for name, version in packages.items():
        found.setdefault(DIGEST.sub("", name), set()).add(version)
    return {name: ", ".join(sorted(versions)) for name, versions in found.items()}
