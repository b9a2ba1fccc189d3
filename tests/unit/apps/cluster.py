"""A throw-away PostgreSQL cluster, so that the apps answer from a real database."""

import contextlib
import fcntl
import functools
import json
import os
import random
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

SUPERUSER = "postgres"
USER, PASSWORD = "testbed", "pass:w@rd/%"  # owns the databases; a password that a URL escapes
PATIENCE_S = 60  # only ends what hangs
BENCH = "bench"  # who resets data between runs: a member of the owner's role


@dataclass(frozen=True)
class Cluster:
    """One database of a running cluster on loopback."""

    binaries: Path
    folder: Path  # its socket lies here too
    port: int
    database: str = "postgres"

    @property
    def url(self) -> str:
        """What an app gets as DATABASE_URL."""
        login = f"{USER}:{quote(PASSWORD, safe='')}"
        return f"postgresql://{login}@127.0.0.1:{self.port}/{self.database}"

    def psql(self, *arguments: str) -> list[str]:
        """Run psql with the login that apps have."""
        psql = str(self.binaries / "psql")
        return [psql, "--no-psqlrc", "-v", "ON_ERROR_STOP=1", *arguments, self.url]

    def load(self, sql_file: Path) -> str:
        """Load a data set as the role that owns the database; what psql printed."""
        return output(self.psql("-f", str(sql_file)))

    def reset(self, sql_file: Path) -> None:
        """Put the data back as it is done before a run: by the role that only measures."""
        output([*self._local(BENCH), "-f", str(sql_file), self.database])

    def query(self, sql: str) -> list[str]:
        """Rows of a statement run as superuser, columns divided by '|'."""
        return output([*self._local(SUPERUSER), "-c", sql, self.database]).splitlines()

    def _local(self, role: str) -> list[str]:
        return [
            *(str(self.binaries / "psql"), "--no-psqlrc", "-qAt", "-v", "ON_ERROR_STOP=1"),
            *("-h", str(self.folder), "-p", str(self.port), "-U", role),
        ]

    def create(self, database: str) -> "Cluster":
        """A new database, owned by the role that apps have."""
        self.query(f"CREATE DATABASE {database} OWNER {USER}")
        created = replace(self, database=database)
        created.query("CREATE EXTENSION pg_stat_statements")
        return created

    def statements(self) -> list[tuple[str, int]]:
        """What apps sent to this database since `forget_statements`, with the calls."""
        self._wait_for_transactions()
        (row,) = self._asked_often(
            "SELECT coalesce(json_agg(json_build_array(query, calls)), '[]') "
            "FROM pg_stat_statements "
            "WHERE userid = 'testbed'::regrole "
            "AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        return [(query, calls) for query, calls in json.loads(row)]

    def forget_statements(self) -> None:
        """Count statements from now on."""
        self._wait_for_transactions()
        self._asked_often("SELECT pg_stat_statements_reset()")

    def _wait_for_transactions(self) -> None:
        """Wait until no app is in a transaction.

        PostgreSQL may count a statement only when its transaction ends, and an app may have
        answered before that.
        """
        sql = (
            f"SELECT count(*) FROM pg_stat_activity WHERE usename = '{USER}' "  # noqa: S608
            "AND datname = current_database() AND state <> 'idle'"
        )
        deadline = time.monotonic() + PATIENCE_S
        while self._asked_often(sql) != ["0"]:
            assert time.monotonic() < deadline, "an app's transaction does not end"
            time.sleep(0.005)

    def connections(self, name: str, condition: str = "true") -> int:
        """Open connections that call themselves so, and fulfil an SQL condition."""
        sql = f"application_name = '{name}' AND {condition}"
        (count,) = self._asked_often(f"SELECT count(*) FROM pg_stat_activity WHERE {sql}")  # noqa: S608
        return int(count)

    def _asked_often(self, sql: str) -> list[str]:
        """Rows of a statement, by a session of superuser's that stays for more of them."""
        if self not in _SESSIONS:
            _SESSIONS[self] = _Session([*self._local(SUPERUSER), self.database])
        return _SESSIONS[self].rows(sql)

    @contextlib.contextmanager
    def locked(self, table: str) -> Iterator[None]:
        """Every statement that reads the table waits, so what is under way can be counted."""
        with subprocess.Popen(
            self.psql("-qAt"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as session:
            assert session.stdin is not None
            assert session.stdout is not None
            session.stdin.write(f"BEGIN; LOCK TABLE {table}; SELECT 'locked';\n")
            session.stdin.flush()
            assert session.stdout.readline() == "locked\n"
            try:
                yield
            finally:
                session.stdin.close()


class _Session:
    """A psql that stays: to start one for each of some thousand questions takes a minute of CPU."""

    END = "that is all"

    def __init__(self, command: list[str]) -> None:
        self._psql = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def rows(self, sql: str) -> list[str]:
        """Return the rows of a statement. Fails, and the session ends, if the statement fails."""
        assert self._psql.stdin is not None
        assert self._psql.stdout is not None
        self._psql.stdin.write(f"{sql};\n\\echo {self.END}\n")
        self._psql.stdin.flush()
        found = []
        for line in self._psql.stdout:
            if line == f"{self.END}\n":
                return found
            found.append(line.removesuffix("\n"))
        raise AssertionError(f"psql ended: {sql}")  # it has said why on stderr

    def close(self) -> None:
        """End it."""
        self._psql.communicate()


_SESSIONS: dict[Cluster, _Session] = {}  # of clusters that run


def output(command: Sequence[str], user: str | None = None) -> str:
    """What a command printed. Fails with what it said if it fails."""
    done = subprocess.run(
        command,
        user=user,
        group=user,
        extra_groups=None if user is None else [],
        cwd="/",
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, f"{' '.join(command)}: {done.stdout}{done.stderr}"
    return done.stdout


def find_binaries() -> Path:
    """The folder with the newest installed PostgreSQL server's programs."""
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: float(p.parts[-3])
    )
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    assert on_path, (
        "these tests need PostgreSQL's server programs, and there is no initdb below "
        "/usr/lib/postgresql or on PATH: apt install postgresql"
    )
    return Path(on_path).parent


PORTS = Path("/proc/sys/net/ipv4/ip_local_port_range")


@functools.cache
def _reservations() -> BinaryIO:
    """The file of which each byte is a port, locked as long as the process with that port runs."""
    return (Path(tempfile.gettempdir()) / f"testbed-ports-{os.getuid()}.lock").open("ab")


@functools.cache
def _candidates() -> Iterator[int]:
    """Ports that the kernel gives to nobody who asks for any port, in an order of this process."""
    below = list(range(10_000, int(PORTS.read_text().split()[0])))
    random.SystemRandom().shuffle(below)
    return iter(below)


def free_port() -> int:
    """A TCP port of loopback that nobody listens on, for a server that will.

    No other process comes to have it meanwhile: it is none of those that the kernel chooses from,
    and other test processes see that it is reserved.
    """
    for port in _candidates():
        try:
            fcntl.lockf(_reservations(), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        return port
    raise AssertionError(f"no port is free; {PORTS} leaves those below its first to servers")


@contextlib.contextmanager
def running() -> Iterator[Cluster]:
    """Make a cluster, run it, and remove it."""
    binaries = find_binaries()
    user = SUPERUSER if os.geteuid() == 0 else None  # PostgreSQL refuses to run as root
    folder = Path(tempfile.mkdtemp(prefix="testbed-pg-"))
    if user:
        shutil.chown(folder, user, user)
    data = folder / "data"
    try:
        output(
            [
                *(str(binaries / "initdb"), "-D", str(data), "-U", SUPERUSER, "--no-sync"),
                *("--auth-local=trust", "--auth-host=scram-sha-256", "--encoding=UTF8"),
            ],
            user,
        )
        cluster = Cluster(binaries, folder, free_port())
        with (data / "postgresql.conf").open("a") as config:
            config.write(
                f"port = {cluster.port}\nlisten_addresses = '127.0.0.1'\n"
                f"unix_socket_directories = '{folder}'\nfsync = off\nmax_connections = 300\n"
                "password_encryption = 'scram-sha-256'\ntimezone = 'Etc/UTC'\n"
                # A session that looks for a deadlock does not wait for its lock meanwhile
                "deadlock_timeout = '1h'\n"
                "shared_preload_libraries = 'pg_stat_statements'\n"
            )
        server = start(cluster, data, user)
        try:
            cluster.query(f"CREATE ROLE {USER} LOGIN PASSWORD '{PASSWORD}'")
            cluster.query(f"CREATE ROLE {BENCH} LOGIN IN ROLE {USER}")
            yield cluster
        finally:
            for one in [one for one in _SESSIONS if one.folder == folder]:
                _SESSIONS.pop(one).close()
            server.terminate()  # SIGTERM waits for clients to leave
            try:
                server.wait(timeout=120)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
    finally:
        shutil.rmtree(folder)


def start(cluster: Cluster, data: Path, user: str | None) -> "subprocess.Popen[bytes]":
    """Start the server and wait until it takes connections."""
    log = cluster.folder / "log"
    with log.open("wb") as stream:
        server = subprocess.Popen(
            [str(cluster.binaries / "postgres"), "-D", str(data)],
            user=user,
            group=user,
            extra_groups=None if user is None else [],
            stdout=stream,
            stderr=stream,
        )
    ready = [str(cluster.binaries / "pg_isready"), "-q", "-h", str(cluster.folder)]
    while subprocess.run([*ready, "-p", str(cluster.port)], check=False).returncode != 0:
        assert server.poll() is None, f"PostgreSQL does not start: {log.read_text()}"
        time.sleep(0.05)
    return server
