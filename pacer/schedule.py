"""Compute when requests are due: nanoseconds from the start of the measured part, in order.

Requests due during the warm-up have negative times. The schedule is open: it does not depend on
answers. Each of several processes gets a part of its own, and together the parts are the whole.
"""

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Literal

NS_PER_S = 1_000_000_000
NEVER = 1 << 62  # later than any due time
TOLERANCE = 1e-6  # of a request: 0.1 s at 30/s are three requests, whatever floats round to

Arrivals = Literal["constant", "poisson"]


@dataclass(frozen=True, slots=True)
class Schedule:
    """The part of a schedule that process `index` of `processes` has.

    `rate_rps` is the rate of all processes together, in requests per second.
    """

    arrivals: Arrivals
    rate_rps: float
    warmup_s: float
    duration_s: float
    seed: int | None = None
    index: int = 0
    processes: int = 1

    @property
    def own_rate_rps(self) -> float:
        """The rate of this process alone, in requests per second."""
        return self.rate_rps / self.processes

    def __iter__(self) -> Iterator[int]:
        """Yield the due times; each iteration yields the same ones."""
        return self._constant() if self.arrivals == "constant" else self._poisson()

    def numbers(self) -> Iterator[int]:
        """Yield the numbers of this process's requests, in order and without an end.

        Those of all processes together are 0, 1, 2, ..., the warm-up's first.
        """
        turn = self.index
        if self.arrivals == "constant":
            turn = (self.index - self._first) % self.processes
        return count(turn, self.processes)

    @property
    def _first(self) -> int:
        """k of the first request of a constant schedule, whichever process has it."""
        return -math.floor(self.warmup_s * self.rate_rps + TOLERANCE)

    def _constant(self) -> Iterator[int]:
        """Yield the due times k / rate, where processes take turns.

        The measured part begins with k = 0, so it holds the same requests with any warm-up.
        """
        first = self._first
        last = math.ceil(self.duration_s * self.rate_rps - TOLERANCE)
        first += (self.index - first) % self.processes
        interval_ns = NS_PER_S / self.rate_rps
        return (round(k * interval_ns) for k in range(first, last, self.processes))

    def _poisson(self) -> Iterator[int]:
        """Yield due times with independent, exponentially distributed intervals.

        The sum of Poisson processes is a Poisson process of the summed rate, so each process has
        its share of the rate.
        """
        generator = random.Random(f"{self.seed}/{self.index}/{self.processes}")  # noqa: S311
        rate_per_ns = self.own_rate_rps / NS_PER_S
        end = self.duration_s * NS_PER_S
        due = -self.warmup_s * NS_PER_S + generator.expovariate(rate_per_ns)
        while due < end:
            yield math.floor(due)
            due += generator.expovariate(rate_per_ns)
