"""Provoke bottlenecks in real servers on loopback, and print what the rule says gave out first.

Each is a server with one scarce resource, drawn anew (tests/contract/gave_out/): a loop that burns
CPU, workers that sleep or wait for the database, a small pool, a lock, a slow service, a listen
queue that is too short. The load is pacer's, for five seconds each, the samples are telemetry's.
Needs PostgreSQL's programs. On a machine that others use, CPUs are scarce as well: that is
counted apart.

    python bench/gave_out.py [TIMES]
"""

import random
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from bench.confusion import matrix
from tests.contract.gave_out.provoked import answer, cases
from tests.unit.apps.cluster import running


def main() -> None:
    """Print a line for each server, and the confusion matrix."""
    times, answers, disturbed = int(sys.argv[1]) if len(sys.argv) > 1 else 1, [], 0
    with running() as cluster:
        for _ in range(times):
            for case in cases(random.SystemRandom()):
                with tempfile.TemporaryDirectory() as folder:
                    found = answer(case, cluster, Path(folder))
                answers.append((case.truth, found.what))
                disturbed += found.what != case.truth and found.what in case.disturbed
                print(
                    f"{case.name:24} {case.truth:13} {found.what:13} {found.sentence}", flush=True
                )
    print(matrix(answers))
    print(f"{disturbed} more were short of CPUs, as others had them")


if __name__ == "__main__":
    main()
