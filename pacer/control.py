"""Control a run: start the load processes, add up what they report, and end them."""

import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType
from typing import Any

from pacer.merge import Merge, Second
from pacer.plan import Plan
from pacer.schedule import NS_PER_S
from pacer.tally import Frame, FrameReader, Tally

START_DELAY_NS = 100_000_000  # from the order to start until the first request is due
STARTUP_S = 30.0  # a load process must be ready within this time
PATIENCE_S = 10.0  # a load process must have reported this long after its end was due


class Child:
    """A load process and what it has reported so far."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.reader = FrameReader()
        self.tally = Tally()  # counts of measured requests
        self.second: int | None = None  # the second that it reported last
        self.facts: dict[str, Any] | None = None
        self.ready = False
        paths = [str(Path(__file__).resolve().parent.parent), os.environ.get("PYTHONPATH", "")]
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "pacer.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))},
            process_group=0,  # so that a terminal's Ctrl-C reaches the control process alone
        )

    def tell(self, line: bytes) -> None:
        """Send it a line. If it has died, that is noticed where its reports end."""
        try:
            if self.process.stdin is not None:
                self.process.stdin.write(line)
                self.process.stdin.flush()
        except OSError:
            pass

    def stop(self) -> None:
        """End it: it counts what it has, reports and exits."""
        try:
            if self.process.stdin is not None:
                self.process.stdin.close()
        except OSError:
            pass

    @property
    def fd(self) -> int:
        """The file descriptor from which its frames are read."""
        if self.process.stdout is None:
            raise AssertionError("started with a pipe")
        return self.process.stdout.fileno()


class Control:
    """Carry out one run; `merge`, `children` and the attributes below then hold its results."""

    def __init__(self, plans: list[Plan], on_second: Callable[[Second], None]) -> None:
        recipes = plans[0].recipes if plans[0].mixed else []
        self.merge = Merge(recipe.name for recipe in recipes)
        self.samples: list[dict[str, Any]] = []  # answers, in no order
        self.children: list[Child] = []
        self.problems: list[str] = []
        self.interrupted = False
        self.failed = False
        self.started_at: datetime | None = (
            None  # when the measured part began; None if it never did
        )
        self.measured_s = 0.0
        self.cpu_percent: float | None = None  # of this process, since the order to start
        self._plans = plans
        self._on_second = on_second
        self._origin_ns: int | None = None
        self._deadline_ns = time.monotonic_ns() + round(STARTUP_S * NS_PER_S)
        self._stopped_ns: int | None = None

    def run(self) -> None:
        """Carry out all plans. No load process is left when it returns."""
        try:
            for plan in self._plans:
                child = Child(plan)
                self.children.append(child)
                child.tell(plan.encode())
            self._listen()
        finally:
            self._end()

    @contextmanager
    def stopped_by_signals(self) -> Iterator[None]:
        """While the block runs, let a signal only end the run, so that its figures get written."""

        def interrupt(_: int, __: FrameType | None) -> None:
            self.interrupted = True  # _listen sees it soon: load processes report 20 times a second

        numbers = [signal.SIGINT, signal.SIGTERM]
        if (
            signal.getsignal(signal.SIGHUP) != signal.SIG_IGN
        ):  # nohup ignores SIGHUP, and so it stays
            numbers.append(signal.SIGHUP)
        before = {number: signal.signal(number, interrupt) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _stop(self) -> None:
        if self._stopped_ns is None:
            self._stopped_ns = time.monotonic_ns()
            self._deadline_ns = self._stopped_ns + round(PATIENCE_S * NS_PER_S)
        for child in self.children:
            child.stop()

    def _listen(self) -> None:
        cpu_before = time.process_time()
        with selectors.DefaultSelector() as selector:
            for child in self.children:
                selector.register(child.fd, selectors.EVENT_READ, child)
            while selector.get_map():
                if self.interrupted:
                    self._stop()
                for key, _ in selector.select(timeout=0.05):
                    data = os.read(key.fd, 1 << 18)
                    for frame in key.data.reader.feed(data):
                        self._take(key.data, frame)
                    if not data:
                        selector.unregister(key.fd)
                        self._ended(key.data)
                self._close_seconds()
                if time.monotonic_ns() > self._deadline_ns:
                    self._give_up()
        if self._origin_ns is not None:
            wall_s = (time.monotonic_ns() - self._origin_ns) / NS_PER_S + self._plans[0].warmup_s
            self.cpu_percent = 100 * (time.process_time() - cpu_before) / wall_s

    def _take(self, child: Child, frame: Frame) -> None:
        if frame.kind == "ready":
            child.ready = True
            if all(c.ready for c in self.children) and self._stopped_ns is None:
                self._start()
        elif frame.kind == "tally":
            child.second = frame.second
            if frame.cohort == "measured":
                child.tally.add(frame.tally)
            self.merge.add(frame)
        elif frame.kind == "sample":
            self.samples.append(frame.facts)
        else:
            child.facts = frame.facts

    def _start(self) -> None:
        plan = self._plans[0]
        now = time.monotonic_ns()
        self._origin_ns = now + START_DELAY_NS - plan.start_ns
        until_then = timedelta(seconds=(self._origin_ns - now) / NS_PER_S)
        self.started_at = datetime.now(UTC) + until_then
        self._deadline_ns = (
            self._origin_ns + plan.end_ns + plan.timeout_ns + round(PATIENCE_S * NS_PER_S)
        )
        for child in self.children:
            child.tell(b"%d\n" % self._origin_ns)

    def _close_seconds(self) -> None:
        reported = [child.second for child in self.children if child.facts is None]
        seconds = [second for second in reported if second is not None]
        if len(seconds) == len(reported):
            for second in self.merge.close_before(min(seconds, default=None)):
                self._on_second(second)

    def _ended(self, child: Child) -> None:
        code = child.process.wait()
        if child.facts is not None and code == 0:
            return
        self.failed = True
        self.problems.append(
            f"load process {child.process.pid} ended early "
            f"({f'exit code {code}' if code >= 0 else signal.Signals(-code).name}): "
            "figures hold what it had reported until then"
        )
        if child.facts is None:
            child.facts = {}
            _settle(child.tally, self.merge.measured)
        self._stop()

    def _give_up(self) -> None:
        for child in self.children:
            if child.process.poll() is None:
                child.process.kill()

    def _end(self) -> None:
        self._give_up()
        for child in self.children:
            child.process.wait()
            child.stop()
            if child.process.stdout is not None:
                child.process.stdout.close()
        if self.failed:
            for of_recipe in self.merge.of_recipes:
                _settle(of_recipe.measured)
        if self._origin_ns is None:
            return
        duration_s = self._plans[0].duration_s
        if self._stopped_ns is None:
            self.measured_s = duration_s
        else:
            ran_s = (self._stopped_ns - self._origin_ns) / NS_PER_S
            self.measured_s = min(max(ran_s, 0.0), duration_s)


def _settle(tally: Tally, *totals: Tally) -> None:
    """Count the requests that a dead process had under way, as far as its reports show them.

    They are counted in the tally, and in all totals that it is a part of.
    """
    broken = tally.read + tally.write + tally.timeout
    unanswered = tally.sent - tally.completed - broken - tally.unanswered
    unsent = tally.due - tally.sent - tally.connect - tally.unsent
    for one in (tally, *totals):
        one.unanswered += unanswered
        one.unsent += unsent
