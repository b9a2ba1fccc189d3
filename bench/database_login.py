"""What logging in to PostgreSQL costs: connect, one query, close, by each way and driver.

    .venv/bin/uv run --no-sync --with 'psycopg[binary]' --with asyncpg \\
        python -m bench.database_login

Uses a throw-away cluster of its own, and one core for it and for the driver. `trust` is measured
beside the ways that an experiment can choose, to show what a password costs at all.
"""

import asyncio
import os
import statistics
import time
from collections.abc import Callable

import asyncpg
import psycopg

from testbed.model.database import LOGINS, Login
from tests.unit.apps import cluster

LOGINS_MEASURED = 200  # of each way and driver, in turns, so that a slow moment meets all
TRUST = [Login("trust", "tcp"), Login("trust", "unix")]


def role(login: Login) -> str:
    """Return the name of the role for a way to log in."""
    return f"bench_{login.auth}_{login.socket}".replace("-", "_")


def prepare(server: cluster.Cluster) -> None:
    """Make a role for each way, which may log in by that way only."""
    rules = ["local all postgres trust"]
    for login in [*LOGINS, *TRUST]:
        kind = "md5" if login.auth == "md5" else "scram-sha-256"
        server.query(
            f"SET password_encryption = '{kind}'; CREATE ROLE {role(login)} LOGIN PASSWORD 'secret'"
        )
        way = ("host", "127.0.0.1/32") if login.socket == "tcp" else ("local", "")
        rules.append(f"{way[0]} all {role(login)} {way[1]} {login.auth}")
    (server.folder / "data" / "pg_hba.conf").write_text("\n".join([*rules, ""]))
    server.query("SELECT pg_reload_conf()")


def by_psycopg(url: str) -> float:
    """Return how long a login takes, with one query and the end of it, in milliseconds."""
    begin = time.perf_counter()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SELECT 1").fetchone()
    return 1000 * (time.perf_counter() - begin)


def by_asyncpg(url: str) -> float:
    """Return the same for asyncpg, within a running event loop."""

    async def measured() -> float:
        begin = time.perf_counter()
        connection = await asyncpg.connect(url)
        await connection.fetchval("SELECT 1")
        await connection.close()
        return 1000 * (time.perf_counter() - begin)

    return asyncio.run(measured())


def main() -> None:
    """Print the median of each way and driver as a table."""
    core = min(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {core})
    drivers: dict[str, Callable[[str], float]] = {"psycopg": by_psycopg, "asyncpg": by_asyncpg}
    with cluster.running() as server:
        prepare(server)
        took: dict[tuple[Login, str], list[float]] = {}
        for _ in range(LOGINS_MEASURED):
            for login in [*LOGINS, *TRUST]:
                host = "127.0.0.1" if login.socket == "tcp" else str(server.folder)
                url = f"postgresql://{role(login)}:secret@/postgres?host={host}&port={server.port}"
                for name, driver in drivers.items():
                    took.setdefault((login, name), []).append(driver(url))
    print("| login |", " | ".join(drivers), "|")
    print("|---|---:|---:|")
    for login in [*LOGINS, *TRUST]:
        medians = [f"{statistics.median(took[login, name]):.1f}" for name in drivers]
        print(f"| {login} |", " | ".join(medians), "|")


if __name__ == "__main__":
    main()
