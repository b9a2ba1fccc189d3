"""What all models share."""

from pydantic import BaseModel, ConfigDict


class Model(BaseModel):
    """Immutable, and refuses keys it does not know, so that a typo cannot pass silently."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Declared(Model):
    """What people write in files: a text is no number, `true` is none, and numbers are finite."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False)
