"""The service by RSGI, Granian's own interface, without a framework."""

import asyncio
import logging
import os
from contextlib import AsyncExitStack

from granian.rsgi import HTTPProtocol, Scope  # type: ignore[attr-defined]  # as documented

from .database import Database
from .upstream import Upstream
from .views import Views

logger = logging.getLogger(__name__)


class App:
    """What Granian calls: at the start of a worker, for each request, and at the end."""

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._opened = AsyncExitStack()
        self._views = loop.run_until_complete(self._open())

    async def _open(self) -> Views:
        url, size = os.environ["DATABASE_URL"], int(os.environ["POOL_SIZE"])
        database = Database(url, size, pooled=os.environ["DATABASE_ACCESS"] == "pool")
        upstream = Upstream(os.environ["UPSTREAM_URL"])
        await self._opened.enter_async_context(database)
        await self._opened.enter_async_context(upstream)
        return Views(database, upstream)

    def __rsgi_del__(self, loop: asyncio.AbstractEventLoop) -> None:
        loop.run_until_complete(self._opened.aclose())

    async def __rsgi__(self, scope: Scope, protocol: HTTPProtocol) -> None:
        """Answer a request; with status 500, and the reason in the log, if that fails."""
        try:
            status, media_type, body = await self._views.answer(scope.method, scope.path)
        except Exception:
            logger.exception("%s %s", scope.method, scope.path)
            status, media_type, body = 500, "text/plain", "Internal Server Error"
        protocol.response_str(status, [("content-type", media_type)], body)


app = App()
