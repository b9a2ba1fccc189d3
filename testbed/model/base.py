"""Define the base classes of all models."""

from pydantic import BaseModel, ConfigDict


class Model(BaseModel):
    """A model that is immutable and refuses unknown keys, so that a typo gives an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Declared(Model):
    """A model of what people write in files. Numbers are finite; a text or `true` is no number."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False)
