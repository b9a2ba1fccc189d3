"""What it costs an app to ask another service, by the client that it asks with.

    .venv/bin/uv run --no-sync --with httpx --with urllib3 --with aiohttp --with uvloop \
        python -m bench.http_clients

httpx's client and urllib3's in threads, httpx's that is awaited, and aiohttp's, over kept
connections on loopback: one request at a time, 16 and 80. Shown is the client's own CPU time for a
request, the median of rounds in turns, so that a busy machine disturbs it little. The other service
is the testbed's, and answers after 20 ms where 16 wait and 100 ms where 80 do, so that all of them
wait at once.
"""

import asyncio
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import pairwise

import aiohttp
import httpx
import urllib3
import uvloop

ROUNDS, REQUESTS = 3, 1600  # of each client, in each round
UNLIMITED = httpx.Limits(max_connections=None, max_keepalive_connections=None)


def in_threads(url: str, at_once: int, each: int) -> None:
    """Ask with httpx's client, which all threads share."""
    with httpx.Client(limits=UNLIMITED) as client, ThreadPoolExecutor(at_once) as pool:

        def ask(number: int) -> None:
            for _ in range(each):
                client.get(url, params={"id": number}).raise_for_status().json()

        list(pool.map(ask, range(1, at_once + 1)))


def by_urllib3(url: str, at_once: int, each: int) -> None:
    """Ask with urllib3's client, which all threads share."""
    client = urllib3.PoolManager(num_pools=1, maxsize=at_once, retries=False)
    with ThreadPoolExecutor(at_once) as pool:

        def ask(number: int) -> None:
            for _ in range(each):
                client.request("GET", url, fields={"id": str(number)}).json()

        list(pool.map(ask, range(1, at_once + 1)))


def awaited(url: str, at_once: int, each: int) -> None:
    """Ask with httpx's client that is awaited, on uvloop."""

    async def ask(client: httpx.AsyncClient, number: int) -> None:
        for _ in range(each):
            (await client.get(url, params={"id": number})).raise_for_status().json()

    async def all_of_them() -> None:
        async with httpx.AsyncClient(limits=UNLIMITED) as client:
            await asyncio.gather(*(ask(client, number) for number in range(1, at_once + 1)))

    uvloop.run(all_of_them())


def by_aiohttp(url: str, at_once: int, each: int) -> None:
    """Ask with aiohttp's client, on uvloop."""

    async def ask(client: aiohttp.ClientSession, number: int) -> None:
        for _ in range(each):
            async with client.get(url, params={"id": number}) as answer:
                answer.raise_for_status()
                await answer.json()

    async def all_of_them() -> None:
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector) as client:
            await asyncio.gather(*(ask(client, number) for number in range(1, at_once + 1)))

    uvloop.run(all_of_them())


CLIENTS: dict[str, Callable[[str, int, int], None]] = {
    "httpx, in threads": in_threads,
    "urllib3, in threads": by_urllib3,
    "httpx, awaited": awaited,
    "aiohttp, awaited": by_aiohttp,
}


@contextmanager
def other_service(latency_ms: int) -> Iterator[str]:
    """Serve answers after this time, and give their URL."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with tempfile.NamedTemporaryFile(suffix=".jsonl") as rows:
        command = [sys.executable, "-m", "upstream", rows.name, "--address=127.0.0.1"]
        command += [f"--port={port}", f"--latency-ms={latency_ms}"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            try:
                if process.stdout is None or process.stdout.readline().strip() != "ready":
                    sys.exit("the other service did not start")
                yield f"http://127.0.0.1:{port}/value"
            finally:
                process.send_signal(signal.SIGINT)


def cpu_ms(ask: Callable[[str, int, int], None], url: str, at_once: int) -> float:
    """Return the CPU time of a request, milliseconds, in a process that does nothing else.

    What opening a client and its connections takes is taken off.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        ask(url, at_once, 1)  # loads what is loaded late
        times_s = [time.process_time()]
        for each in (1, 1 + REQUESTS // at_once):
            ask(url, at_once, each)
            times_s.append(time.process_time())
        few_s, many_s = (after - before for before, after in pairwise(times_s))
        os.write(writing, round(1e6 * (many_s - few_s)).to_bytes(8, "little"))
        os._exit(0)
    used_us = int.from_bytes(os.read(reading, 8), "little")
    os.waitpid(child, 0)
    os.close(reading)
    os.close(writing)
    return used_us / 1000 / REQUESTS


def main() -> None:
    """Print a line for each client."""
    found: dict[tuple[str, int], list[float]] = {}
    for at_once, latency_ms in ((1, 0), (16, 20), (80, 100)):
        with other_service(latency_ms) as url:
            for _ in range(ROUNDS):
                for name, ask in CLIENTS.items():
                    found.setdefault((name, at_once), []).append(cpu_ms(ask, url, at_once))
    print("client                 at once  CPU ms a request")
    for (name, at_once), values in found.items():
        print(f"{name:22} {at_once:7}  {statistics.median(values):.2f}")


if __name__ == "__main__":
    main()
