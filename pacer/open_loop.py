"""Make an open load: requests are due by a schedule, whether the ones before were answered or not.

There is no queue of requests: one that finds every connection busy stays in the schedule. Two
iterators run through the schedule, one to notice that requests are due and one to send them.
`_backlog` is the distance between them, so a server that hangs for minutes costs no memory here.
"""

from collections.abc import Callable
from itertools import islice

from pacer.connection import Connection
from pacer.generator import Generator
from pacer.plan import Plan
from pacer.schedule import NEVER, NS_PER_S
from pacer.tally import Frame

TICK_NS = 100_000  # time between two looks at the schedule, at least
# An idle CPU takes a moment to wake up and fill its caches. So pacer wakes before a request is due
# and watches the clock, while it still handles answers. That takes at most a share of its time.
LEAD_NS = 250_000
LEAD_SHARE = 0.05
BATCH = 1000  # requests noticed at most before the event loop gets its turn again
PATIENCE_NS = NS_PER_S  # how long requests may wait for a connection after the last was due


class OpenLoop(Generator):
    """Send each request when it is due, or as soon as a connection is free for it."""

    def __init__(self, plan: Plan, emit: Callable[[Frame], None]) -> None:
        super().__init__(plan, emit)
        self._arrivals = iter(plan.schedule)
        self._departures = iter(plan.schedule)
        self._next_due = next(self._arrivals, NEVER)
        interval_ns = NS_PER_S / plan.schedule.own_rate_rps
        lead_ns = min(LEAD_NS, int(interval_ns * LEAD_SHARE))
        self._lead = lead_ns if interval_ns > 2 * TICK_NS else 0
        self._backlog = 0  # requests due, but not yet taken up by a connection
        self._warming_up = plan.start_ns < 0

    def _notice(self, until: int, now: int) -> None:
        """Count what has become due until the moment `until`."""
        due = self._next_due
        for _ in range(BATCH):
            if due > until:
                break
            if due >= 0 and self._warming_up:
                self._forget_warmup()
            tally = self._measured if due >= 0 else self._warmup
            tally.due += 1
            tally.lag.append((now - due) // 1000)
            self._backlog += 1
            due = next(self._arrivals, NEVER)
        self._next_due = due

    def _forget_warmup(self) -> None:
        """Drop the requests that the warm-up left waiting: the measured part begins without them.

        Otherwise an overloaded server would spend the measured part on requests that are not
        counted.
        """
        self._warming_up = False
        if not self._free:
            self._give_up()

    def _give_up(self) -> None:
        """Do not send the requests that still wait for a connection."""
        for due in islice(self._departures, self._backlog):
            (self._measured if due >= 0 else self._warmup).unsent += 1
        self._backlog = 0

    def _take(self, connection: Connection, now: int) -> None:
        self._current(connection).take(next(self._departures), now)

    def _send(self) -> None:
        while self._backlog and self._free:
            self._backlog -= 1
            self._take(self._free.popleft(), self.now())

    def _arm(self, now: int) -> None:
        wake = min(max(self._next_due - self._lead, now + TICK_NS), self._next_chores)
        if self._next_due - now > self._lead or self._next_due <= now:
            self._timer.arm(self._origin + wake)
        # otherwise the timer stays expired, and the event loop calls `_on_timer` again until then

    def release(self, connection: Connection) -> None:
        """Give the connection the request that has waited longest; without one, it is free."""
        if self._backlog and not self.finished.done():
            self._backlog -= 1
            self._take(connection, self.now())
        else:
            self._free.append(connection)

    def _drained(self, now: int) -> bool:
        if self._next_due != NEVER:
            return False
        if now >= self._plan.end_ns + PATIENCE_NS:
            self._give_up()
        return not self._backlog and len(self._free) == len(self._connections)

    def _abandon(self, now: int) -> None:
        while self._next_due <= now:
            self._notice(now, now)
        self._give_up()
