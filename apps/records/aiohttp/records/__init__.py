"""The aiohttp app's factory."""

import asyncio
import os
from collections.abc import Awaitable, Callable

import aiohttp_jinja2
import jinja2
from aiohttp import web

from . import views
from .database import DATABASE, Database

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def create_app() -> web.Application:
    """The app, set up from the environment."""
    debug = os.environ["DEBUG"] == "1"
    keepalive = os.environ["KEEPALIVE_S"] != "0"
    app = web.Application(middlewares=[] if keepalive else [close_connection])
    if debug:
        app.on_startup.append(debug_event_loop)
    app[DATABASE] = Database(
        os.environ["DATABASE_URL"], os.environ["DATABASE_ACCESS"], int(os.environ["POOL_SIZE"])
    )
    app.cleanup_ctx.append(app[DATABASE].opened)
    aiohttp_jinja2.setup(
        app,
        loader=jinja2.PackageLoader("records"),
        auto_reload=debug,  # else each request would ask whether the template's file has changed
    )
    app.add_routes(views.routes)
    return app


async def debug_event_loop(app: web.Application) -> None:
    """Set the event loop's debug mode."""
    asyncio.get_running_loop().set_debug(True)


@web.middleware
async def close_connection(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Close after each answer, and say so: a keep-alive timeout of 0 would close unannounced."""
    response = await handler(request)
    response.force_close()
    return response
