"""The service as an application of FastAPI."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypedDict

from fastapi import FastAPI

from .database import Database
from .endpoints import router
from .other_service import CLIENTS, ValueOf

DATABASE = Database(
    os.environ["DATABASE_URL"], os.environ["DATABASE_ACCESS"], int(os.environ["POOL_SIZE"])
)


class State(TypedDict):
    """What all requests of a worker share."""

    database: Database
    value_of: ValueOf  # asks the other service


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[State]:
    """Open what requests share before the first of them, and close it after the last."""
    other_service = CLIENTS[os.environ["HTTP_CLIENT"]](os.environ["UPSTREAM_URL"])
    async with DATABASE, other_service as value_of:
        yield {"database": DATABASE, "value_of": value_of}


app = FastAPI(lifespan=lifespan)
app.include_router(router)
