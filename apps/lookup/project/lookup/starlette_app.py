"""Starlette."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from .database import AsyncDatabase

database = AsyncDatabase()


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    """Have the database open while requests come."""
    await database.open()
    yield
    await database.close()


async def row(request: Request) -> JSONResponse:
    """One row."""
    found = await database.row(request.path_params["number"])
    if found is None:
        raise HTTPException(404)
    return JSONResponse(found)


app = Starlette(routes=[Route("/rows/{number:int}", row)], lifespan=lifespan)
