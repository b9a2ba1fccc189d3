"""Find the knee of a curve of response times against the rate. Pure functions.

The knee is the rate at which rate divided by response time is greatest: Kleinrock's power. It is
where a straight line from the origin touches the curve. Below it, a higher rate costs little time;
beyond it, response times grow by more percent than the rate does. The point does not depend on how
the axes are drawn, as a bend that is found by eye does. (Kleinrock 1979; Jain 1991, section 3.3;
docs/method.md names both.)
"""

import math
from collections import defaultdict
from collections.abc import Iterable

FEWEST_RATES = 4  # different ones: a bend takes two to each side


def knee(points: Iterable[tuple[float, float]]) -> float | None:
    """Return the rate of the knee among (rate, time) of several runs.

    Times of runs scatter, but do not fall where the rate rises: so the closest rising curve is
    taken (isotonic regression of their logarithms). Return None if there are too few rates, or if
    the greatest quotient is that of the lowest or the highest one, so that the knee lies elsewhere.
    """
    from scipy.optimize import isotonic_regression  # slow to import, which only searches need

    logs: dict[float, list[float]] = defaultdict(list)  # of the times, by the rate
    for rate, time in sorted(points):
        if rate > 0 and 0 < time < math.inf:
            logs[rate].append(math.log(time))
    if len(logs) < FEWEST_RATES:
        return None
    rates = list(logs)  # rising
    means = [sum(of) / len(of) for of in logs.values()]
    rising = isotonic_regression(means, weights=[len(of) for of in logs.values()]).x
    power = [math.log(at) - time for at, time in zip(rates, rising, strict=True)]
    best = power.index(max(power))
    return None if best in (0, len(rates) - 1) else rates[best]
