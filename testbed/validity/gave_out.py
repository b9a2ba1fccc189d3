"""Say of a run what held it back: which resource was exhausted first, by a rule.

A resource that is exhausted has a queue before it, and the queue reaches back to all that stand
before it. So the rule looks at the last ones first: requests that wait for a worker say nothing
about workers if these wait for a pool. The number of requests in flight is known from the generator
(Little's law), and telemetry shows where they were: not yet read by the app, in the database, or
waiting for the other service.
"""

from collections.abc import Callable, Sequence

from testbed.model.gave_out import GaveOut, Limiting
from testbed.model.service import SERVICES
from testbed.numbers import count, digits
from testbed.validity.evidence import Evidence
from testbed.validity.seen import Seen, clearly_more, look

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
OVERFLOWS = 0.01  # of the requests: so many connections found the listen queue full


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
    """Return that the generator held the run back; None if it did not.

    It did not either if more requests waited at the server than at it.
    """
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
    """Return database, pool or upstream if most of the app's requests were there; None if not."""
    in_app, used, connections = seen.in_app, seen.db_used, seen.db_connections
    if in_app is None:
        return None
    upstream = seen.upstream or 0
    if used is not None and connections is not None and used >= MOST:
        full = used >= IN_USE * connections or (
            used >= IN_USE * (seen.worker_connections or connections)
            and used >= MOST_POOLS * connections
            and not _wait_unread(seen)  # while requests wait for workers, none has little to do
        )
        if (seen.db_blocked or 0) >= MOST * used and (full or used >= MOST * in_app):
            told = f"of {count(used)} sessions {count(seen.db_blocked)} waited for locks or disks"
            return _is("database", told)
        own = seen.worker_connections == 0  # each thread has one, so none waits for another's
        if full and not own and clearly_more(in_app - upstream, used):
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
        if full and clearly_more(in_app - (used or 0), upstream) and upstream < MOST * in_app:
            told = f"all {count(upstream)} connections to upstream in use"
            return _is("pool", f"{told}, {count(in_app)} requests in the app")
        if upstream >= MOST * in_app and not _wait_unread(seen):
            return _is(
                "upstream", f"of {count(in_app)} requests in the app {count(upstream)} waited"
            )
    return None


def _wait_unread(seen: Seen) -> bool:
    """Return whether there were always requests that no worker had read, or taken up."""
    unread = (seen.unread or 0) + seen.read_ahead
    enough = (
        unread >= UNREAD * (seen.in_flight or 0) or (seen.queue_full_percent or 0) >= 100 * MOST
    )
    return enough and ((seen.always_unread or 0) >= ALWAYS or seen.read_ahead > 0)


def _overflowed(seen: Seen) -> bool:
    """Return whether connections found the listen queue full, and not for want of workers."""
    return (seen.overflows or 0) >= OVERFLOWS and not _workers_busy(seen)


def _workers_busy(seen: Seen) -> bool:
    """Return whether most of the processes that serve had taken up a request."""
    return (seen.in_app or 0) >= MOST * (seen.workers or 1)


def _workers(seen: Seen) -> GaveOut | None:
    if _overflowed(seen) or not _wait_unread(seen):
        return None
    percent = seen.cpu_percent
    if percent is not None and percent >= ALL_CORES_PERCENT and not _workers_busy(seen):
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
    waited = count((seen.unread or 0) + seen.read_ahead)
    return _is("workers", f"{waited} requests waited for a worker{idle}{those}")


def _queue(seen: Seen) -> GaveOut | None:
    if (seen.overflows or 0) < OVERFLOWS:
        return None
    return _is(
        "listen_queue",
        f"{digits(100 * (seen.overflows or 0))} connections in 100 answers found it full",
    )
