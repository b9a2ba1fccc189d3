"""Make reports on demand, one after the other, in the background."""

import io
import threading
from argparse import Namespace
from pathlib import Path
from queue import SimpleQueue

from rich.console import Console

from analysis.articles.report import report_command
from analysis.evidence import QUESTION_FOLDER
from analysis.serve.index import Entry, stamp_of
from testbed import files
from testbed.errors import TestbedError
from testbed.model.results import CAMPAIGN_FILE, RUN_FILE, SERIES_FILE

FOLDER = "report"
PAGE = "index.html"


class Reports:
    """The reports of campaigns and series. What draws the charts can draw only one at a time."""

    def __init__(self) -> None:
        self._asked: SimpleQueue[tuple[Entry, int]] = SimpleQueue()
        self._made: dict[str, int] = {}  # by name: when the newest record of it was written
        self._being_made: set[str] = set()
        self._problems: dict[str, str] = {}
        self._lock = threading.Lock()
        threading.Thread(target=self._work, daemon=True).start()

    def is_ready(self, entry: Entry) -> bool:
        """Return whether the report is there and no older than what it reports.

        If it is not, it is made from now on. Raises TestbedError, once, if that has failed.
        """
        with self._lock:
            if entry.name in self._being_made:
                return False
            if problem := self._problems.pop(entry.name, None):
                raise TestbedError(problem)
            newest = newest_record_ns(entry)
            if newest <= max(report_ns(entry), self._made.get(entry.name, 0)):
                return True
            self._being_made.add(entry.name)
        self._asked.put((entry, newest))
        return False

    def _work(self) -> None:
        while True:
            entry, newest = self._asked.get()
            problem = _written(entry)
            with self._lock:
                if problem:
                    self._problems[entry.name] = problem
                else:  # records of a clock that is ahead stay newer than the report
                    self._made[entry.name] = newest
                self._being_made.discard(entry.name)


def report_ns(entry: Entry) -> int:
    """Return when the report was written, nanoseconds; -1 if there is none."""
    return written_ns(entry.folder / FOLDER / PAGE)


def newest_record_ns(entry: Entry) -> int:
    """Return when the newest file that a report reads or leads to was written, nanoseconds."""
    below = [entry.folder / run for run in entry.runs]
    if entry.kind == "series":
        records = [entry.folder / SERIES_FILE, *(one / CAMPAIGN_FILE for one in below)]
        records += [run for one in below for run in one.glob(f"[!.]*/{RUN_FILE}")]
    else:
        # the report leads to the answer of the campaign's question once there is one
        answer = entry.folder / QUESTION_FOLDER / PAGE
        records = [entry.folder / CAMPAIGN_FILE, answer, *(one / RUN_FILE for one in below)]
    return max(map(written_ns, records), default=0)


def written_ns(path: Path) -> int:
    """Return when a file was written, nanoseconds; -1 if there is none."""
    stamp = stamp_of(path)
    return stamp[0] if stamp else -1


def _written(entry: Entry) -> str | None:
    """Write the report. Return None, or why it could not be written."""
    nowhere = Console(file=io.StringIO())
    try:
        files.beside(entry.folder, FOLDER)  # not where a link leads out of the campaign
        report_command(Namespace(folder=entry.folder, out=None), nowhere)
    except TestbedError as error:
        return error.message
    except Exception as error:  # noqa: BLE001 - else no report would be made any more
        return f"The report failed unexpectedly: {type(error).__name__}: {error}"
    return None
