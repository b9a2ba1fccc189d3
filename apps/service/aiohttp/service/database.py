"""The way to the database: a pool of connections, or a connection per request."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Self

import psycopg
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool

Connection = psycopg.AsyncConnection[DictRow]

# Each statement by itself; parameters are written $1, as PostgreSQL does.
OPTIONS: dict[str, Any] = {
    "autocommit": True,
    "row_factory": dict_row,
    "cursor_factory": psycopg.AsyncRawCursor,
}


class Database:
    """The database at `url`, for one event loop; open as a context manager.

    Its pool, if it has one, connects as requests need it, not before.
    """

    def __init__(self, url: str, pool_size: int, *, pooled: bool) -> None:
        self._url = url
        self._pooled = pooled
        self._pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
            url, kwargs=OPTIONS, min_size=0, max_size=pool_size, open=False
        )

    async def __aenter__(self) -> Self:
        if self._pooled:
            await self._pool.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._pool.close()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Lend a connection to one request; leaving the context gives it back, or closes it."""
        if self._pooled:
            async with self._pool.connection() as connection:
                yield connection
        else:
            async with await Connection.connect(self._url, **OPTIONS) as connection:
                yield connection

    async def row(self, query: str, *parameters: Any) -> DictRow | None:
        """Return the first row of a query's result, over a connection of its own; None if empty."""
        async with self.connection() as connection:
            return await (await connection.execute(query, parameters)).fetchone()

    async def rows(self, query: str) -> list[DictRow]:
        """Return all rows of a query's result, over a connection of its own."""
        async with self.connection() as connection:
            return await (await connection.execute(query)).fetchall()
