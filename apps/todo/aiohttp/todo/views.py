"""The endpoints."""

from typing import Any

import aiohttp_jinja2
from aiohttp import web
from marshmallow import ValidationError
from redis.asyncio import Redis

from .database import Database
from .schemas import load_item

ITEMS = "SELECT * FROM item ORDER BY id"
INSERT = "INSERT INTO item (text, date_posted) VALUES ($1, $2) RETURNING id"

DATABASE = web.AppKey("DATABASE", Database)
REDIS = web.AppKey("REDIS", Redis)

routes = web.RouteTableDef()


@routes.get("/")
@aiohttp_jinja2.template("home.html")
async def item_list(request: web.Request) -> dict[str, Any]:
    """The page with all items, and how often it has been viewed."""
    async with request.app[DATABASE].connection() as connection:
        items = await connection.fetch(ITEMS)
    counter = await request.app[REDIS].incr("counter")
    return {"items": [dict(item) for item in items], "counter": counter}


@routes.post("/add")
async def add_item(request: web.Request) -> web.Response:
    """Store an item that is sent as JSON."""
    try:
        item = load_item(await request.json())
    except ValidationError as error:
        return web.json_response({"errors": error.messages}, status=400)
    except ValueError:
        return web.json_response({"errors": {"_schema": ["Not JSON."]}}, status=400)
    if item is None:
        return web.Response(status=204)
    async with request.app[DATABASE].connection() as connection:
        await connection.fetchval(INSERT, item["text"], item["date_posted"])
    return web.json_response({}, status=201)
