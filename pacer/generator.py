"""Make the load of one process: follow each request to its end, and count what became of it.

When requests are sent is the business of the two kinds of load, in open_loop.py and closed_loop.py.
"""

import asyncio
import ssl
import time
from abc import ABC, abstractmethod
from collections import Counter, deque
from collections.abc import Callable

from pacer.connection import Connection
from pacer.mix import Mix
from pacer.opening import OWN_LIMITS, Opener
from pacer.plan import Plan
from pacer.response import Head, ResponseReader
from pacer.sample import Sampler, describe
from pacer.schedule import NS_PER_S
from pacer.tally import ERRORS, LATE_NS, Cohort, Frame, Tally
from pacer.timer import Timer

CHORES_NS = 50_000_000  # between reports to the control process; a second is a multiple of it
SCAN = 1000  # connections looked at for a timeout each time
LINGER_NS = NS_PER_S  # time that a server has to close after it said that it would
MOST_TEXTS = 20  # different texts of errors that are counted one by one
MOST_LETTERS = 200  # of such a text; a longer one is cut
OTHER_TEXTS = "(other texts)"


class Generator(ABC):
    """Run one plan on the running event loop.

    Times are nanoseconds from the start of the measured part. `emit` is called with each frame, the
    last one being of kind 'final'; `finished` is done after that.
    """

    def __init__(self, plan: Plan, emit: Callable[[Frame], None]) -> None:
        self.keepalive = plan.keepalive
        self.finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._plan = plan
        self._emit = emit
        self._loop = asyncio.get_running_loop()
        self._timer = Timer()
        self._origin = 0  # the start of the measured part, by the monotonic clock
        self._opener = Opener(
            plan.addresses,
            unresolved=plan.unresolved,
            unix_socket=plan.unix_socket,
            trust=plan.trust,
        )
        self._mix = Mix(plan.recipes, plan.seed, plan.check_every, sampled=plan.sample_size > 0)
        self._sampler = Sampler(plan) if plan.sample_size else None
        self._samples: list[dict[str, object]] = []
        self._heads: dict[bytes, Head] = {}  # shared by all readers
        self._good_ns = plan.good_ns
        self._timeout_ns = plan.timeout_ns
        self._timeout_from_due = plan.timeout_from == "due"
        self._connections = [self._new_connection(index) for index in range(plan.connections)]
        self._free = deque(self._connections)
        self._lingering: deque[tuple[int, Connection]] = deque()
        self._scanned = 0
        self._warmup = [Tally() for _ in plan.recipes]
        self._measured = [Tally() for _ in plan.recipes]
        self._first_errors: dict[str, str] = {}
        self._texts: set[tuple[str, str]] = set()  # that are counted one by one
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
        self._send()
        if frames:  # requests are sent before frames are reported
            self._do_chores(now, frames)
            if self.finished.done():
                return
        self._arm(now)

    # --- what the kinds of load decide ------------------------------------------------------------

    @abstractmethod
    def _notice(self, until: int, now: int) -> None:
        """Count what has become due until the moment `until`."""

    @abstractmethod
    def _send(self) -> None:
        """Give free connections the requests that are to be sent now."""

    @abstractmethod
    def _arm(self, now: int) -> None:
        """Set the timer to the moment at which there is something to do again."""

    @abstractmethod
    def release(self, connection: Connection) -> None:
        """Give the connection its next request, or keep it for a later one."""

    @abstractmethod
    def opened(self, connection: Connection, handshake_ns: int) -> None:
        """Be told that the connection has been opened for the request that it has taken.

        `handshake_ns` is the time of its TLS handshake; 0 without TLS.
        """

    @abstractmethod
    def _drained(self, now: int) -> bool:
        """Return whether nothing is left to do. It is asked after the measured part."""

    @abstractmethod
    def _abandon(self, now: int) -> None:
        """Count requests that were due until now and will not be sent any more."""

    # --- what connections report (connection.Owner) -----------------------------------------------

    def connect(self, connection: Connection) -> "asyncio.Task[None]":
        """Begin to open the connection's socket; return the task that does so."""
        return self._loop.create_task(self._open(connection))

    async def _open(self, connection: Connection) -> None:
        tally = connection.tally
        try:
            handshake_ns = await self._opener.open(connection)
        except OSError as error:
            if error.errno in OWN_LIMITS and not connection.retired:
                tally.limits[error.errno] += 1
            if isinstance(error, ssl.SSLCertVerificationError) and not connection.retired:
                tally.untrusted[error.verify_message] += 1
            message = str(error) or "the connection was lost in the TLS handshake"
            connection.connect_failed(message, own_limit=error.errno in OWN_LIMITS)
            return
        tally.opened += 1
        if handshake_ns:
            tally.handshake.append(handshake_ns // 1000)
        self.opened(connection, handshake_ns)

    def sent(self, connection: Connection, now: int) -> None:
        """Note that the connection's request has been written."""
        tally = connection.tally
        tally.sent += 1
        if now - connection.due > LATE_NS:
            tally.late += 1
        if connection.request.watched:
            self._prepare(connection, now)

    def _prepare(self, connection: Connection, now: int) -> None:
        """Prepare the connection's reader for the answer to a request that is not plain."""
        request, reader = connection.request, connection.reader
        reader.to_head_request = request.to_head
        reader.keep_body = request.check is not None and request.check.wants_body()
        if self._sampler is not None and connection.due >= 0:
            connection.sampled = self._sampler.wants(request.recipe, now)
            reader.keep_body = reader.keep_body or connection.sampled

    def answered(self, connection: Connection, now: int) -> None:
        """Count the answer that the connection's reader has read completely.

        If that took longer than the time-out, the request has timed out. The connection waits for
        such an answer all the same, for as long as the time-out would last from when the request
        was sent. To break it off would make the server do its work for nothing, and open a
        connection for each request of an overload, until no port is left.
        """
        due = connection.due
        tally = connection.tally
        if now - (due if self._timeout_from_due else connection.taken_at) > self._timeout_ns:
            self.failed(connection, "timeout", connection.too_slow(self._plan.timeout_s))
            tally.overdue += 1
            return
        reader = connection.reader
        if due >= 0:
            connection.answers += 1
        tally.completed += 1
        tally.bytes += reader.total_bytes
        response_ns = now - due
        tally.service.append((now - connection.sent_at) // 1000)
        problem = None
        request = connection.request
        if reader.head.status != 200 or request.check is not None:
            if reader.head.status == 200 and reader.body_length == request.only_length:
                tally.bodies_checked += 1  # nothing else is expected of it
            else:
                problem = self._problem(connection)
        if problem is None:
            tally.ok += 1
            tally.correct.append(response_ns // 1000)
            if response_ns > self._good_ns:
                tally.slow += 1
        else:
            self.failed(connection, *problem)
            tally.failed.append(response_ns // 1000)
        if connection.sampled:
            self._keep(connection, now, correct=problem is None)

    def _problem(self, connection: Connection) -> tuple[str, str] | None:
        """Return the class of errors of a wrong answer, and what is wrong; None of a right one."""
        reader, request, tally = connection.reader, connection.request, connection.tally
        status, check = reader.head.status, request.check
        if status != 200:
            tally.codes[status] += 1
        statuses = None if check is None else check.statuses
        if not (200 <= status < 400 if statuses is None else status in statuses):
            return "status", str(status)
        if check is not None and (check.length is not None or reader.keep_body):
            if check.looks_at_bodies:
                tally.bodies_checked += 1
            problem = check.problem(reader, request.contains)
            if problem is not None:
                return "wrong_body", problem
        return None

    def _keep(self, connection: Connection, now: int, *, correct: bool) -> None:
        connection.sampled = False
        name = self._mix.recipes[connection.request.recipe].name
        self._samples.append(describe(connection, name, now, correct=correct))

    def failed(self, connection: Connection, kind: str, message: str) -> None:
        """Count the connection's request as failed.

        `kind` is a class of errors, or 'unsent' for want of something that the generating host ran
        out of.
        """
        tally = connection.tally
        setattr(tally, kind, getattr(tally, kind) + 1)
        if kind in ERRORS:
            self._first_errors.setdefault(kind, message)
            text = (kind, message[:MOST_LETTERS])
            if text not in self._texts:
                if len(self._texts) >= MOST_TEXTS:
                    text = (kind, OTHER_TEXTS)
                else:
                    self._texts.add(text)
            tally.texts[text] += 1

    def _current(self, connection: Connection) -> Connection:
        """Return the connection, or the one in its place if it was retired while it was free."""
        return self._connections[connection.index] if connection.retired else connection

    def replace(self, connection: Connection, *, was_busy: bool, lingers: bool) -> None:
        """Put a new connection in the place of one that takes no more requests."""
        new = self._new_connection(connection.index)
        new.answers = connection.answers
        new.broken = connection.broken
        self._connections[connection.index] = new
        if lingers:
            self._lingering.append((self.now() + LINGER_NS, connection))
        # A free one is still in the queue of free ones, where `_current` swaps it for the new one
        if was_busy:
            self.release(new)

    def _new_connection(self, index: int) -> Connection:
        return Connection(self, index, ResponseReader(heads=self._heads))

    # --- now and then -----------------------------------------------------------------------------

    def _do_chores(self, now: int, frames: list[Frame]) -> None:
        for frame in frames:
            self._emit(frame)
        self._emit_samples()
        over = now >= self._plan.end_ns + self._timeout_ns
        self._expire(now)
        self._sweep(now)
        self._mark_cpu(now)
        if over or (now >= self._plan.end_ns and self._drained(now)):
            self._time_out(now)
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
        cohorts: tuple[tuple[Cohort, list[Tally]], ...]
        cohorts = (("measured", self._measured), ("warmup", self._warmup))
        frames = [
            Frame("tally", second, in_window, cohort, recipe, tally.take())
            for cohort, tallies in cohorts
            for recipe, tally in enumerate(tallies)
            if any(tally.counts().values())
        ]
        # Even an empty frame says that time has passed.
        return frames or [Frame("tally", second, in_window)]

    def _emit_samples(self) -> None:
        for answer in self._samples:
            self._emit(Frame("sample", facts=answer))
        self._samples.clear()

    def _expire(self, now: int) -> None:
        """Break off the requests that a connection has waited too long for."""
        limit = now - self._timeout_ns
        end = self._scanned + SCAN
        for connection in self._connections[self._scanned : end]:
            if connection.busy and connection.taken_at < limit:
                connection.expire(self._plan.timeout_s)
        self._scanned = end if end < len(self._connections) else 0

    def _time_out(self, now: int) -> None:
        """At the end, time out the requests that are under way and can no longer come in time."""
        if self._timeout_from_due:
            for connection in list(self._connections):
                if connection.busy and connection.due < now - self._timeout_ns:
                    connection.expire(self._plan.timeout_s)

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
        self._abandon(now)
        for connection in self._connections:
            if connection.busy:
                tally = connection.tally
                if connection.waiting:
                    tally.unanswered += 1
                else:
                    tally.unsent += 1
            connection.shut()
        self._mark_cpu(now)
        for frame in self._cut(now):
            self._emit(frame)
        self._emit_samples()
        facts = {
            "cpu": self._cpu_used,
            "first_errors": self._first_errors,
            # as pairs, because JSON turns the keys of an object into strings
            "answers": list(Counter(c.answers for c in self._connections).items()),
        }
        self._emit(Frame("final", facts=facts))
