"""The way to the database with psycopg, and the questions that are asked there."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Self

from psycopg import AsyncConnection, AsyncRawCursor
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool

Connection = AsyncConnection[DictRow]

# Each statement by itself unless told otherwise; parameters are written $1, as PostgreSQL does
OPTIONS: dict[str, Any] = {
    "autocommit": True,
    "row_factory": dict_row,
    "cursor_factory": AsyncRawCursor,
}

ITEM = "SELECT id, name, category, price FROM item WHERE id = $1"
PAGE = "SELECT id, name, category, price FROM item ORDER BY id LIMIT 20"
REPORT = "SELECT count(*) AS items, sum(price) AS total FROM item WHERE category = $1"
SLOW_QUERY = "SELECT count(*) AS items FROM item, pg_sleep(0.05)"


class Database:
    """The database at `url`, for one event loop; open as a context manager.

    Its pool opens connections as requests need them, none before the first. Raises ValueError for a
    way of access that is not known.
    """

    def __init__(self, url: str, access: str, pool_size: int) -> None:
        if access not in ("connection_per_request", "pool"):
            raise ValueError(f"DATABASE_ACCESS={access}: not connection_per_request or pool")
        self._url = url
        self._pooled = access == "pool"
        self._pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
            url, kwargs=OPTIONS, min_size=0, max_size=pool_size, open=False
        )

    async def __aenter__(self) -> Self:
        await self._pool.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._pool.close()

    def connection(self) -> AbstractAsyncContextManager[Connection]:
        """A connection for one request."""
        return self._pool.connection() if self._pooled else self._own_connection()

    @asynccontextmanager
    async def _own_connection(self) -> AsyncIterator[Connection]:
        async with await AsyncConnection.connect(self._url, **OPTIONS) as connection:
            yield connection


async def rows(connection: Connection, query: str, *parameters: Any) -> list[DictRow]:
    """All rows that a query finds."""
    return await (await connection.execute(query, parameters)).fetchall()
