"""The way to the database with psycopg."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.rows import DictRow, dict_row
from psycopg_pool import ConnectionPool

from .queries import check_access

Connection = psycopg.Connection[DictRow]
Fetch = Callable[..., list[DictRow]]  # fetch(query, *parameters)

# Each statement by itself unless told otherwise; parameters are written $1, as PostgreSQL does.
OPTIONS: dict[str, Any] = {
    "autocommit": True,
    "row_factory": dict_row,
    "cursor_factory": psycopg.RawCursor,
}


class Database:
    """The database at `url`, for any number of threads.

    Its pool opens connections as requests need them, none before the first. Raises ValueError for a
    way of access that is not known.
    """

    def __init__(self, url: str, access: str, pool_size: int) -> None:
        check_access(access)
        self._url = url
        self._access = access
        self._pool: ConnectionPool[Connection] = ConnectionPool(
            url, kwargs=OPTIONS, min_size=0, max_size=pool_size, open=False
        )

    def open(self) -> None:
        """Start the pool's threads; to be called in the process that serves."""
        self._pool.open()

    def close(self) -> None:
        """Close the pool and its connections."""
        self._pool.close()

    @contextmanager
    def session(self) -> Iterator[Fetch]:
        """What a request fetches with, over one connection or over one for each query."""
        if self._access == "connection_per_query":
            yield self._fetch_by_own_connection
        else:
            pooled = self._access == "pool"
            with self._pool.connection() if pooled else self._connect() as connection:
                yield lambda query, *parameters: connection.execute(query, parameters).fetchall()

    def _connect(self) -> Connection:
        return psycopg.connect(self._url, **OPTIONS)

    def _fetch_by_own_connection(self, query: str, *parameters: Any) -> list[DictRow]:
        with self._connect() as connection:
            return connection.execute(query, parameters).fetchall()
