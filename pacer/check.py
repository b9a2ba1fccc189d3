"""Check whether an answer is the expected one."""

import hashlib
from dataclasses import dataclass, field

from pacer.response import ResponseReader


@dataclass(slots=True)
class AnswerCheck:
    """Compare answers with an expected status, length, SHA-256 and text, as far as these are given.

    Digest and text are looked at for one answer in `every`. A body that equals the last right one
    byte by byte is not digested again, which makes it cheap to check every answer if all answers
    are equal.
    """

    length: int | None = None
    sha256: str | None = None
    every: int = 1
    statuses: frozenset[int] | None = None  # None: all of 2xx and 3xx
    contains: bool = False  # whether each request comes with a text that its answer has to hold
    looks_at_bodies: bool = field(init=False)  # whether anything is expected of bodies
    _keeps: bool = field(init=False)  # whether they have to be kept for that
    _right: bytes | None = None
    _turn: int = 0

    def __post_init__(self) -> None:
        """Prepare what is asked of each answer."""
        self._keeps = self.sha256 is not None or self.contains
        self.looks_at_bodies = self.length is not None or self._keeps

    def wants_body(self) -> bool:
        """Return whether the next answer's body has to be kept, to be compared."""
        if self.every == 1 or not self._keeps:
            return self._keeps
        self._turn = (self._turn + 1) % self.every
        return self._turn == 0

    @property
    def only_length(self) -> int | None:
        """The length of a body, if just that and a usual status are expected; None otherwise."""
        others = (self.sha256, self.statuses)
        return None if others != (None, None) or self.contains else self.length

    def problem(self, reader: ResponseReader, contains: bytes | None = None) -> str | None:
        """Return what is wrong with the body of the answer just read; None if nothing is wrong.

        `contains` is what the answer to this request has to hold.
        """
        if self.length is not None and reader.body_length != self.length:
            return f"length {reader.body_length} instead of {self.length}"
        if not reader.keep_body:
            return None
        if contains is not None and contains not in reader.body:
            return f"without the text {contains.decode()!r}"
        if self.sha256 is None or reader.body == self._right:
            return None
        digest = hashlib.sha256(reader.body).hexdigest()
        if digest != self.sha256:
            return f"SHA-256 {digest} instead of {self.sha256}"
        self._right = reader.body
        return None
