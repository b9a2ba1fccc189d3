"""The way to the other service: one session for an event loop, which keeps its connections."""

from typing import Self

from aiohttp import ClientSession, ClientTimeout, TCPConnector

TIMEOUT_S = 90  # the other service takes up to 60, if an experiment says so


class Upstream:
    """The other service at `url`; open as a context manager."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def __aenter__(self) -> Self:
        self._session = ClientSession(
            self._url,
            connector=TCPConnector(limit=0),  # no limit
            timeout=ClientTimeout(total=TIMEOUT_S),
            raise_for_status=True,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def value_of(self, number: int) -> str:
        """Ask the other service for the value of a number.

        Raises aiohttp.ClientError if it does not answer, or not with the value.
        """
        async with self._session.get("/value", params={"id": number}) as answer:
            value: str = (await answer.json())["value"]
        return value
