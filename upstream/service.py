"""Give each answer when it is due, by the kernel's precise timer, and record how late it was.

An answer is late by the time between when it was due and when it was written. A question that waits
because the process is busy, or gets no CPU, is not seen to wait. So the event loop is probed
all the time: how late it wakes is how long a question at that moment would have waited.
"""

import asyncio
import heapq
import sys
import time
from collections.abc import Iterator
from typing import TextIO

from pacer.timer import Timer
from upstream.protocol import Connection
from upstream.tally import Tally

PROBE_EVERY_NS = 5_000_000  # 200 probes a second, which take less than 1 % of a CPU
MOST_BEHIND_NS = 60_000_000_000  # after a longer sleep of the host, earlier probes are left out
ROW_EVERY_NS = 1_000_000_000


class Service:
    """The service, in one event loop. Rows about what it did go to `rows`, one each second."""

    def __init__(self, latencies_ns: Iterator[int], rows: TextIO) -> None:
        self._latencies_ns, self._rows = latencies_ns, rows
        self._tally = Tally()
        self._due: list[tuple[int, int, Connection | None]] = []  # None: a probe
        self._number = 0  # tells apart what is due at the same time
        self._timer = Timer()
        self._row_began_ns = time.monotonic_ns()
        self._row_began_s = time.time()
        self._cpu_s = time.process_time()

    async def run(self, address: str, port: int, ended: asyncio.Event) -> None:
        """Serve until `ended` is set. Raises OSError if the address cannot be had."""
        loop = asyncio.get_running_loop()
        loop.add_reader(self._timer.fd, self._fire)
        server = await loop.create_server(self.connection, address, port, backlog=4096)
        self._wait(time.monotonic_ns() + PROBE_EVERY_NS, None)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        try:
            await ended.wait()
        finally:
            server.close()
            loop.remove_reader(self._timer.fd)
            self._row(time.monotonic_ns())
            self._timer.close()

    def connection(self) -> Connection:
        """Return what answers a client that has connected."""
        return Connection(self._ask, self._tally.left, self._count_strange)

    def _count_strange(self) -> None:
        self._tally.strange += 1

    def _ask(self, connection: Connection) -> None:
        now_ns = time.monotonic_ns()
        latency_ns = next(self._latencies_ns)
        self._tally.asked(latency_ns)
        if latency_ns == 0:
            connection.reply()
            self._tally.answered(time.monotonic_ns() - now_ns)
        else:
            self._wait(now_ns + latency_ns, connection)

    def _wait(self, due_ns: int, connection: Connection | None) -> None:
        self._number += 1
        heapq.heappush(self._due, (due_ns, self._number, connection))
        if self._due[0][1] == self._number:
            self._timer.arm(due_ns)

    def _fire(self) -> None:
        """Give all answers that are due, and set the timer for the next."""
        while self._due and self._due[0][0] <= (now_ns := time.monotonic_ns()):
            due_ns, _, connection = heapq.heappop(self._due)
            if connection is None:
                self._probe(due_ns, now_ns)
            elif connection.waits:
                connection.reply()
                self._tally.answered(time.monotonic_ns() - due_ns)
        self._timer.arm(self._due[0][0])  # the next probe, if nothing else

    def _probe(self, due_ns: int, now_ns: int) -> None:
        self._tally.woke(now_ns - due_ns)
        if now_ns - self._row_began_ns >= ROW_EVERY_NS:
            self._row(now_ns)
        # Those that fell due meanwhile are late, too: a long stop is many late probes, and not one
        next_ns = due_ns + PROBE_EVERY_NS
        behind = now_ns - next_ns > MOST_BEHIND_NS
        self._wait(now_ns + PROBE_EVERY_NS if behind else next_ns, None)

    def _row(self, now_ns: int) -> None:
        now_s, cpu_s = time.time(), time.process_time()
        self._rows.write(self._tally.row(self._row_began_s, now_s, cpu_s - self._cpu_s))
        self._rows.flush()
        self._row_began_ns, self._row_began_s, self._cpu_s = now_ns, now_s, cpu_s
