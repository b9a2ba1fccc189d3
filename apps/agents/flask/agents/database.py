"""The way to the database: a connection per request, or one from a pool."""

import atexit
from contextlib import AbstractContextManager

import psycopg
from flask import Flask, current_app
from psycopg.rows import DictRow, dict_row
from psycopg_pool import ConnectionPool

Connection = psycopg.Connection[DictRow]
Pool = ConnectionPool[Connection]

ACCESSES = ("connection_per_request", "pool")


def init_app(app: Flask) -> None:
    """Give the app its pool. It opens connections as requests need them, none before the first.

    Raises ValueError for a way of access that is not known.
    """
    access = app.config["DATABASE_ACCESS"]
    if access not in ACCESSES:
        raise ValueError(f"DATABASE_ACCESS={access}: not one of {', '.join(ACCESSES)}")
    pool: Pool = ConnectionPool(
        app.config["DATABASE_URL"],
        kwargs={"autocommit": True, "row_factory": dict_row},
        min_size=0,
        max_size=app.config["POOL_SIZE"],
        open=True,
    )
    atexit.register(pool.close)
    app.extensions["pool"] = pool


def connection() -> AbstractContextManager[Connection]:
    """A connection as the app is set up to get it; leaving the context gives it back.

    It commits by itself: one statement that only reads needs no transaction around it.
    """
    if current_app.config["DATABASE_ACCESS"] == "pool":
        return pooled_connection()
    url = current_app.config["DATABASE_URL"]
    return psycopg.connect(url, autocommit=True, row_factory=dict_row)


def pooled_connection() -> AbstractContextManager[Connection]:
    """A connection from the pool; leaving the context gives it back."""
    pool: Pool = current_app.extensions["pool"]
    return pool.connection()
