"""Print how large reports are, and how long they take, for campaigns of several sizes.

    nice python -m bench.report [RUNS ...]

Without numbers: for 6, 50 and 200 runs. Campaigns are made up, with a timeline, telemetry and a
histogram for each run.
"""

import argparse
import tempfile
import time
from pathlib import Path

from analysis import report
from analysis.load import load
from testbed.model.results import Finding, RunRecord
from tests.unit.report import builder

ENDPOINTS = ("index", "agents")
TRIALS = 3


def main() -> None:
    """Print a row for each number of runs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", type=int, nargs="*", default=[6, 50, 200])
    parser.add_argument("--seconds", type=int, default=300, help="that each run lasts")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="where campaigns are left")
    given = parser.parse_args()
    print(f"{'runs':>5} {'load s':>7} {'report s':>9} {'page kB':>8} {'folder kB':>10}")
    for number in given.runs:
        with tempfile.TemporaryDirectory() as place:
            folder = (given.keep or Path(place)) / f"campaign-{number}"
            print(measured(folder, number, given.seconds), flush=True)


def measured(folder: Path, number: int, seconds: int) -> str:
    """Return the row of one campaign, which is made in the folder unless it is there."""
    if not folder.exists():
        records = runs(number)
        builder.write(folder, builder.campaign(records), records, seconds=seconds)
    began = time.perf_counter()
    campaign = load(folder)
    loaded = time.perf_counter()
    report.write(campaign, folder / "report")
    ended = time.perf_counter()
    page = (folder / "report" / "index.html").stat().st_size / 1000
    whole = sum(path.stat().st_size for path in (folder / "report").rglob("*.*")) / 1000
    times = f"{loaded - began:7.1f} {ended - loaded:9.1f}"
    return f"{number:5} {times} {page:8.0f} {whole:10.0f}"


def runs(number: int) -> list[RunRecord]:
    """Return so many runs: apps on two endpoints, three trials each, most of them with findings."""
    found = []
    for place in range(number):
        trial, cell = place % TRIALS + 1, place // TRIALS
        goodput_rps = 1000.0 + 100 * cell + 3 * trial
        sentence = f"the generator lagged: p99 {1200 + place} us"
        late = [Finding(check="generator_lag", verdict="doubtful", sentence=sentence)]
        found.append(
            builder.run(
                place + 1,
                f"app{cell // len(ENDPOINTS)}",
                ENDPOINTS[cell % len(ENDPOINTS)],
                trial=trial,
                verdict="doubtful" if place % 10 else "valid",
                findings=late if place % 10 else [],
                figures=builder.output(throughput_rps=goodput_rps, goodput_rps=goodput_rps),
            )
        )
    return found


if __name__ == "__main__":
    main()
