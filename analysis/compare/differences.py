"""List where what two campaigns were measured with differs. Pure functions.

Figures differ because something did: what is listed here is what the testbed recorded of it.
"""

from dataclasses import dataclass

from analysis.groups import settings_text
from analysis.load import LoadedCampaign
from testbed.facts import flat, host_facts
from testbed.model.results import Campaign

# Keys of an experiment that say nothing of how it was measured, or that runs tell resolved
TOLD_ELSEWHERE = ("schema_version", "title", "description", "variants")


@dataclass(frozen=True)
class Difference:
    """One thing that is not alike; None for a campaign that lacks it or did not record it."""

    what: str  # 'server: package nginx-light'
    a: str | None
    b: str | None


def differences(a: LoadedCampaign, b: LoadedCampaign) -> list[Difference]:
    """Return what differs between two campaigns, the question first, then apps, hosts and testbed.

    The list is empty where nothing that was recorded differs.
    """
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
    """Return everything recorded by name, but details only of apps and hosts that both have."""
    campaign = of.campaign
    facts = {"workload": campaign.workload, "place": campaign.place}
    for key, value in campaign.asked.items():
        if key not in TOLD_ELSEWHERE:
            facts |= dict(flat(f"asked: {key}", value))
    facts |= _app_facts(of, other)
    shared = {host.role for host in other.campaign.hosts}
    facts["hosts"] = ", ".join(host.role for host in campaign.hosts)
    for host in campaign.hosts:
        if host.role in shared:
            facts |= {f"{host.role}: {what}": fact for what, fact in host_facts(host).items()}
    facts |= {f"PostgreSQL: {name}": value for name, value in campaign.postgresql.items()}
    facts |= _link_facts(campaign)
    facts |= {f"testbed: {name}": value for name, value in campaign.testbed.items()}
    return facts


def _app_facts(of: LoadedCampaign, other: LoadedCampaign) -> dict[str, str]:
    """Return settings of variants that both have, generators' versions, rows in the database."""
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


def _link_facts(campaign: Campaign) -> dict[str, str]:
    """Return the link as it was set up; what was measured of it is never twice the same."""
    facts = {}
    if campaign.link_delay is not None:
        facts["link: delay"] = f"{campaign.link_delay.asked_ms:g} ms by {campaign.link_delay.by}"
    for role, nic in (campaign.link.nics if campaign.link else {}).items():
        facts[f"link: {role}'s MTU"] = str(nic.mtu)
        if nic.speed_mbit_per_s is not None:
            facts[f"link: {role}'s NIC"] = f"{nic.speed_mbit_per_s} Mbit/s"
    return facts
