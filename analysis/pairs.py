"""Estimate the ratio of two cells from their trials, in pairs where they were measured in turn."""

from collections.abc import Sequence

from analysis.intervals import Between
from analysis.ratio import Estimate, Span, estimate
from analysis.trials import CellTrials, in_blocks, spans_of


def in_one_campaign(of: CellTrials, to: CellTrials) -> Estimate:
    """Return the ratio of two cells of one campaign: in pairs of trials if there are two pairs.

    Each side must have at least one trial.
    """
    return in_pairs(of, to) or unpaired(of, to)


def in_pairs(of: CellTrials, to: CellTrials) -> Estimate | None:
    """Return the ratio of two cells of one campaign; None if they have fewer than two blocks."""
    numbers = in_blocks(of, to)
    if len(numbers) < 2:
        return None
    first = _first(of, numbers)
    return estimate(
        spans_of(of, numbers),
        spans_of(to, numbers),
        paired=True,
        merged=_merged(of, numbers, to, numbers),
        first=(first, first),
    )


def unpaired(of: CellTrials, to: CellTrials, between: Between | None = None) -> Estimate:
    """Return the ratio of two cells whose trials are not paired.

    Each side must have at least one trial. `between` is the noise between campaigns, for sides
    that belong to two.
    """
    return estimate(
        of.spans,
        to.spans,
        between=between,
        merged=_merged(of, of.numbers, to, to.numbers),
        first=(_first(of, of.numbers), _first(to, to.numbers)),
    )


def _merged(
    of: CellTrials, of_numbers: Sequence[int], to: CellTrials, to_numbers: Sequence[int]
) -> tuple[Span, Span] | None:
    """Return both sides' figures merged over these trials; None if the figure is a mean."""
    sides = (of.merged(of_numbers), to.merged(to_numbers))
    return None if sides[0] is None or sides[1] is None else (sides[0], sides[1])


def _first(cell: CellTrials, numbers: Sequence[int]) -> int | None:
    """Return how many of the trials `numbers` decided on the number of all; None if it was fixed.

    Fewer than two could not decide it.
    """
    if cell.first_trials is None:
        return None
    count = sum(number <= cell.first_trials for number in numbers)
    return count if count > 1 else None
