"""What surroundings of the day cost that an article's `as_published` form does not bring back.

    .venv/bin/uv run --no-sync --with aiohttp --with ujson --with 'psycopg[binary]' \
        --with psycopg2-binary python -m bench.surroundings

Of aiohttp: its parser in Python or in C, JSON by ujson or by the standard library, Nagle's
algorithm on or off, for a small document and for one of 50 agents. Of a login to PostgreSQL by md5:
psycopg 2 or 3, with TLS or without. CPU times are shown, of the server or of both programs, so that
a busy machine disturbs them little; of Nagle's algorithm also the time that passed, as it makes
answers wait. Of a server that closes each connection: a listen queue of 128, at which Linux cut it
off by default until 5.4, or of 2048, Gunicorn's; it is counted how many connections found no
place in it, each of which is tried again after a second. Everything is on loopback, in turns; over
one connection at a time, but for the queues, where 400 clients connect anew for each request.
"""

import asyncio
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import psutil

from tests.unit.apps import cluster

ROUNDS, REQUESTS, LOGINS = 7, 1500, 40  # of each way, in each round
BACKLOGS, CLIENTS, QUEUE_S = (128, 2048), 400, 4
AGENT = {
    "number": 1000, "extension": "1000", "context": "default", "state_interface": "SIP/abcdef",
    "status": "offline", "extension_status": "-1", "paused": "0",
}  # fmt: skip
DOCUMENTS = {
    "/index": {"hello": "world"},
    "/agents": {"agents": [AGENT | {"number": 1000 + number} for number in range(50)]},
}
SERVERS: dict[str, dict[str, str]] = {
    "today's: parser in C, json, Nagle off": {},
    "parser in Python": {"AIOHTTP_NO_EXTENSIONS": "1"},
    "ujson": {"JSON": "ujson"},
    "Nagle on": {"NAGLE": "1"},
}


def serve() -> None:
    """Serve the documents as the environment says, and at /used the CPU time so far."""
    import ujson
    from aiohttp import web

    dumps = ujson.dumps if "JSON" in os.environ else json.dumps
    nodelay = int("NAGLE" not in os.environ)

    async def document(request: web.Request) -> web.Response:
        assert request.transport is not None
        told = request.transport.get_extra_info("socket")
        told.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, nodelay)
        return web.json_response(DOCUMENTS[request.path], dumps=dumps)

    async def used(_: web.Request) -> web.Response:
        return web.Response(text=str(time.process_time()))

    app = web.Application()
    app.add_routes([web.get(path, document) for path in DOCUMENTS] + [web.get("/used", used)])
    with socket.create_server(("127.0.0.1", 0)) as listening:
        sys.stdout.write(f"{listening.getsockname()[1]}\n")
        sys.stdout.flush()
        web.run_app(app, sock=listening, print=None, access_log=None)


class Server:
    """A server of aiohttp in a process of its own, and a connection to it."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bench.surroundings", "serve"],
            env=os.environ | environment,
            stdout=subprocess.PIPE,
        )
        assert self.process.stdout is not None
        self._connection = socket.create_connection(
            ("127.0.0.1", int(self.process.stdout.readline()))
        )
        self._answers = self._connection.makefile("rb")

    def get(self, path: str) -> bytes:
        """Return the body of an answer."""
        self._connection.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        length = 0
        while line := self._answers.readline().strip():
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        return self._answers.read(length)

    def cost(self, path: str) -> tuple[float, float]:
        """Return the server's CPU time of an answer and the time that passed, milliseconds."""
        for _ in range(20):
            self.get(path)
        before, began = float(self.get("/used")), time.perf_counter()
        for _ in range(REQUESTS):
            self.get(path)
        passed = time.perf_counter() - began
        return tuple(1000 * s / REQUESTS for s in (float(self.get("/used")) - before, passed))


def of_servers() -> Iterator[str]:
    """Yield a row of a table for each server, of each document."""
    servers = {name: Server(environment) for name, environment in SERVERS.items()}
    took: dict[tuple[str, str], list[tuple[float, float]]] = {}
    try:
        for _ in range(ROUNDS):
            for name, server in servers.items():
                for path in DOCUMENTS:
                    took.setdefault((name, path), []).append(server.cost(path))
    finally:
        for server in servers.values():
            server.process.kill()
            server.process.wait()
    yield "| aiohttp | " + " | ".join(f"{path}, CPU ms | {path}, ms" for path in DOCUMENTS) + " |"
    yield "|---|" + "---:|" * 2 * len(DOCUMENTS)
    for name in servers:
        cells = [
            f"{statistics.median(times):.3f}"
            for path in DOCUMENTS
            for times in zip(*took[name, path], strict=True)
        ]
        yield f"| {name} | {' | '.join(cells)} |"


def with_tls(server: cluster.Cluster) -> None:
    """Let the cluster take TLS, by a certificate of its own, and passwords by md5."""
    data = server.folder / "data"
    command = ["openssl", "req", "-x509", "-nodes", "-newkey", "rsa:2048", "-subj", "/CN=a"]
    files = ["-keyout", str(data / "server.key"), "-out", str(data / "server.crt")]
    subprocess.run([*command, *files], check=True, capture_output=True)
    owner = data.stat()
    for name in ("server.key", "server.crt"):
        os.chown(data / name, owner.st_uid, owner.st_gid)
        (data / name).chmod(0o600)
    server.query("SET password_encryption = 'md5'; CREATE ROLE bench_md5 LOGIN PASSWORD 'secret'")
    (data / "pg_hba.conf").write_text(
        "local all postgres trust\nhost all bench_md5 127.0.0.1/32 md5\n"
    )
    server.query("ALTER SYSTEM SET ssl = on")
    server.query("SELECT pg_reload_conf()")


def cpu_s(postmaster: psutil.Process) -> float:
    """Return the CPU time of this process, and of PostgreSQL with sessions that have ended."""
    theirs = postmaster.cpu_times()
    return time.process_time() + sum(theirs[:4])


def of_logins() -> Iterator[str]:
    """Yield a row of a table for each driver, with TLS and without."""
    import psycopg
    import psycopg2

    drivers: dict[str, Callable[..., psycopg.Connection]] = {
        "psycopg 3": psycopg.connect, "psycopg 2": psycopg2.connect,
    }  # fmt: skip
    took: dict[tuple[str, str], list[float]] = {}
    with cluster.running() as server:
        with_tls(server)
        pid = int((server.folder / "data" / "postmaster.pid").read_text().splitlines()[0])
        postmaster = psutil.Process(pid)
        time.sleep(2)  # the new settings are read
        url = f"host=127.0.0.1 port={server.port} dbname=postgres user=bench_md5 password=secret"
        for _ in range(ROUNDS):
            for name, connect in drivers.items():
                for tls in ("disable", "require"):
                    before = cpu_s(postmaster)
                    for _ in range(LOGINS):
                        connection = connect(f"{url} sslmode={tls}")
                        cursor = connection.cursor()
                        cursor.execute("SELECT 1")
                        assert cursor.fetchone() == (1,)
                        connection.close()
                    time.sleep(0.3)  # the last session has ended
                    used_ms = 1000 * (cpu_s(postmaster) - before) / LOGINS
                    took.setdefault((name, tls), []).append(used_ms)
    yield "| login by md5 over TCP | without TLS, CPU ms | with TLS, CPU ms |"
    yield "|---|---:|---:|"
    for name in drivers:
        cells = [f"{statistics.median(took[name, tls]):.1f}" for tls in ("disable", "require")]
        yield f"| {name} | {' | '.join(cells)} |"


async def asked_anew(port: int) -> int:
    """Return how many answers 400 clients got that ask and connect anew, in a few seconds."""
    answers, end = 0, time.monotonic() + QUEUE_S

    async def client() -> None:
        nonlocal answers
        while time.monotonic() < end:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            await reader.read()
            writer.close()
            answers += 1

    clients = [asyncio.create_task(client()) for _ in range(CLIENTS)]
    await asyncio.wait(clients, timeout=QUEUE_S)
    for one in clients:
        one.cancel()
    return answers


def overflows() -> int:
    """Return how many connections found no place in a listen queue since the start of the host."""
    names, values = (
        line.split()
        for line in Path("/proc/net/netstat").read_text().splitlines()
        if line.startswith("TcpExt:")
    )
    return int(values[names.index("ListenOverflows")])


def of_queues() -> Iterator[str]:
    """Yield a row of a table for each length of the listen queue of two workers."""
    found: dict[int, list[tuple[int, int]]] = {}
    for backlog in BACKLOGS * 2:
        program = [sys.executable, "-m", "tests.contract.gave_out.server", "--workers=2"]
        with subprocess.Popen(
            [*program, f"--backlog={backlog}"], stdout=subprocess.PIPE, start_new_session=True
        ) as server:
            assert server.stdout is not None
            port, before = int(server.stdout.readline()), overflows()
            try:
                answers = asyncio.run(asked_anew(port))
                found.setdefault(backlog, []).append((answers, overflows() - before))
            finally:
                os.killpg(server.pid, signal.SIGKILL)
    yield "| listen queue | answers | connections that found it full |"
    yield "|---:|---:|---:|"
    for backlog, rounds in found.items():
        answers, full = map(sum, zip(*rounds, strict=True))
        yield f"| {backlog} | {answers} | {full} |"


def main() -> None:
    """Print the tables."""
    if sys.argv[1:] == ["serve"]:
        serve()
        return
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    for table in (of_servers, of_logins, of_queues):
        for row in (*table(), ""):
            sys.stdout.write(f"{row}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    main()
