"""Make an open load: requests are due by a schedule, whether the ones before were answered or not.

There is no queue of requests: one that finds every connection busy stays in the schedule. Two
iterators run through the schedule, one to notice that requests are due and one to send them.
`_backlog` is the distance between them, so a server that hangs for minutes costs no memory here.

The lag of a request is the time for which the generator alone is to blame: from when it was due
until it was written, if a connection was free for it; otherwise until the generator noticed that it
was due. A connection that becomes free sends the next request within the same step.
"""

from collections.abc import Callable

from pacer.connection import Connection
from pacer.generator import Generator
from pacer.mix import Request
from pacer.plan import Plan
from pacer.schedule import NEVER, NS_PER_S
from pacer.tally import Frame, Tally

TICK_NS = 100_000  # time between two looks at the schedule, at least
# An idle CPU takes a moment to wake up and fill its caches. So pacer wakes before a request is due
# and watches the clock, while it still handles answers. That takes at most a share of its time.
LEAD_NS = 250_000
LEAD_SHARE = 0.05
BATCH = 1000  # requests noticed at most before the event loop gets its turn again
# How long requests may wait for a connection after the last was due, if the time-out does not count
# from when they were due
PATIENCE_NS = NS_PER_S


class OpenLoop(Generator):
    """Send each request when it is due, or as soon as a connection is free for it."""

    def __init__(self, plan: Plan, emit: Callable[[Frame], None]) -> None:
        super().__init__(plan, emit)
        schedule = plan.schedule
        self._arrivals = iter(schedule)
        self._places = self._mix.places(schedule.numbers())  # of their recipes
        self._departures = iter(schedule)
        self._requests = self._mix.requests(schedule.numbers())
        self._next_due = next(self._arrivals, NEVER)  # the first that was not noticed yet
        self._next_out = next(self._departures, NEVER)  # the first that no connection took up yet
        interval_ns = NS_PER_S / schedule.own_rate_rps
        lead_ns = min(LEAD_NS, int(interval_ns * LEAD_SHARE))
        self._lead = lead_ns if interval_ns > 2 * TICK_NS else 0
        self._backlog = 0  # requests noticed, but not yet taken up by a connection
        self._prompt = 0  # the first of them: there are free connections for so many
        # How long a request waits for a connection before it is given up
        self._wait_ns = plan.timeout_ns if plan.timeout_from == "due" else NEVER
        self._warming_up = plan.start_ns < 0

    def _notice(self, until: int, now: int) -> None:
        """Count what has become due until the moment `until`."""
        due = self._next_due
        for _ in range(BATCH):
            if due > until:
                break
            if due >= 0 and self._warming_up:
                self._forget_warmup()
            tally = (self._measured if due >= 0 else self._warmup)[next(self._places)]
            tally.due += 1
            if self._backlog < len(self._free):
                self._prompt += 1  # its lag ends when it is written
            else:
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
        while self._backlog:
            self._leave(self.now())[1].unsent += 1

    def _leave(self, now: int) -> tuple[Request, Tally]:
        """Take the request that has waited longest out of the backlog.

        Return it, and where it counts.
        """
        due = self._next_out
        request = next(self._requests)
        tally = (self._measured if due >= 0 else self._warmup)[request.recipe]
        if self._prompt:
            self._prompt -= 1
            tally.lag.append((now - due) // 1000)
        self._backlog -= 1
        self._next_out = next(self._departures, NEVER)
        return request, tally

    def _forget_overdue(self, now: int) -> None:
        """Do not send the requests that have timed out while they waited for a connection."""
        while self._backlog and now - self._next_out > self._wait_ns:
            self._leave(now)[1].unsent += 1

    def _take(self, connection: Connection, now: int) -> None:
        due = self._next_out
        request, tally = self._leave(now)
        self._current(connection).take(request, tally, due, now)

    def _send(self) -> None:
        self._forget_overdue(self.now())
        while self._backlog and self._free:
            self._take(self._free.popleft(), self.now())

    def _arm(self, now: int) -> None:
        wake = min(max(self._next_due - self._lead, now + TICK_NS), self._next_chores)
        if self._next_due - now > self._lead or self._next_due <= now:
            self._timer.arm(self._origin + wake)
        # otherwise the timer stays expired, and the event loop calls `_on_timer` again until then

    def release(self, connection: Connection) -> None:
        """Give the connection the request that has waited longest; without one, it is free."""
        if self._backlog and not self.finished.done():
            now = self.now()
            self._forget_overdue(now)
            if self._backlog:
                self._take(connection, now)
                return
        self._free.append(connection)

    def opened(self, connection: Connection, handshake_ns: int) -> None:
        """Leave the handshake in the response time: whoever sent the request waited for it."""

    def _drained(self, now: int) -> bool:
        if self._next_due != NEVER:
            return False
        if self._wait_ns == NEVER and now >= self._plan.end_ns + PATIENCE_NS:
            self._give_up()
        return not self._backlog and len(self._free) == len(self._connections)

    def _abandon(self, now: int) -> None:
        while self._next_due <= now:
            self._notice(now, now)
        self._give_up()
