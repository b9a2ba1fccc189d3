"""The endpoints."""

from typing import Any

from litestar import get
from litestar.datastructures import State
from litestar.exceptions import NotFoundException
from litestar.response import Template

from . import work
from .database import Database
from .queries import CATEGORIES, CATEGORY, FIRST_ITEMS, ITEM, SLOW
from .upstream import Upstream

Document = dict[str, Any]


def database(state: State) -> Database:
    """Return the app's way to the database, for a handler that takes it."""
    opened: Database = state.database
    return opened


def upstream(state: State) -> Upstream:
    """Return the app's way to the other service, for a handler that takes it."""
    opened: Upstream = state.upstream
    return opened


async def item_of(database: Database, number: int) -> Document:
    """Return one row. Raises NotFoundException if there is none of that number."""
    found = await database.row(ITEM, number)
    if found is None:
        raise NotFoundException
    return found


@get("/json")
async def hello() -> Document:
    """Answer with a document that is always the same."""
    return {"message": "Hello, World!"}


@get("/items/{number:int}")
async def item(database: Database, number: int) -> Document:
    """Answer with one row; 404 if there is none of that number."""
    return await item_of(database, number)


@get("/page")
async def page(database: Database) -> Template:
    """Answer with a page of the first 20 rows."""
    return Template("page.html", context={"items": await database.rows(FIRST_ITEMS)})


@get("/report")
async def report(database: Database) -> Document:
    """Answer with a sum for each category, by a query for each."""
    sums = []
    async with database.connection() as connection:
        for category in CATEGORIES:
            found = await connection.execute(CATEGORY, (category,))
            sums += [{"category": category, **one} async for one in found]
    return {"categories": sums}


@get("/upstream/{number:int}")
async def item_with_value(database: Database, upstream: Upstream, number: int) -> Document:
    """Answer with what the other service says, and one row; 404 if there is no such row."""
    value = await upstream.value_of(number)
    return await item_of(database, number) | {"value": value}


@get("/slow_query")
async def slow_query(database: Database) -> Document:
    """Answer after a query that mostly sleeps."""
    return await database.row(SLOW) or {}


@get("/cpu")
async def cpu() -> Document:
    """Answer after work for the CPU; the event loop waits for it, with all other requests."""
    return {"digest": work.digest()}


HANDLERS = [hello, item, page, report, item_with_value, slow_query, cpu]
