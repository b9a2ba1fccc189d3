"""The way to the database, with threads or greenlets and with an event loop."""

import atexit
import os
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import Any

from psycopg import AsyncConnection, Connection
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool, ConnectionPool

URL = os.environ["DATABASE_URL"]
POOL_SIZE = int(os.environ["POOL_SIZE"])
SLOW_S = int(os.environ["SLOW_MS"]) / 1000
ACCESSES = ("connection_per_request", "pool")
POOLED = os.environ["DATABASE_ACCESS"] == "pool"

# Each statement by itself; not prepared, as PgBouncer may give each to another session
OPTIONS: dict[str, Any] = {
    "autocommit": True,
    "row_factory": dict_row,
    "prepare_threshold": None,
}
QUICK = "SELECT id, name, amount FROM entry WHERE id = %s"
SLOW = "SELECT id, name, amount FROM entry, pg_sleep(%s) WHERE id = %s"

Row = dict[str, Any]
Pool = ConnectionPool[Connection[Row]]
AsyncPool = AsyncConnectionPool[AsyncConnection[Row]]


def statement(number: int) -> tuple[str, tuple[Any, ...]]:
    """The statement for one row, with its parameters; a slow one if the settings say so."""
    return (SLOW, (SLOW_S, number)) if SLOW_S else (QUICK, (number,))


class Database:
    """The database for threads or greenlets; its pool opens connections as requests need them.

    Raises ValueError for a way of access that is not known.
    """

    def __init__(self) -> None:
        check_access()
        self._pool: Pool = ConnectionPool(
            URL, kwargs=OPTIONS, min_size=0, max_size=POOL_SIZE, open=POOLED
        )
        atexit.register(self._pool.close)

    def row(self, number: int) -> Row | None:
        """One row; None if there is none of that number."""
        connected: AbstractContextManager[Connection[Row]]
        connected = self._pool.connection() if POOLED else Connection.connect(URL, **OPTIONS)
        with connected as connection:
            return connection.execute(*statement(number)).fetchone()


class AsyncDatabase:
    """The same for an event loop; `open` and `close` belong to the loop's life."""

    def __init__(self) -> None:
        check_access()
        self._pool: AsyncPool = AsyncConnectionPool(
            URL, kwargs=OPTIONS, min_size=0, max_size=POOL_SIZE, open=False
        )

    async def open(self) -> None:
        """Open the pool, if there is to be one."""
        if POOLED:
            await self._pool.open()

    async def close(self) -> None:
        """Close the pool."""
        await self._pool.close()

    async def row(self, number: int) -> Row | None:
        """One row; None if there is none of that number."""
        connected: AbstractAsyncContextManager[AsyncConnection[Row]]
        if POOLED:
            connected = self._pool.connection()
        else:
            connected = await AsyncConnection.connect(URL, **OPTIONS)
        async with connected as connection:
            return await (await connection.execute(*statement(number))).fetchone()


def check_access() -> None:
    """Raise ValueError for a way of access that is not known."""
    access = os.environ["DATABASE_ACCESS"]
    if access not in ACCESSES:
        raise ValueError(f"DATABASE_ACCESS={access}: not one of {', '.join(ACCESSES)}")
