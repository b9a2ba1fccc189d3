"""aiohttp."""

from collections.abc import AsyncIterator

from aiohttp import web

from .database import AsyncDatabase

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


async def app() -> web.Application:
    """The application of a worker."""
    made = web.Application()
    made[DATABASE] = AsyncDatabase()
    made.cleanup_ctx.append(opened)
    made.router.add_get(r"/rows/{number:\d+}", row)
    return made
