"""The endpoints."""

from typing import Any

import aiohttp_jinja2
from aiohttp import web

from . import work
from .database import Database
from .queries import CATEGORIES, CATEGORY, FIRST_ITEMS, ITEM, SLOW
from .upstream import Upstream

DATABASE = web.AppKey("DATABASE", Database)
UPSTREAM = web.AppKey("UPSTREAM", Upstream)

routes = web.RouteTableDef()


async def item_of(request: web.Request) -> dict[str, Any]:
    """Return the row that the path names. Raises HTTPNotFound if there is none."""
    found = await request.app[DATABASE].row(ITEM, int(request.match_info["number"]))
    if found is None:
        raise web.HTTPNotFound
    return found


@routes.get("/json")
async def hello(request: web.Request) -> web.Response:
    """Answer with a document that is always the same."""
    return web.json_response({"message": "Hello, World!"})


@routes.get(r"/items/{number:\d+}")
async def item(request: web.Request) -> web.Response:
    """Answer with one row; 404 if there is none of that number."""
    return web.json_response(await item_of(request))


@routes.get("/page")
@aiohttp_jinja2.template("page.html")
async def page(request: web.Request) -> dict[str, Any]:
    """Answer with a page of the first 20 rows."""
    return {"items": await request.app[DATABASE].rows(FIRST_ITEMS)}


@routes.get("/report")
async def report(request: web.Request) -> web.Response:
    """Answer with a sum for each category, by a query for each."""
    sums = []
    async with request.app[DATABASE].connection() as connection:
        for category in CATEGORIES:
            found = await connection.execute(CATEGORY, (category,))
            sums += [{"category": category, **one} async for one in found]
    return web.json_response({"categories": sums})


@routes.get(r"/upstream/{number:\d+}")
async def item_with_value(request: web.Request) -> web.Response:
    """Answer with what the other service says, and one row; 404 if there is no such row."""
    value = await request.app[UPSTREAM].value_of(int(request.match_info["number"]))
    return web.json_response(await item_of(request) | {"value": value})


@routes.get("/slow_query")
async def slow_query(request: web.Request) -> web.Response:
    """Answer after a query that mostly sleeps."""
    return web.json_response(await request.app[DATABASE].row(SLOW))


@routes.get("/cpu")
async def cpu(request: web.Request) -> web.Response:
    """Answer after work for the CPU; the event loop waits for it, with all other requests."""
    return web.json_response({"digest": work.digest()})
