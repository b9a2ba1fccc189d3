"""Judge whether a published claim holds, by one rule. Pure functions.

A claim is about the ratio of a metric between two cells, or about one cell's share in percent. The
ratio and its interval are those of analysis/ratio.py.

- reproduced: the whole interval lies within the claim's accepted range;
- not reproduced: the whole interval lies outside of it;
- undecided: the interval lies partly within and partly outside of it, or a side has one trial;
- no data: a side has no run that counts;
- not comparable: one side is a calibration, the other is not.

Each claim is judged by itself (docs/articles.md says why).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from analysis.pairs import in_one_campaign, unpaired
from analysis.ratio import Estimate, Place, share
from analysis.trials import CellTrials, in_blocks, remarks_on, why_nothing_is_known
from analysis.verdict import NO_DATA, NOT_COMPARABLE, Open, why_undecided
from testbed.model.article import Accept, Claim, Mode
from testbed.numbers import written_out

ClaimVerdict = Literal["reproduced", "not reproduced"] | Open
VERDICTS: dict[Place, ClaimVerdict] = {
    "within": "reproduced",
    "below": "not reproduced",
    "above": "not reproduced",
    "across": "undecided",
}


@dataclass(frozen=True)
class Judgement:
    """A claim, judged in one mode; `estimate` is None where a side has no trial that counts."""

    name: str
    claim: Claim
    mode: Mode
    verdict: ClaimVerdict
    reason: str
    estimate: Estimate | None
    of: CellTrials
    to: CellTrials | None
    remarks: list[str]

    @property
    def sides(self) -> list[CellTrials]:
        """The cells that the claim is about: two for a ratio, one for a share."""
        return [self.of] if self.to is None else [self.of, self.to]


def judge(name: str, claim: Claim, mode: Mode, of: CellTrials, to: CellTrials | None) -> Judgement:
    """Judge a claim by the trials of its cells. `to` is None for a share of one cell."""
    sides = [of] if to is None else [of, to]
    remarks = remarks_on(sides)
    why_not = why_nothing_is_known(sides)
    if why_not is not None:
        return Judgement(name, claim, mode, NO_DATA, why_not, None, of, to, remarks)
    if to is not None and of.calibration != to.calibration:
        why_not = "One side is a calibration, with the generator on the server, the other is not."
        return Judgement(name, claim, mode, NOT_COMPARABLE, why_not, None, of, to, remarks)
    found = _estimate(claim, mode, of, to)
    if found.how == "paired" and found.trials[0] < max(len(side.spans) for side in sides):
        numbers = ", ".join(map(str, in_blocks(sides[0], sides[1])))
        remarks = [*remarks, f"Compared are the trials that count on both sides: {numbers}."]
    place = lies(found, claim.accept)
    unit = " %" if to is None else ""
    reason = _reason(place, found, claim.accept, unit, sides)
    return Judgement(name, claim, mode, VERDICTS[place], reason, found, of, to, remarks)


def _estimate(claim: Claim, mode: Mode, of: CellTrials, to: CellTrials | None) -> Estimate:
    """Return the share or ratio with its interval.

    Cells of one part were measured in turn, so their trials are paired. If fewer than two trials
    count on both sides, they are compared without pairs.
    """
    if to is None:
        return share(of.spans)
    cells = claim.compare[mode]
    if cells.to is not None and cells.of.part == cells.to.part:
        return in_one_campaign(of, to)
    return unpaired(of, to)


def lies(found: Estimate, accept: Accept) -> Place:
    """Return where the interval lies: within, below, above or across the accepted range."""
    least = -math.inf if accept.at_least is None else accept.at_least
    most = math.inf if accept.at_most is None else accept.at_most
    return found.lies(least, most)


def _reason(
    place: Place, found: Estimate, accept: Accept, unit: str, sides: Sequence[CellTrials]
) -> str:
    """Return the sentence that says why the claim has its verdict, with the interval."""
    wanted = f"the accepted range ({accept_text(accept, unit)})"
    if place == "across":
        return why_undecided(found, wanted, sides, unit)
    return f"The {found.label}, {found.interval(unit)}, lies {place} {wanted}."


def accept_text(accept: Accept, unit: str = "") -> str:
    """Return the accepted range in words, with its limits as the claim's file writes them."""
    least, most = accept.at_least, accept.at_most
    low, high = ("" if end is None else written_out(end, ",", 9) for end in (least, most))
    if low and high:
        return f"{low} to {high}{unit}"
    return f"at least {low}{unit}" if low else f"at most {high}{unit}"
