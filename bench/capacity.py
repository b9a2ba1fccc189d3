"""Show by simulation what the interval of a capacity search is worth. The truth is known.

Servers are queues, M/M/c and M/D/c with 1 to 32 workers, drawn anew: arrivals are Poisson, and a
run of 5 to 60 seconds has the p99 of as many simulated requests. Each run is faster or slower than
the typical one by a log-normal factor (`sd`). Some runs are bad (hiccups): the server stands still
for a part of them, or is slower throughout. The truth is the rate at which half of the other runs
meet the objective, which is 1.3 to 8 times the p99 without load. Each search begins between a 32nd
of the truth and twice the truth.
With `--met-at 0.3 0.5` the servers are M/M/1, and the objective is what a typical run just meets at
such a share of what they can serve: their response times hardly depend on the rate.
Prints how often the interval holds the truth and by how much the estimate misses it; and the same
of the bisection that searched before. tests/unit/testbed/test_capacity.py asks the same of few
searches. docs/method.md has the figures of `--servers 20 --searches 4 --seed 2029`.

    nice python bench/capacity.py [--servers 60] [--searches 5] [--seed 1]
"""

import argparse
import math
import random
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.stats import norm

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from testbed.asked.capacity import answer, next_rate
from testbed.asked.probe import Probe
from testbed.model.experiment import Capacity

Floats = npt.NDArray[np.float64]
SIZES = (0.03, 0.05, 0.1)
HICCUPS = (0.0, 0.02, 0.05)
REPLICATES = 40  # simulated runs of a server at each load; a run of a search is one of them
STALLED = 20  # more of them, in each of which the server stood still for a while
STALLS = (0.01, 0.3)  # of the run, for which it did
SLOWED = (1.3, 3)  # how many times slower a server is of which the whole run was bad
LOADS = np.r_[0.02, 0.05, 0.1:0.7:0.05, 0.7:1.3:0.015, 1.35, 1.5, 1.7, 2]  # of what it can serve


@dataclass(frozen=True)
class Setting:
    """A server, the objective and how its runs scatter."""

    name: str
    serves_rps: float
    log_times_s: Floats  # median and p99, by replicate and load; those that stood still come last
    objective_s: float
    sd: float = 0
    hiccups: float = 0

    def margins(self, rate_rps: float, faster: Floats, replicate: int, which: int = 1) -> Floats:
        """Return log(p99 / objective) of runs that are faster than the typical one by factors.

        With `which` 0, it is that of the median.
        """
        loads = rate_rps / self.serves_rps / faster
        log_time = np.interp(loads, LOADS, self.log_times_s[which, replicate]) - np.log(faster)
        return np.asarray(log_time - math.log(self.objective_s))

    def run(self, rate_rps: float, dice: np.random.Generator) -> Probe:
        """Return what one run at this rate says."""
        faster = np.exp(self.sd * dice.standard_normal(1))
        replicate = int(dice.integers(REPLICATES))
        if dice.random() < self.hiccups:
            if dice.random() < 0.5:
                replicate = REPLICATES + int(dice.integers(STALLED))
            else:
                faster /= dice.uniform(*SLOWED)
        median, p99 = (float(self.margins(rate_rps, faster, replicate, one)[0]) for one in (0, 1))
        return Probe(rate_rps, p99, mostly_late=median > 0)

    def truth_rps(self) -> float:
        """Return the rate at which half of the runs meet the objective."""
        faster = np.exp(self.sd * norm.ppf((np.arange(60) + 0.5) / 60))
        low, high = 0.02 * self.serves_rps, 2 * self.serves_rps
        while high / low > 1.0005:
            middle = math.sqrt(low * high)
            runs = [self.margins(middle, faster, one) for one in range(REPLICATES)]
            low, high = (middle, high) if np.median(runs) <= 0 else (low, middle)
        return math.sqrt(low * high)


def waits(arrivals: Floats, services: Floats, workers: int) -> Floats:
    """Return how long each request waits, first come, first served; runs are on the first axis."""
    free = np.zeros((len(arrivals), workers))
    found = np.empty_like(arrivals)
    rows = np.arange(len(arrivals))
    for number in range(arrivals.shape[1]):
        first = free.argmin(axis=1)
        begins = np.maximum(free[rows, first], arrivals[:, number])
        found[:, number] = begins - arrivals[:, number]
        free[rows, first] = begins + services[:, number]
    return found


def waits_in_turn(arrivals: Floats, services: Floats, workers: int) -> Floats:
    """Return the same where all requests take as long, so that workers serve in turn (Lindley)."""
    found = np.empty_like(arrivals)
    for worker in range(workers):
        own, taken = arrivals[:, worker::workers], services[:, worker::workers]
        steps = np.zeros_like(own)
        steps[:, 1:] = taken[:, :-1] - np.diff(own, axis=1)
        walk = np.cumsum(steps, axis=1)
        found[:, worker::workers] = walk - np.minimum.accumulate(np.minimum(walk, 0), axis=1)
    return found


def draw(dice: np.random.Generator, met_at: tuple[float, float] | None = None) -> Setting:
    """Return a server and an objective of 1.3 to 8 times the p99 that it has without load.

    With `met_at`, it is an M/M/1 server that just meets the objective at a load between the two.
    """
    workers, alike = int(2 ** dice.uniform(0, 5.01)), bool(dice.random() < 0.5)
    if met_at:
        workers, alike = 1, False
    duration_s = dice.uniform(5, 60)
    requests = math.exp(dice.uniform(math.log(400), math.log(4000)))
    serves_rps = requests / duration_s
    shape = (REPLICATES + STALLED, int(2 * requests) + 10)
    gaps = np.cumsum(dice.exponential(1, shape), axis=1)
    mean_s = workers / serves_rps
    services = np.full(shape, mean_s) if alike else dice.exponential(mean_s, shape)
    stood_s = np.zeros((len(gaps), 1))
    stood_s[REPLICATES:, 0] = duration_s * np.exp(dice.uniform(*np.log(STALLS), STALLED))
    from_s = dice.uniform(0, duration_s - stood_s)
    log_times_s = np.empty((2, len(gaps), len(LOADS)))
    for number, load in enumerate(LOADS):
        size = min(shape[1], int(1.3 * requests * load) + 20)
        arrivals, taken = gaps[:, :size] / (serves_rps * load), services[:, :size]
        # time as the server has it, which stands still with it
        own = np.where(arrivals < from_s, arrivals, np.maximum(from_s, arrivals - stood_s))
        ends = own + taken + (waits_in_turn if alike else waits)(own, taken, workers)
        times = np.where(ends > from_s, ends + stood_s, ends) - arrivals
        times[:, 1:][arrivals[:, 1:] > duration_s] = np.nan  # the first one counts in any case
        log_times_s[:, :, number] = np.log(np.nanpercentile(times, (50, 99), axis=1))
    log_p99_s = log_times_s[1, :REPLICATES]
    unloaded, overloaded = np.median(log_p99_s[:, 2]), np.median(log_p99_s[:, LOADS == 1.35])
    objective_s = math.exp(min(unloaded + math.log(dice.uniform(1.3, 8)), overloaded))
    if met_at:
        medians = np.median(log_p99_s, axis=0)
        objective_s = math.exp(np.interp(dice.uniform(*met_at), LOADS, medians))
    name = f"M/{'D' if alike else 'M'}/{workers}, {duration_s:.0f} s, {requests:.0f} requests"
    return Setting(name, serves_rps, log_times_s, objective_s)


Run = Callable[[float], Probe]
Answer = tuple[float, float, float, int]  # low, estimate, high, number of probes


def by_fit(capacity: Capacity, run: Run) -> Answer:
    """Search as the testbed does."""
    probes: list[Probe] = []
    while not isinstance(rate := next_rate(capacity, probes), str):
        probes.append(run(rate))
    low, estimate, high = answer(capacity, probes)
    middle = estimate or high or low or 0
    return low or 0, middle, math.inf if high is None else high, len(probes)


def by_bisection(capacity: Capacity, run: Run) -> Answer:
    """Search as the testbed did before: each probe decides by itself, and the worse counts."""
    met, missed, probes = 0.0, math.inf, 0
    rate = capacity.from_rps
    while True:
        probes += 1
        if run(rate).met:
            met = max(met, rate) if rate < missed else met
        elif rate < missed:
            met, missed = (met if met < rate else 0.0), rate
        if math.isinf(missed):
            rate, over = min(2 * met, capacity.to_rps), met >= capacity.to_rps
        elif not met:
            rate, over = missed / 2, missed / 2 < capacity.from_rps / 256
        else:
            rate = (met + missed) / 2
            over = 100 * (missed - met) / met <= capacity.precision_percent
        if over:
            middle = missed / 2 if not met else met if math.isinf(missed) else (met + missed) / 2
            return met, middle, missed, probes


def searches(
    settings: list[Setting], each: int, dice: np.random.Generator, most_probes: int | None = None
) -> Iterator[tuple[Setting, float, Capacity]]:
    """Yield settings with their truth and a search to make."""
    for setting in settings:
        truth = setting.truth_rps()
        for _ in range(each):
            from_rps = truth * 2 ** dice.uniform(-5, 1)
            to_rps = max(from_rps, truth * dice.uniform(1.5, 8))
            capacity = Capacity(
                from_rps=from_rps,
                to_rps=to_rps,
                p99_ms=1,
                errors_percent=0,
                most_probes=most_probes,
            )
            yield setting, truth, capacity


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--servers", type=int, default=60)
    parser.add_argument("--searches", type=int, default=5, help="of each server and row")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--most-probes", type=int, help="of a search; default: as a bisection")
    parser.add_argument(
        "--met-at", type=float, nargs=2, metavar=("FROM", "TO"),
        help="only M/M/1 servers that just meet the objective at such shares of what they serve",
    )  # fmt: skip
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}")
    dice = np.random.default_rng(arguments.seed)
    met_at = tuple(arguments.met_at) if arguments.met_at else None
    servers = [draw(dice, met_at) for _ in range(arguments.servers)]
    print("  sd  hiccups  search     holds the truth   width  error: median, 95 %   probes")
    for sd in SIZES:
        for hiccups in HICCUPS:
            settings = [
                Setting(one.name, one.serves_rps, one.log_times_s, one.objective_s, sd, hiccups)
                for one in servers
            ]
            for name, search in (("fit", by_fit), ("bisection", by_bisection)):
                found = np.array([
                    _scored(truth, search(capacity, lambda rate, one=setting: one.run(rate, dice)))
                    for setting, truth, capacity in searches(
                        settings, arguments.searches, dice, arguments.most_probes
                    )
                ])  # fmt: skip
                print(f"{100 * sd:4.0f} {100 * hiccups:8.0f}  {name:9}", _line(found), flush=True)


def _scored(truth: float, answer: Answer) -> tuple[float, float, float, float]:
    low, estimate, high, probes = answer
    width = high / low - 1 if low and math.isfinite(high) else math.inf
    return low <= truth <= high, width, abs(estimate / truth - 1), probes


def _line(found: Floats) -> str:
    share = found[:, 0].mean()
    error = math.sqrt(share * (1 - share) / len(found))
    return (
        f"{100 * share:10.1f} ± {100 * error:3.1f} % {100 * np.median(found[:, 1]):6.0f} % "
        f"{100 * np.median(found[:, 2]):12.1f} {100 * np.quantile(found[:, 2], 0.95):6.1f} % "
        f"{found[:, 3].mean():8.1f}"
    )


if __name__ == "__main__":
    main()
