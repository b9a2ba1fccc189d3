"""The endpoints."""

from hashlib import sha256
from pathlib import Path
from typing import Any

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.templating import Jinja2Templates

from .database import ITEM, PAGE, REPORT, SLOW_QUERY, Connection, rows

CATEGORIES = range(1, 11)
ROUNDS = 8000  # of the work for the CPU

router = APIRouter()
templates = Jinja2Templates(Path(__file__).with_name("templates"))


@router.get("/json")
async def hello() -> dict[str, str]:
    """A small document."""
    return {"message": "Hello, World!"}


@router.get("/items/{number}")
async def item(request: Request, number: int) -> dict[str, Any]:
    """One row."""
    async with request.state.database.connection() as connection:
        return await find(connection, number)


@router.get("/page")
async def page(request: Request) -> Response:
    """The first rows, in a page."""
    async with request.state.database.connection() as connection:
        items = await rows(connection, PAGE)
    return templates.TemplateResponse(request, "page.html", {"items": items})


@router.get("/report")
async def report(request: Request) -> dict[str, Any]:
    """A sum for each category, by a query each."""
    categories = []
    async with request.state.database.connection() as connection:
        for category in CATEGORIES:
            (found,) = await rows(connection, REPORT, category)
            categories.append({"category": category, **found})
    return {"categories": categories}


@router.get("/upstream/{number}")
async def upstream(request: Request, number: int) -> dict[str, Any]:
    """What the other service says of a row, and the row."""
    value = await request.state.value_of(number)
    async with request.state.database.connection() as connection:
        found = await find(connection, number)
    return {**found, "value": value}


@router.get("/slow_query")
async def slow_query(request: Request) -> dict[str, Any]:
    """How many rows there are, told late."""
    async with request.state.database.connection() as connection:
        (found,) = await rows(connection, SLOW_QUERY)
    return found


@router.get("/cpu")
async def cpu() -> dict[str, str]:
    """What takes the CPU's time, and the event loop's with it."""
    found = b"testbed"
    for _ in range(ROUNDS):
        found = sha256(found).digest()
    return {"digest": found.hex()}


async def find(connection: Connection, number: int) -> dict[str, Any]:
    """The row of that id. Raises HTTPException, which is answered with 404, if there is none."""
    for found in await rows(connection, ITEM, number):
        return found
    raise HTTPException(404)
