"""See from a run's figures and telemetry how its resources were used, for the rule of gave_out."""

import math
from dataclasses import dataclass
from statistics import fmean

from testbed.model.load import requests_due
from testbed.tools import due
from testbed.validity import fault
from testbed.validity.evidence import Evidence, Samples, column, growth, mean

MET_PERCENT = 99  # of the requests due, answered correctly: the rate asked was met
SHORT_BACKLOG = 0.1  # of the requests due, unanswered at the end of less than four seconds
# Counters of CPU time that are not those of a service.
NO_SERVICE = ("host", "telemetry", "app", "app_pss")


@dataclass(frozen=True)
class Seen:
    """What is known of a run, as means over its measured part. None: not measured."""

    in_flight: float | None  # requests, by Little's law
    met: bool | None  # the rate asked; None: a closed loop, which asks for none
    generator_fault: str | None  # what shows the generator at fault
    generator_percent: float | None  # CPU: its busiest process, or all of its host
    generator_unread: float  # answers that it had not read
    link_percent: float | None
    cores: int
    cpu_percent: float | None  # of all of the server's CPUs
    quota_percent: float | None  # of the periods in which a CPU quota was used up
    process_percent: float | None  # of a core, the app's busiest process
    runnable_percent: float | None  # a process of the app ran or waited for a CPU, the most of them
    busy_workers: float | None  # processes of the app that were hardly ever idle
    workers: float | None  # processes that serve
    app_cores: float | None  # CPU time per second of the app
    service_cores: dict[str, float]  # and of each service
    unread: float | None  # requests that the app had not read or accepted
    always_unread: float | None  # share of the samples that have such
    queue_full_percent: float | None  # the fullest listen queue
    overflows: float | None  # for each answer
    connecting: float  # connections that the generator was still trying to make
    db_connections: float | None
    worker_connections: int | None  # of a worker's own pool, at most; 0: each thread has its own
    threads: int | None  # of all workers: so many requests are worked on at once
    db_used: float | None  # sessions with a statement or in a transaction
    db_blocked: float | None  # those of them that waited for locks or disks
    upstream: float | None  # requests that the other service owed an answer
    upstream_percent: float | None  # CPU of a core, by the other service
    upstream_connections: float | None

    @property
    def in_app(self) -> float | None:
        """Return how many requests the app had taken up and not answered, on average.

        Return None if it is not known how many were in flight.
        """
        if self.in_flight is None:
            return None
        return self._left - self.read_ahead

    @property
    def read_ahead(self) -> float:
        """Return how many requests the server had read, or a proxy, that no thread worked on.

        None did so if more than there are threads were seen behind the app: some are awaited.
        """
        threads, behind = self.threads, (self.db_used or 0) + (self.upstream or 0)
        if threads is None or not clearly_more(self._left, threads):
            return 0.0
        return 0.0 if clearly_more(behind, threads) else self._left - threads

    @property
    def _left(self) -> float:
        """Return how many requests were neither on their way nor unread."""
        gone = (self.unread or 0) + self.connecting + self.generator_unread
        return max(0.0, (self.in_flight or 0) - gone)


def clearly_more(requests: float, places: float) -> bool:
    """Return whether clearly more requests were there than had a place."""
    return requests >= 1.3 * places + 0.5


def look(evidence: Evidence) -> Seen:
    """Return what is known of a run."""
    run, output = evidence.run, evidence.run.output
    server, client = evidence.measured["server"], evidence.measured["client"]
    cores = _per_core(server)
    cpu = {key.removesuffix("_cpu_usec"): _cores_of(server, key) for key in _counters(server)}
    processes = mean(server, "app_processes")
    connections, used, blocked = _sessions(server)
    unread = _unread(server)
    answers = output.requests if output else None
    overflows = growth(evidence.telemetry["server"], "listen_overflows")
    return Seen(
        in_flight=fault.in_flight(run.load, output) if output else None,
        met=_met(evidence),
        generator_fault=_generator_fault(evidence),
        generator_percent=_generator_percent(evidence, client),
        generator_unread=mean(client, "tcp_unread_out") or 0,
        link_percent=_link_percent(evidence, server),
        cores=len(cores) or (run.before["server"].cpus if "server" in run.before else 1),
        cpu_percent=mean(server, "cpu_percent"),
        quota_percent=_share(growth(server, "quota_throttles"), growth(server, "quota_periods")),
        process_percent=mean(server, "app_busiest_percent"),
        runnable_percent=mean(server, "app_runnable_percent"),
        busy_workers=mean(server, "app_busy_processes"),
        workers=None if processes is None else max(1.0, processes - 1),
        app_cores=cpu.get("app"),
        service_cores={k: v for k, v in cpu.items() if k not in NO_SERVICE and v is not None},
        unread=fmean(unread) if unread else None,
        always_unread=fmean(one >= 1 for one in unread) if unread else None,
        queue_full_percent=mean(server, "listen_queue_percent"),
        overflows=None if overflows is None or not answers else overflows / answers,
        connecting=mean(client, "tcp_syn_sent") or 0,
        db_connections=connections,
        worker_connections=evidence.expected.worker_connections,
        threads=evidence.expected.threads,
        db_used=used,
        db_blocked=blocked,
        upstream=_upstream(evidence, server),
        upstream_percent=run.upstream.cpu_percent if run.upstream else None,
        upstream_connections=mean(server, "upstream_connections"),
    )


def _sessions(server: Samples) -> tuple[float | None, float | None, float | None]:
    """Return how many sessions PostgreSQL had, how many were in use, and how many of those waited.

    All are None if PostgreSQL was not sampled.
    """
    active = mean(server, "pg_active")
    if active is None:
        return None, None, None
    idle, held, for_the_app, for_locks, for_disks = (
        mean(server, f"pg_{one}") or 0.0
        for one in ("idle", "idle_in_transaction", "client_waits", "lock_waits", "io_waits")
    )
    return active + idle + held, active - for_the_app + held, for_locks + for_disks


def _unread(server: Samples) -> list[float]:
    """Return of each sample how many requests the app had not read or accepted, where it tells."""
    return [
        max(row.get("tcp_unread_in", 0), row.get("listen_queue", 0))
        for row in server
        if "tcp_unread_in" in row or "listen_queue" in row
    ]


def _counters(samples: Samples) -> list[str]:
    return [key for key in (samples[0] if samples else {}) if key.endswith("_cpu_usec")]


def _cores_of(samples: Samples, counter: str) -> float | None:
    """Return CPU seconds per second, of a counter of microseconds; None if it was not sampled."""
    used, passed_s = growth(samples, counter), growth(samples, "monotonic_s")
    return used / 1e6 / passed_s if used is not None and used >= 0 and passed_s else None


def _per_core(samples: Samples) -> list[float]:
    """Return the use of each CPU in percent; an empty list if it was not sampled."""
    names = {
        key
        for row in samples[:1]
        for key in row
        if key.removeprefix("cpu").removesuffix("_percent").isdecimal()
    }
    return [fmean(column(samples, name)) for name in names]


def _share(part: float | None, whole: float | None) -> float | None:
    return 100 * part / whole if part is not None and whole else None


def _met(evidence: Evidence) -> bool | None:
    """Return whether the rate asked was answered, and without a queue that grew.

    Return None of a closed loop, which asks for no rate.
    """
    load, output = evidence.run.load, evidence.run.output
    if load.rate_rps is None or output is None:
        return None
    asked, good = requests_due(load, output), due.correct(output)
    if asked is None or 100 * (output.unsent or 0) > (100 - MET_PERCENT) * asked:
        return False
    surely = 0 if good is None else good.low
    return 0 < asked * MET_PERCENT <= 100 * surely and not _grew(evidence.timeline)


def _grew(seconds: Samples) -> bool:
    """Return whether requests piled up: many more were without an answer at the end than before."""
    open_now, backlog = 0.0, []
    for second in seconds:
        open_now += second.get("due", 0) - second["completed"]
        backlog.append(open_now)
    quarter = len(backlog) // 4
    due = sum(second.get("due", 0) for second in seconds)
    if not quarter:  # so short that a backlog of usual size is a part of it
        return bool(backlog) and backlog[-1] > SHORT_BACKLOG * due
    grown = fmean(backlog[-quarter:]) - fmean(backlog[quarter : 2 * quarter])
    return grown > (100 - MET_PERCENT) / 100 * due


def _upstream(evidence: Evidence, server: Samples) -> float | None:
    """Return how many requests waited for the other service, on average.

    By Little's law from its own figures, or by the app's connections, whichever saw more: these do
    not show a connection over which it was asked again within a tick of the kernel's clock. Return
    None if neither of them is known.
    """
    record, told = evidence.run.upstream, [mean(server, "upstream_waiting")]
    if record is not None and record.answers is not None and record.seconds:
        mean_ms = record.asked.latency_ms * math.exp(record.asked.sigma**2 / 2)
        told.append(record.answers / record.seconds * mean_ms / 1000)
    return max((one for one in told if one is not None), default=None)


def _generator_fault(evidence: Evidence) -> str | None:
    output = evidence.run.output
    if output is None or not output.due or output.unsent is None:
        return None
    late = 100 * output.unsent < (100 - MET_PERCENT) * output.due
    return None if late else fault.of_generator(evidence.run.load, output)


def _generator_percent(evidence: Evidence, client: Samples) -> float | None:
    """Return the CPU of the generator's busiest process; of all its host if it reports none.

    Return None if that was not sampled, or if the host is the server, where the app runs as well.
    """
    output = evidence.run.output
    if output is not None and output.busiest_process_cpu_percent is not None:
        return output.busiest_process_cpu_percent
    return mean(client, "cpu_percent") if evidence.run.load.from_host == "client" else None


def _link_percent(evidence: Evidence, server: Samples) -> float | None:
    """Return the use of the link's busier direction in percent of its verified rate.

    Return None if the link was not verified, or if its counters were not sampled.
    """
    if evidence.expected.link is None or not evidence.expected.link.directions:
        return None
    passed_s, shares = growth(server, "monotonic_s"), []
    for way in evidence.expected.link.directions:
        name = "net_tx_bytes" if way.source == "server" else "net_rx_bytes"
        if (carried := growth(server, name)) is not None and passed_s and way.mbit_per_s:
            shares.append(100 * carried * 8e-6 / passed_s / way.mbit_per_s)
    return max(shares, default=None)
