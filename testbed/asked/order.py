"""Choose the order of the cells within each trial, so that no cell gains by its position.

A trial is a block: every cell is measured once in it, one after another. Hosts grow warmer, and a
run may leave something behind for the next one. So over the trials every cell stands equally often
at each position, and follows each other cell equally often, as far as the number of trials allows:
the orders are the rows of Williams's Latin squares (E. J. Williams, Experimental Designs Balanced
for the Estimation of Residual Effects of Treatments, Australian Journal of Scientific Research A 2,
1949). Lots decide which cell is which of the square, and in what sequence its rows come.
"""

import hashlib
import itertools
import random
from collections.abc import Iterator

SEEDS = 1_000_000  # seeds are drawn from 0 up to this


def balanced_orders(cells: int, trials: int, seed: int) -> list[list[int]]:
    """Return the order of the cells, numbered from 0, for each trial.

    Over any number of trials, how often two cells stand at a position differs by 1 at most.
    """
    return list(itertools.islice(_orders(cells, random.Random(seed)), trials))  # noqa: S311


def seed_of_part(seed: int, part: str) -> int:
    """Return the seed of one part of a series, which follows from the series' seed and its name.

    With a seed of its own, a lot that happens to favour a cell does not favour it in every part.
    """
    return _derived(seed, part)


def seed_of_arrivals(seed: int, run_id: str) -> int:
    """Return the seed of the times at which the requests of a run are due, if these are random.

    It follows from the campaign's seed and the run's id, so that every run has times of its own and
    the same campaign can be asked again.
    """
    return _derived(seed, f"arrivals of {run_id}")


def seed_of_requests(seed: int, endpoint: str, run_id: str) -> int:
    """Return the seed of which requests a run makes, if these are drawn.

    It follows from the campaign's seed, the endpoint, the trial and the step, and not from the app
    or its variant: those that are compared are asked the same.
    """
    return _derived(seed, f"requests to {endpoint}, trial {run_id.rpartition('-t')[2]}")


def seed_of_upstream(seed: int, endpoint: str, run_id: str) -> int:
    """Return the seed of the times that the other service takes, if these are drawn.

    It follows from the same as that of `seed_of_requests`: whatever is compared waits for the same
    times.
    """
    return _derived(seed, f"upstream of {endpoint}, trial {run_id.rpartition('-t')[2]}")


def _derived(seed: int, name: str) -> int:
    digest = hashlib.sha256(f"{seed} {name}".encode()).digest()
    return int.from_bytes(digest[:8]) % SEEDS


def _orders(cells: int, dice: random.Random) -> Iterator[list[int]]:
    """Yield orders without end: one design of Williams after another, each with lots of its own.

    With an even number of cells, each row is followed by its mirror image (ABCD, DCBA), so that a
    host that drifts steadily affects all cells alike after every second trial. With an odd number
    that would put the same cell in the middle twice, so the mirror images come after all rows.
    """
    zigzag = [(k + 1) // 2 if k % 2 else -(k // 2) for k in range(cells)]  # 0, 1, -1, 2, -2, ...
    half = cells // 2
    while True:
        names = dice.sample(range(cells), cells)
        if cells % 2:
            shifts = [*dice.sample(range(cells), cells), *dice.sample(range(cells), cells)]
        else:
            shifts = [row for one in dice.sample(range(half), half) for row in (one, one + half)]
        for number, shift in enumerate(shifts):
            row = [names[(step + shift) % cells] for step in zigzag]
            yield row if number < cells else row[::-1]
