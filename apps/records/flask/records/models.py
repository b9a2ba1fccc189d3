"""The tables of the workload's data set. They are made by dataset.sql."""

from datetime import datetime

from sqlalchemy import BigInteger, DateTime, ForeignKey, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """What all models have in common."""


class User(Base):
    """Someone who writes records. The table has more columns, which are not asked for."""

    __tablename__ = "auth_user"

    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(String(150), unique=True)


class Record(Base):
    """Something that came in; with a parent, it is a part of it."""

    __tablename__ = "record"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("record.id"))
    auth_user_id: Mapped[int] = mapped_column(ForeignKey("auth_user.id"))
    status: Mapped[str] = mapped_column(String(10))
    updated: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    label: Mapped[str] = mapped_column(String(200))
    content: Mapped[str] = mapped_column(Text)


class Tag(Base):
    """A word that some thing is tagged with, of whatever kind it is."""

    __tablename__ = "tag"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    kind: Mapped[str] = mapped_column(String(10))  # 'rec' if the thing is a record
    kind_id: Mapped[int] = mapped_column(BigInteger)
    tag: Mapped[str] = mapped_column(String(50))
