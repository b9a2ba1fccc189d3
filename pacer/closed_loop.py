"""Make a closed load: each connection sends its next request when the last one was answered.

A request is due when its connection begins it, so nothing waits for a connection and nothing lags.
"""

from collections import deque
from collections.abc import Callable
from itertools import count

from pacer.connection import Connection
from pacer.generator import Generator
from pacer.plan import Plan
from pacer.tally import Frame

# A connection that was refused, or broke, waits so long before its next request. Without a pause
# the load would consist of attempts to connect, as many as the CPU makes.
PAUSE_NS = 100_000_000


class ClosedLoop(Generator):
    """Keep every connection busy until the end of the measured part."""

    def __init__(self, plan: Plan, emit: Callable[[Frame], None]) -> None:
        super().__init__(plan, emit)
        self._end = plan.end_ns
        self._paused: deque[tuple[int, Connection]] = deque()
        self._requests = self._mix.requests(count(plan.index, plan.processes))

    def release(self, connection: Connection) -> None:
        """Begin the connection's next request; after a failure, only when a pause is over."""
        now = self.now()
        if now >= self._end or self.finished.done():
            self._free.append(connection)
        elif connection.broken:
            connection.broken = False
            self._paused.append((now + PAUSE_NS, connection))
        else:
            request = next(self._requests)
            tally = (self._measured if now >= 0 else self._warmup)[request.recipe]
            tally.due += 1
            connection.take(request, tally, now, now)

    def opened(self, connection: Connection, handshake_ns: int) -> None:
        """Take the TLS handshake out of the response time of the request that needed it."""
        moved = connection.due + handshake_ns
        connection.due = moved if connection.due >= 0 else min(moved, -1)  # still of the warm-up

    def _notice(self, until: int, now: int) -> None:
        pass  # a request is counted as due when it begins

    def _send(self) -> None:
        now = self.now()
        while self._paused and (self._paused[0][0] <= now or now >= self._end):
            self._free.append(self._paused.popleft()[1])
        if now < self._end:
            for _ in range(len(self._free)):
                self.release(self._current(self._free.popleft()))

    def _arm(self, now: int) -> None:
        wake = min([self._next_chores, *(moment for moment, _ in list(self._paused)[:1])])
        self._timer.arm(self._origin + wake)

    def _drained(self, now: int) -> bool:
        return len(self._free) == len(self._connections)

    def _abandon(self, now: int) -> None:
        pass  # whatever began is with a connection
