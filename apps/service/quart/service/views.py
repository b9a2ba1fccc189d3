"""The endpoints."""

from typing import Any

from quart import Blueprint, abort, current_app, render_template

from . import work
from .database import Database
from .queries import CATEGORIES, CATEGORY, FIRST_ITEMS, ITEM, SLOW
from .upstream import Upstream

Document = dict[str, Any]

blueprint = Blueprint("service", __name__)


def database() -> Database:
    """Return the app's way to the database."""
    opened: Database = current_app.extensions["database"]
    return opened


@blueprint.get("/json")
async def hello() -> Document:
    """Answer with a document that is always the same."""
    return {"message": "Hello, World!"}


@blueprint.get("/items/<int:number>")
async def item(number: int) -> Document:
    """Answer with one row; 404 if there is none of that number."""
    return await database().row(ITEM, number) or abort(404)


@blueprint.get("/page")
async def page() -> str:
    """Answer with a page of the first 20 rows."""
    return await render_template("page.html", items=await database().rows(FIRST_ITEMS))


@blueprint.get("/report")
async def report() -> Document:
    """Answer with a sum for each category, by a query for each."""
    sums = []
    async with database().connection() as connection:
        for category in CATEGORIES:
            found = await connection.execute(CATEGORY, (category,))
            sums += [{"category": category, **one} async for one in found]
    return {"categories": sums}


@blueprint.get("/upstream/<int:number>")
async def item_with_value(number: int) -> Document:
    """Answer with what the other service says, and one row; 404 if there is no such row."""
    upstream: Upstream = current_app.extensions["upstream"]
    value = await upstream.value_of(number)
    return await item(number) | {"value": value}


@blueprint.get("/slow_query")
async def slow_query() -> Document:
    """Answer after a query that mostly sleeps."""
    return await database().row(SLOW) or {}


@blueprint.get("/cpu")
async def cpu() -> Document:
    """Answer after work for the CPU; the event loop waits for it, with all other requests."""
    return {"digest": work.digest()}
