"""The way to the database with asyncpg."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Self

import asyncpg

from .queries import check_access

Rows = list[asyncpg.Record]
Fetch = Callable[..., Awaitable[Rows]]  # await fetch(query, *parameters)


class AsyncDatabase:
    """The database at `url`, for one event loop; open as a context manager.

    Its pool opens connections as requests need them, none before the first. Raises ValueError for a
    way of access that is not known.
    """

    def __init__(self, url: str, access: str, pool_size: int) -> None:
        check_access(access)
        self._url = url
        self._access = access
        self._pool_size = pool_size

    async def __aenter__(self) -> Self:
        self._pool = await asyncpg.create_pool(self._url, min_size=0, max_size=self._pool_size)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._pool.close()

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Fetch]:
        """What a request fetches with, over one connection or over one for each query."""
        if self._access == "connection_per_query":
            yield self._fetch_by_own_connection
        else:
            pooled = self._access == "pool"
            async with self._pool.acquire() if pooled else self._connection() as connection:
                yield connection.fetch

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[asyncpg.Connection]:
        connection = await asyncpg.connect(self._url)
        try:
            yield connection
        finally:
            await connection.close()

    async def _fetch_by_own_connection(self, query: str, *parameters: Any) -> Rows:
        async with self._connection() as connection:
            rows: Rows = await connection.fetch(query, *parameters)
            return rows
