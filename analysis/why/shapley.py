"""Compute the weights by which the cells of a factorial make up shares of a ratio. Pure functions.

The logarithm of the ratio of two apps is shared out among the players: the framework, and each
factor. A player's share is its Shapley value (L. S. Shapley, A Value for n-Person Games, 1953):
what changing it from how `against` has it to how `app` has it adds, as the mean over all orders in
which the players can be changed one after the other. These shares add up to the logarithm of the
ratio, so their exponentials multiply to the ratio.

Written in effects of a factorial (R. A. Fisher, The Design of Experiments, 1935), with +1 for 'as
in app' and -1 for 'as in against', that mean is simple: the effect of a set of players counts twice
and is shared equally among its members if the set has an odd number of members. If the number is
even, its effect is the same where all are changed as where none is, so it adds nothing.

A fraction of the factorial (G. E. P. Box and J. S. Hunter, The 2^(k-p) Fractional Factorial
Designs, Technometrics 3, 1961) tells effects apart only by classes of aliases. The defining words
have even lengths here, so both apps as published are among the cells, and the sum is the ratio all
the same. The effect of a class is taken for that of its smallest sets, in equal parts.
"""

import math
from collections.abc import Callable, Sequence
from itertools import chain, combinations

import numpy as np

from analysis.intervals import Floats
from testbed.model.why import Why

Players = frozenset[str]
MOST_MEMBERS = 3  # of an interaction that is looked for; larger ones are not understood


def shares(why: Why) -> dict[str, Floats]:
    """Return for each player the weight of the logarithm of each cell, in the order of the cells.

    With them, the sum over the cells is the player's share of the logarithm of the ratio.
    """
    found = {player: np.zeros(len(why.cells)) for player in why.players}
    for smallest in _classes(why, range(1, len(why.players) + 1, 2)):
        column = 2 / len(why.cells) * _signs(why, smallest[0])
        for one in smallest:
            for player in one:
                found[player] += column / (len(one) * len(smallest))
    return found


def whole(why: Why) -> Floats:
    """Return the weights of the cells for the logarithm of the ratio itself."""
    counts = [len(cell.as_app) for cell in why.cells]
    return np.array([(n == len(why.players)) * 1.0 - (n == 0) for n in counts])


def interactions(why: Why) -> dict[tuple[Players, ...], Floats]:
    """Return the weights of each interaction of two players and, if the design is full, of three.

    The key has all sets that cannot be told apart. The effect of two players is how much more (as
    a logarithm) changing the one adds where the other is as in app than where it is as in against.
    """
    most = 2 if why.generators else MOST_MEMBERS
    return {
        smallest: 2 ** len(smallest[0]) / len(why.cells) * _signs(why, smallest[0])
        for smallest in _classes(why, range(2, most + 1))
        if 1 < len(smallest[0]) <= most
    }


def aliases(why: Why) -> list[tuple[Players, ...]]:
    """Return the sets of up to MOST_MEMBERS players of which a fraction tells only the sum."""
    classes = {
        one: tuple(sorted({one ^ word for word in why.words} | {one}, key=_order(why)))
        for one in _sets(why, range(1, MOST_MEMBERS + 1))
    }
    named = (tuple(s for s in one if len(s) <= MOST_MEMBERS) for one in classes.values())
    return [one for one in dict.fromkeys(named) if len(one) > 1]


def _classes(why: Why, sizes: Sequence[int]) -> list[tuple[Players, ...]]:
    """Return the smallest sets of each class of aliases that has sets of these sizes."""
    words = why.words
    seen: set[Players] = set()
    found = []
    for one in _sets(why, sizes):
        if one in seen:
            continue
        same = {one, *(one ^ word for word in words)}
        seen |= same
        least = min(map(len, same))
        smallest = (other for other in same if len(other) == least)
        found.append(tuple(sorted(smallest, key=_order(why))))
    return found


def _sets(why: Why, sizes: Sequence[int]) -> list[Players]:
    every = chain.from_iterable(combinations(why.players, size) for size in sizes)
    return [frozenset(one) for one in every]


def _order(why: Why) -> Callable[[Players], tuple[int, list[int]]]:
    """Return the key by which sets are sorted: small ones first, then in the order of players."""
    places = {player: place for place, player in enumerate(why.players)}
    return lambda one: (len(one), sorted(places[player] for player in one))


def _signs(why: Why, of: Players) -> Floats:
    """Return +1 or -1 for each cell: the product of the signs of these players."""
    return np.array([math.prod(1 if p in cell.as_app else -1 for p in of) for cell in why.cells])
