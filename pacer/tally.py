"""Count what became of requests, and send the counts to the control process.

A load process sends frames over a pipe: a line of JSON, then the samples as raw 64-bit integers.
Counts and samples of all frames are added up by the control process. If a load process dies, what
it sent before is not lost.
"""

import json
from array import array
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

ERRORS = ("connect", "read", "write", "timeout", "status", "wrong_body")
COUNTS = (
    *("due", "sent", "completed", "ok", *ERRORS, "unsent", "unanswered"),
    *("slow", "overdue", "late", "bytes", "bodies_checked", "opened"),
)
LATE_NS = 1_000_000  # a request sent later than this after it was due counts as late
# Response times of correct answers and of other ones, service times of both, lags, and times of TLS
# handshakes
SAMPLES = ("correct", "failed", "service", "lag", "handshake")
# Status codes but 200 (as numbers), what errors said (class and text), what the generator itself
# ran out of (numbers of errors), and why the server's certificate was not trusted
COUNTERS = ("codes", "texts", "limits", "untrusted")

Cohort = Literal["warmup", "measured"]


class Tally:
    """Counts, and samples in microseconds, of what became of some requests of one cohort."""

    __slots__ = (*COUNTS, *SAMPLES, *COUNTERS)

    due: int
    sent: int
    completed: int
    ok: int
    connect: int
    read: int
    write: int
    timeout: int
    status: int
    wrong_body: int
    unsent: int
    unanswered: int
    slow: int  # correct answers that came too late to be good; part of `ok`
    overdue: int  # answers that came complete, but after the time-out; part of `timeout`
    late: int
    bytes: int
    bodies_checked: int
    opened: int  # connections; counted in the cohort of the request that needed them
    correct: "array[int]"  # quoted: not generic before Python 3.12
    failed: "array[int]"
    service: "array[int]"
    lag: "array[int]"
    handshake: "array[int]"
    codes: Counter[int]
    texts: Counter[tuple[str, str]]
    limits: Counter[int]
    untrusted: Counter[str]

    def __init__(self) -> None:
        for name in COUNTS:
            setattr(self, name, 0)
        for name in SAMPLES:
            setattr(self, name, array("q"))
        for name in COUNTERS:
            setattr(self, name, Counter())

    def take(self) -> "Tally":
        """Return all that was counted, and count from zero again."""
        taken = Tally()
        for name in self.__slots__:
            mine = getattr(self, name)
            setattr(self, name, getattr(taken, name))
            setattr(taken, name, mine)
        return taken

    def add(self, other: "Tally") -> None:
        """Add the other's counts, but not its samples, to these."""
        for name in COUNTS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in COUNTERS:
            getattr(self, name).update(getattr(other, name))

    @property
    def errors(self) -> int:
        """The number of errors of all classes."""
        return sum(getattr(self, name) for name in ERRORS)

    @property
    def good(self) -> int:
        """The number of correct answers that came in time to be of use."""
        return self.ok - self.slow

    def counts(self) -> dict[str, int]:
        """Return all counts by name."""
        return {name: getattr(self, name) for name in COUNTS}

    @property
    def balanced(self) -> bool:
        """Return whether each due request, sent request and answer ended in exactly one way."""
        broken = self.read + self.write + self.timeout
        return (
            self.due == self.completed + self.connect + broken + self.unsent + self.unanswered
            and self.sent == self.completed + broken + self.unanswered
            and self.completed == self.ok + self.status + self.wrong_body
        )


@dataclass(slots=True)
class Frame:
    """One message of a load process.

    Its kind is 'ready' (the process can begin), 'tally' (what happened since the last such frame,
    in `second`, to requests of one recipe), 'sample' (an answer, in `facts`) or 'final' (the last
    one, with `facts` about the process itself).
    """

    kind: Literal["ready", "tally", "sample", "final"]
    second: int = 0  # from the start of the measured part; negative during the warm-up
    in_window: bool = False  # whether it happened during the measured part
    cohort: Cohort = "measured"
    recipe: int = 0  # place in the mix of requests
    tally: Tally = field(default_factory=Tally)
    facts: dict[str, Any] = field(default_factory=dict)

    def encode(self) -> bytes:
        """Return the frame as bytes."""
        samples = [getattr(self.tally, name) for name in SAMPLES]
        head = {
            "kind": self.kind,
            "second": self.second,
            "in_window": self.in_window,
            "cohort": self.cohort,
            "recipe": self.recipe,
            "counts": {name: count for name, count in self.tally.counts().items() if count},
            # as pairs, because JSON has only texts as keys
            "counters": [list(getattr(self.tally, name).items()) for name in COUNTERS],
            "samples": [len(values) for values in samples],
            "facts": self.facts,
        }
        return b"".join([json.dumps(head).encode(), b"\n", *(v.tobytes() for v in samples)])


class FrameReader:
    """Split the bytes of a pipe into frames."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Yield the frames that these bytes complete."""
        self._buffer += data
        while (frame := self._take()) is not None:
            yield frame

    def _take(self) -> Frame | None:
        end = self._buffer.find(b"\n")
        if end < 0:
            return None
        head = json.loads(self._buffer[:end])
        sizes = [8 * count for count in head["samples"]]
        if len(self._buffer) < end + 1 + sum(sizes):
            return None
        tally = Tally()
        for name, count in head["counts"].items():
            setattr(tally, name, count)
        for name, pairs in zip(COUNTERS, head["counters"], strict=True):
            counter = getattr(tally, name)
            for key, count in pairs:
                counter[tuple(key) if isinstance(key, list) else key] = count
        start = end + 1
        for name, size in zip(SAMPLES, sizes, strict=True):
            getattr(tally, name).frombytes(self._buffer[start : start + size])
            start += size
        del self._buffer[:start]
        return Frame(
            kind=head["kind"],
            second=head["second"],
            in_window=head["in_window"],
            cohort=head["cohort"],
            recipe=head["recipe"],
            tally=tally,
            facts=head["facts"],
        )
