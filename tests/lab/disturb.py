"""Use a part of every CPU for a while: `python -m tests.lab.disturb SECONDS [SHARE]`.

This stands for a machine that has other things to do, to check that no lab test depends on how fast
or how quiet the machine is. One process for each CPU is busy for its share (by default half) of
each tenth of a second.
"""

import argparse
import multiprocessing
import os
import time

PERIOD_S = 0.1
LONGEST_S = 2 * 3600


def eat(cpu: int, share: float, until: float) -> None:
    """Keep one CPU busy for a share of each period, until a time of the monotonic clock."""
    os.sched_setaffinity(0, {cpu})
    while (begin := time.monotonic()) < until:
        while time.monotonic() < begin + share * PERIOD_S:
            pass
        time.sleep((1 - share) * PERIOD_S)


def main() -> None:
    """Use all of this process's CPUs until the time is over or Ctrl-C is pressed."""
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
