"""Name what a campaign recorded of its hosts and settings, to compare it with another's.

All functions are pure.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from testbed.model.campaign import HostRecord
from testbed.numbers import size, written_out

# 'agents-flask-c34eed7cecda:flask': the name of an app's environment has a digest of its content
DIGEST = re.compile(r"-[0-9a-f]{12}(?=:)")


def flat(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """Yield the leaves of nested tables with their paths; values that are null are left out."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from flat(f"{name}.{key}", inner)
    elif isinstance(value, list):
        yield name, ", ".join(map(str, value))
    elif value is not None:
        yield name, written_out(value, significant=15) if isinstance(value, float) else str(value)


def host_facts(host: HostRecord) -> dict[str, str]:
    """Return a host's properties, sysctls and packages by name, without those it did not report."""
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
    """Return versions by name, with the digest removed from the names of apps' environments.

    If environments have different versions of a package, all of them are returned.
    """
    found: dict[str, set[str]] = {}
    for name, version in packages.items():
        found.setdefault(DIGEST.sub("", name), set()).add(version)
    return {name: ", ".join(sorted(versions)) for name, versions in found.items()}
