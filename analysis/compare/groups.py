"""Bring together campaigns that differ from the baseline in the same things. Pure functions."""

from collections.abc import Sequence
from dataclasses import dataclass

from analysis.compare.differences import PACKAGE
from analysis.compare.rule import Comparison

MOST_NAMED = 4  # things that changed, in one heading


@dataclass(frozen=True)
class Group:
    """Comparisons whose campaigns differ from the baseline in the same things and values."""

    comparisons: list[Comparison]

    @property
    def what(self) -> list[str]:
        """Name what changed: apps and workload, then all else, packages of a host as one."""
        first = self.comparisons[0]
        named = first.a.campaign.versions if first.together else None
        names = [f"version of {named.app}"] if named else []
        names += [one.what for one in first.code]
        for one in first.differences:
            host, is_package, _ = one.what.partition(PACKAGE)
            names.append(f"{host}: packages" if is_package else one.what)
        return list(dict.fromkeys(names))

    @property
    def sentence(self) -> str:
        """Say which campaigns these are and what changed in them, as a heading does."""
        labels = ", ".join(one.label for one in self.comparisons)
        what = self.what
        if not what:
            return f"{labels}: nothing that is recorded changed"
        more = len(what) - MOST_NAMED
        named = "; ".join(what[:MOST_NAMED]) + (f"; and {more} more" if more > 0 else "")
        return f"{labels}: changed: {named}"


def by_change(comparisons: Sequence[Comparison]) -> list[Group]:
    """Return the comparisons in groups, in the order of the first of each."""
    groups: dict[tuple[tuple[str, str | None], ...], list[Comparison]] = {}
    for found in comparisons:
        changed = [*((one.what, one.b) for one in found.code)]
        changed += [(one.what, one.b) for one in found.differences]
        groups.setdefault(tuple(changed), []).append(found)
    return [Group(found) for found in groups.values()]
