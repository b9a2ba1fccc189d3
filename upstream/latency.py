"""How long each answer takes: always the same, or drawn."""

import math
import random
from collections.abc import Iterator

MOST_MS = 60_000  # as an experiment may declare; a drawn time is cut off there
DISTRIBUTIONS = ("constant", "lognormal")


def latencies_ns(latency_ms: float, distribution: str, sigma: float, seed: int) -> Iterator[int]:
    """Yield the time of one answer after the other, in nanoseconds, without end.

    `latency_ms` is the time itself, or the median of a log-normal distribution, in which `sigma` is
    the standard deviation of the logarithm. The sequence follows from the seed. Raises ValueError
    for a distribution that is not known.
    """
    if distribution not in DISTRIBUTIONS:
        raise ValueError(f"{distribution} is none of: {', '.join(DISTRIBUTIONS)}")
    drawing = random.Random(seed)  # noqa: S311 - no secret
    while True:
        factor = math.exp(drawing.gauss(0, sigma)) if distribution == "lognormal" else 1
        yield round(1e6 * min(latency_ms * factor, MOST_MS))
