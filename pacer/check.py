"""Whether a body is the expected one."""

import hashlib
from dataclasses import dataclass

from pacer.response import ResponseReader


@dataclass(slots=True)
class BodyCheck:
    """Compares bodies with an expected length and SHA-256, where given.

    The digest is taken of one answer in `every`. A body that equals the last right one byte by byte
    is not digested again, which makes checking every answer cheap where answers are constant.
    """

    length: int | None
    sha256: str | None
    every: int = 1
    _right: bytes | None = None
    _turn: int = 0

    def wants_body(self) -> bool:
        """Whether the next answer's body is to be kept for its digest."""
        if self.sha256 is None:
            return False
        self._turn = (self._turn + 1) % self.every
        return self._turn == 0

    def checks(self, reader: ResponseReader) -> bool:
        """Whether anything about the answer just read is compared."""
        return self.length is not None or (self.sha256 is not None and reader.keep_body)

    def problem(self, reader: ResponseReader) -> str | None:
        """What is wrong with the answer just read; None if nothing is."""
        if self.length is not None and reader.body_length != self.length:
            return f"length {reader.body_length} instead of {self.length}"
        if self.sha256 is None or not reader.keep_body or reader.body == self._right:
            return None
        digest = hashlib.sha256(reader.body).hexdigest()
        if digest != self.sha256:
            return f"SHA-256 {digest} instead of {self.sha256}"
        self._right = reader.body
        return None
