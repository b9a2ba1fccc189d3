"""Prepare a campaign that goes on with trials until the intervals of ratios are narrow enough.

Pure functions. Its first trials show how many are needed (analysis/compare/until.py).
"""

from collections.abc import Sequence
from itertools import combinations

from testbed.asked.catalogue import Catalogue
from testbed.asked.plan import plan
from testbed.errors import TestbedError
from testbed.model.campaign import Until
from testbed.model.experiment import Experiment, PlannedRun

# Student's t for 6 trials is 2.6, and 2 for infinitely many: fewer would show the scatter so badly
# that many more than needed would be made
LEAST_FIRST = 6
MOST = 30


def settle(
    experiment: Experiment, percent: float, metrics: Sequence[str], most: int | None
) -> tuple[Experiment, Until]:
    """Return the experiment with its first trials, LEAST_FIRST or more, and what is watched.

    Raises TestbedError for a capacity search, and if `most` trials are fewer than the first ones.
    """
    if experiment.load.capacity:
        raise TestbedError(
            "--until: the answer of a capacity search is a range, whose ratios are not watched",
            remedy="say --trials instead",
        )
    first = max(experiment.trials, LEAST_FIRST)
    first += first % 2  # each block AB with its mirror image BA
    most_trials = max(MOST, first) if most is None else most
    if most_trials < first:
        raise TestbedError(
            f"--most: {most_trials} trials are fewer than the {first} that tell how many it takes",
            remedy=f"at least {first}, or fewer --trials (down to {LEAST_FIRST})",
        )
    asked = Until(
        percent=percent, metrics=list(metrics), first_trials=first, most_trials=most_trials
    )
    return experiment.model_copy(update={"trials": first}), asked


def check(
    experiment: Experiment, asked: Until, planned: Sequence[PlannedRun], catalogue: Catalogue
) -> None:
    """Raise TestbedError if no two cells have a ratio, or the most trials are too many runs."""
    cells = {(run.endpoint, run.app, run.variant) for run in planned}
    if not any(are_compared(a, b) for a, b in combinations(sorted(cells), 2)):
        raise TestbedError(
            "--until: there is no ratio to watch: no two apps or variants share an endpoint",
            remedy="measure two apps, or two variants of one",
        )
    plan(experiment.model_copy(update={"trials": asked.most_trials}), catalogue, 0)


def are_compared(a: tuple[str, str, str], b: tuple[str, str, str]) -> bool:
    """Return whether two cells have a ratio that is watched: of two apps, or of two variants.

    A cell is an endpoint, an app and a variant.
    """
    return a[0] == b[0] and (a[1] == b[1]) != (a[2] == b[2])
