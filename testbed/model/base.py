"""Define the base classes of all models."""

from pydantic import BaseModel, ConfigDict
from pydantic_core import PydanticCustomError


class Model(BaseModel):
    """A model that is immutable and refuses unknown keys, so that a typo gives an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Declared(Model):
    """A model of what people write in files. Numbers are finite; a text or `true` is no number."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False)


def wrong(problem: str, *place: str | int) -> PydanticCustomError:
    """Return the error that a check of several keys raises about the one at `place`.

    `place` leads there from the model that is checked. The reader of the file adds the line.
    """
    # a sentence may hold braces, which would be read as places for values
    return PydanticCustomError("value_error", "{problem}", {"problem": problem, "place": place})
