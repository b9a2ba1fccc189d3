"""The table, and the way to it: SQLAlchemy's engine and a session for each request."""

import os
from collections.abc import AsyncIterator
from typing import Any

from sqlalchemy import NullPool, make_url
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

OVERFLOW = 10  # SQLAlchemy's default of connections beyond those that its pool keeps


class Base(DeclarativeBase):
    """What all tables share."""


class Counter(Base):
    """A counter."""

    __tablename__ = "counter"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    hits: Mapped[int]


def pool(access: str, size: int) -> dict[str, Any]:
    """Return the options of a pool of at most `size`; SQLAlchemy keeps what OVERFLOW leaves of it.

    Raises ValueError for a way of access that is not known.
    """
    match access:
        case "connection_per_request":
            return {"poolclass": NullPool}
        case "pool":
            kept = max(size - OVERFLOW, 1)
            return {"pool_size": kept, "max_overflow": size - kept}
        case _:
            raise ValueError(f"DATABASE_ACCESS={access}: not connection_per_request or pool")


ENGINE = create_async_engine(
    make_url(os.environ["DATABASE_URL"]).set(drivername="postgresql+psycopg"),
    **pool(os.environ["DATABASE_ACCESS"], int(os.environ["POOL_SIZE"])),
)
SESSIONS = async_sessionmaker(ENGINE)


async def session() -> AsyncIterator[AsyncSession]:
    """A session for one request."""
    async with SESSIONS() as opened:
        yield opened
