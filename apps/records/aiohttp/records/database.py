"""The way to the database: a pool of connections, or a connection per request."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import asyncpg
from aiohttp import web

ACCESSES = ("connection_per_request", "pool")

Connect = Callable[[], AbstractAsyncContextManager[asyncpg.Connection]]

# A connection for one request; leaving its context gives it back, or closes it
CONNECT = web.AppKey("CONNECT", Connect)


def opened(
    url: str, access: str, pool_size: int
) -> Callable[[web.Application], AsyncIterator[None]]:
    """What opens the database at `url` when the app starts, and closes it when it ends.

    Raises ValueError for a way of access that is not known.
    """
    if access not in ACCESSES:
        raise ValueError(f"DATABASE_ACCESS={access}: not one of {', '.join(ACCESSES)}")

    @asynccontextmanager
    async def own_connection() -> AsyncIterator[asyncpg.Connection]:
        connection = await asyncpg.connect(url)
        try:
            yield connection
        finally:
            await connection.close()

    async def database(app: web.Application) -> AsyncIterator[None]:
        if access == "connection_per_request":
            app[CONNECT] = own_connection
            yield
        else:
            # It connects as requests need it, not before the first
            async with asyncpg.create_pool(url, min_size=0, max_size=pool_size) as pool:
                app[CONNECT] = pool.acquire
                yield

    return database
