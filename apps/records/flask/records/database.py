"""The way to the database: SQLAlchemy's engine and its sessions."""

from typing import Any

from flask import Flask, current_app
from sqlalchemy import NullPool, create_engine, make_url
from sqlalchemy.orm import Session, sessionmaker

POOLS: dict[str, dict[str, Any]] = {
    "connection_per_request": {"poolclass": NullPool},
    "pool": {"max_overflow": 0},  # of SQLAlchemy's default, QueuePool; opens them as needed
}


def init_app(app: Flask) -> None:
    """Give the app its engine, with the pool that the settings ask for, and its sessions.

    Raises ValueError for a way of access that is not known.
    """
    access = app.config["DATABASE_ACCESS"]
    if access not in POOLS:
        raise ValueError(f"DATABASE_ACCESS={access}: not one of {', '.join(POOLS)}")
    options = dict(POOLS[access])
    if access == "pool":
        options["pool_size"] = app.config["POOL_SIZE"]
    if app.config["AUTOCOMMIT"]:
        options["isolation_level"] = "AUTOCOMMIT"
    engine = create_engine(
        make_url(app.config["DATABASE_URL"]).set(drivername="postgresql+psycopg"),
        connect_args={"options": "-c timezone=UTC"},  # points in time come in the session's
        **options,
    )
    app.extensions["sessions"] = sessionmaker(engine)


def session() -> Session:
    """A session for one request; leaving its context gives its connection back, or closes it."""
    sessions: sessionmaker[Session] = current_app.extensions["sessions"]
    return sessions()
