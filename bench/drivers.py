"""What a query costs by the database driver of the day and by today's.

    .venv/bin/uv run --no-sync --with asyncpg --with aiopg --with psycopg2-binary \\
        --with 'psycopg[binary]' python -m bench.drivers

The query of article A's `/agents`, 50 rows made into dictionaries, over one kept connection on
loopback. aiopg is psycopg2 in an event loop. Shown is CPU time for a query, of the driver and of
PostgreSQL's process: medians of rounds in turns, so that a busy machine disturbs them little.
"""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import aiopg
import asyncpg
import psutil
import psycopg
import psycopg2
import psycopg2.extras
from psycopg.rows import dict_row

from testbed.asked import catalogue
from tests.unit.apps import cluster

ROUNDS, QUERIES = 7, 400  # of each driver, in each round
PID = "SELECT pg_backend_pid() AS pid"

Ask = Callable[[str], Awaitable[list[dict[str, Any]]]]


async def connected(url: str, stack: AsyncExitStack) -> dict[str, Ask]:
    """Return by driver what asks over its one connection; `stack` closes them."""
    new = await asyncpg.connect(url)
    stack.push_async_callback(new.close)
    old = await stack.enter_async_context(aiopg.connect(url))
    plain = psycopg2.connect(url, cursor_factory=psycopg2.extras.RealDictCursor)
    stack.callback(plain.close)
    plain.autocommit = True
    three = psycopg.connect(url, autocommit=True, row_factory=dict_row)
    stack.callback(three.close)

    async def by_asyncpg(sql: str) -> list[dict[str, Any]]:
        return [dict(row) for row in await new.fetch(sql)]

    async def by_aiopg(sql: str) -> list[dict[str, Any]]:
        async with old.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as cursor:
            await cursor.execute(sql)
            return [dict(row) for row in await cursor.fetchall()]

    async def by_psycopg2(sql: str) -> list[dict[str, Any]]:
        with plain.cursor() as cursor:
            cursor.execute(sql)
            return [dict(row) for row in cursor.fetchall()]

    async def by_psycopg(sql: str) -> list[dict[str, Any]]:
        return three.execute(sql).fetchall()

    return {
        "asyncpg": by_asyncpg,
        "aiopg": by_aiopg,
        "psycopg 3": by_psycopg,
        "psycopg 2": by_psycopg2,
    }


async def cost_ms(ask: Ask, sql: str) -> tuple[float, float]:
    """Return the CPU milliseconds of a query: of this process, and of PostgreSQL's."""
    backend = psutil.Process((await ask(PID))[0]["pid"])
    for _ in range(10):
        await ask(sql)
    own, there = time.process_time(), backend.cpu_times()
    for _ in range(QUERIES):
        await ask(sql)
    own, now = time.process_time() - own, backend.cpu_times()
    other = now.user + now.system - there.user - there.system
    return 1e3 * own / QUERIES, 1e3 * other / QUERIES


async def measure(url: str, sql: str) -> None:
    """Print what each driver costs."""
    async with AsyncExitStack() as stack:
        ways = await connected(url, stack)
        rows = [await ask(sql) for ask in ways.values()]
        if any(one != rows[0] for one in rows):
            raise SystemExit("the drivers give different rows")
        found: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
        for _ in range(ROUNDS):
            for name, ask in ways.items():
                found[name].append(await cost_ms(ask, sql))
    print(f"{'CPU ms a query':14} {'driver':>8} {'database':>8} {'both':>8}")
    for name, costs in found.items():
        sides = [statistics.median(side) for side in zip(*costs, strict=True)]
        both = statistics.median(map(sum, costs))
        print(f"{name:14} {sides[0]:8.3f} {sides[1]:8.3f} {both:8.3f}")


def main() -> None:
    """Load article A's data set into a PostgreSQL of its own, and measure."""
    known = catalogue.load()
    sql = known.workload("agents").endpoints["agents"].sql[0].texts[-1]  # with its constants
    with cluster.running() as server:
        database = server.create("drivers")
        database.load(known.folders["agents"] / "dataset.sql")
        asyncio.run(measure(database.url, sql))


if __name__ == "__main__":
    main()
