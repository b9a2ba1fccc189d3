"""The endpoints."""

from typing import Any

from flask import Blueprint

from . import database

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

blueprint = Blueprint("agents", __name__)


@blueprint.get("/index")
def index() -> dict[str, str]:
    """A small JSON document."""
    return {"hello": "world"}


@blueprint.get("/agents")
def agents() -> list[dict[str, Any]]:
    """All agents with their status, by the SQL statement."""
    with database.connection() as connection:
        return connection.execute(AGENTS).fetchall()


@blueprint.get("/agents_with_pool")
def agents_with_pool() -> list[dict[str, Any]]:
    """The same, always with a connection from the pool."""
    with database.pooled_connection() as connection:
        return connection.execute(AGENTS).fetchall()
