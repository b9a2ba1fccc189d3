"""Samples of runs whose bottleneck is known, from operational laws alone: no events, no queues.

This is the second source of known truth, written apart from the simulation, with the columns filled
by what utilisation and Little's law say, and with the noise of instants that are looked at.
"""

from dataclasses import dataclass

from testbed.model.tool_output import Distribution, Errors
from tests.unit.testbed.sound_run import LOAD, OUTPUT

SECONDS = 20


@dataclass
class Where:
    """Where the requests are on average, and what is used, each 0 to 1 or a count."""

    cores: int = 4
    cpu: float = 0.3  # of all of the server's CPUs
    database_part: float = 0.1  # of that CPU time
    processes: int = 4
    process: float = 0.3  # of a core, each of the app's processes; the busiest has `busiest`
    busiest: float = 0.3
    unread: float = 0.0
    queue_full: float = 0.0  # of the listen queue
    overflows: float = 0.0  # per second
    connecting: float = 0.0
    sessions: int = 10  # of the database
    used: float = 0.5
    blocked: float = 0.0
    upstream: float = 0.0
    upstream_open: int = 0
    link: float = 0.05
    generator: float = 0.2
    generator_unread: float = 0.0
    connections: int = 64
    in_flight: float = 64
    asked: float | None = None  # times what is answered; None: a closed loop
    unsent_percent: float = 0.0


def _instant(dice, mean, most=1e9):
    """A count at one instant: now more, now less than its mean."""
    return min(most, max(0, round(dice.gauss(mean, 0.4 * mean**0.5))))


def samples(where, dice):
    """Return load, figures and rows as a run in this state would have."""
    rate = dice.uniform(50, 2000)
    server, client = [], []
    counters = dict.fromkeys(("net", "over", "app", "pg"), 0.0)
    for second in range(SECONDS):
        clock = {"t_s": 1.8e9 + second, "monotonic_s": 9000 + second}
        noisy = lambda share: max(0.0, min(100.0, 100 * share + dice.gauss(0, 1)))  # noqa: E731
        used = _instant(dice, where.used, where.sessions)
        counters["net"] += where.link * 950e6 / 8
        counters["over"] += where.overflows * rate
        counters["app"] += 1e6 * where.cores * where.cpu * (1 - where.database_part)
        counters["pg"] += 1e6 * where.cores * where.cpu * where.database_part
        unread = _instant(dice, where.unread)
        server.append(
            clock
            | {f"cpu{one}_percent": noisy(where.cpu) for one in range(where.cores)}
            | {
                "cpu_percent": noisy(where.cpu),
                "app_busiest_percent": noisy(where.busiest),
                "app_busy_processes": where.processes if where.process >= 0.9 else 0,
                "app_processes": where.processes + 1,
                "app_cpu_usec": counters["app"],
                "postgresql_cpu_usec": counters["pg"],
                "net_tx_bytes": counters["net"],
                "listen_overflows": counters["over"],
                "listen_queue": 0,
                "listen_queue_percent": 100 * where.queue_full,
                "tcp_unread_in": unread,
                "pg_active": used,
                "pg_idle": where.sessions - used,
                "pg_idle_in_transaction": 0,
                "pg_lock_waits": round(where.blocked * used),
                "pg_io_waits": 0,
                "pg_client_waits": 0,
            }
            | (
                {
                    "upstream_waiting": _instant(dice, where.upstream, where.upstream_open),
                    "upstream_connections": where.upstream_open,
                }
                if where.upstream_open
                else {}
            )
        )
        client.append(
            clock
            | {
                "cpu_percent": noisy(where.generator),
                "tcp_unread_out": _instant(dice, where.generator_unread),
                "tcp_syn_sent": where.connecting,
            }
        )
    return _load(where, rate), _output(where, rate), {"server": server, "client": client}


def _load(where, rate):
    closed = where.asked is None
    return LOAD.model_copy(
        update={
            "mode": "saturation" if closed else "constant_rate",
            "rate_rps": None if closed else rate * where.asked,
            "connections": where.connections,
            "duration_s": SECONDS,
        }
    )


def _output(where, rate):
    requests = round(rate * SECONDS)
    service_us = 1e6 * where.in_flight / rate
    due = None if where.asked is None else round(requests * where.asked)
    return OUTPUT.model_copy(
        update={
            "duration_s": SECONDS,
            "requests": requests,
            "correct": requests,
            "due": due,
            "unsent": None if due is None else round(where.unsent_percent / 100 * due),
            "service_us": Distribution(mean=service_us, max=3 * service_us),
            "errors": Errors(connect=0, timeout=0),
            "busiest_process_cpu_percent": 100 * where.generator,
            "lag_us": None,
        }
    )


def _one_core(dice):
    cores = dice.randint(2, 16)
    share = dice.uniform(0.9, 1)
    unread = dice.uniform(3, 60)
    return Where(
        cores=cores,
        cpu=dice.uniform(1 / cores, 1.25 / cores),
        processes=dice.choice([1, 4]),
        busiest=share,
        process=0.1,
        unread=unread,
    )


def _all_cores(dice):
    return Where(
        cpu=dice.uniform(0.94, 1),
        cores=dice.randint(1, 16),
        busiest=dice.uniform(0.1, 0.9),
        database_part=dice.uniform(0, 0.4),
        unread=dice.uniform(0, 50),
    )


def _workers(dice):
    count, connections = dice.randint(1, 40), dice.choice([64, 100, 400])
    behind = dice.choice(["database", "upstream", "sleep"])
    used = count * 0.95 if behind == "database" else dice.uniform(0, 0.5)
    return Where(
        cpu=dice.uniform(0.02, 0.7),
        processes=count,
        connections=connections,
        sessions=count,
        in_flight=connections,
        unread=connections - count,
        used=used,
        upstream=count * 0.95 if behind == "upstream" else 0,
        upstream_open=count if behind == "upstream" else 0,
    )


def _pool(dice):
    size, connections = dice.randint(1, 20), dice.choice([64, 100, 400])
    return Where(
        cpu=dice.uniform(0.02, 0.8),
        sessions=size,
        used=size * dice.uniform(0.93, 1),
        connections=connections,
        in_flight=connections,
        unread=dice.choice([0, dice.uniform(1, connections / 4)]),
    )


def _database(dice):
    sessions = dice.randint(8, 60)
    if dice.random() < 0.5:
        return Where(
            cpu=dice.uniform(0.05, 0.8),
            sessions=sessions,
            used=sessions * 0.97,
            blocked=dice.uniform(0.7, 1),
            unread=dice.uniform(0, 30),
        )
    return Where(
        cpu=dice.uniform(0.94, 1),
        database_part=dice.uniform(0.6, 0.95),
        sessions=sessions,
        used=sessions * 0.9,
    )


def _upstream(dice):
    waits = dice.uniform(0.75, 0.98) * 64
    return Where(
        cpu=dice.uniform(0.05, 0.8),
        upstream=waits,
        upstream_open=dice.choice([64, 100]),
        used=dice.uniform(0, 3),
    )


def _listen_queue(dice):
    connecting = dice.uniform(0.5, 0.9) * 64
    return Where(
        cpu=dice.uniform(0.02, 0.5),
        overflows=dice.uniform(0.05, 2),
        connecting=connecting,
        queue_full=dice.uniform(0, 0.6),
        unread=dice.uniform(0, 2),
        used=0.2,
        processes=32,
        in_flight=connecting + dice.uniform(1, 5),
    )


def _link(dice):
    return Where(cpu=dice.uniform(0.1, 0.8), link=dice.uniform(0.92, 1), unread=dice.uniform(0, 5))


def _generator(dice):
    return Where(
        cpu=dice.uniform(0.1, 0.7),
        generator=dice.uniform(0.97, 1),
        used=1,
        generator_unread=dice.uniform(10, 50),
        unread=dice.uniform(0, 3),
    )


def _nothing(dice):
    return Where(cpu=dice.uniform(0.05, 0.85), asked=1.0, in_flight=dice.uniform(1, 20))


KINDS = {
    "one_core": _one_core,
    "all_cores": _all_cores,
    "workers": _workers,
    "pool": _pool,
    "database": _database,
    "upstream": _upstream,
    "listen_queue": _listen_queue,
    "link": _link,
    "generator": _generator,
    "nothing": _nothing,
}
