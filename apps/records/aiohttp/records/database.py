"""The way to the database: a pool of connections, or a connection per request."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import asyncpg
from aiohttp import web

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

    async def opened(self, app: web.Application) -> AsyncIterator[None]:
        """The pool's life, as long as the app's. It connects as requests need it, not before."""
        if not self._pooled:
            yield
            return
        size = {"min_size": 0, "max_size": self._pool_size}
        async with asyncpg.create_pool(self._url, **size) as self._pool:
            yield

    def connection(self) -> Connection:
        """A connection for one request; leaving its context gives it back, or closes it."""
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


DATABASE = web.AppKey("DATABASE", Database)
