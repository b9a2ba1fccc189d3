"""The list page."""

from flask import Blueprint, render_template
from sqlalchemy import and_, func, select
from sqlalchemy.orm import aliased

from . import database
from .models import Record, Tag, User

Part = aliased(Record, name="part")
PARTS = (
    select(func.count())
    .select_from(Part)
    .where(Part.parent_id == Record.id, Part.status == "new")
    .scalar_subquery()
)
RECORDS = (
    select(
        Record.id,
        Record.auth_user_id,
        Record.status,
        Record.updated,
        Record.label,
        Record.content,
        User.username,
        func.array_agg(Tag.tag).aggregate_order_by(Tag.tag).label("tags"),
        func.count().over().label("total"),
        PARTS.label("parts"),
    )
    .join(User)
    .outerjoin(Tag, and_(Tag.kind_id == Record.id, Tag.kind == "rec"))
    .where(Record.parent_id.is_(None), Record.status == "new")
    .group_by(Record.id, User.username)
    .order_by(Record.updated.desc(), Record.id.desc())
    .limit(10)
)

blueprint = Blueprint("records", __name__)


@blueprint.get("/records")
def records() -> str:
    """The ten records that are new and were updated last, out of how many."""
    with database.session() as session:
        found = session.execute(RECORDS).all()
    return render_template("records.html", records=found)
