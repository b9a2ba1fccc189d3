"""Check whether an answer is the expected one."""

import hashlib
from dataclasses import dataclass

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
    _right: bytes | None = None
    _turn: int = 0

    def wants_body(self) -> bool:
        """Return whether the next answer's body has to be kept, to be compared."""
        if self.sha256 is None and not self.contains:
            return False
        self._turn = (self._turn + 1) % self.every
        return self._turn == 0

    def takes_status(self, status: int) -> bool:
        """Return whether it is a right status."""
        return 200 <= status < 400 if self.statuses is None else status in self.statuses

    def compares(self, reader: ResponseReader) -> bool:
        """Return whether anything about the body of the answer just read is compared."""
        if self.length is not None:
            return True
        return reader.keep_body and (self.sha256 is not None or self.contains)

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
