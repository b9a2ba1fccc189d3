"""The Quart app, set up from the environment."""

import os
from collections.abc import AsyncGenerator

from quart import Quart

from . import views
from .database import Database
from .upstream import Upstream

app = Quart(__name__)
app.json.sort_keys = False  # type: ignore[attr-defined]  # of Quart's default provider
app.register_blueprint(views.blueprint)


@app.while_serving
async def opened() -> AsyncGenerator[None, None]:
    """Keep the ways to the database and to the other service open while the app serves."""
    pooled = os.environ["DATABASE_ACCESS"] == "pool"
    size = int(os.environ["POOL_SIZE"])
    async with (
        Database(os.environ["DATABASE_URL"], size, pooled=pooled) as app.extensions["database"],
        Upstream(os.environ["UPSTREAM_URL"]) as app.extensions["upstream"],
    ):
        yield
