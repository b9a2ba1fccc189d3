"""The way to the other service: one client for an event loop, which keeps its connections."""

from typing import Self

import httpx

TIMEOUT_S = 90  # the other service takes up to 60, if an experiment says so
UNLIMITED = httpx.Limits(max_connections=None, max_keepalive_connections=None)


class Upstream:
    """The other service at `url`; open as a context manager."""

    def __init__(self, url: str) -> None:
        self._client = httpx.AsyncClient(base_url=url, timeout=TIMEOUT_S, limits=UNLIMITED)

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    async def value_of(self, number: int) -> str:
        """Ask the other service for the value of a number.

        Raises httpx.HTTPError if it does not answer, or not with the value.
        """
        answer = await self._client.get("/value", params={"id": number})
        value: str = answer.raise_for_status().json()["value"]
        return value
