"""Find changes that forbid putting a resumed campaign's new figures beside its old ones.

All functions are pure.
"""

from collections.abc import Iterator, Mapping

from testbed.errors import TestbedError
from testbed.facts import flat, host_facts
from testbed.model.campaign import Campaign

MOST = 3  # changes of each kind that are named
NOTHING = "none"
CODE = "code"  # of the testbed: its digest, which campaigns of earlier versions lack
# What must be the same of the control side, and its name in the sentence
TOLD = {"git_commit": "git commit", CODE: "digest of its code"}


def check_unchanged(before: Campaign, now: Campaign) -> None:
    """Raise TestbedError, which names the changes, unless both campaigns' figures fit together."""
    if differing := list(_differences(before, now)):
        raise TestbedError(
            f"campaign {before.campaign} cannot be resumed; since it began (before → now):\n"
            + "\n".join(f"    {line}" for line in differing),
            remedy="put that back, or start a new campaign; figures of different settings do not "
            "mix",
        )


def _differences(before: Campaign, now: Campaign) -> Iterator[str]:
    """Yield a line for each difference, a few of each kind, and how many more there are."""
    for kept_later in ("app_files", "workload_files"):
        if not getattr(before, kept_later):
            now = now.model_copy(update={kept_later: {}})
    if CODE not in before.testbed:
        known = {name: told for name, told in now.testbed.items() if name != CODE}
        now = now.model_copy(update={"testbed": known})
    then, today = _facts(before), _facts(now)
    for kind in dict.fromkeys([*then, *today]):
        lines = list(_differing(kind, then.get(kind, {}), today.get(kind, {})))
        yield from lines[:MOST]
        if len(lines) > MOST:
            yield f"{kind}: … and {len(lines) - MOST} more"


def _differing(kind: str, before: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    for name in dict.fromkeys([*before, *now]):
        then, today = before.get(name, NOTHING), now.get(name, NOTHING)
        if then != today:
            yield f"{kind}: {name}: {then} → {today}"


def _facts(campaign: Campaign) -> dict[str, dict[str, str]]:
    """Return all facts that must be equal, by kind and name."""
    facts = {
        "experiment": dict(flat("asked", campaign.asked)),
        "campaign": {"workload": campaign.workload, "place": campaign.place},
        "PostgreSQL": dict(campaign.postgresql),
        "app": {f"{name}'s files": digest for name, digest in campaign.apps.items()},
        "testbed": {
            told: campaign.testbed[name] for name, told in TOLD.items() if name in campaign.testbed
        },
    }
    for name, files in campaign.app_files.items():
        facts[f"app {name}"] = files
    facts[f"workload {campaign.workload}"] = campaign.workload_files
    for host in campaign.hosts:
        facts[host.role] = host_facts(host)
    return facts
