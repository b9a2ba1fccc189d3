"""The aiohttp app, set up from the environment."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable

import django
from aiohttp import web
from django.conf import settings

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


async def create_app() -> web.Application:
    """The app, made in the event loop that serves it.

    Raises ValueError for a setting's value that is not known.
    """
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "moviedb.settings")
    django.setup()
    from . import orm, views  # they import models, for which Django must be set up

    asyncio.get_running_loop().set_debug(settings.DEBUG)
    ways = {"thread": orm.threads, "async": orm.lent_threads}
    way = ways.get(os.environ["ORM"])
    if way is None:
        raise ValueError(f"ORM={os.environ['ORM']}: not one of {', '.join(ways)}")
    count = int(os.environ["THREADS"])

    async def movies(app: web.Application) -> AsyncIterator[None]:
        with way(count) as app[views.ALL_MOVIES]:
            yield

    keeps = int(os.environ["KEEPALIVE_S"]) > 0
    app = web.Application(middlewares=[] if keeps else [close_connection])
    app.cleanup_ctx.append(movies)
    app.add_routes(views.routes)
    return app


@web.middleware
async def close_connection(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Close after each answer, and say so: a keep-alive timeout of 0 would close unannounced."""
    response = await handler(request)
    response.force_close()
    return response
