"""Show what is being done and how long is left: a live line on a terminal, else plain lines."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars


class Progress:
    """Shows stages of a known expected length, and how long the whole campaign still takes.

    With `quiet`, it prints only `result` lines.
    """

    def __init__(self, console: Console, *, quiet: bool = False) -> None:
        self._console = console
        self._quiet = quiet
        self._bars: Bars | None = None
        self._total: TaskID | None = None
        self._total_done_s = 0.0
        self._total_expected_s = 0.0

    def say(self, text: str) -> None:
        """Print a line, unless quiet."""
        if not self._quiet:
            self._console.print(text, highlight=False, markup=False, soft_wrap=True)

    def result(self, text: str) -> None:
        """Print a line, even if quiet."""
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)

    @contextmanager
    def campaign(self, expected_s: float) -> Iterator[None]:
        """Show the time left of `expected_s` seconds while the block runs."""
        with self._shown():
            if self._bars:
                self._total = self._bars.add_task("whole campaign", total=expected_s)
            self._total_done_s, self._total_expected_s = 0.0, expected_s
            try:
                yield
            finally:
                self._total = None

    @contextmanager
    def stage(self, name: str, expected_s: float) -> Iterator[None]:
        """Show one stage while the block runs; without a terminal, print a line at its start."""
        if self._quiet or not self._console.is_terminal:
            self.say(f"  {name} ({expected_s:.0f} s)" if expected_s >= 2 else f"  {name}")
            yield
            return
        with self._shown():
            bars = self._bars
            if bars is None:  # never true, as _shown has just made it
                raise RuntimeError("progress is not shown")
            task = bars.add_task(name, total=expected_s or None)
            begin = time.monotonic()
            try:
                yield
            finally:
                bars.remove_task(task)
                self._total_done_s += time.monotonic() - begin
                self._show_total(0)

    def tick(self, stage_done_s: float) -> None:
        """Show that `stage_done_s` seconds of the current stage are over."""
        if self._bars and self._bars.tasks:
            self._bars.update(self._bars.tasks[-1].id, completed=stage_done_s)
            self._show_total(stage_done_s)

    def reached(self, share: float) -> None:
        """Show that this share (0 to 1) of the campaign is over, however long it took."""
        self._total_done_s = share * self._total_expected_s
        self._show_total(0)

    def _show_total(self, stage_done_s: float) -> None:
        if self._bars and self._total is not None:
            self._bars.update(self._total, completed=self._total_done_s + stage_done_s)

    @contextmanager
    def _shown(self) -> Iterator[None]:
        if self._bars or self._quiet or not self._console.is_terminal:
            yield
            return
        columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
        with Bars(*columns, console=self._console, transient=True) as self._bars:
            try:
                yield
            finally:
                self._bars = None
