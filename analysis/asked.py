"""Say what was asked of a campaign: every key as resolved, and one sentence. Pure functions."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from analysis import capacities, ramp
from analysis.groups import apps, endpoints
from analysis.load import LoadedCampaign
from testbed.numbers import MISSING, written_out
from testbed.texts import listed

FEW = 3  # values are listed up to this number; of more, the lowest and the highest are shown


@dataclass(frozen=True)
class AskedKey:
    """One key of the experiment as resolved, and whether the command line overrode it."""

    key: str
    value: Any  # None: not known
    overridden: bool


def keys(campaign: LoadedCampaign) -> list[AskedKey]:
    """Return the experiment as resolved, nested keys with dots; overridden ones are marked."""
    overridden = campaign.campaign.overridden
    said_above = ("schema_version", "title", "description", "workload")
    flat = [
        (key, value)
        for key, value in flatten(campaign.campaign.asked)
        if key not in said_above and value is not None
    ]
    marked = [AskedKey(key, value, _is_one_of(key, overridden)) for key, value in flat]
    # An overridden key that the experiment does not list would otherwise go unsaid.
    unseen = [key for key in overridden if not any(_is_one_of(name, [key]) for name, _ in flat)]
    return [*marked, *(AskedKey(key, None, True) for key in unseen)]


def flatten(values: Any, prefix: str = "") -> list[tuple[str, Any]]:
    """Return nested mappings as dotted keys with their values; a list becomes one text."""
    if not isinstance(values, Mapping):
        text = ", ".join(str(item) for item in values) if isinstance(values, list) else values
        return [(prefix, text)]
    return [
        item
        for key, value in values.items()
        for item in flatten(value, f"{prefix}.{key}" if prefix else str(key))
    ]


def _is_one_of(key: str, names: list[str]) -> bool:
    return any(key == n or key.startswith(f"{n}.") or key.endswith(f".{n}") for n in names)


def sentence(campaign: LoadedCampaign) -> str:
    """Return what was really asked, from the loads of the runs themselves.

    An experiment's own description may name a rate or a duration that the command line changed.
    """
    loads = [run.record.load for run in campaign.runs]
    trials = max(run.record.trial for run in campaign.runs)
    parts = [
        f"{_many(apps(campaign), 'app')} on {_many(endpoints(campaign), 'endpoint')}, "
        f"{trials} {'trial' if trials == 1 else 'trials'} of each"
    ]
    rates = {load.rate_rps for load in loads}
    if capacities.searched(campaign):
        parts.append("the highest rate that each bears is sought")
    elif what := ramp.of(campaign):
        parts.append(f"a ramp of {what}")
    elif None in rates:
        parts.append("as many requests as are answered")
    else:
        parts.append(f"{_values(rates)} requests per second")
    connections = _values({load.connections for load in loads})
    seconds = _values({load.duration_s for load in loads})
    warm_up = _values({load.warmup_s for load in loads})
    parts.append(f"on {connections} connections, for {seconds} s after {warm_up} s of warm-up")
    return f"Asked: {'; '.join(parts)}."


def _many(names: list[str], what: str) -> str:
    return f"{len(names)} {what if len(names) == 1 else f'{what}s'}"


def _values(values: Iterable[float | None]) -> str:
    """Return figures in words: '1,000', '500 and 1,000', or the ends of many."""
    known = sorted(value for value in values if value is not None)
    if not known:
        return MISSING
    shown = [written_out(value, ",") for value in known]
    if len(shown) > FEW:
        return f"{shown[0]} to {shown[-1]}"
    return listed(shown)
