"""Rows of a table by Falcon, with a pool of psycopg's connections in each worker."""

import os
import random
from collections.abc import Iterable
from pathlib import Path

import falcon
from falcon import Request, Response
from jinja2 import Environment, FileSystemLoader
from psycopg import Connection
from psycopg_pool import ConnectionPool

READ = "SELECT id, value FROM reading WHERE id = %s"
CHANGE = "UPDATE reading SET value = %s WHERE id = %s"
NOTICES = "SELECT id, text FROM notice"
ADDED = (0, "This notice was added for you")
IDS = range(1, 1001)
VALUES = range(1, 10001)
SEVERAL = 10

Row = dict[str, int]
templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent), autoescape=True, auto_reload=False
)


class Message:
    """A JSON document that is always the same."""

    def on_get(self, request: Request, response: Response) -> None:
        """Answer it."""
        response.media = {"message": "All is well."}


class Plaintext:
    """A text that is always the same."""

    def on_get(self, request: Request, response: Response) -> None:
        """Answer it."""
        response.content_type = falcon.MEDIA_TEXT
        response.text = "All is well."


class Table:
    """The rows of the database, over the connections of a pool."""

    def __init__(self, pool: ConnectionPool) -> None:
        self.pool = pool

    def on_get_row(self, request: Request, response: Response) -> None:
        """Answer the row of the id that the query names."""
        with self.pool.connection() as connection:
            found = read(connection, [request.get_param_as_int("id", required=True)])
        if found:
            response.media = found[0]
        else:
            response.status = falcon.HTTP_404
            response.media = {"error": "There is no such row."}

    def on_get_rows(self, request: Request, response: Response) -> None:
        """Answer several different rows, drawn anew for each request."""
        with self.pool.connection() as connection:
            response.media = read(connection, random.sample(IDS, SEVERAL))

    def on_get_page(self, request: Request, response: Response) -> None:
        """Answer a page with all notices and one more, in the order of their texts."""
        with self.pool.connection() as connection:
            found = connection.execute(NOTICES).fetchall()
        notices = sorted([ADDED, *found], key=lambda notice: notice[1])
        response.content_type = falcon.MEDIA_HTML
        response.text = templates.get_template("page.html").render(notices=notices)

    def on_post_updates(self, request: Request, response: Response) -> None:
        """Read the rows that the request names, and give each a new value."""
        with self.pool.connection() as connection:
            found = read(connection, request.get_media()["ids"])
            for one in found:
                one["value"] = random.choice(VALUES)  # noqa: S311 - no secret
                connection.execute(CHANGE, (one["value"], one["id"]))
        response.media = found


def read(connection: Connection, ids: Iterable[int]) -> list[Row]:
    """Return the rows of these ids, by a statement each; one that is not there is left out."""
    found = [connection.execute(READ, (one,)).fetchone() for one in ids]
    return [{"id": row[0], "value": row[1]} for row in found if row is not None]


def create_app() -> falcon.App[Request, Response]:
    """Return the service, with a pool of its own. Gunicorn calls this in each worker."""
    size = int(os.environ["THREADS"])  # each thread holds one connection at most
    pool = ConnectionPool(
        os.environ["DATABASE_URL"],
        kwargs={"autocommit": True},
        min_size=size,
        max_size=size,
        open=True,
    )
    table = Table(pool)
    app = falcon.App()
    app.add_route("/json", Message())
    app.add_route("/plaintext", Plaintext())
    for name in ("row", "rows", "page", "updates"):
        app.add_route(f"/{name}", table, suffix=name)
    return app
