"""Define the base classes of all models."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import AfterValidator, BaseModel, ConfigDict, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError


class Model(BaseModel):
    """A model that is immutable and refuses unknown keys, so that a typo gives an error."""

    # what validates a model is built when it is first used: no command uses all of them
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class Declared(Model):
    """A model of what people write in files. Numbers are finite; a text or `true` is no number."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False)


@dataclass(frozen=True)
class Checked(AfterValidator):
    """A check whose rule a JSON Schema can say, too, so that editors know it (docs/schemas.py)."""

    schema: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Return the JSON Schema of a checked value."""
        return handler(core) | dict(self.schema)


def or_text(schema: dict[str, Any]) -> None:
    """Make a model's JSON Schema take a text as well, which stands for one of its keys."""
    mapping = dict(schema)
    schema.clear()
    schema["anyOf"] = [{"type": "string"}, mapping]


def wrong(problem: str, *place: str | int) -> PydanticCustomError:
    """Return the error that a check of several keys raises about the one at `place`.

    `place` leads there from the model that is checked. The reader of the file adds the line.
    """
    # a sentence may hold braces, which would be read as places for values
    return PydanticCustomError("value_error", "{problem}", {"problem": problem, "place": place})
