"""The list page."""

from typing import Any

import aiohttp_jinja2
from aiohttp import web

from .database import DATABASE

RECORDS = """
SELECT
    r.id, r.auth_user_id, r.status, r.updated, r.label, r.content, u.username,
    array_agg(t.tag ORDER BY t.tag) AS tags,
    count(*) OVER () AS total,
    (SELECT count(*) FROM record part WHERE part.parent_id = r.id AND part.status = 'new') AS parts
FROM record r
JOIN auth_user u ON u.id = r.auth_user_id
LEFT JOIN tag t ON t.kind_id = r.id AND t.kind = 'rec'
WHERE r.parent_id IS NULL AND r.status = 'new'
GROUP BY r.id, u.username
ORDER BY r.updated DESC, r.id DESC
LIMIT 10
"""

routes = web.RouteTableDef()


@routes.get("/records")
@aiohttp_jinja2.template("records.html")
async def records(request: web.Request) -> dict[str, Any]:
    """The ten records that are new and were updated last, out of how many."""
    async with request.app[DATABASE].connection() as connection:
        return {"records": await connection.fetch(RECORDS)}
