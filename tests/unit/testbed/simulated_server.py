"""Simulate a server event by event, and sample it as telemetry does.

A request passes the generator, the listen queue, a worker, the app's processes with their
interpreter lock, a pool, the database, another service and the link. Each is a resource of drawn
size, and who waits where follows from that alone.
"""

import heapq
import itertools
from collections import deque
from dataclasses import dataclass

WARM_UP_S = 2
PATIENCE_S = 1  # for so long after an open load its last answers are waited for


class Resource:
    """So many may hold it; others wait in line."""

    def __init__(self, sim, size):
        self.sim, self.size, self.held = sim, size, 0
        self.line, self.busy_s, self.since = deque(), 0.0, 0.0

    def account(self):
        self.busy_s += self.held * (self.sim.now - self.since)
        self.since = self.sim.now

    def take(self, process):
        if self.held < self.size:
            self.account()
            self.held += 1
            self.sim.wake(process)
        else:
            self.line.append(process)

    def free(self):
        if self.line:
            self.sim.wake(self.line.popleft())
        else:
            self.account()
            self.held -= 1


class Sim:
    """Runs generators that yield a time to wait, or a resource to take."""

    def __init__(self):
        self.now, self.number, self.heap = 0.0, itertools.count(), []

    def wake(self, process, after_s=0.0):
        heapq.heappush(self.heap, (self.now + after_s, next(self.number), process))

    def run(self, until_s):
        while self.heap and self.heap[0][0] <= until_s:
            self.now, _, process = heapq.heappop(self.heap)
            wanted = next(process, None)
            if isinstance(wanted, Resource):
                wanted.take(process)
            elif wanted is not None:
                self.wake(process, wanted)


@dataclass(frozen=True)
class Server:
    """The parameters; times in seconds, for each request."""

    cores: int = 4
    processes: int = 1
    slots: int | None = None  # requests that are worked on at a time; None: an event loop
    app_s: float = 0.001  # CPU, of its process
    pool: int = 10_000
    db_cpu_s: float = 0.0
    db_wait_s: float = 0.0
    db_locked_s: float = 0.0  # one request after another
    upstream_s: float = 0.0
    upstream_pool: int = 10_000
    link_s: float = 0.00001
    generator_s: float = 0.0001
    keepalive: bool = True
    backlog: int = 1000
    accepts_every_s: float = 0.0  # the app looks into its listen queue so seldom
    connections: int = 16
    rate_rps: float | None = None
    duration_s: int = 12
    scatter: float = 0.5


class Simulation:
    """One run of a server: rows of telemetry by host, and the generator's figures."""

    def __init__(self, server, dice):
        self.server, self.dice, self.sim = server, dice, Sim()
        new = lambda size: Resource(self.sim, size)  # noqa: E731
        self.cores, self.generator, self.link = new(server.cores), new(1), new(1)
        self.processes = [new(1) for _ in range(server.processes)]
        self.slots, self.pool = new(server.slots or 10**6), new(server.pool)
        self.lock, self.upstream_pool = new(1), new(server.upstream_pool)
        self.unread = self.queued = self.overflows = self.connecting = self.answers_unread = 0
        self.active = self.blocked = self.held = self.upstream = 0
        self.db_cpu_s, self.times, self.done, self.due, self.unsent = 0.0, [], 0, 0, 0
        self.seconds, self.rows = {}, {"server": [], "client": []}
        self.opened = self.asked = 0  # the most database and upstream connections in use
        self._run()

    def drawn(self, mean_s):
        spread = self.server.scatter
        return mean_s * self.dice.uniform(1 - spread, 1 + spread)

    def burn(self, mean_s, process=None):
        if mean_s:
            if process is not None:
                yield process
            yield self.cores
            yield (took_s := self.drawn(mean_s))
            self.cores.free()
            if process is not None:
                process.free()
            else:
                self.db_cpu_s += took_s

    def request(self, due_s=None):
        server, process = self.server, self.dice.choice(self.processes)
        yield self.generator
        yield self.drawn(server.generator_s / 2)
        self.generator.free()
        began = self.sim.now
        if not server.keepalive:
            yield from self._connect()
        self.unread += 1
        if server.accepts_every_s:
            yield server.accepts_every_s - self.sim.now % server.accepts_every_s
        yield self.slots
        yield process
        self.unread -= 1
        if not server.keepalive:
            self.queued -= 1
        process.free()
        yield from self.burn(server.app_s / 2, process)
        yield from self._database()
        if server.upstream_s:
            yield self.upstream_pool
            self.upstream += 1
            self.asked = max(self.asked, self.upstream)
            yield self.drawn(server.upstream_s)
            self.upstream -= 1
            self.upstream_pool.free()
        yield from self.burn(server.app_s / 2, process)
        yield self.link
        yield server.link_s
        self.link.free()
        self.slots.free()
        self.answers_unread += 1
        yield self.generator
        self.answers_unread -= 1
        yield self.drawn(server.generator_s / 2)
        self.generator.free()
        if (self.sim.now if due_s is None else due_s) >= WARM_UP_S:
            self.times.append(self.sim.now - began)
            self.done += 1
        second = self.seconds.setdefault(int(self.sim.now), [0, 0])
        second[1] += 1

    def _connect(self):
        while self.queued > self.server.backlog:
            self.overflows += 1
            self.connecting += 1
            yield 1.0
            self.connecting -= 1
        self.queued += 1

    def _database(self):
        server = self.server
        if not (server.db_cpu_s or server.db_wait_s or server.db_locked_s):
            return
        yield self.pool
        self.active += 1
        self.opened = max(self.opened, self.active)
        yield from self.burn(server.db_cpu_s)
        if server.db_wait_s:
            yield self.drawn(server.db_wait_s)
        if server.db_locked_s:
            self.blocked += 1
            yield self.lock
            self.blocked -= 1
            yield self.drawn(server.db_locked_s)
            self.lock.free()
        self.active -= 1
        self.pool.free()

    def _closed(self):
        yield self.dice.uniform(0, 0.01)
        while True:
            yield from self.request()

    def _open(self):
        free = Resource(self.sim, self.server.connections)
        while self.sim.now < WARM_UP_S + self.server.duration_s:
            self.sim.wake(self._due(free))
            yield self.dice.expovariate(self.server.rate_rps)

    def _due(self, free):
        counted = self.sim.now >= WARM_UP_S
        self.due += counted
        self.seconds.setdefault(int(self.sim.now), [0, 0])[0] += 1
        self.unsent += counted
        due_s = self.sim.now
        yield free
        self.unsent -= counted
        yield from self.request(due_s)
        free.free()

    def _run(self):
        if self.server.rate_rps:
            self.sim.wake(self._open())
        else:
            for _ in range(self.server.connections):
                self.sim.wake(self._closed())
        self._sample(0)
        for second in range(1, WARM_UP_S + self.server.duration_s + 1):
            self.sim.run(second)
            self.sim.now = second
            self._sample(second)
        if self.server.rate_rps:
            self.sim.run(self.sim.now + PATIENCE_S)
        for host in self.rows.values():
            del host[: WARM_UP_S + 1]

    def _sample(self, second):
        for one in (self.cores, self.generator, self.link, *self.processes):
            one.account()
        before = getattr(self, "before", {})
        own = [one.busy_s for one in self.processes]
        now = {"cores": self.cores.busy_s, "generator": self.generator.busy_s, "own": own}
        self.before = now
        if not before:
            return
        passed = {key: now[key] - before[key] for key in ("cores", "generator")}
        shares = [100 * (b - a) for a, b in zip(before["own"], own, strict=True)]
        cpu = 100 * passed["cores"] / self.server.cores
        clock = {"t_s": 1.8e9 + second, "monotonic_s": 5000 + second, "suspended_s": 0}
        self.rows["server"].append(
            clock
            | {f"cpu{one}_percent": cpu for one in range(self.server.cores)}
            | {
                "cpu_percent": cpu,
                "app_busiest_percent": max(shares),
                "app_busy_processes": sum(share >= 80 for share in shares),
                "app_processes": len(shares) + (len(shares) > 1),
                "app_cpu_usec": 1e6 * (self.cores.busy_s - self.db_cpu_s),
                "postgresql_cpu_usec": 1e6 * self.db_cpu_s,
                "net_tx_bytes": self.link.busy_s * 950e6 / 8,
                "listen_overflows": self.overflows,
                "listen_queue": self.queued,
                "listen_queue_percent": 100 * self.queued / self.server.backlog,
                "tcp_unread_in": self.unread,
                "pg_active": self.active,
                "pg_idle": self.opened - self.active,
                "pg_idle_in_transaction": 0,
                "pg_lock_waits": self.blocked,
                "pg_io_waits": 0,
                "pg_client_waits": 0,
                "upstream_waiting": self.upstream,
                "upstream_connections": self.asked,
            }
        )
        self.rows["client"].append(
            clock
            | {
                "cpu_percent": 100 * passed["generator"],
                "tcp_unread_out": self.answers_unread,
                "tcp_syn_sent": self.connecting,
            }
        )
