"""Print how large reports are, and how long they take, for campaigns of several sizes.

    nice python -m bench.report [RUNS ...]
    nice python -m bench.report --load 10000

Without numbers: for 6, 50 and 200 runs. Campaigns are made up, with a timeline, telemetry and a
histogram for each run. `--load` prints what it takes to load a campaign of so many runs, digests of
all files compared. Times are of the CPU, and of a clock, which is more on a busy machine.
"""

import argparse
import os
import resource
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from analysis import report
from analysis.load import load
from testbed import seal
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
    parser.add_argument("--load", type=int, metavar="RUNS", help="load so many, make no report")
    given = parser.parse_args()
    if given.load:
        with tempfile.TemporaryDirectory() as place:
            print(loading(Path(place) / "campaign", given.load, given.seconds))
        return
    print(f"{'runs':>5} {'CPU s':>6} {'clock s':>8} {'page kB':>8} {'folder kB':>10}")
    for number in given.runs:
        with tempfile.TemporaryDirectory() as place:
            folder = (given.keep or Path(place)) / f"campaign-{number}"
            print(measured(folder, number, given.seconds), flush=True)


def measured(folder: Path, number: int, seconds: int) -> str:
    """Return the row of one campaign, which is made in the folder unless it is there."""
    if not folder.exists():
        records = runs(number)
        builder.write(folder, builder.campaign(records), records, seconds=seconds)
    began, began_cpu = time.perf_counter(), time.process_time()
    report.write(load(folder), folder / "report")
    clock_s, cpu_s = time.perf_counter() - began, time.process_time() - began_cpu
    page = (folder / "report" / "index.html").stat().st_size / 1000
    whole = sum(path.stat().st_size for path in (folder / "report").rglob("*.*")) / 1000
    return f"{number:5} {cpu_s:6.1f} {clock_s:8.1f} {page:8.0f} {whole:10.0f}"


def loading(folder: Path, number: int, seconds: int) -> str:
    """Return what loading a campaign of so many runs takes. All have the curves of the first."""
    first, *others = runs(number)
    about = builder.campaign([first, *others])
    builder.write(folder, about, [first], seconds=seconds)
    kept = seal.files_of(folder / first.run_id)
    for record in [first, *others]:
        place = folder / record.run_id
        place.mkdir(exist_ok=True)
        for name in kept if record is not first else ():
            os.link(folder / first.run_id / name, place / name)
        sealed = seal.sealed(record.model_copy(update={"files": kept}))
        (place / "run.json").write_text(sealed)
    with ProcessPoolExecutor(1, get_context("spawn")) as fresh:
        return fresh.submit(loaded, folder).result()


def loaded(folder: Path) -> str:
    """Return what loading a campaign takes, measured in this process, which did nothing before."""
    began, began_cpu = time.perf_counter(), time.process_time()
    found = load(folder)
    clock_s, cpu_s = time.perf_counter() - began, time.process_time() - began_cpu
    assert not any(run.edited for run in found.runs)
    most_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    return (
        f"{len(found.runs)} runs loaded: {cpu_s:.1f} s of CPU, {clock_s:.1f} s by the clock, "
        f"{most_mb:.0f} MB"
    )


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
