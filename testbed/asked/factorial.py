"""Choose the cells of a factorial over what two apps differ in: all of them, or a fraction.

Up to FULL_FACTORS factors and the framework, all combinations are measured. With more, as many
cells as those would be are a regular fraction: each further factor is as in the one app or as in
the other by the product of some that vary freely. Every product has an odd number of factors, so
that both apps as published, in which nothing or everything is changed, are among the cells. All
functions are pure.
"""

from itertools import combinations, product

from testbed.errors import TestbedError
from testbed.model.why import FRAMEWORK, products

FULL_FACTORS = 5
MOST_FACTORS = 10  # in a fraction of as many cells, more would hardly be told apart
Players = frozenset[str]


def generators(factors: list[str]) -> list[list[str]]:
    """Return the words that define the fraction, each with the factor that it decides last.

    The list is empty if the factorial is full. Raises TestbedError for too many factors.
    """
    if len(factors) > MOST_FACTORS:
        raise TestbedError(
            f"{len(factors)} factors; {MOST_FACTORS} are the most",
            remedy="name those that matter with --factors",
        )
    free = [FRAMEWORK, *factors[:FULL_FACTORS]]
    odd = [one for size in range(3, len(free) + 1, 2) for one in combinations(free, size)]
    chosen: list[Players] = []
    for factor in factors[FULL_FACTORS:]:
        words = [frozenset({*one, factor}) for one in odd]
        fresh = [word for word in words if word - {factor} not in {c & set(free) for c in chosen}]
        chosen.append(min(fresh, key=lambda word: _badness([*chosen, word])))
    places = [*free, *factors[FULL_FACTORS:]]
    return [sorted(word, key=places.index) for word in chosen]


def _badness(chosen: list[Players]) -> tuple[int, int]:
    """Return a figure that is less for a better fraction: long words, and few of the shortest."""
    lengths = [len(word) for word in products(chosen)]
    return -min(lengths), lengths.count(min(lengths))


def cells(factors: list[str], words: list[list[str]]) -> list[Players]:
    """Return the players that are as in `app` in each cell; the fraction is defined by `words`."""
    players = [FRAMEWORK, *factors]
    every = product((False, True), repeat=len(players))
    found = (frozenset(p for p, on in zip(players, one, strict=True) if on) for one in every)
    return [one for one in found if all(len(one & set(word)) % 2 == 0 for word in words)]
