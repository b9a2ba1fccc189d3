#!/usr/bin/python3 -I
"""Tell the memory of an app's processes, as root for the user who measures.

    app-memory testbed-agents-flask.service

Sudoers allows only this argument, once for each app. At each line on standard input, a line of JSON
is printed: the proportional set sizes in bytes, of the unit's main process first and then of all
below it, the CPU time that the reading took, and all that was taken so far. Nothing but its size is
shown of a process. The program ends when standard input does.
"""

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TextIO

MOST_READINGS = 1_000_000  # more than a campaign of a week makes
PROC = Path("/proc")
SIZE = re.compile(r"^Pss:\s+(\d+) kB$", re.MULTILINE)


def main_pid(unit: str) -> int:
    """Return the id of the unit's main process; 0 if it does not run."""
    told = subprocess.run(
        ["/usr/bin/systemctl", "show", "-P", "MainPID", unit],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    return int(told) if re.fullmatch(r"\d{1,10}", told) else 0


def tree(main: int, proc: Path = PROC) -> list[int]:
    """Return a process and all below it, in the order of their generations."""
    children: dict[int, list[int]] = {}
    for folder in proc.glob("[0-9]*"):
        try:
            told = (folder / "stat").read_text(errors="replace")
        except OSError:  # it has ended
            continue
        parent = told.rpartition(")")[2].split()[1]  # behind the name, which may hold anything
        children.setdefault(int(parent), []).append(int(folder.name))
    processes = [main]
    for process in processes:  # which grows meanwhile
        processes += children.get(process, [])
    return processes


def sizes(processes: Iterable[int], proc: Path = PROC) -> Iterator[int]:
    """Yield the proportional set size of each process that runs, in bytes."""
    for process in processes:
        try:
            found = SIZE.search((proc / str(process) / "smaps_rollup").read_text())
        except OSError:  # it has ended, or the kernel does not show it
            continue
        if found:
            yield 1024 * int(found[1])


def answer(main: int, questions: TextIO, answers: TextIO, proc: Path = PROC) -> None:
    """Answer each line of `questions` by a line, until there are no more."""
    for _ in range(MOST_READINGS):
        if not questions.readline(80):
            return
        begin_s = time.process_time()
        found = list(sizes(tree(main, proc), proc)) if main else []
        end_s = time.process_time()
        told = {
            "pss_bytes": found,
            "took_s": round(end_s - begin_s, 6),
            "cpu_usec": round(1e6 * end_s),
        }
        answers.write(f"{json.dumps(told)}\n")
        answers.flush()


if __name__ == "__main__":
    try:
        answer(main_pid(sys.argv[1]), sys.stdin, sys.stdout)
    except (BrokenPipeError, KeyboardInterrupt):
        sys.exit(0)
