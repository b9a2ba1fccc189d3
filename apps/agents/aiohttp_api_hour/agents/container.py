"""What runs in each worker: the aiohttp.web app in an API-Hour container."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import api_hour
from aiohttp import web

from . import endpoints
from .database import Database

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Servers = dict[asyncio.AbstractServer, web.Server]


class Container(api_hour.Container):
    """The agents service: its one engine is the database, its one server speaks HTTP."""

    def __init__(
        self, config: dict[str, Any], worker: Any, loop: asyncio.AbstractEventLoop
    ) -> None:
        super().__init__(config=config, worker=worker, loop=loop)
        self.engines["pg"] = Database(**config["engines"]["pg"])
        keepalive_s: int = worker.cfg.keepalive
        app = web.Application(middlewares=[] if keepalive_s else [close_connection])
        app.add_routes(endpoints.routes)
        app[endpoints.DATABASE] = self.engines["pg"]
        self.servers["http"] = web.AppRunner(
            app,
            access_log=None,
            keepalive_timeout=keepalive_s,
            shutdown_timeout=worker.cfg.graceful_timeout * 0.8,  # Gunicorn kills at 1.0
        )

    @classmethod
    def make_event_loop(cls, config: dict[str, Any]) -> asyncio.AbstractEventLoop:
        """The worker's loop, of the kind that the configuration names.

        Raises ValueError for a kind that is not known.
        """
        match config["event_loop"]:
            case "asyncio":
                loop = asyncio.new_event_loop()
            case "uvloop":
                import uvloop  # only where it is wanted

                loop = uvloop.new_event_loop()
            case other:
                raise ValueError(f"EVENT_LOOP={other}: not one of asyncio, uvloop")
        loop.set_debug(config["debug"] == "1")
        return loop

    async def pre_start(self) -> None:
        """Open the database, before the first request."""
        await self.engines["pg"].open()

    async def make_servers(self, sockets: list[Any]) -> Servers:
        """Serve on Gunicorn's sockets.

        A backlog of 1 is how asyncio is told to accept one connection at a time, as Gunicorn's own
        workers do. With more, the first worker to wake takes up to that many of the connections
        that arrive together, and while they are kept open the other workers have nothing to do.
        """
        runner = self.servers["http"]
        await runner.setup()
        servers: Servers = {}
        for listener in sockets:
            server = await self.loop.create_server(runner.server, sock=listener.sock, backlog=1)
            listener.sock.listen(self.worker.cfg.backlog)  # the queue itself stays long
            servers[server] = runner.server
        return servers

    async def shutdown(self) -> None:
        """Finish the requests in hand and close all connections to clients."""
        await self.servers["http"].cleanup()

    async def cleanup(self) -> None:
        """Close the database."""
        await self.engines["pg"].close()


@web.middleware
async def close_connection(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Close after each answer, and say so: a keep-alive timeout of 0 would close unannounced."""
    response = await handler(request)
    response.force_close()
    return response
