"""How views that await ask the other service: a client for the event loop of a worker.

A client that is not asked with is not imported, so that it takes no memory.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from .other_service import HTTP_CLIENT, TIMEOUT_S, URL, unknown


def by_httpx() -> Callable[[int], Awaitable[Any]]:
    """Return what asks for the value of a number."""
    from httpx import AsyncClient, Limits

    unlimited = Limits(max_connections=None, max_keepalive_connections=None)
    client = AsyncClient(base_url=URL, limits=unlimited, timeout=TIMEOUT_S)

    async def value_of(number: int) -> Any:
        told = (await client.get("/value", params={"id": number})).raise_for_status().json()
        return told["value"]

    return value_of


def by_aiohttp() -> Callable[[int], Awaitable[Any]]:
    """Return what asks for the value of a number."""
    from aiohttp import ClientSession, ClientTimeout, TCPConnector

    session: ClientSession | None = None

    async def value_of(number: int) -> Any:
        nonlocal session
        if session is None:  # it belongs to the event loop, which runs by now
            session = ClientSession(
                URL,
                connector=TCPConnector(limit=0),  # no limit
                timeout=ClientTimeout(total=TIMEOUT_S),
                raise_for_status=True,
            )
        async with session.get("/value", params={"id": number}) as answer:
            return (await answer.json())["value"]

    return value_of


match HTTP_CLIENT:
    case "httpx":
        value_of = by_httpx()
    case "aiohttp":
        value_of = by_aiohttp()
    case _:
        raise unknown("httpx", "aiohttp")
