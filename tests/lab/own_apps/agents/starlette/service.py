"""An example of a service that exists already: Starlette with a pool of database connections."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypedDict

import asyncpg
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

AGENTS = """
SELECT
    agentfeatures.number,
    agent_login_status.extension,
    agent_login_status.context,
    agent_login_status.state_interface,
    'offline' AS status,
    '-1' AS extension_status,
    '0' AS paused
FROM agentfeatures
LEFT JOIN agent_login_status ON agent_login_status.agent_id = agentfeatures.id
ORDER BY agentfeatures.id
"""


class State(TypedDict):
    """What all requests share."""

    pool: asyncpg.Pool


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[State]:
    """Open the pool before the first request and close it after the last."""
    url, size = os.environ["DATABASE_URL"], int(os.environ["POOL_SIZE"])
    async with asyncpg.create_pool(url, min_size=0, max_size=size) as pool:
        yield {"pool": pool}


async def index(request: Request) -> JSONResponse:
    """Answer a small JSON document."""
    return JSONResponse({"hello": "world"})


async def agents(request: Request) -> JSONResponse:
    """Answer all agents with their status."""
    rows = await request.state.pool.fetch(AGENTS)
    return JSONResponse([dict(row) for row in rows])


app = Starlette(routes=[Route("/index", index), Route("/agents", agents)], lifespan=lifespan)
