"""The endpoints, by FastAPI and SQLAlchemy's asynchronous sessions."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any, cast

from fastapi import Depends, FastAPI, HTTPException
from sqlalchemy import CursorResult, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from .database import ENGINE, Counter, session

READ, UPDATED = 7, 1  # the counters that requests read and update

Session = Annotated[AsyncSession, Depends(session)]


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Close the pool's connections after the last request."""
    yield
    await ENGINE.dispose()


app = FastAPI(lifespan=lifespan)


@app.get("/static")
async def static() -> dict[str, str]:
    """A small document."""
    return {"message": "Hello, World!"}


@app.get("/read")
async def read(database: Session) -> dict[str, Any]:
    """One row."""
    found = await database.scalar(select(Counter).where(Counter.id == READ))
    if found is None:
        raise HTTPException(404)
    return {"id": found.id, "name": found.name, "hits": found.hits}


@app.post("/update")
async def add_one(database: Session) -> dict[str, int]:
    """One more hit of one counter."""
    more = update(Counter).where(Counter.id == UPDATED).values(hits=Counter.hits + 1)
    updated = await database.execute(more.execution_options(synchronize_session=False))
    await database.commit()
    return {"updated": cast(CursorResult[Any], updated).rowcount}
