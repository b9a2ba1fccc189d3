"""Define the only error that parsing raises."""

from testbed.errors import TestbedError


class ParseError(TestbedError):
    """Raised if a text cannot be parsed: `line` (counted from 1) and what is wrong there."""

    def __init__(self, what: str, *, line: int, remedy: str | None = None) -> None:
        super().__init__(f"line {line}: {what}", remedy=remedy)
        self.line = line
        self.what = what
