"""The way to the other service: a client for a worker, which keeps as many connections as it needs.

A client that is not asked with is not imported, so that it takes no memory.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

TIMEOUT_S = 90  # the other service takes up to 60, if an experiment says so

ValueOf = Callable[[int], Awaitable[Any]]


@asynccontextmanager
async def by_httpx(url: str) -> AsyncIterator[ValueOf]:
    """Give what asks for the value of a number."""
    from httpx import AsyncClient, Limits

    unlimited = Limits(max_connections=None, max_keepalive_connections=None)
    async with AsyncClient(base_url=url, limits=unlimited, timeout=TIMEOUT_S) as client:

        async def value_of(number: int) -> Any:
            told = await client.get("/value", params={"id": number})
            return told.raise_for_status().json()["value"]

        yield value_of


@asynccontextmanager
async def by_aiohttp(url: str) -> AsyncIterator[ValueOf]:
    """Give what asks for the value of a number."""
    from aiohttp import ClientSession, ClientTimeout, TCPConnector

    async with ClientSession(
        url,
        connector=TCPConnector(limit=0),  # no limit
        timeout=ClientTimeout(total=TIMEOUT_S),
        raise_for_status=True,
    ) as session:

        async def value_of(number: int) -> Any:
            async with session.get("/value", params={"id": number}) as answer:
                return (await answer.json())["value"]

        yield value_of


CLIENTS = {"httpx": by_httpx, "aiohttp": by_aiohttp}
