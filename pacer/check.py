"""Check whether the body of an answer is the expected one."""

import hashlib
from dataclasses import dataclass

from pacer.response import ResponseReader


@dataclass(slots=True)
class BodyCheck:
    """Compare bodies with an expected length and SHA-256, as far as these are given.

    The digest is computed for one answer in `every`. A body that equals the last right one byte by
    byte is not digested again, which makes it cheap to check every answer if all answers are equal.
    """

    length: int | None
    sha256: str | None
    every: int = 1
    _right: bytes | None = None
    _turn: int = 0

    def wants_body(self) -> bool:
        """Return whether the next answer's body has to be kept to compute its digest."""
        if self.sha256 is None:
            return False
        self._turn = (self._turn + 1) % self.every
        return self._turn == 0

    def checks(self, reader: ResponseReader) -> bool:
        """Return whether anything about the answer just read is compared."""
        return self.length is not None or (self.sha256 is not None and reader.keep_body)

    def problem(self, reader: ResponseReader) -> str | None:
        """Return what is wrong with the answer just read; None if nothing is wrong."""
        if self.length is not None and reader.body_length != self.length:
            return f"length {reader.body_length} instead of {self.length}"
        if self.sha256 is None or not reader.keep_body or reader.body == self._right:
            return None
        digest = hashlib.sha256(reader.body).hexdigest()
        if digest != self.sha256:
            return f"SHA-256 {digest} instead of {self.sha256}"
        self._right = reader.body
        return None
