"""`python -m upstream rows.jsonl --address=198.18.0.2 --port=8081 --latency-ms=50`: serve.

It prints `ready` once it can be asked, and ends by SIGINT or SIGTERM.
"""

import argparse
import asyncio
import resource
import signal
from pathlib import Path

from upstream.latency import DISTRIBUTIONS, latencies_ns
from upstream.service import Service


def options() -> argparse.Namespace:
    """Return the values of the command line's arguments."""
    parser = argparse.ArgumentParser(prog="upstream", description="Answers after a declared time.")
    parser.add_argument("rows", type=Path, help="file for a row about each second")
    parser.add_argument("--address", required=True, help="where it listens")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--latency-ms", type=float, default=0, help="time, or its median")
    parser.add_argument("--distribution", choices=DISTRIBUTIONS, default=DISTRIBUTIONS[0])
    parser.add_argument("--sigma", type=float, default=0, help="of the logarithm, if log-normal")
    parser.add_argument("--seed", type=int, default=0, help="of what is drawn")
    return parser.parse_args()


async def serve(asked: argparse.Namespace) -> None:
    """Serve until a signal comes."""
    ended, loop = asyncio.Event(), asyncio.get_running_loop()
    for one in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(one, ended.set)
    drawn = latencies_ns(asked.latency_ms, asked.distribution, asked.sigma, asked.seed)
    with asked.rows.open("w", encoding="utf-8") as rows:
        await Service(drawn, rows).run(asked.address, asked.port, ended)


if __name__ == "__main__":
    _, most_files = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most_files, most_files))
    asyncio.run(serve(options()))
