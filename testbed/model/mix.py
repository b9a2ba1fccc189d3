"""Define a mix: an endpoint of a workload that asks several others of it, by their weights."""

from typing import Annotated, Any

from pydantic import Field, model_validator

from testbed.model.base import Declared
from testbed.model.kinds import Name, Text
from testbed.texts import shown_name

MOST_PARTS = 100  # each has figures of its own, and a report shows them all
MOST_WEIGHT = 1_000_000
Weight = Annotated[float, Field(gt=0, le=MOST_WEIGHT)]


class Mix(Declared):
    """A weighted mix of other endpoints. Each request of a load is one of them, drawn by weight."""

    description: Text
    # Endpoints of the same workload. Of weights 80, 10 and 10, or of 8, 1 and 1, the first one gets
    # eight requests of ten
    mix: dict[Name, Weight] = Field(min_length=1, max_length=MOST_PARTS)

    @model_validator(mode="before")
    @classmethod
    def _asks_nothing_itself(cls, value: Any) -> Any:
        known = list(cls.model_fields)
        own = [key for key in value if key not in known] if isinstance(value, dict) else []
        if own:
            raise ValueError(
                f"beside mix there is no {shown_name(own[0])}: only {' and '.join(known)}, as its "
                "parts say what is asked"
            )
        return value
