"""Make the load of one process: take requests from the schedule and follow each to its end.

There is no queue of requests: one that finds every connection busy stays in the schedule. Two
iterators run through the schedule, one to notice that requests are due and one to send them.
`_backlog` is the distance between them, so a server that hangs for minutes costs no memory here.
"""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable
from itertools import islice

from pacer.check import BodyCheck
from pacer.connection import Connection
from pacer.plan import Plan
from pacer.response import Head, ResponseReader
from pacer.schedule import NEVER, NS_PER_S
from pacer.tally import LATE_NS, Frame, Tally
from pacer.timer import Timer

TICK_NS = 100_000  # time between two looks at the schedule, at least
# An idle CPU takes a moment to wake up and fill its caches. So pacer wakes before a request is due
# and watches the clock, while it still handles answers. That takes at most a share of its time.
LEAD_NS = 250_000
LEAD_SHARE = 0.05
BATCH = 1000  # requests noticed at most before the event loop gets its turn again
CHORES_NS = 50_000_000  # between reports to the control process; a second is a multiple of it
SCAN = 1000  # connections looked at for a timeout each time
PATIENCE_NS = NS_PER_S  # how long requests may wait for a connection after the last was due
LINGER_NS = NS_PER_S  # time that a server has to close after it said that it would


class Generator:
    """Run one plan on the running event loop.

    Times are nanoseconds from the start of the measured part. `emit` is called with each frame, the
    last one being of kind 'final'; `finished` is done after that.
    """

    def __init__(self, plan: Plan, emit: Callable[[Frame], None]) -> None:
        self.request = plan.request
        self.keepalive = plan.keepalive
        self.finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._plan = plan
        self._emit = emit
        self._loop = asyncio.get_running_loop()
        self._timer = Timer()
        self._origin = 0  # the start of the measured part, by the monotonic clock
        self._arrivals = iter(plan.schedule)
        self._departures = iter(plan.schedule)
        self._next_due = next(self._arrivals, NEVER)
        interval_ns = NS_PER_S * plan.processes / plan.rate_rps
        lead_ns = min(LEAD_NS, int(interval_ns * LEAD_SHARE))
        self._lead = lead_ns if interval_ns > 2 * TICK_NS else 0
        self._backlog = 0  # requests due, but not yet taken up by a connection
        self._warming_up = plan.start_ns < 0
        self._check = BodyCheck(plan.expect_length, plan.expect_sha256, plan.check_every)
        self._heads: dict[bytes, Head] = {}  # shared by all readers
        self._addresses = plan.addresses
        self._connections = [self._new_connection(index) for index in range(plan.connections)]
        self._free = deque(self._connections)
        self._lingering: deque[tuple[int, Connection]] = deque()
        self._scanned = 0
        self._warmup = Tally()
        self._measured = Tally()
        self._first_errors: dict[str, str] = {}
        self._next_chores = 0
        self._cpu_mark: tuple[int, float] | None = None  # moment, CPU time so far
        self._cpu_used: tuple[float, float] | None = None  # s of the measured part: wall, CPU

    # --- the run ----------------------------------------------------------------------------------

    def start(self, origin_ns: int) -> None:
        """Begin the load. The measured part starts at `origin_ns` of time.monotonic_ns()."""
        self._origin = origin_ns
        self._next_chores = self._plan.start_ns
        self._loop.add_reader(self._timer.fd, self._on_timer)
        self._timer.arm(origin_ns + self._plan.start_ns)

    def now(self) -> int:
        """Return the present time, in nanoseconds from the start of the measured part."""
        return time.monotonic_ns() - self._origin

    def stop(self) -> None:
        """End now, and count each request that is under way as it is."""
        if not self.finished.done():
            self._finish(self.now() if self._origin else self._plan.start_ns)

    def _on_timer(self) -> None:
        now = self.now()
        frames: list[Frame] = []
        while now >= self._next_chores:  # more than once only if this process did not get the CPU
            self._notice(self._next_chores - 1, now)
            frames += self._cut(self._next_chores)
            self._next_chores = self._chores_after(self._next_chores)
        self._notice(now, now)
        while self._backlog and self._free:
            self._backlog -= 1
            self._take(self._free.popleft(), self.now())
        if frames:  # requests are sent before frames are reported
            self._do_chores(now, frames)
            if self.finished.done():
                return
        wake = min(max(self._next_due - self._lead, now + TICK_NS), self._next_chores)
        if self._next_due - now > self._lead or self._next_due <= now:
            self._timer.arm(self._origin + wake)
        # otherwise the timer stays expired, and the event loop calls this function again until then

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
        if connection.retired:  # it was retired while it was free
            connection = self._connections[connection.index]
        connection.take(next(self._departures), now)

    # --- what connections report (connection.Owner) -----------------------------------------------

    def connect(self, connection: Connection) -> "asyncio.Task[None]":
        """Begin to open the connection's socket; return the task that does so."""
        return self._loop.create_task(self._open(connection))

    async def _open(self, connection: Connection) -> None:
        reason = self._plan.unresolved
        for address in self._addresses:
            try:
                await self._loop.create_connection(lambda: connection, *address)
            except OSError as error:
                reason = str(error)
                continue
            self._tally(connection).opened += 1
            if (
                address != self._addresses[0]
            ):  # for example, a 'localhost' that listens on IPv4 only
                self._addresses = [address, *(a for a in self._addresses if a != address)]
            return
        connection.connect_failed(reason)

    def _tally(self, connection: Connection) -> Tally:
        return self._measured if connection.due >= 0 else self._warmup

    def sent(self, connection: Connection, now: int) -> None:
        """Note that the connection's request has been written."""
        tally = self._measured if connection.due >= 0 else self._warmup
        tally.sent += 1
        if now - connection.due > LATE_NS:
            tally.late += 1
        if self._plan.expect_sha256 is not None:
            connection.reader.keep_body = self._check.wants_body()

    def answered(self, connection: Connection, now: int) -> None:
        """Count the answer that the connection's reader has read completely."""
        due = connection.due
        reader = connection.reader
        if due >= 0:
            tally = self._measured
            connection.answers += 1
        else:
            tally = self._warmup
        tally.completed += 1
        tally.bytes += reader.total_bytes
        tally.response.append((now - due) // 1000)
        tally.service.append((now - connection.sent_at) // 1000)
        status = reader.head.status
        if not 200 <= status < 400:
            tally.status += 1
            self._first_errors.setdefault("status", str(status))
            return
        if self._check.checks(reader):
            tally.bodies_checked += 1
            problem = self._check.problem(reader)
            if problem is not None:
                tally.wrong_body += 1
                self._first_errors.setdefault("wrong_body", problem)
                return
        tally.ok += 1

    def failed(self, connection: Connection, kind: str, message: str) -> None:
        """Count the connection's request as failed. `kind` is a class of errors."""
        tally = self._tally(connection)
        setattr(tally, kind, getattr(tally, kind) + 1)
        self._first_errors.setdefault(kind, message)

    def release(self, connection: Connection) -> None:
        """Give the connection the request that has waited longest; without one, it is free."""
        if self._backlog and not self.finished.done():
            self._backlog -= 1
            self._take(connection, self.now())
        else:
            self._free.append(connection)

    def replace(self, connection: Connection, *, was_busy: bool, lingers: bool) -> None:
        """Put a new connection in the place of one that takes no more requests."""
        new = self._new_connection(connection.index)
        new.answers = connection.answers
        self._connections[connection.index] = new
        if lingers:
            self._lingering.append((self.now() + LINGER_NS, connection))
        if (
            was_busy
        ):  # a free one is still in the queue of free ones, where `_take` swaps it for the new one
            self.release(new)

    def _new_connection(self, index: int) -> Connection:
        reader = ResponseReader(to_head_request=self._plan.method == "HEAD", heads=self._heads)
        return Connection(self, index, reader)

    # --- now and then -----------------------------------------------------------------------------

    def _do_chores(self, now: int, frames: list[Frame]) -> None:
        for frame in frames:
            self._emit(frame)
        self._expire(now)
        self._sweep(now)
        self._mark_cpu(now)
        if now >= self._plan.end_ns and self._next_due == NEVER:
            if now >= self._plan.end_ns + PATIENCE_NS:
                self._give_up()
            idle = not self._backlog and len(self._free) == len(self._connections)
            if idle or now >= self._plan.end_ns + self._plan.timeout_ns:
                self._finish(now)

    def _chores_after(self, moment: int) -> int:
        """Return the next multiple of CHORES_NS, or an earlier end of the measured part."""
        following = (moment // CHORES_NS + 1) * CHORES_NS
        return self._plan.end_ns if moment < self._plan.end_ns < following else following

    def _cut(self, until: int) -> list[Frame]:
        """Return the frames on what happened up to that moment, and begin new counts.

        The frames belong to the second that ends at that moment.
        """
        moment = max(until - 1, self._plan.start_ns)
        second = moment // NS_PER_S
        in_window = 0 <= moment < self._plan.end_ns
        warmup, measured = self._warmup, self._measured
        self._warmup, self._measured = Tally(), Tally()
        # Even an empty frame says that time has passed.
        frames = [Frame("tally", second, in_window, "measured", measured)]
        if any(warmup.counts().values()):
            frames.append(Frame("tally", second, in_window, "warmup", warmup))
        return frames

    def _expire(self, now: int) -> None:
        limit = now - self._plan.timeout_ns
        end = self._scanned + SCAN
        for connection in self._connections[self._scanned : end]:
            if connection.busy and connection.taken_at < limit:
                connection.expire(self._plan.timeout_s)
        self._scanned = end if end < len(self._connections) else 0

    def _sweep(self, now: int) -> None:
        """Reset connections that the server said it would close and did not."""
        while self._lingering and self._lingering[0][0] <= now:
            self._lingering.popleft()[1].reset()

    def _mark_cpu(self, now: int) -> None:
        if self._cpu_mark is None:
            if now >= 0:
                self._cpu_mark = (now, time.process_time())
        elif self._cpu_used is None and (now >= self._plan.end_ns or self.finished.done()):
            since, cpu_s = self._cpu_mark
            self._cpu_used = ((now - since) / NS_PER_S, time.process_time() - cpu_s)

    def _finish(self, now: int) -> None:
        """Count what is left, close all connections and send the last frame."""
        self.finished.set_result(None)
        self._loop.remove_reader(self._timer.fd)
        self._timer.close()
        while self._next_due <= now:
            self._notice(now, now)
        self._give_up()
        for connection in self._connections:
            if connection.busy:
                tally = self._tally(connection)
                if connection.waiting:
                    tally.unanswered += 1
                else:
                    tally.unsent += 1
            connection.shut()
        self._mark_cpu(now)
        for frame in self._cut(now):
            self._emit(frame)
        facts = {
            "cpu": self._cpu_used,
            "first_errors": self._first_errors,
            # as pairs, because JSON turns the keys of an object into strings
            "answers": list(Counter(c.answers for c in self._connections).items()),
        }
        self._emit(Frame("final", facts=facts))
