"""Say of a run what held it back: which resource was exhausted first, by a rule.

A resource that is exhausted has a queue before it, and the queue reaches back to all that stand
before it. So the rule looks at the last ones first: requests that wait for a worker say nothing
about workers if these wait for a pool. The number of requests in flight is known from the generator
(Little's law), and telemetry shows where they were: not yet read by the app, in the database, or
waiting for the other service.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean

from testbed.model.gave_out import GaveOut, Limiting
from testbed.model.load import requests_due
from testbed.model.service import SERVICES
from testbed.numbers import count, digits
from testbed.tools import due
from testbed.validity import fault
from testbed.validity.evidence import Evidence, Samples, column, growth, mean

MET_PERCENT = 99  # of the requests due, answered correctly: the rate asked was met
ALL_CORES_PERCENT = 90  # of the server's CPUs in use: hardly any request found one free
ONE_CORE_PERCENT = 85  # of a core by one process, beside what the kernel does for it
MOST_WORKERS = 0.8  # of the workers had no time to wait: it is not one core alone
GENERATOR_PERCENT = 95  # of the client's CPUs, or of a core by a process of the generator
LINK_PERCENT = 90  # of the verified rate; TCP carries 94.9 % of the line rate
IN_USE = 0.85  # of a pool's connections: hardly ever was one free
MOST_POOLS = 0.6  # of all connections: the others are those of workers that had little to do
ALWAYS = 0.7  # of the samples had a request that no worker had read
NEARLY_ALL = 0.8  # of the CPU time of app and services, by the database: it is short of CPUs
UNREAD = 0.1  # of the requests in flight at least, for the workers to be what was short
MOST = 0.5  # of the requests that the app had: where most of them are, it is
SHORT_BACKLOG = 0.1  # of the requests due, unanswered at the end of less than four seconds
OVERFLOWS = 0.01  # of the requests: so many connections found the listen queue full


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
    worker_connections: int | None  # of a worker's own pool, at most
    db_used: float | None  # sessions with a statement or in a transaction
    db_blocked: float | None  # those of them that waited for locks or disks
    upstream: float | None  # requests that the other service owed an answer
    upstream_percent: float | None  # CPU of a core, by the other service
    upstream_connections: float | None

    @property
    def in_app(self) -> float | None:
        """Return how many requests the app had taken up and not answered, on average."""
        if self.in_flight is None:
            return None
        left = self.in_flight - (self.unread or 0) - self.connecting - self.generator_unread
        return max(0.0, left)

    @property
    def overflowed(self) -> bool:
        """Return whether connections found the listen queue full, and not for want of workers."""
        return (self.overflows or 0) >= OVERFLOWS and not self.workers_busy

    @property
    def workers_busy(self) -> bool:
        """Return whether most of the processes that serve had taken up a request."""
        return (self.in_app or 0) >= MOST * (self.workers or 1)


def of_run(evidence: Evidence) -> GaveOut | None:
    """Return what held the run back; None if it has no figures."""
    if evidence.run.failure or evidence.run.output is None:
        return None
    return rule(look(evidence))


def rule(seen: Seen) -> GaveOut:
    """Return the first of the rules' answers, in the order in which they stand here."""
    for one in (_nothing, _generator, _link, _cores, _one_core, _behind_the_app, _workers, _queue):
        if answer := one(seen):
            return answer
    many = "" if seen.in_flight is None else f" with {count(seen.in_flight)} requests in flight"
    return _is("unknown", f"nothing that is measured was exhausted{many}{_others(seen)}")


def _others(seen: Seen) -> str:
    """Return that all CPUs were in use all the same, and mostly not by the app, if they were."""
    if seen.cpu_percent is None or seen.cpu_percent < ALL_CORES_PERCENT:
        return ""
    return f"; CPUs were in use to {seen.cpu_percent:.0f} %, but mostly by others than the app"


def _is(what: Limiting, sentence: str) -> GaveOut:
    return GaveOut(what=what, sentence=sentence)


def _nothing(seen: Seen) -> GaveOut | None:
    return _is("nothing", "the rate asked was answered") if seen.met else None


def _generator(seen: Seen) -> GaveOut | None:
    """Return that the generator held the run back, unless more waited at the server than at it."""
    percent = seen.generator_percent or 0
    if seen.generator_fault:
        return _is("generator", seen.generator_fault)
    if percent < GENERATOR_PERCENT:
        return None
    told = f"the generator used {percent:.0f} % of its CPU"
    server_busy = (seen.cpu_percent or 0) >= ALL_CORES_PERCENT
    if seen.generator_unread > (seen.unread or 0) or not (server_busy or _exhausted(seen)):
        return _is("generator", f"{told}, the server's CPUs {seen.cpu_percent or 0:.0f} %")
    return None


def _exhausted(seen: Seen) -> bool:
    """Return whether something at the server was exhausted besides all of its CPUs."""
    rules: Sequence[Callable[[Seen], GaveOut | None]] = (_one_core, _behind_the_app, _workers)
    return any(one(seen) for one in rules)


def _link(seen: Seen) -> GaveOut | None:
    if seen.link_percent is None or seen.link_percent < LINK_PERCENT:
        return None
    return _is("link", f"the link carried {seen.link_percent:.0f} % of its verified rate")


def _cores(seen: Seen) -> GaveOut | None:
    if (seen.quota_percent or 0) >= 100 * MOST:
        return _is("all_cores", f"its CPU quota was used up in {seen.quota_percent:.0f} % of time")
    if seen.cpu_percent is None or seen.cpu_percent < ALL_CORES_PERCENT:
        return None
    which = "its only CPU" if seen.cores == 1 else f"all {seen.cores} CPUs"
    told = f"{which} in use to {seen.cpu_percent:.0f} %"
    name, most = max(seen.service_cores.items(), key=lambda one: one[1], default=("", 0.0))
    used = seen.cores * seen.cpu_percent / 100
    own = (seen.app_cores or 0) + sum(seen.service_cores.values())
    if most >= MOST * used or (own >= MOST * used and most >= NEARLY_ALL * own):
        return _is("database", f"{told}, {100 * most / used:.0f} % of that by {name}")
    if seen.app_cores is None or seen.runnable_percent is None or own >= MOST * used:
        return _is("all_cores", told)
    if seen.runnable_percent < ONE_CORE_PERCENT:
        return None  # others have the CPUs, and the app does not wait for them
    return _is("all_cores", f"{told}, {100 * (1 - own / used):.0f} % of that not by the app")


def _one_core(seen: Seen) -> GaveOut | None:
    for name, service in SERVICES.items():
        if service.one_thread and seen.service_cores.get(name, 0) >= ONE_CORE_PERCENT / 100:
            return _is("database", f"{name} used a whole core")
    percent, workers = seen.process_percent, seen.workers or 1
    if percent is None or percent < ONE_CORE_PERCENT:
        return None
    idle = "" if seen.cpu_percent is None else f", all CPUs {seen.cpu_percent:.0f} %"
    if workers >= 2 and (seen.busy_workers or 0) >= MOST_WORKERS * workers:
        return _is("workers", f"each of {workers:.0f} workers used a whole core{idle}")
    return _is("one_core", f"a process of the app used {percent:.0f} % of a core{idle}")


def _behind_the_app(seen: Seen) -> GaveOut | None:
    """Return database, pool or upstream if most of the app's requests were there."""
    in_app, used, connections = seen.in_app, seen.db_used, seen.db_connections
    if in_app is None:
        return None
    upstream = seen.upstream or 0
    if used is not None and connections is not None and used >= MOST:
        full = used >= IN_USE * connections or (
            used >= IN_USE * (seen.worker_connections or connections)
            and used >= MOST_POOLS * connections
        )
        if (seen.db_blocked or 0) >= MOST * used and (full or used >= MOST * in_app):
            told = f"of {count(used)} sessions {count(seen.db_blocked)} waited for locks or disks"
            return _is("database", told)
        if full and _wait_for(in_app - upstream, used):
            told = f"{count(used)} of {count(connections)} database connections in use"
            return _is("pool", f"{told}, {count(in_app)} requests in the app")
        if used >= MOST * in_app and not _wait_unread(seen):
            return _is(
                "database", f"of {count(in_app)} requests in the app {count(used)} were in it"
            )
    if (seen.upstream_percent or 0) >= GENERATOR_PERCENT:
        return _is("upstream", f"the other service used {seen.upstream_percent:.0f} % of a core")
    if upstream >= MOST:
        full = upstream >= IN_USE * (seen.upstream_connections or 0)
        if full and _wait_for(in_app - (used or 0), upstream) and upstream < MOST * in_app:
            told = f"all {count(upstream)} connections to upstream in use"
            return _is("pool", f"{told}, {count(in_app)} requests in the app")
        if upstream >= MOST * in_app and not _wait_unread(seen):
            return _is(
                "upstream", f"of {count(in_app)} requests in the app {count(upstream)} waited"
            )
    return None


def _wait_for(requests: float, used: float) -> bool:
    """Return whether clearly more requests were in the app than there were connections in use."""
    return requests >= 1.3 * used + 0.5


def _wait_unread(seen: Seen) -> bool:
    """Return whether there were always requests that no worker had read."""
    unread = seen.unread or 0
    enough = (
        unread >= UNREAD * (seen.in_flight or 0) or (seen.queue_full_percent or 0) >= 100 * MOST
    )
    return enough and (seen.always_unread or 0) >= ALWAYS


def _workers(seen: Seen) -> GaveOut | None:
    if seen.overflowed or not _wait_unread(seen):
        return None
    percent = seen.cpu_percent
    if percent is not None and percent >= ALL_CORES_PERCENT and not seen.workers_busy:
        told = (
            f"CPUs in use to {percent:.0f} %, mostly not by the app, whose workers waited for them"
        )
        return _is("all_cores", told)
    idle = "" if percent is None else f", CPUs at {percent:.0f} %"
    behind = [
        f"{count(held)} {what}"
        for held, what in (
            (seen.db_used or 0, "in the database"),
            (seen.upstream or 0, "upstream"),
        )
        if held >= MOST
    ]
    those = f"; of those that had one, {' and '.join(behind)}" if behind else ""
    return _is("workers", f"{count(seen.unread)} requests waited for a worker{idle}{those}")


def _queue(seen: Seen) -> GaveOut | None:
    if (seen.overflows or 0) < OVERFLOWS:
        return None
    return _is(
        "listen_queue",
        f"{digits(100 * (seen.overflows or 0))} connections in 100 answers found it full",
    )


def look(evidence: Evidence) -> Seen:
    """Return what is known of a run."""
    run, output = evidence.run, evidence.run.output
    server, client = evidence.measured["server"], evidence.measured["client"]
    cores = _per_core(server)
    cpu = {key.removesuffix("_cpu_usec"): _cores_of(server, key) for key in _counters(server)}
    processes = mean(server, "app_processes")
    sessions = [mean(server, f"pg_{one}") for one in ("active", "idle", "idle_in_transaction")]
    active, idle, held = (one or 0.0 for one in sessions)
    has_database = sessions[0] is not None
    waits = [mean(server, f"pg_{one}_waits") or 0.0 for one in ("lock", "io")]
    answers = output.requests if output else None
    overflows = growth(evidence.telemetry["server"], "listen_overflows")
    unread = [
        max(row.get("tcp_unread_in", 0), row.get("listen_queue", 0))
        for row in server
        if "tcp_unread_in" in row or "listen_queue" in row
    ]
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
        db_connections=active + idle + held if has_database else None,
        worker_connections=evidence.expected.worker_connections,
        db_used=active - (mean(server, "pg_client_waits") or 0) + held if has_database else None,
        db_blocked=sum(waits) if has_database else None,
        upstream=_upstream(evidence, server),
        upstream_percent=run.upstream.cpu_percent if run.upstream else None,
        upstream_connections=mean(server, "upstream_connections"),
    )


NO_SERVICE = ("host", "telemetry", "app", "app_pss")


def _counters(samples: Samples) -> list[str]:
    return [key for key in (samples[0] if samples else {}) if key.endswith("_cpu_usec")]


def _cores_of(samples: Samples, counter: str) -> float | None:
    """Return CPU seconds per second, of a counter of microseconds."""
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
    """Return whether the rate asked was answered, and without a queue that grew."""
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
    not show a connection over which it was asked again within a tick of the kernel's clock.
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
    """Return the CPU of the generator's busiest process; of all its host if it reports none."""
    output = evidence.run.output
    if output is not None and output.busiest_process_cpu_percent is not None:
        return output.busiest_process_cpu_percent
    return mean(client, "cpu_percent") if evidence.run.load.from_host == "client" else None


def _link_percent(evidence: Evidence, server: Samples) -> float | None:
    """Return the use of the link's busier direction in percent of its verified rate."""
    if evidence.expected.link is None or not evidence.expected.link.directions:
        return None
    passed_s, shares = growth(server, "monotonic_s"), []
    for way in evidence.expected.link.directions:
        name = "net_tx_bytes" if way.source == "server" else "net_rx_bytes"
        if (carried := growth(server, name)) is not None and passed_s and way.mbit_per_s:
            shares.append(100 * carried * 8e-6 / passed_s / way.mbit_per_s)
    return max(shares, default=None)
