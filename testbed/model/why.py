"""Define the factorial by which `fab run-why` finds out why two apps differ.

Its players are the framework and each factor. In a cell, each of them is either as `app` has it as
published, or as `against` has it.
"""

from itertools import combinations

from pydantic import Field

from testbed.model.base import Model
from testbed.model.kinds import Name

FRAMEWORK = "framework"  # the player that is which of the two apps serves


class Factor(Model):
    """Something besides the framework in which two apps differ, and which can be changed."""

    name: Name
    title: str  # 'keep-alive'
    app: str  # how it is in `app`, in words
    against: str
    only: Name | None = None  # the app that alone has it; None: both have


class FactorialCell(Model):
    """One cell of the factorial, and under which app and variant it was measured.

    Cells that differ only in what the framework of the cell lacks are the same measurement.
    """

    as_app: list[Name]  # the players that are as in `app`; all others are as in `against`
    app: Name
    variant: Name


class Why(Model):
    """A factorial over all in which two apps differ."""

    app: Name
    against: Name
    titles: dict[Name, str]  # of both apps
    factors: list[Factor] = Field(min_length=1)
    cells: list[FactorialCell]
    # Of a fraction: in every cell, an even number of the players of each of these words are as in
    # `app`. Empty: the factorial is full
    generators: list[list[Name]] = []
    # What differs between both and could not be changed, a phrase each: it counts to the framework
    within_framework: list[str] = []

    @property
    def players(self) -> list[str]:
        """Return the names of the framework and of all factors."""
        return [FRAMEWORK, *(factor.name for factor in self.factors)]

    @property
    def words(self) -> list[frozenset[str]]:
        """Return the defining words: all products of the generators. Full: there are none."""
        return products([frozenset(one) for one in self.generators])

    @property
    def resolution(self) -> int | None:
        """Return the length of the shortest defining word; None if the factorial is full."""
        return min(map(len, self.words), default=None)


def products(generators: list[frozenset[str]]) -> list[frozenset[str]]:
    """Return the product of every choice of generators: players in an odd number of them."""
    found = []
    for count in range(1, len(generators) + 1):
        for chosen in combinations(generators, count):
            word: frozenset[str] = frozenset()
            for one in chosen:
                word ^= one
            found.append(word)
    return found
