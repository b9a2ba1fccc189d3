"""The table, and the way to it: SQLAlchemy's engine and a session for each request."""

import os
from collections.abc import AsyncIterator
from typing import Any

from sqlalchemy import NullPool, make_url
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """What all tables share."""


class Counter(Base):
    """A counter."""

    __tablename__ = "counter"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    hits: Mapped[int]


def pool(access: str, size: int, overflow: int) -> dict[str, Any]:
    """Return the options of a pool that keeps `size` connections, and opens `overflow` more.

    Raises ValueError for a way of access that is not known.
    """
    match access:
        case "connection_per_request":
            return {"poolclass": NullPool}
        case "pool":
            return {"pool_size": size, "max_overflow": overflow}
        case _:
            raise ValueError(f"DATABASE_ACCESS={access}: not connection_per_request or pool")


ENGINE = create_async_engine(
    make_url(os.environ["DATABASE_URL"]).set(drivername="postgresql+psycopg"),
    **pool(
        os.environ["DATABASE_ACCESS"], int(os.environ["POOL_SIZE"]), int(os.environ["OVERFLOW"])
    ),
)
SESSIONS = async_sessionmaker(ENGINE)


async def session() -> AsyncIterator[AsyncSession]:
    """A session for one request."""
    async with SESSIONS() as opened:
        yield opened
