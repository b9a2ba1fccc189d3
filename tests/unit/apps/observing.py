"""What can be seen of an app at work: connections on both sides, and what it does at once.

What several workloads ask of their apps in the same words is written here once, as an assertion.
"""

import contextlib
import math
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from testbed.model.catalogue import CataloguedApp
from tests.unit.apps.cluster import Cluster
from tests.unit.apps.serving import (
    PATIENCE_S,
    START_PATIENCE_S,
    RunningApp,
    Serve,
    ask,
    assert_workers,
    starting,
    wait_until,
)

REQUESTS = 6  # at once, where it is counted how many of them are under way


@contextlib.contextmanager
def waiting_requests(
    running: RunningApp, database: Cluster, path: str, table: str
) -> Iterator[None]:
    """Requests whose statements wait for a lock; all must succeed once it is gone."""
    statuses: list[int] = []
    threads = [
        threading.Thread(target=lambda: statuses.append(running.get(path).status))
        for _ in range(REQUESTS)
    ]
    with database.locked(table):
        for thread in threads:
            thread.start()
        yield
    for thread in threads:
        thread.join(PATIENCE_S)
    assert statuses == [200] * REQUESTS


def assert_under_way(running: RunningApp, database: Cluster, count: int) -> None:
    """Exactly so many statements wait for the lock: they come to that, and no more follow."""

    def under_way() -> int:
        return database.connections(running.database_name, "wait_event_type = 'Lock'")

    wait_until(lambda: under_way() >= count, f"{count} statements under way")
    time.sleep(0.2)  # for one too many to show up
    assert under_way() == count


def assert_kept(running: RunningApp, database: Cluster, count: int) -> None:
    """So many database connections stay open when all requests have been answered."""
    wait_until(
        lambda: database.connections(running.database_name) == count,
        f"{count} database connections kept",
    )


def assert_closes(running: RunningApp, path: str) -> None:
    """The app says that it closes the connection after its answer, and does."""
    with contextlib.closing(running.connect()) as connection:
        connection.connect()
        raw = connection.sock.dup()  # http.client drops its own when it reads the header
        with contextlib.closing(raw):
            assert (ask(connection, path).connection or "").lower() == "close"
            assert raw.recv(1) == b""


def assert_keeps(running: RunningApp, path: str, keepalive_s: float = math.inf) -> None:
    """Two requests go over one connection, unless the second comes later than `keepalive_s`."""
    with contextlib.closing(running.connect()) as connection:
        began = time.monotonic()
        assert (ask(connection, path).connection or "keep-alive").lower() == "keep-alive"
        first = connection.sock
        assert first is not None  # http.client drops it if the answer says that it closes
        try:
            assert ask(connection, path).status == 200
            kept = connection.sock is first  # http.client opens a new one where it was closed
        except ConnectionError:
            kept = False
        assert kept or time.monotonic() - began >= keepalive_s


def assert_ends_idle(running: RunningApp, path: str) -> None:
    """The app closes a connection over which nothing more is asked.

    A connection that it keeps longer than clients wait ends in a time-out of the socket.
    """
    with contextlib.closing(running.connect()) as idle:
        assert ask(idle, path).status == 200
        assert idle.sock.recv(1) == b""


def assert_listening(port: int, count: int) -> None:
    """So many sockets listen on the port of loopback; a worker's own comes after its process."""

    def listening() -> int:  # proc_net_tcp(5); 0A is LISTEN
        lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        return [(line[1], line[3]) for line in lines].count((f"0100007F:{port:04X}", "0A"))

    wait_until(lambda: listening() >= count, f"{count} listening sockets")
    assert listening() == count


def assert_a_socket_for_each_worker(serve: Serve, app: str, path: str) -> None:
    """With `reuse_port`, each worker has a listening socket of its own."""
    with serve(app, workers=3, reuse_port=1) as running:
        assert_workers(running, 3)
        assert_listening(running.port, 3)
        assert running.get(path).status == 200


def assert_pool_grows(running: RunningApp, database: Cluster, path: str, table: str) -> None:
    """A pool of three that has served once opens the connections that it needs, and keeps them."""
    assert_kept(running, database, 1)
    with waiting_requests(running, database, path, table):
        assert_under_way(running, database, 3)
    assert_kept(running, database, 3)


def assert_persistent(serve: Serve, database: Cluster, app: str, path: str) -> None:
    """A worker of Django with persistent connections has one, whatever the number of requests."""
    with serve(app, database_access="persistent") as running:
        for _ in range(3):
            assert running.get(path).status == 200
        assert_kept(running, database, 1)


def has_uvloop(running: RunningApp) -> bool:
    """Return whether the first worker has loaded uvloop."""
    return any("uvloop" in area.path for area in running.workers()[0].memory_maps())


def assert_django_debug(serve: Serve, app: str, path: str) -> None:
    """`debug` is Django's DEBUG, whose page on a missing path says so; the app still answers."""
    for debug in (0, 1):
        with serve(app, debug=debug) as running:
            assert (b"DEBUG = True" in running.get("/nothing").body) == bool(debug)
            assert running.get(path).status == 200


def assert_refused(
    app: CataloguedApp, services: dict[str, str], log_file: Path, **wrong: str | int
) -> None:
    """An app that is given a value that it does not know ends by itself, and names the value.

    Of the settings, the first one is wrong.
    """
    with starting(app, services, log_file, **wrong) as running:
        assert running.process.wait(START_PATIENCE_S) != 0
        assert str(next(iter(wrong.values()))) in running.log()


def assert_ends_in_order(running: RunningApp, database: Cluster, path: str) -> None:
    """SIGTERM ends an app that has an idle client and used its database, and nothing is left."""
    with contextlib.closing(running.connect()) as idle:
        assert ask(idle, path).status == 200
        running.stop()
        for trouble in ("Traceback", "[ERROR]"):
            assert trouble not in running.log()
        wait_until(
            lambda: database.connections(running.database_name) == 0, "no database connection left"
        )
