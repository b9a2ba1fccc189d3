"""Judge whether a published claim holds, by one rule. Pure functions.

A claim is about the ratio of a metric between two cells, or about one cell's share in percent. The
ratio and its interval are those of analysis/ratio.py.

- reproduced: the whole interval lies within the claim's accepted range;
- not reproduced: the whole interval lies outside of it;
- not comparable: the interval lies partly within and partly outside of it, or a side has no run
  that counts.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from analysis.ratio import METHOD, Estimate, Place, estimate, interval_text
from analysis.trials import CellTrials, remarks_on, why_nothing_is_known
from testbed.model.article import Accept, Claim, Mode

ClaimVerdict = Literal["reproduced", "not reproduced", "not comparable"]
VERDICTS: dict[Place, ClaimVerdict] = {
    "within": "reproduced",
    "below": "not reproduced",
    "above": "not reproduced",
    "across": "not comparable",
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
    if why_not is None and to is not None and of.calibration != to.calibration:
        why_not = "One side is a calibration, with the generator on the server, the other is not."
    if why_not is not None:
        return Judgement(name, claim, mode, "not comparable", why_not, None, of, to, remarks)
    found = estimate(of.spans, None if to is None else to.spans)
    place = lies(found, claim.accept)
    unit = " %" if to is None else ""
    reason = _reason(place, found, claim.accept, unit, sides)
    return Judgement(name, claim, mode, VERDICTS[place], reason, found, of, to, remarks)


def lies(found: Estimate, accept: Accept) -> Place:
    """Return where the interval lies: within, below, above or across the accepted range."""
    least = -math.inf if accept.at_least is None else accept.at_least
    most = math.inf if accept.at_most is None else accept.at_most
    return found.lies(least, most)


def _reason(
    place: Place, found: Estimate, accept: Accept, unit: str, sides: Sequence[CellTrials]
) -> str:
    """Return the sentence that says why the claim has its verdict, with the interval."""
    span = f"The {METHOD[found.how]}, {interval_text(found.low, found.high, unit)},"
    wanted = f"the accepted range ({accept_text(accept, unit)})"
    if place != "across":
        return f"{span} lies {place} {wanted}."
    if found.value is None and all(side.mean == 0 for side in sides):
        return "Both sides are zero: they have no ratio."
    if found.value is None:
        return "Both sides are only lower bounds: too many requests were never answered."
    bounds = " Some figures are only bounds." if any(side.bounded for side in sides) else ""
    return f"{span} lies partly within and partly outside of {wanted}.{bounds}"


def accept_text(accept: Accept, unit: str = "") -> str:
    """Return the accepted range in words, with its limits as the claim's file writes them."""
    least, most = accept.at_least, accept.at_most
    if least is not None and most is not None:
        return f"{least:,.9g} to {most:,.9g}{unit}"
    return f"at least {least:,.9g}{unit}" if least is not None else f"at most {most:,.9g}{unit}"
