"""The aiohttp app's factory."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp_jinja2
import jinja2
from aiohttp import web

from . import views
from .database import Database
from .upstream import Upstream

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


async def create_app() -> web.Application:
    """Return the app, set up from the environment."""
    keeps = os.environ["KEEPALIVE_S"] != "0"
    app = web.Application(middlewares=[] if keeps else [close_connection])
    app.cleanup_ctx.append(opened)
    aiohttp_jinja2.setup(
        app,
        loader=jinja2.PackageLoader("service"),
        auto_reload=False,  # else each request would ask whether the template's file has changed
    )
    app.add_routes(views.routes)
    return app


async def opened(app: web.Application) -> AsyncIterator[None]:
    """Keep the ways to the database and to the other service open while the app serves."""
    pooled = os.environ["DATABASE_ACCESS"] == "pool"
    size = int(os.environ["POOL_SIZE"])
    async with (
        Database(os.environ["DATABASE_URL"], size, pooled=pooled) as app[views.DATABASE],
        Upstream(os.environ["UPSTREAM_URL"]) as app[views.UPSTREAM],
    ):
        yield


@web.middleware
async def close_connection(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Close after each answer, and say so: a keep-alive timeout of 0 would close unannounced."""
    response = await handler(request)
    response.force_close()
    return response
