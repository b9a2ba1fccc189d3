"""The Litestar app, set up from the environment."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from jinja2 import Environment, FileSystemLoader
from litestar import Litestar
from litestar.contrib.jinja import JinjaTemplateEngine
from litestar.di import Provide
from litestar.logging import LoggingConfig
from litestar.template import TemplateConfig

from . import views
from .database import Database
from .upstream import Upstream

TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    auto_reload=False,  # else each request would ask whether the template's file has changed
)


@asynccontextmanager
async def opened(app: Litestar) -> AsyncIterator[None]:
    """Keep the ways to the database and to the other service open while the app serves."""
    pooled = os.environ["DATABASE_ACCESS"] == "pool"
    size = int(os.environ["POOL_SIZE"])
    async with (
        Database(os.environ["DATABASE_URL"], size, pooled=pooled) as app.state.database,
        Upstream(os.environ["UPSTREAM_URL"]) as app.state.upstream,
    ):
        yield


app = Litestar(
    views.HANDLERS,
    lifespan=[opened],
    dependencies={
        "database": Provide(views.database, sync_to_thread=False),
        "upstream": Provide(views.upstream, sync_to_thread=False),
    },
    logging_config=LoggingConfig(log_exceptions="always"),  # else it tells them in debug mode only
    template_config=TemplateConfig(instance=JinjaTemplateEngine.from_environment(TEMPLATES)),
)
