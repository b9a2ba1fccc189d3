"""What two campaigns were measured with, and where that differs. Pure functions.

Figures differ because something did: what is listed here is what the testbed recorded of it.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from analysis.figures import size
from analysis.groups import settings_text
from analysis.load import LoadedCampaign
from testbed.model.results import Campaign, HostRecord

# Keys of an experiment that say nothing of how it was measured, or that runs tell resolved
TOLD_ELSEWHERE = ("schema_version", "title", "description", "variants")
# 'agents-flask-c34eed7cecda:flask': an app's environment is named by the digest of what is in it
DIGEST = re.compile(r"-[0-9a-f]{12}(?=:)")


@dataclass(frozen=True)
class Difference:
    """One thing that is not alike. None: that campaign does not have it, or did not record it."""

    what: str  # 'server: package nginx-light'
    a: str | None
    b: str | None


def differences(a: LoadedCampaign, b: LoadedCampaign) -> list[Difference]:
    """What is recorded of both and differs, the question first, then apps, hosts and testbed."""
    of_a, of_b = _facts(a, b), _facts(b, a)
    names = list(dict.fromkeys([*of_a, *of_b]))
    kinds = list(dict.fromkeys(map(_kind, names)))
    return [
        Difference(what, of_a.get(what), of_b.get(what))
        for what in sorted(names, key=lambda name: kinds.index(_kind(name)))
        if of_a.get(what) != of_b.get(what)
    ]


def _kind(what: str) -> str:
    return what.partition(":")[0]


def _facts(of: LoadedCampaign, other: LoadedCampaign) -> dict[str, str]:
    """Everything recorded, by name; of apps and hosts that only one campaign has, only that."""
    campaign = of.campaign
    facts = {"workload": campaign.workload, "place": campaign.place}
    for key, value in campaign.asked.items():
        if key not in TOLD_ELSEWHERE:
            facts |= dict(_flat(f"asked: {key}", value))
    facts |= _app_facts(of, other)
    shared = {host.role for host in other.campaign.hosts}
    facts["hosts"] = ", ".join(host.role for host in campaign.hosts)
    for host in campaign.hosts:
        if host.role in shared:
            facts |= {f"{host.role}: {what}": fact for what, fact in _host_facts(host).items()}
    facts |= {f"PostgreSQL: {name}": value for name, value in campaign.postgresql.items()}
    facts |= _link_facts(campaign)
    facts |= {f"testbed: {name}": value for name, value in campaign.testbed.items()}
    return facts


def _flat(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """Leaves of nested tables by their path; what is null is not there."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(f"{name}.{key}", inner)
    elif isinstance(value, list):
        yield name, ", ".join(map(str, value))
    elif value is not None:
        yield name, f"{value:g}" if isinstance(value, float) else str(value)


def _app_facts(of: LoadedCampaign, other: LoadedCampaign) -> dict[str, str]:
    """Settings of the variants that both have, rows in the database, versions of generators."""
    shared = {(run.record.app, run.record.variant) for run in other.runs}
    facts: dict[str, str] = {}
    for run in of.runs:
        record = run.record
        if (record.app, record.variant) in shared:
            for name, value in sorted(record.settings.items()):
                facts[f"{record.app}, variant {record.variant}: {name}"] = str(value)
        if record.generator_version is not None:
            facts[f"generator {record.load.generator}"] = record.generator_version
    rows = next((run.record.rows for run in of.runs if run.record.rows is not None), None)
    return facts if rows is None else facts | {"rows in the database": settings_text(rows)}


def _host_facts(host: HostRecord) -> dict[str, str]:
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


def _link_facts(campaign: Campaign) -> dict[str, str]:
    """The link as it was set up; what was measured of it is never twice the same."""
    facts = {}
    if campaign.link_delay is not None:
        facts["link: delay"] = f"{campaign.link_delay.asked_ms:g} ms by {campaign.link_delay.by}"
    for role, nic in (campaign.link.nics if campaign.link else {}).items():
        facts[f"link: {role}'s MTU"] = str(nic.mtu)
        if nic.speed_mbit_per_s is not None:
            facts[f"link: {role}'s NIC"] = f"{nic.speed_mbit_per_s} Mbit/s"
    return facts
