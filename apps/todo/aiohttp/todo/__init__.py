"""The todo service: an aiohttp.web app with PostgreSQL, Redis and Jinja."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp_jinja2
import jinja2
from aiohttp import web
from redis.asyncio import BlockingConnectionPool, Redis

from . import views
from .database import Database

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


async def create_app() -> web.Application:
    """The app that each of Gunicorn's workers serves, set up from the environment."""
    debug = os.environ["DEBUG"] == "1"
    asyncio.get_running_loop().set_debug(debug)
    keepalive = os.environ["KEEPALIVE_S"] != "0"
    app = web.Application(middlewares=[] if keepalive else [close_connection])
    app.add_routes(views.routes)
    aiohttp_jinja2.setup(
        app,
        loader=jinja2.PackageLoader("todo"),
        auto_reload=debug,  # else each request would ask whether the template's file has changed
    )
    app.cleanup_ctx.extend([database, redis])
    return app


async def database(app: web.Application) -> AsyncIterator[None]:
    """PostgreSQL, as long as the app runs."""
    app[views.DATABASE] = Database(
        os.environ["DATABASE_URL"], os.environ["DATABASE_ACCESS"], int(os.environ["POOL_SIZE"])
    )
    await app[views.DATABASE].open()
    yield
    await app[views.DATABASE].close()


async def redis(app: web.Application) -> AsyncIterator[None]:
    """Redis, as long as the app runs; requests wait for one of the pool's connections."""
    pool = BlockingConnectionPool.from_url(
        os.environ["REDIS_URL"], max_connections=int(os.environ["POOL_SIZE"]), timeout=None
    )
    app[views.REDIS] = Redis.from_pool(pool)
    yield
    await app[views.REDIS].aclose()


@web.middleware
async def close_connection(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Close after each answer, and say so: a keep-alive timeout of 0 would close unannounced."""
    response = await handler(request)
    response.force_close()
    return response
