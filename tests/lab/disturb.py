"""Eat a part of every CPU for a while: `python -m tests.lab.disturb SECONDS [SHARE]`.

A machine that has other things to do, for trying that no lab test is about how fast or how quiet
the machine is. One process for each CPU is busy for its share of each tenth of a second, by
default half of it.
"""

import argparse
import multiprocessing
import os
import time

PERIOD_S = 0.1
LONGEST_S = 2 * 3600


def eat(cpu: int, share: float, until: float) -> None:
    """Keep one CPU busy for a share of each period, until then by the monotonic clock."""
    os.sched_setaffinity(0, {cpu})
    while (begin := time.monotonic()) < until:
        while time.monotonic() < begin + share * PERIOD_S:
            pass
        time.sleep((1 - share) * PERIOD_S)


def main() -> None:
    """Eat all of this process's CPUs; ends by itself, or with Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m tests.lab.disturb", description=__doc__)
    parser.add_argument("seconds", type=float, help=f"for how long, at most {LONGEST_S}")
    parser.add_argument("share", type=float, nargs="?", default=0.5, help="of each CPU's time")
    asked = parser.parse_args()
    until = time.monotonic() + min(asked.seconds, LONGEST_S)
    eaters = [
        multiprocessing.Process(target=eat, args=(cpu, asked.share, until), daemon=True)
        for cpu in sorted(os.sched_getaffinity(0))
    ]
    for eater in eaters:
        eater.start()
    for eater in eaters:
        eater.join()


if __name__ == "__main__":
    main()
