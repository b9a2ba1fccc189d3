"""Define a setting of an app: what an experiment may vary, and which values it may have."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from testbed.model.base import Declared, wrong
from testbed.model.kinds import (
    MOST_NUMBER,
    PER_CPU,
    Differing,
    EnvName,
    SettingValue,
    Text,
)

WORKERS = "workers"  # the role of a setting
MOST_WORKERS = 1024  # processes; a host of 128 CPUs is served by fewer

Bound = Annotated[int, Field(ge=0, le=MOST_NUMBER)]


class Setting(Declared):
    """A property of an app that an experiment may vary. The app gets it in the variable `env`."""

    env: EnvName = Field(description="the variable that tells the app")
    default: SettingValue = Field(description="its value where an experiment says nothing")
    description: Text = Field(description="what it does")
    choices: Annotated[list[SettingValue], Field(min_length=1), Differing] | None = Field(
        default=None, description="the only values that it may have"
    )
    least: Bound | None = Field(
        default=None, description="of a whole number: the least that it may be; else 0"
    )
    most: Bound | None = Field(
        default=None, description="of a whole number: the most that it may be; else 1,000,000"
    )
    role: Literal["workers"] | None = Field(
        default=None,
        description="`workers`: it says the number of worker processes, as a setting of that name"
        " does unless another one is declared to",
    )

    @model_validator(mode="after")
    def _default_is_a_choice(self) -> Self:
        if self.choices is not None and self.default not in self.choices:
            raise wrong(f"the default, {self.default!r}, is none of the choices", "default")
        a_text = isinstance(self.default, str)
        for number, choice in enumerate(self.choices or []):
            if isinstance(choice, str) != a_text:
                kind = "texts, in quotes" if a_text else "whole numbers"
                sentence = f"choices are {kind}, as the default is {self.default!r}"
                raise wrong(sentence, "choices", number)
        return self

    @model_validator(mode="after")
    def _bounds_can_be_met(self) -> Self:
        given = [key for key in ("least", "most") if getattr(self, key) is not None]
        if not given:
            return self
        if not isinstance(self.default, int):
            raise wrong(f"is for whole numbers, and the default is {self.default!r}", given[0])
        if self.choices is not None:
            raise wrong("the choices are the only values already: leave it out", given[0])
        if self.least is not None and self.most is not None and self.least > self.most:
            raise wrong(f"must be {self.least:,} or more, which is the least", "most")
        if problem := self._out_of_bounds(self.default):
            raise wrong(f"must be {problem}, as least and most say", "default")
        return self

    def problem(self, value: str | int) -> str | None:
        """Return why the setting cannot have this value; None if it can."""
        if isinstance(value, str) != isinstance(self.default, str):
            a_text = isinstance(self.default, str)
            kind = "a text, in quotes" if a_text else "a whole number, or 'N per cpu'"
            return f"it is {kind}, as its default is {self.default!r}"
        if self.choices is not None and value not in self.choices:
            return f"one of: {', '.join(map(str, self.choices))}"
        return self._out_of_bounds(value)

    @property
    def others(self) -> str:
        """Return in words which values it may have besides its default; empty if it may have any.

        'workers' has its own limits, which are not among them.
        """
        if self.choices is not None:
            return ", ".join(str(one) for one in self.choices if one != self.default)
        bounded = self.least is not None or self.most is not None
        return self._range if bounded else ""

    def takes_per_cpu(self, value: str | int) -> bool:
        """Return whether the value is 'N per cpu', and the setting a number that can be counted."""
        counted = isinstance(self.default, int) and self.choices is None
        return counted and isinstance(value, str) and PER_CPU.fullmatch(value) is not None

    def _out_of_bounds(self, value: str | int) -> str | None:
        """Return between which numbers the value would have to be; None if it is, or is a text."""
        least, most = self.bounds
        return None if isinstance(value, str) or least <= value <= most else f"from {self._range}"

    @property
    def _range(self) -> str:
        least, most = self.bounds
        return f"{least:,} to {most:,}"

    @property
    def bounds(self) -> tuple[int, int]:
        """Return the least and the most that a whole number without choices may be."""
        return self.least or 0, MOST_NUMBER if self.most is None else self.most


def workers_problem(value: str | int) -> str | None:
    """Return why the setting `workers`, which the testbed uses itself, cannot have this value.

    Return None if it can.
    """
    if isinstance(value, int) and 1 <= value <= MOST_WORKERS:
        return None
    if isinstance(value, str) and PER_CPU.fullmatch(value):
        return None
    return f"workers must be from 1 to {MOST_WORKERS:,}, or 'N per cpu' with N from 1 to 99"
