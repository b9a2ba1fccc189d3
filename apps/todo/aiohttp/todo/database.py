"""The way to the database: a pool of connections, or a connection per request."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import asyncpg

ACCESSES = ("connection_per_request", "pool")

Connection = AbstractAsyncContextManager[asyncpg.Connection]


class Database:
    """The database at `url`, reached by one of ACCESSES.

    Raises ValueError for a way of access that is not known.
    """

    def __init__(self, url: str, access: str, pool_size: int) -> None:
        if access not in ACCESSES:
            raise ValueError(f"DATABASE_ACCESS={access}: not one of {', '.join(ACCESSES)}")
        self._url = url
        self._pooled = access == "pool"
        self._pool_size = pool_size
        self._pool: asyncpg.Pool | None = None

    async def open(self) -> None:
        """Make the pool. It connects as requests need it, not before the first."""
        if self._pooled:
            self._pool = await asyncpg.create_pool(self._url, min_size=0, max_size=self._pool_size)

    async def close(self) -> None:
        """Close the pool and its connections."""
        if self._pool is not None:
            await self._pool.close()

    def connection(self) -> Connection:
        """A connection for one request; leaving the context gives it back, or closes it."""
        if self._pool is None:
            return self._own_connection()
        pooled: Connection = self._pool.acquire()
        return pooled

    @asynccontextmanager
    async def _own_connection(self) -> AsyncIterator[asyncpg.Connection]:
        connection = await asyncpg.connect(self._url)
        try:
            yield connection
        finally:
            await connection.close()
