"""List the recorded conditions in which two campaigns differ. Pure functions.

If figures differ, some condition differed. This list shows those that the testbed recorded.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from analysis.groups import settings_text
from analysis.load import LoadedCampaign
from analysis.mixes import asked_percent
from testbed.facts import flat, host_facts
from testbed.model import database
from testbed.model.campaign import Campaign
from testbed.numbers import written_out
from testbed.texts import masked

PACKAGE = ": package "  # in the name of a difference
FEW_PACKAGES = 3  # of a host: these are listed singly
NAMED_PACKAGES = 5  # of those that are not

# Keys of an experiment that do not affect measuring, or that each run records in resolved form
TOLD_ELSEWHERE = ("schema_version", "title", "description", "variants")


@dataclass(frozen=True)
class Difference:
    """One thing that differs. The value is None if a campaign lacks it or did not record it."""

    what: str  # 'server: package nginx-light'
    a: str | None
    b: str | None


@dataclass(frozen=True)
class Packages:
    """Many packages of one host that differ, reported in one line."""

    host: str
    differences: list[Difference]

    @property
    def sentence(self) -> str:
        """Say how many packages differ, and name the first ones."""
        names = [one.what.partition(PACKAGE)[2] for one in self.differences]
        more = ", …" if len(names) > NAMED_PACKAGES else ""
        return (
            f"{self.host}: {len(names)} packages differ "
            f"({', '.join(names[:NAMED_PACKAGES])}{more})."
        )


def folded(
    found: Iterable[Difference], few: float | None = None
) -> tuple[list[Difference], list[Packages]]:
    """Return the differences to report singly, and hosts of which more than `few` packages differ.

    `few` is FEW_PACKAGES unless given.
    """
    found = list(found)
    hosts: dict[str, list[Difference]] = {}
    for one in found:
        if PACKAGE in one.what:
            hosts.setdefault(one.what.partition(PACKAGE)[0], []).append(one)
    most = FEW_PACKAGES if few is None else few
    many = [Packages(host, listed) for host, listed in hosts.items() if len(listed) > most]
    apart = {one for packages in many for one in packages.differences}
    return [one for one in found if one not in apart], many


def differences(a: LoadedCampaign, b: LoadedCampaign) -> list[Difference]:
    """Return what else than code differs: the experiment, then apps, hosts and testbed.

    Return an empty list if all of that is equal, as far as it was recorded.
    """
    of_a, of_b = _facts(a, b), _facts(b, a)
    names = list(dict.fromkeys([*of_a, *of_b]))
    kinds = list(dict.fromkeys(map(_kind, names)))
    return [
        Difference(what, *_without_passwords(of_a.get(what), of_b.get(what)))
        for what in sorted(names, key=lambda name: kinds.index(_kind(name)))
        if of_a.get(what) != of_b.get(what)
    ]


def _without_passwords(a: str | None, b: str | None) -> tuple[str | None, str | None]:
    """Return two values that differ, with users and passwords of URLs masked.

    The second one says so if they are all that differs.
    """
    told_a, told_b = (one and masked(one) for one in (a, b))
    return told_a, f"{told_b}, with another user or password" if told_a == told_b else told_b


def _kind(what: str) -> str:
    return what.partition(":")[0]


def _facts(of: LoadedCampaign, other: LoadedCampaign) -> dict[str, str]:
    """Return all recorded facts by name; details only of the apps and hosts that both have."""
    campaign = of.campaign
    facts = {"workload": campaign.workload, "place": campaign.place}
    for key, value in campaign.asked.items():
        if key not in TOLD_ELSEWHERE:
            facts |= dict(flat(f"asked: {key}", value))
    facts |= _app_facts(of, other)
    facts |= _mix_facts(of)
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
    """Return the settings of shared variants, generator versions and database row counts."""
    shared = {(run.record.app, run.record.variant) for run in other.runs}
    facts: dict[str, str] = {}
    for run in of.runs:
        record = run.record
        if (record.app, record.variant) in shared:
            usual = database.USUAL if record.postgresql is not None else {}
            for name, value in sorted((usual | record.settings).items()):
                facts[f"{record.app}, variant {record.variant}: {name}"] = str(value)
        if record.generator_version is not None:
            facts[f"generator {record.load.generator}"] = record.generator_version
    rows = next((run.record.rows for run in of.runs if run.record.rows is not None), None)
    return facts if rows is None else facts | {"rows in the database": settings_text(rows)}


def _mix_facts(of: LoadedCampaign) -> dict[str, str]:
    """Return the share of each part in the requests of the mixes, by their weights."""
    mixed = {run.record.endpoint: run.record for run in of.runs if run.record.weights}
    return {
        f"mix {endpoint}: {part}": f"{written_out(asked_percent(record, part), significant=4)} %"
        for endpoint, record in mixed.items()
        for part in record.weights
    }


def _link_facts(campaign: Campaign) -> dict[str, str]:
    """Return how the link was set up. Its measured values are left out: they always differ."""
    facts = {}
    if campaign.link_delay is not None:
        facts["link: delay"] = f"{campaign.link_delay.asked_ms:g} ms by {campaign.link_delay.by}"
    for role, nic in (campaign.link.nics if campaign.link else {}).items():
        facts[f"link: {role}'s MTU"] = str(nic.mtu)
        if nic.speed_mbit_per_s is not None:
            facts[f"link: {role}'s NIC"] = f"{nic.speed_mbit_per_s} Mbit/s"
    return facts
