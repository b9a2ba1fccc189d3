"""The words that claims and comparisons share for what is not decided."""

from collections.abc import Iterable
from typing import Literal

from analysis.ratio import ONE_TRIAL, Estimate
from analysis.trials import CellTrials

Open = Literal["undecided", "no data", "not comparable"]
UNDECIDED: Open = "undecided"  # both sides were measured; the interval decides nothing
NO_DATA: Open = "no data"  # a side was not measured, or none of its trials counts
NOT_COMPARABLE: Open = "not comparable"  # the sides were measured under conditions that differ


def why_undecided(found: Estimate, wanted: str, sides: Iterable[CellTrials], unit: str = "") -> str:
    """Return the sentence that says why an interval decides nothing; `wanted` names the range."""
    sides = list(sides)
    if found.how == "one trial":
        return ONE_TRIAL
    if found.value is None and all(side.mean == 0 for side in sides):
        return "Both sides are zero: they have no ratio."
    if found.value is None:
        return (
            "Both sides are only lower bounds (requests never answered, or an end not reached): "
            "they have no ratio."
        )
    bounds = " Some figures are only bounds." if any(side.bounded for side in sides) else ""
    return (
        f"The {found.label}, {found.interval(unit)}, lies partly within and partly outside of "
        f"{wanted}.{bounds}"
    )
