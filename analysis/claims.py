"""Whether a published claim holds: the rule, and nothing but the rule. Pure functions.

A claim compares two cells by the ratio of a metric, or takes one cell's share. The ratio is that of
the means over the trials that count; its interval is a two-sample bootstrap: the trials of each
cell are resampled with replacement, each cell by itself, and the 2.5th and the 97.5th percentile of
the ratios of their means are taken (Efron and Tibshirani, An Introduction to the Bootstrap, 1993,
chapters 8 and 13). With fewer than three trials on either side it is the range of all ratios of one
trial to another, and said to be.

- reproduced: the whole interval lies within the claim's accepted range;
- not reproduced: the whole interval lies outside of it;
- not comparable: it does both, or one side has no run that counts.

Figures that are only bounds make the interval as wide as they leave it open.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from analysis.measured import Span
from analysis.statistics import CONFIDENCE, MIN_TRIALS_FOR_INTERVAL, RESAMPLES, SEED
from testbed.model.article import Accept, Claim, Mode

Verdict = Literal["reproduced", "not reproduced", "not comparable"]
How = Literal["bootstrap", "range", "one trial"]
DIGITS = 9  # figures are compared to so many digits: a ratio of 2 is 2, however it was divided
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Evidence:
    """What a cell's trials say of a metric."""

    label: str  # 'Django + Gunicorn, agents (part constant_rate)'
    spans: list[Span]  # of the trials that count
    planned: int  # trials
    left_out: list[str] = field(default_factory=list)  # sentences: trials not counted, and why
    doubtful: list[str] = field(default_factory=list)  # sentences: trials counted with a reserve
    calibration: bool = False

    @property
    def measured(self) -> bool:
        """Whether it was tried at all."""
        return bool(self.spans or self.left_out)

    @property
    def mean(self) -> float | None:
        """Mean of what the trials print; of lower bounds, itself a lower bound."""
        return (
            math.fsum(span.value for span in self.spans) / len(self.spans) if self.spans else None
        )

    @property
    def bounded(self) -> bool:
        """Whether a trial's figure is known only by its bounds."""
        return any(not span.known for span in self.spans)


@dataclass(frozen=True)
class Estimate:
    """A ratio (or a share, in percent) with its interval; `high` may be infinite."""

    value: float | None  # None: neither side is known well enough, or zero to zero
    low: float
    high: float
    how: How


@dataclass(frozen=True)
class Judgement:
    """A claim, judged in one mode."""

    name: str
    claim: Claim
    mode: Mode
    verdict: Verdict
    reason: str
    estimate: Estimate | None
    of: Evidence
    to: Evidence | None
    remarks: list[str]


def judge(name: str, claim: Claim, mode: Mode, of: Evidence, to: Evidence | None) -> Judgement:
    """The claim judged by what its cells' trials say; `to` is None for a share by itself."""
    sides = [of] if to is None else [of, to]
    remarks = remarks_on(sides)
    missing = [side for side in sides if not side.spans]
    if missing:
        reason = without_trials(missing)
        return Judgement(name, claim, mode, "not comparable", reason, None, of, to, remarks)
    if to is not None and of.calibration != to.calibration:
        reason = "One side is a calibration, with the generator on the server, the other is not."
        return Judgement(name, claim, mode, "not comparable", reason, None, of, to, remarks)
    result = estimate(of.spans, None if to is None else to.spans)
    verdict = decide(result, claim.accept)
    unit = " %" if to is None else ""
    reason = _reason(verdict, result, claim.accept, unit, sides)
    return Judgement(name, claim, mode, verdict, reason, result, of, to, remarks)


def estimate(of: Sequence[Span], to: Sequence[Span] | None) -> Estimate:
    """The ratio of the means of two cells, or the mean of one, with its interval."""
    if to is None:
        to = [Span.exact(1.0)]
        fewest = len(of)
    else:
        fewest = min(len(of), len(to))
    low, high = _of_means(of, to) if fewest >= MIN_TRIALS_FOR_INTERVAL else _of_trials(of, to)
    how: How = "bootstrap" if fewest >= MIN_TRIALS_FOR_INTERVAL else "range"
    if len(of) == len(to) == 1:
        how = "one trial"
    return Estimate(_middle(of, to), low, high, how)


def decide(found: Estimate, accept: Accept) -> Verdict:
    """Whether the interval lies within the accepted range, outside of it, or does both."""
    least = -math.inf if accept.at_least is None else accept.at_least
    most = math.inf if accept.at_most is None else accept.at_most
    low, high = rounded(found.low), rounded(found.high)
    if found.value is None and low == 0 and math.isinf(high):
        return "not comparable"  # nothing is known, and no range is an answer to that
    if least <= low and high <= most:
        return "reproduced"
    if high < least or low > most:
        return "not reproduced"
    return "not comparable"


def _of_means(of: Sequence[Span], to: Sequence[Span]) -> tuple[float, float]:
    """The bootstrap interval of the ratio of means, from the bounds of both sides."""
    dice = np.random.default_rng(SEED)
    of_picks, to_picks = (dice.integers(0, len(side), (RESAMPLES, len(side))) for side in (of, to))
    of_low, of_high = _bounds(of)
    to_low, to_high = _bounds(to)
    lows = _ratios(of_low[of_picks].mean(axis=1), to_high[to_picks].mean(axis=1), undefined=0.0)
    highs = _ratios(of_high[of_picks].mean(axis=1), to_low[to_picks].mean(axis=1))
    # Picked, not interpolated: between a figure and infinity there is nothing.
    beyond = math.floor((1 - CONFIDENCE) / 2 * RESAMPLES)
    return float(np.sort(lows)[beyond]), float(np.sort(highs)[-1 - beyond])


def _of_trials(of: Sequence[Span], to: Sequence[Span]) -> tuple[float, float]:
    """The range of the ratios of every trial to every other."""
    of_low, of_high = _bounds(of)
    to_low, to_high = _bounds(to)
    lows = _ratios(of_low[:, None], to_high[None, :], undefined=0.0)
    highs = _ratios(of_high[:, None], to_low[None, :])
    return float(lows.min()), float(highs.max())


def _bounds(side: Sequence[Span]) -> tuple[Floats, Floats]:
    return np.array([span.low for span in side]), np.array([span.high for span in side])


def _ratios(of: Floats, to: Floats, undefined: float = math.inf) -> Floats:
    """Quotients; something to zero is infinite. `undefined`: zero to zero, infinite to infinite."""
    with np.errstate(divide="ignore", invalid="ignore"):
        quotients: Floats = np.asarray(of / to)
    return np.where(np.isnan(quotients), undefined, quotients)


def _middle(of: Sequence[Span], to: Sequence[Span]) -> float | None:
    """The ratio of the means as printed; None if both sides are bounds, or zero to zero."""
    if all(any(math.isinf(span.high) for span in side) for side in (of, to)):
        return None
    over, under = (math.fsum(s.value for s in side) / len(side) for side in (of, to))
    if under == 0:
        return math.inf if over else None
    return over / under


def rounded(value: float) -> float:
    """To the digits that figures are compared by."""
    return value if math.isinf(value) else float(f"{value:.{DIGITS}g}")


def without_trials(missing: Sequence[Evidence]) -> str:
    """Why nothing is known of these cells."""
    unmeasured = [side.label for side in missing if not side.left_out]
    sentences = [f"Not measured: {'; '.join(unmeasured)}."] if unmeasured else []
    sentences += [
        f"{side.label}: no trial counts. {' '.join(side.left_out)}"
        for side in missing
        if side.left_out
    ]
    return " ".join(sentences)


def remarks_on(sides: Sequence[Evidence]) -> list[str]:
    """Sentences on how far what was counted is to be trusted."""
    remarks = []
    for side in sides:
        if side.spans and side.left_out:
            counted = f"{len(side.spans)} of {side.planned} trials counted"
            remarks.append(f"{side.label}: {counted}. {' '.join(side.left_out)}")
        if side.doubtful:
            remarks.append(f"{side.label}: counted, but doubtful. {' '.join(side.doubtful)}")
    if any(side.calibration for side in sides):
        remarks.append("A calibration: the generator took its time from the server's.")
    return remarks


def _reason(
    verdict: Verdict, found: Estimate, accept: Accept, unit: str, sides: Sequence[Evidence]
) -> str:
    """One sentence on why, with the interval and what it is."""
    span = f"The {METHOD[found.how]}, {interval_text(found.low, found.high, unit)},"
    wanted = f"the accepted range ({accept_text(accept, unit)})"
    if verdict == "reproduced":
        return f"{span} lies within {wanted}."
    if verdict == "not reproduced":
        above = accept.at_most is not None and found.low > accept.at_most
        return f"{span} lies {'above' if above else 'below'} {wanted}."
    if found.value is None and all(side.mean == 0 for side in sides):
        return "Both sides are zero: they have no ratio."
    if found.value is None:
        return "Both sides are only lower bounds: too many requests were never answered."
    bounds = " Some figures are only bounds." if any(side.bounded for side in sides) else ""
    return f"{span} lies partly within and partly outside of {wanted}.{bounds}"


METHOD: dict[How, str] = {
    "bootstrap": f"{100 * CONFIDENCE:.0f} % interval",
    "range": "range of the trials (too few for an interval)",
    "one trial": "figure of one trial (nothing is known of spread)",
}


def accept_text(accept: Accept, unit: str = "") -> str:
    """The accepted range in words, its limits as the claim's file has them."""
    least, most = accept.at_least, accept.at_most
    if least is not None and most is not None:
        return f"{least:,.9g} to {most:,.9g}{unit}"
    return f"at least {least:,.9g}{unit}" if least is not None else f"at most {most:,.9g}{unit}"


def interval_text(low: float, high: float, unit: str = "") -> str:
    """From low to high in words; open ends are named as bounds."""
    if math.isinf(low):
        return "infinitely many times (the other side is zero)"
    if math.isinf(high):
        return f"at least {number(low)}{unit}" if low else "any ratio at all"
    if number(low) == number(high):
        return f"{number(low)}{unit}"
    return f"{number(low)} to {number(high)}{unit}"


def number(value: float) -> str:
    """Three significant digits, written out."""
    if value == 0 or math.isinf(value):
        return "0" if value == 0 else "\N{INFINITY}"
    decimals = 2 - math.floor(math.log10(abs(value)))
    return f"{value:,.{max(0, decimals)}f}"
