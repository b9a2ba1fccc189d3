"""aiohttp."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable

from aiohttp import web

from .database import AsyncDatabase

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
DATABASE = web.AppKey("DATABASE", AsyncDatabase)


async def opened(app: web.Application) -> AsyncIterator[None]:
    """Have the database open while requests come."""
    await app[DATABASE].open()
    yield
    await app[DATABASE].close()


async def row(request: web.Request) -> web.Response:
    """One row."""
    found = await request.app[DATABASE].row(int(request.match_info["number"]))
    if found is None:
        raise web.HTTPNotFound
    return web.json_response(found)


@web.middleware
async def close_connection(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Close after each answer, and say so: a keep-alive timeout of 0 would close unannounced."""
    response = await handler(request)
    response.force_close()
    return response


async def app() -> web.Application:
    """The application of a worker."""
    keeps = os.environ["KEEPALIVE_S"] != "0"
    made = web.Application(middlewares=[] if keeps else [close_connection])
    made[DATABASE] = AsyncDatabase()
    made.cleanup_ctx.append(opened)
    made.router.add_get(r"/rows/{number:\d+}", row)
    return made
