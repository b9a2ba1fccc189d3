"""The endpoints."""

from aiohttp import web

from .database import Database

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

DATABASE = web.AppKey("DATABASE", Database)

routes = web.RouteTableDef()


@routes.get("/index")
async def index(request: web.Request) -> web.Response:
    """A small JSON document."""
    return web.json_response({"hello": "world"})


@routes.get("/agents")
async def agents(request: web.Request) -> web.Response:
    """All agents with their status, by the SQL statement."""
    async with request.app[DATABASE].connection() as connection:
        rows = await connection.fetch(AGENTS)
    return web.json_response([dict(row) for row in rows])
