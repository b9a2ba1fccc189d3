"""The way to the database: a pool of connections, or a connection per request."""

import atexit
from contextlib import AbstractContextManager
from typing import Any

import psycopg
from flask import Flask, current_app
from psycopg.rows import DictRow, dict_row
from psycopg_pool import ConnectionPool

Connection = psycopg.Connection[DictRow]
Pool = ConnectionPool[Connection]

# Each statement by itself; parameters are written $1, as PostgreSQL does.
OPTIONS: dict[str, Any] = {
    "autocommit": True,
    "row_factory": dict_row,
    "cursor_factory": psycopg.RawCursor,
}


def init_app(app: Flask) -> None:
    """Give the app its pool, if it is to have one; it connects as requests need it, not before."""
    if app.config["DATABASE_ACCESS"] == "pool":
        pool: Pool = ConnectionPool(
            app.config["DATABASE_URL"],
            kwargs=OPTIONS,
            min_size=0,
            max_size=app.config["POOL_SIZE"],
            open=True,
        )
        atexit.register(pool.close)
        app.extensions["pool"] = pool


def connection() -> AbstractContextManager[Connection]:
    """Return a connection for one request; leaving its context gives it back, or closes it."""
    if "pool" in current_app.extensions:
        pool: Pool = current_app.extensions["pool"]
        return pool.connection()
    return psycopg.connect(current_app.config["DATABASE_URL"], **OPTIONS)
