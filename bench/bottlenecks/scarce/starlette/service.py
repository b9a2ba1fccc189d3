"""Ask the database for what it has little of: a lock, or CPU time."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypedDict

import asyncpg
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

LOCK = "SELECT pg_advisory_xact_lock($1), pg_sleep($2)"
COUNT = "SELECT count(*) FROM generate_series($1::int, $2::int)"
LOCK_S, NUMBERS = int(os.environ["LOCK_MS"]) / 1000, int(os.environ["NUMBERS"])


class State(TypedDict):
    """What all requests share."""

    pool: asyncpg.Pool


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[State]:
    """Open the pool before the first request and close it after the last."""
    url, size = os.environ["DATABASE_URL"], int(os.environ["POOL_SIZE"])
    async with asyncpg.create_pool(url, min_size=0, max_size=size) as pool:
        yield {"pool": pool}


async def answer(request: Request) -> PlainTextResponse:
    """Answer at once."""
    return PlainTextResponse("ok")


async def lock(request: Request) -> PlainTextResponse:
    """Take the lock, hold it, and let it go as the statement's transaction ends."""
    await request.state.pool.fetch(LOCK, 1, LOCK_S)
    return PlainTextResponse("ok")


async def count(request: Request) -> PlainTextResponse:
    """Have the database count."""
    await request.state.pool.fetch(COUNT, 1, NUMBERS)
    return PlainTextResponse("ok")


app = Starlette(
    routes=[Route("/answer", answer), Route("/lock", lock), Route("/count", count)],
    lifespan=lifespan,
)
