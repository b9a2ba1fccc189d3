"""What a password of Redis costs, and a bridge between containers in place of loopback.

    sudo .venv/bin/python -m bench.service_ways

A client asks Redis for a value of 5 kB: over a kept connection, and over a connection for each
request. It logs in or not; and both are on loopback, or each has a network namespace of its own
with a bridge between them, as services in containers have. Both programs have one CPU, in turns
with the other ways; shown are medians of the rounds, of both programs' CPU time and of the time
that passed. The second says more where nobody else uses the machine: the kernel may account for a
packet's way through a bridge to neither program.
"""

import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import psutil

ROUNDS, REQUESTS, CONNECTIONS = 9, 4000, 1000  # of each way, in each round
PORT, PASSWORD, VALUE_BYTES = 16379, "secret", 5000
BRIDGE = "tb-ways"
ENDS = {"tb-ways-redis": "10.213.7.1", "tb-ways-app": "10.213.7.2"}  # namespaces and addresses


@dataclass(frozen=True)
class Way:
    """How the client reaches Redis. Without namespaces, over loopback."""

    name: str
    password: str | None
    bridged: bool = False
    took_ms: dict[str, list[tuple[float, float]]] = field(default_factory=dict)

    def inside(self, place: int) -> list[str]:
        """Return the words before a command that run it where Redis (0) or the client (1) is."""
        return ["ip", "netns", "exec", list(ENDS)[place]] if self.bridged else []

    @property
    def address(self) -> str:
        """Where Redis listens."""
        return next(iter(ENDS.values())) if self.bridged else "127.0.0.1"


def ip(*words: str) -> None:
    """Run `ip`. Raises CalledProcessError if it fails."""
    subprocess.run(["ip", *words], check=True)


@contextmanager
def bridge() -> Iterator[None]:
    """Make two namespaces and a bridge between them, and remove them at the end."""
    with ExitStack() as undo:
        ip("link", "add", BRIDGE, "type", "bridge")
        undo.callback(ip, "link", "del", BRIDGE)
        ip("link", "set", BRIDGE, "up")
        for number, (name, address) in enumerate(ENDS.items()):
            ip("netns", "add", name)
            undo.callback(ip, "netns", "del", name)
            ip("link", "add", f"{BRIDGE}{number}", "type", "veth", "peer", "eth0", "netns", name)
            undo.callback(ip, "link", "del", f"{BRIDGE}{number}")
            ip("link", "set", f"{BRIDGE}{number}", "master", BRIDGE, "up")
            ip("-n", name, "address", "add", f"{address}/24", "dev", "eth0")
            ip("-n", name, "link", "set", "eth0", "up")
        yield


class Client:
    """A connection to Redis that speaks its protocol, without a client library's own cost."""

    def __init__(self, address: str, password: str) -> None:
        self._socket = socket.create_connection((address, PORT))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._answers = self._socket.makefile("rb")
        if password:
            self._say("AUTH", password)
            assert self._answers.readline() == b"+OK\r\n"

    def _say(self, *words: str) -> None:
        text = "".join(f"${len(word)}\r\n{word}\r\n" for word in words)
        self._socket.sendall(f"*{len(words)}\r\n{text}".encode())

    def put(self, value: str) -> None:
        """Set the value."""
        self._say("SET", "key", value)
        assert self._answers.readline() == b"+OK\r\n"

    def get(self) -> bytes:
        """Return the value."""
        self._say("GET", "key")
        length = int(self._answers.readline()[1:])
        return self._answers.read(length + 2)[:-2]

    def close(self) -> None:
        """End the connection."""
        self._answers.close()
        self._socket.close()


def ask(address: str, password: str, redis_pid: int) -> None:
    """Print the milliseconds of CPU time and of passed time per request, of both kinds."""
    redis = psutil.Process(redis_pid)

    def used_s() -> float:
        return time.process_time() + sum(redis.cpu_times()[:2])

    def anew() -> bytes:
        client = Client(address, password)
        value = client.get()
        client.close()
        return value

    kept = Client(address, password)
    kept.put("x" * VALUE_BYTES)
    took = {}
    for what, request, times in (("kept", kept.get, REQUESTS), ("anew", anew, CONNECTIONS)):
        for _ in range(times // 10):
            assert len(request()) == VALUE_BYTES
        before, began = used_s(), time.perf_counter()
        for _ in range(times):
            request()
        passed = time.perf_counter() - began
        took[what] = (1000 * (used_s() - before) / times, 1000 * passed / times)
    kept.close()
    sys.stdout.write(json.dumps(took))


@contextmanager
def redis_of(way: Way, folder: str) -> Iterator[int]:
    """Run Redis while the block runs. Return its process id."""
    options = ["--port", str(PORT), "--bind", way.address, "--save", "", "--dir", folder]
    options += ["--protected-mode", "no", "--logfile", f"{folder}/log"]
    if way.password is not None:
        options += ["--requirepass", way.password]
    with subprocess.Popen([*way.inside(0), "redis-server", *options]) as server:
        try:
            time.sleep(0.5)  # it starts, and `ip netns exec` has become it
            yield server.pid
        finally:
            server.terminate()


def main() -> None:
    """Print the table."""
    if sys.argv[1:2] == ["ask"]:
        ask(sys.argv[2], sys.argv[3], int(sys.argv[4]))
        return
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    ways = (
        Way("loopback", None),
        Way("loopback, with a password", PASSWORD),
        Way("a bridge between namespaces", None, bridged=True),
    )
    program = [sys.executable, "-m", "bench.service_ways", "ask"]
    with tempfile.TemporaryDirectory() as folder, bridge():
        for way in ways * ROUNDS:
            with redis_of(way, folder) as pid:
                command = [*way.inside(1), *program, way.address, way.password or "", str(pid)]
                done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
            for kind, both in json.loads(done.stdout).items():
                way.took_ms.setdefault(kind, []).append(tuple(both))
    heads = [f"{kind}, {what}" for kind in ("kept", "anew") for what in ("CPU ms", "ms")]
    sys.stdout.write(f"| Redis | {' | '.join(heads)} |\n|---|{'---:|' * len(heads)}\n")
    for way in ways:
        columns = [column for times in way.took_ms.values() for column in zip(*times, strict=True)]
        cells = " | ".join(f"{statistics.median(column):.4f}" for column in columns)
        sys.stdout.write(f"| {way.name} | {cells} |\n")


if __name__ == "__main__":
    main()
