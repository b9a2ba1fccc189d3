"""Rows of a table by Starlette, with a pool of asyncpg's connections in each worker."""

import os
import random
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypedDict

import asyncpg
from jinja2 import Environment, FileSystemLoader
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse
from starlette.routing import Route

READ = "SELECT id, value FROM reading WHERE id = $1"
CHANGE = "UPDATE reading SET value = $1 WHERE id = $2"
NOTICES = "SELECT id, text FROM notice"
ADDED = (0, "This notice was added for you")
IDS = range(1, 1001)
VALUES = range(1, 10001)
SEVERAL = 10

templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent), autoescape=True, auto_reload=False
)


class State(TypedDict):
    """What all requests of a worker share."""

    pool: asyncpg.Pool


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[State]:
    """Open the pool before the first request and close it after the last."""
    url, size = os.environ["DATABASE_URL"], int(os.environ["POOL_SIZE"])
    async with asyncpg.create_pool(url, min_size=0, max_size=size) as pool:
        yield {"pool": pool}


async def message(request: Request) -> JSONResponse:
    """Answer a JSON document that is always the same."""
    return JSONResponse({"message": "All is well."})


async def plaintext(request: Request) -> PlainTextResponse:
    """Answer a text that is always the same."""
    return PlainTextResponse("All is well.")


async def row(request: Request) -> JSONResponse:
    """Answer the row of the id that the query names."""
    found = await request.state.pool.fetchrow(READ, int(request.query_params["id"]))
    if found is None:
        raise HTTPException(404, "There is no such row.")
    return JSONResponse(document(found))


async def rows(request: Request) -> JSONResponse:
    """Answer several different rows, drawn anew for each request."""
    async with request.state.pool.acquire() as connection:
        found = await read(connection, random.sample(IDS, SEVERAL))
    return JSONResponse(found)


async def page(request: Request) -> HTMLResponse:
    """Answer a page with all notices and one more, in the order of their texts."""
    found = await request.state.pool.fetch(NOTICES)
    notices = sorted([ADDED, *map(tuple, found)], key=lambda notice: notice[1])
    return HTMLResponse(templates.get_template("page.html").render(notices=notices))


async def updates(request: Request) -> JSONResponse:
    """Read the rows that the request names, and give each a new value."""
    ids = (await request.json())["ids"]
    async with request.state.pool.acquire() as connection:
        found = await read(connection, ids)
        for one in found:
            one["value"] = random.choice(VALUES)  # noqa: S311 - no secret
            await connection.execute(CHANGE, one["value"], one["id"])
    return JSONResponse(found)


async def read(connection: asyncpg.Connection, ids: Iterable[int]) -> list[dict[str, int]]:
    """Return the rows of these ids, by a statement each."""
    return [document(await connection.fetchrow(READ, one)) for one in ids]


def document(found: asyncpg.Record) -> dict[str, int]:
    """Return a row as it is answered."""
    return {"id": found["id"], "value": found["value"]}


async def failed(request: Request, error: Exception) -> JSONResponse:
    """Answer an error as a JSON document."""
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": error.detail}, error.status_code)


app = Starlette(
    routes=[
        Route("/json", message),
        Route("/plaintext", plaintext),
        Route("/row", row),
        Route("/rows", rows),
        Route("/page", page),
        Route("/updates", updates, methods=["POST"]),
    ],
    exception_handlers={HTTPException: failed},
    lifespan=lifespan,
)
