"""What a new item may look like."""

from datetime import UTC, date, datetime
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate


def today() -> date:
    """The day, as UTC has it."""
    return datetime.now(UTC).date()


class ItemSchema(Schema):
    """A new item; fields that are not known are refused, as marshmallow does of its own accord."""

    text = fields.String(required=True, validate=validate.Length(max=500))
    date_posted = fields.Date(load_default=today)


ITEM = ItemSchema()


def load_item(document: Any) -> dict[str, Any] | None:
    """The item to be stored, or None if all that was sent says nothing.

    Raises ValidationError for what does not fit the schema, or for an empty document.
    """
    if not document:
        raise ValidationError({"_schema": ["Empty data."]})
    if isinstance(document, dict):
        document = {name: value for name, value in document.items() if not says_nothing(value)}
        if not document:
            return None
    item: dict[str, Any] = ITEM.load(document)
    return item


def says_nothing(value: Any) -> bool:
    """Whether a field's value is null, or text without anything to read."""
    return value is None or (isinstance(value, str) and not value.strip())
