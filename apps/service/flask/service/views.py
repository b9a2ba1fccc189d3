"""The endpoints."""

from typing import Any

from flask import Blueprint, abort, render_template

from . import database, upstream, work
from .queries import CATEGORIES, CATEGORY, FIRST_ITEMS, ITEM, SLOW

Document = dict[str, Any]

blueprint = Blueprint("service", __name__)


@blueprint.get("/json")
def hello() -> Document:
    """Answer with a document that is always the same."""
    return {"message": "Hello, World!"}


@blueprint.get("/items/<int:number>")
def item(number: int) -> Document:
    """Answer with one row; 404 if there is none of that number."""
    with database.connection() as connection:
        found = connection.execute(ITEM, (number,)).fetchone()
    return found or abort(404)


@blueprint.get("/page")
def page() -> str:
    """Answer with a page of the first 20 rows."""
    with database.connection() as connection:
        found = connection.execute(FIRST_ITEMS).fetchall()
    return render_template("page.html", items=found)


@blueprint.get("/report")
def report() -> Document:
    """Answer with a sum for each category, by a query for each."""
    with database.connection() as connection:
        sums = [
            {"category": category, **connection.execute(CATEGORY, (category,)).fetchall()[0]}
            for category in CATEGORIES
        ]
    return {"categories": sums}


@blueprint.get("/upstream/<int:number>")
def item_with_value(number: int) -> Document:
    """Answer with what the other service says, and one row; 404 if there is no such row."""
    value = upstream.value_of(number)
    return item(number) | {"value": value}


@blueprint.get("/slow_query")
def slow_query() -> Document:
    """Answer after a query that mostly sleeps."""
    with database.connection() as connection:
        return connection.execute(SLOW).fetchall()[0]


@blueprint.get("/cpu")
def cpu() -> Document:
    """Answer after work that needs the CPU and nothing else."""
    return {"digest": work.digest()}
