"""Show by simulation what the test for a trend is worth, beside other tests. The truth is known.

The first table has runs without a trend. Their seconds resemble each other: each is correlated with
the next one, as those of a queue or of a host with other work are. It shows how often each test
finds a trend all the same. The second table has queues: below their capacity the response times
have no trend, above it they grow as long as the run lasts. It shows how often a run is called
doubtful, with the least change that limits.yml asks for. The third table has queues in
which few of the requests wait, so that only the p99 of a second shows them.
tests/unit/testbed/test_trend.py asks the same of settings that are drawn anew each time.

    nice python bench/trend.py [--runs 2000] [--seed 1]
"""

import argparse
import heapq
import random
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import signal, stats

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from testbed.validity.limits import limits
from testbed.validity.trend import LEVEL, TAIL_LEVEL, trend

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Wandering:
    """A figure without a trend, second by second."""

    seconds: int
    likeness: float  # the correlation of a second with the next one
    sd: float  # standard deviation of the logarithm
    heavy: bool = False  # outliers, by Student's t with three degrees of freedom
    hiccups: float = 0  # share of the seconds that are up to twenty times as large


def wander(setting: Wandering, runs: int, dice: np.random.Generator) -> Floats:
    """Return the figures of that many runs, one a row."""
    shape = (runs, setting.seconds)
    shocks = dice.standard_t(3, shape) / np.sqrt(3) if setting.heavy else dice.normal(size=shape)
    shocks[:, 1:] *= np.sqrt(1 - setting.likeness**2)
    figures = np.exp(setting.sd * signal.lfilter([1], [1, -setting.likeness], shocks))
    hit = dice.random(shape) < setting.hiccups
    return np.asarray(100 * figures * np.where(hit, dice.uniform(1, 20, shape), 1))


@dataclass(frozen=True)
class Queue:
    """An app with a queue, under a constant rate of requests."""

    capacity_rps: float
    seconds: int
    workers: int = 1
    service: str = "fixed"  # or exponential, or log-normal
    poisson: bool = True  # else requests come at equal distances
    warmup_s: int = 5
    share: float = 1  # of all requests; the others do not wait, and take 1 to 4 ms


def response_times(
    queue: Queue, load: float, runs: int, dice: np.random.Generator, percent: float = 50
) -> Floats:
    """Return a percentile of each second's response times, in ms; a run is a row.

    A `load` of 1 is the capacity.
    """
    return np.array([_response_times(queue, load, dice, percent) for _ in range(runs)])


def _response_times(queue: Queue, load: float, dice: np.random.Generator, percent: float) -> Floats:
    rate = queue.capacity_rps * load
    count, mean_s = int(rate * (queue.seconds + queue.warmup_s)), queue.workers / queue.capacity_rps
    gaps = dice.exponential(1 / rate, count) if queue.poisson else np.full(count, 1 / rate)
    due = np.cumsum(gaps)
    service = {
        "fixed": lambda: np.full(count, mean_s),
        "exponential": lambda: dice.exponential(mean_s, count),
        "log-normal": lambda: dice.lognormal(np.log(mean_s) - 0.5, 1, count),
    }[queue.service]()
    ends = _ends(due, service, queue.workers)
    others = dice.uniform(0, due[-1], round(count * (1 / queue.share - 1)))
    due = np.concatenate([due, others])
    ends = np.concatenate([ends, others + dice.uniform(0.001, 0.004, len(others))])
    order = np.argsort(ends)
    bounds = np.searchsorted(ends[order], queue.warmup_s + np.arange(queue.seconds + 1))
    by_second = np.split((ends - due)[order], bounds)[1:-1]
    return np.array(
        [1000 * np.percentile(one, percent) if len(one) else np.nan for one in by_second]
    )


def _ends(due: Floats, service: Floats, workers: int) -> Floats:
    """Return when each request is answered; they are taken up in the order in which they come."""
    if workers == 1:
        done = np.cumsum(service)
        return np.asarray(done + np.maximum.accumulate(due - done + service))
    free = [0.0] * workers
    ends = np.empty(len(due))
    for number, (at, takes) in enumerate(zip(due.tolist(), service.tolist(), strict=True)):
        ends[number] = max(at, free[0]) + takes
        heapq.heapreplace(free, ends[number])
    return ends


def convicted(
    figures: Floats, tests: "list[Test]", least_percent: float, level: float = LEVEL
) -> list[int]:
    """Return how many runs have a trend, by each test, and changed by so many percent."""
    found = [0] * len(tests)
    for row in figures:
        row = row[~np.isnan(row)]
        change = trend(list(row))
        if change is not None and abs(change.change_percent) >= least_percent:
            for number, test in enumerate(tests):
                found[number] += bool(test(row[None])[0] <= level)
    return found


# --- tests: the chance that runs without a trend look like this, for each row ---------------------

Test = Callable[[Floats], Floats]


def ours(figures: Floats) -> Floats:
    """Return the chances by testbed/validity/trend.py."""
    found = (trend(list(row)) for row in figures)
    return np.array([1.0 if one is None else one.chance for one in found])


def mann_kendall(figures: Floats) -> Floats:
    """Take seconds for independent (Mann 1945; Kendall 1975)."""
    return _by_sum(figures, 1.0)


def hamed_rao(figures: Floats) -> Floats:
    """Mann and Kendall's with fewer effective samples, by the ranks' correlations (1998)."""
    count = figures.shape[1]
    lags = np.arange(1, count - 2)
    likeness = _correlations(stats.rankdata(_without_slope(figures), axis=1), lags)
    likeness = np.where(abs(likeness) > 1.96 / np.sqrt(count), likeness, 0)
    weights = (count - lags) * (count - lags - 1) * (count - lags - 2)
    return _by_sum(figures, 1 + 2 * (likeness @ weights) / (count * (count - 1) * (count - 2)))


def yue_wang(figures: Floats) -> Floats:
    """Mann and Kendall's with fewer effective samples, by one second's correlation (2004)."""
    count = figures.shape[1]
    lags = np.arange(1, count)
    likeness = np.clip(_correlations(_without_slope(figures), lags[:1]), -0.99, 0.99)
    return _by_sum(figures, 1 + 2 * (likeness**lags) @ (1 - lags / count))


def prewhitened(figures: Floats) -> Floats:
    """Mann and Kendall's after taking out one second's correlation (Yue and others 2002)."""
    rest = _without_slope(figures)
    likeness = _correlations(rest, np.array([1]))
    line = (figures - rest)[:, 1:]
    return mann_kendall(rest[:, 1:] - likeness * rest[:, :-1] + line)


def kiefer_vogelsang(figures: Floats) -> Floats:
    """Least squares on logarithms, robust standard error of all lags, fixed-b limits (2005)."""
    simulated = _robust_limits(figures.shape[1])
    ratio = _robust_ratio(np.log(figures))
    return 1 - np.searchsorted(simulated, ratio) / len(simulated)


def block_bootstrap(figures: Floats) -> Floats:
    """Theil and Sen's slope against those of resampled blocks of its remainders (Künsch 1989)."""
    dice, count, times = np.random.default_rng(1), figures.shape[1], 99
    length = max(2, round(1.5 * count ** (1 / 3)))
    chances = []
    for row, rest in zip(figures, _without_slope(figures), strict=True):
        starts = dice.integers(0, count, (times, -(-count // length), 1))
        picked = ((starts + np.arange(length)) % count).reshape(times, -1)[:, :count]
        beyond = abs(_slopes(rest[picked])) >= abs(_slopes(row[None]))
        chances.append((1 + beyond.sum()) / (1 + times))
    return np.array(chances)


TESTS: dict[str, Test] = {
    "Mann and Kendall": mann_kendall,
    "Hamed and Rao": hamed_rao,
    "Yue and Wang": yue_wang,
    "pre-whitened": prewhitened,
    "block bootstrap": block_bootstrap,
    "Kiefer and Vogelsang": kiefer_vogelsang,
    "ours": ours,
}


def _pairs(figures: Floats) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Return the differences of all pairs of seconds, and the seconds between them."""
    first, second = np.triu_indices(figures.shape[1], 1)
    return figures[:, second] - figures[:, first], second - first


def _in_parts(of: Callable[[Floats], Floats], figures: Floats) -> Floats:
    """Return `of` for all rows. A pair takes 8 bytes, and long runs have many pairs."""
    parts = max(1, figures.size * figures.shape[1] // 20_000_000)
    return np.concatenate([of(part) for part in np.array_split(figures, parts)])


def _slopes(figures: Floats) -> Floats:
    def slopes(part: Floats) -> Floats:
        differences, apart = _pairs(part)
        return np.asarray(np.median(differences / apart, axis=1))

    return _in_parts(slopes, figures)


def _without_slope(figures: Floats) -> Floats:
    return figures - _slopes(figures)[:, None] * np.arange(figures.shape[1])


def _by_sum(figures: Floats, inflation: float | Floats) -> Floats:
    """Return the chances of Mann and Kendall's sum, its variance inflated."""
    count = figures.shape[1]
    total = _in_parts(lambda part: np.sign(_pairs(part)[0]).sum(axis=1), figures)
    variance = count * (count - 1) * (2 * count + 5) / 18 * np.maximum(inflation, 0.05)
    return np.asarray(2 * stats.norm.sf(np.maximum(abs(total) - 1, 0) / np.sqrt(variance)))


def _correlations(figures: Floats, lags: npt.NDArray[np.int64]) -> Floats:
    rest = figures - figures.mean(axis=1, keepdims=True)
    sums = [(rest[:, lag:] * rest[:, :-lag]).sum(axis=1) for lag in lags]
    return np.asarray(np.transpose(sums) / (rest**2).sum(axis=1)[:, None])


def _robust_ratio(figures: Floats) -> Floats:
    count = figures.shape[1]
    time = np.arange(count) - (count - 1) / 2
    rest = figures - figures.mean(axis=1, keepdims=True)
    slope = rest @ time / (time @ time)
    scores = (rest - slope[:, None] * time) * time
    variance = (scores**2).sum(axis=1)
    for lag in range(1, count):
        weight = 2 * (1 - lag / count)
        variance += weight * (scores[:, lag:] * scores[:, :-lag]).sum(axis=1)
    return np.asarray(abs(slope) * (time @ time) / np.sqrt(variance))


@lru_cache
def _robust_limits(count: int) -> Floats:
    return np.sort(_robust_ratio(np.random.default_rng(1).normal(size=(20_000, count))))


# --- tables ---------------------------------------------------------------------------------------

QUEUES = {
    "M/D/1, 400/s, 10 s": Queue(400, 10),
    "M/D/1, 400/s, 60 s": Queue(400, 60),
    "M/D/1, 400/s, 300 s": Queue(400, 300),
    "M/D/1, 2000/s, 10 s": Queue(2000, 10),
    "M/D/1, 2000/s, 60 s": Queue(2000, 60),
    "M/D/1, 20/s, 60 s": Queue(20, 60),
    "M/M/4, 400/s, 60 s": Queue(400, 60, workers=4, service="exponential"),
    "M/M/16, 400/s, 60 s": Queue(400, 60, workers=16, service="exponential"),
    "M/G/1 (log-normal), 400/s, 60 s": Queue(400, 60, service="log-normal"),
    "D/M/1, 400/s, 60 s": Queue(400, 60, service="exponential", poisson=False),
}
TAILS = {
    "M/D/1 of 2 % of 1000/s, 60 s": Queue(20, 60, share=0.02),
    "M/D/1 of 5 % of 400/s, 60 s": Queue(20, 60, share=0.05),
    "M/D/1 of 5 % of 2000/s, 30 s": Queue(100, 30, share=0.05),
    "M/M/4 of 10 % of 1000/s, 60 s": Queue(100, 60, 4, "exponential", share=0.1),
}
LOADS = (0.8, 0.9, 0.95, 1.01, 1.03, 1.05, 1.1)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    asked = parser.parse_args()
    print(f"{asked.runs:,} runs each, seed {asked.seed}, level {100 * LEVEL} %")
    print("(a tenth of that for queues, a twentieth for the block bootstrap, which is slow)")
    dice = np.random.default_rng(asked.seed)
    _print_wandering(asked.runs, dice)
    _print_queues(asked.runs // 10, dice)
    _print_tails(asked.runs // 10, dice)


def _print_wandering(runs: int, dice: np.random.Generator) -> None:
    lengths = (10, 30, 60, 300)
    print("\nNo trend: found all the same, in % of runs (without asking for a least change)")
    print("likeness", " " * 18, *(f"{seconds:4} s" for seconds in lengths), "  hiccups, 60 s")
    for likeness in (0, 0.4, 0.6, 0.8, 0.9):
        settings = [Wandering(seconds, likeness, 0.1) for seconds in lengths]
        settings.append(Wandering(60, likeness, 0.1, heavy=True, hiccups=0.05))
        for name, test in TESTS.items():
            few = runs // 20 if test is block_bootstrap else runs
            shares = [np.mean(test(wander(one, few, dice)) <= LEVEL) for one in settings]
            print(f"{likeness:8} {name:20}", *(f"{100 * share:5.1f} " for share in shares))


def _print_queues(runs: int, dice: np.random.Generator) -> None:
    least = limits()["response_drift_percent"].doubtful or 0
    print(f"\nQueues: changed by at least {least:g} % with a trend, in % of runs")
    print(" " * 53, *(f"{100 * load:4.0f} %" for load in LOADS))
    titles = ("Mann and Kendall", "Yue and Wang", "ours")
    for name, queue in QUEUES.items():
        counts = [
            convicted(
                response_times(queue, load, runs, dice), [TESTS[title] for title in titles], least
            )
            for load in LOADS
        ]
        for title, of_test in zip(titles, zip(*counts, strict=True), strict=True):
            print(f"{name:32} {title:20}", *(f"{100 * count / runs:5.0f} " for count in of_test))


def _print_tails(runs: int, dice: np.random.Generator) -> None:
    least = limits()["response_drift_percent"].doubtful or 0
    print(f"\nQueues of few: the medians changed, and the p99s, level {100 * TAIL_LEVEL} %")
    print(" " * 39, *(f"{100 * load:4.0f} %" for load in LOADS))
    for name, queue in TAILS.items():
        for what, percent, level in (("p50", 50, LEVEL), ("p99", 99, TAIL_LEVEL)):
            counts = [
                convicted(response_times(queue, load, runs, dice, percent), [ours], least, level)[0]
                for load in LOADS
            ]
            print(f"{name:32} {what:6}", *(f"{100 * count / runs:5.0f} " for count in counts))


if __name__ == "__main__":
    main()
