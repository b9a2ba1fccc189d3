"""What all models share."""

from pydantic import BaseModel, ConfigDict


class Model(BaseModel):
    """Immutable, and refuses keys it does not know, so that a typo cannot pass silently."""

    model_config = ConfigDict(extra="forbid", frozen=True)
