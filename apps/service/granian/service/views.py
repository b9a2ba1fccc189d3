"""The endpoints, and which path leads to which."""

import json
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader

from . import work
from .database import Database
from .queries import CATEGORIES, CATEGORY, FIRST_ITEMS, ITEM, SLOW
from .upstream import Upstream

TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    auto_reload=False,  # else each request would ask whether the template's file has changed
)

Answer = tuple[int, str, str]  # status, media type, body
Document = dict[str, Any]


def document(found: Document | None) -> Answer:
    """Return the answer that is a document; 404 if there is none."""
    if found is None:
        return not_found()
    return 200, "application/json", json.dumps(found)


def not_found() -> Answer:
    """Return the answer to what is not there."""
    return 404, "text/plain", "Not Found"


class Views:
    """The endpoints; each is called with the groups of its path."""

    def __init__(self, database: Database, upstream: Upstream) -> None:
        self._database = database
        self._upstream = upstream
        self._paths: list[tuple[re.Pattern[str], Callable[..., Awaitable[Answer]]]] = [
            (re.compile(path), view)
            for path, view in (
                ("/json", self.hello),
                (r"/items/(\d+)", self.item),
                ("/page", self.page),
                ("/report", self.report),
                (r"/upstream/(\d+)", self.item_with_value),
                ("/slow_query", self.slow_query),
                ("/cpu", self.cpu),
            )
        ]

    async def answer(self, method: str, path: str) -> Answer:
        """Return the answer to a request; 404 for a path that leads nowhere."""
        for pattern, view in self._paths:
            if method == "GET" and (found := pattern.fullmatch(path)):
                return await view(*found.groups())
        return not_found()

    async def hello(self) -> Answer:
        """Answer with a document that is always the same."""
        return document({"message": "Hello, World!"})

    async def item(self, number: str) -> Answer:
        """Answer with one row; 404 if there is none of that number."""
        return document(await self._database.row(ITEM, int(number)))

    async def page(self) -> Answer:
        """Answer with a page of the first 20 rows."""
        items = await self._database.rows(FIRST_ITEMS)
        page = TEMPLATES.get_template("page.html").render(items=items)
        return 200, "text/html; charset=utf-8", page

    async def report(self) -> Answer:
        """Answer with a sum for each category, by a query for each."""
        sums = []
        async with self._database.connection() as connection:
            for category in CATEGORIES:
                found = await connection.execute(CATEGORY, (category,))
                sums += [{"category": category, **one} async for one in found]
        return document({"categories": sums})

    async def item_with_value(self, number: str) -> Answer:
        """Answer with what the other service says, and one row; 404 if there is no such row."""
        value = await self._upstream.value_of(int(number))
        found = await self._database.row(ITEM, int(number))
        return document(found and found | {"value": value})

    async def slow_query(self) -> Answer:
        """Answer after a query that mostly sleeps."""
        return document(await self._database.row(SLOW))

    async def cpu(self) -> Answer:
        """Answer after work that needs the CPU; the event loop waits for it, and all others."""
        return document({"digest": work.digest()})
