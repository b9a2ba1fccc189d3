"""The endpoint, in aiohttp."""

from aiohttp import web

from .orm import AllMovies

ALL_MOVIES: web.AppKey[AllMovies] = web.AppKey("ALL_MOVIES")

routes = web.RouteTableDef()


@routes.get("/api/movies")
async def movies(request: web.Request) -> web.Response:
    """All movies."""
    return web.json_response(await request.app[ALL_MOVIES]())
