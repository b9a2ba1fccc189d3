"""Say which request is sent when several kinds of requests are mixed, and make its bytes.

Each due request has a number. The number and the seed alone decide which recipe it follows and
which values are drawn for it, so that every server is asked the same.
"""

import hashlib
import struct
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import accumulate, repeat
from typing import Any
from urllib.parse import quote

from pacer.check import AnswerCheck

Value = int | str

WORD_BITS = 64  # of the random word for each decision
CONTENT_LENGTH = "Content-Length"  # placeholder of it; no name of a drawn value has a hyphen


@dataclass(frozen=True, slots=True)
class Draw:
    """What is drawn under one name: one of `choices`, or else a whole number."""

    low: int = 0
    high: int = 0  # included
    choices: tuple[Value, ...] = ()

    def value(self, word: int) -> Value:
        """Return the value that a random word of 64 bits stands for; all are equally likely."""
        size = len(self.choices) or self.high - self.low + 1
        place = word * size >> WORD_BITS
        return self.choices[place] if self.choices else self.low + place


@dataclass(frozen=True, slots=True)
class Recipe:
    """One kind of request.

    It is either `fixed`, the bytes of a request that is always the same, or made of templates, in
    which `{name}` stands for a drawn value.
    """

    name: str = ""
    weight: float = 1.0
    method: str = "GET"
    fixed: bytes | None = None
    line: str = ""  # template of the request's first line; values in it are percent-encoded
    headers: str = ""  # template of the headers, with the empty line
    body: str = ""  # template
    raw_body: bytes = b""  # instead of it
    draw: dict[str, Draw] = field(default_factory=dict)
    statuses: tuple[int, ...] | None = None
    length: int | None = None
    sha256: str | None = None
    contains: str | None = None  # template

    def data(self, values: dict[str, Value]) -> bytes:
        """Return the bytes of the request with these drawn values."""
        if self.fixed is not None:
            return self.fixed
        body = self.raw_body or self.body.format_map(values).encode()
        line = self.line.format_map({name: quote(str(v), safe="") for name, v in values.items()})
        headers = self.headers.format_map({**values, CONTENT_LENGTH: len(body)})
        return (line + headers).encode("ascii") + body

    def check(self, every: int) -> AnswerCheck | None:
        """Return the check of its answers; None if any answer of status 2xx or 3xx is correct."""
        if (self.statuses, self.length, self.sha256, self.contains) == (None,) * 4:
            return None
        statuses = None if self.statuses is None else frozenset(self.statuses)
        contains = self.contains is not None
        return AnswerCheck(self.length, self.sha256, every, statuses, contains)


@dataclass(slots=True)
class Request:
    """A request as it is sent.

    `watched` says that something has to be prepared for its answer: its body is needed, or it may
    differ from the one before in whether it has a body at all.
    """

    recipe: int  # place in the mix
    data: bytes
    check: AnswerCheck | None
    to_head: bool  # whether the method is HEAD, so that its answer has no body
    watched: bool
    only_length: int | None  # of a right answer's body, if nothing else is expected of it
    number: int | None = None
    drawn: dict[str, Value] = field(default_factory=dict)
    contains: bytes | None = None


class Mix:
    """The requests of a run. A load of equal requests is a mix of one fixed recipe."""

    def __init__(
        self, recipes: list[Recipe], seed: int | None, check_every: int, *, sampled: bool
    ) -> None:
        self.recipes = recipes
        self._checks = [recipe.check(check_every) for recipe in recipes]
        self._sampled = sampled
        total = sum(recipe.weight for recipe in recipes)
        bounds = accumulate(recipe.weight for recipe in recipes)
        self._bounds = [int(bound / total * (1 << WORD_BITS)) for bound in bounds][:-1]
        self._words = struct.Struct(f">{1 + max(len(recipe.draw) for recipe in recipes)}Q")
        self._seed = b"%d/" % (seed or 0)

    @property
    def fixed(self) -> bool:
        """Whether all requests of the run are the same bytes."""
        return len(self.recipes) == 1 and self.recipes[0].fixed is not None

    def places(self, numbers: Iterable[int]) -> Iterator[int]:
        """Yield for each number the place of its recipe."""
        return repeat(0) if len(self.recipes) == 1 else (self._drawn(n)[0] for n in numbers)

    def requests(self, numbers: Iterable[int]) -> Iterator[Request]:
        """Yield the request of each number."""
        return repeat(self._request(0)) if self.fixed else map(self.request, numbers)

    def request(self, number: int) -> Request:
        """Return the request of that number."""
        place, words = self._drawn(number)
        draw = self.recipes[place].draw
        values = {
            name: one.value(word) for (name, one), word in zip(draw.items(), words, strict=False)
        }
        request = self._request(place, values)
        request.number = number
        return request

    def _request(self, place: int, values: dict[str, Value] | None = None) -> Request:
        recipe, check = self.recipes[place], self._checks[place]
        drawn = values or {}
        looks_at_body = recipe.sha256 is not None or recipe.contains is not None
        return Request(
            recipe=place,
            data=recipe.data(drawn),
            check=check,
            to_head=recipe.method == "HEAD",
            watched=looks_at_body or self._sampled or recipe.method == "HEAD" or not self.fixed,
            only_length=check.only_length if check else None,
            drawn=drawn,
            contains=recipe.contains.format_map(drawn).encode() if recipe.contains else None,
        )

    def _drawn(self, number: int) -> tuple[int, tuple[Any, ...]]:
        """Return the place of the number's recipe, and random words for what is drawn."""
        digest = hashlib.shake_128(self._seed + b"%d" % number).digest(self._words.size)
        first, *others = self._words.unpack(digest)
        return bisect_right(self._bounds, first), tuple(others)
