"""The service as an application of FastAPI."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypedDict

from fastapi import FastAPI
from httpx import AsyncClient, Limits

from .database import Database
from .endpoints import router

DATABASE = Database(
    os.environ["DATABASE_URL"], os.environ["DATABASE_ACCESS"], int(os.environ["POOL_SIZE"])
)


class State(TypedDict):
    """What all requests of a worker share."""

    database: Database
    other_service: AsyncClient


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[State]:
    """Open what requests share before the first of them, and close it after the last."""
    # As many connections as requests need; the other service takes up to 60 s, if told to
    limits = Limits(max_connections=None, max_keepalive_connections=None)
    async with (
        DATABASE,
        AsyncClient(base_url=os.environ["UPSTREAM_URL"], limits=limits, timeout=90) as other,
    ):
        yield {"database": DATABASE, "other_service": other}


app = FastAPI(lifespan=lifespan)
app.include_router(router)
