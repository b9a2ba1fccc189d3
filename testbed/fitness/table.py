"""Read checks.yml: what each check wants, why, and how to mend it."""

from functools import lru_cache
from pathlib import Path
from typing import Literal

import yaml

from testbed.model.base import Model

CHECKS_FILE = Path(__file__).with_name("checks.yml")


class Check(Model):
    """The words and limits of one check."""

    title: str
    of: Literal["host", "machine"]  # what 'machine' marks cannot be changed from inside a container
    wanted: str
    why: str
    mend: str
    limits: dict[str, float] = {}


@lru_cache(maxsize=1)
def checks() -> dict[str, Check]:
    """Return all checks by name, in the order of checks.yml."""
    data = yaml.safe_load(CHECKS_FILE.read_text(encoding="utf-8"))
    return {name: Check.model_validate(item) for name, item in data.items()}


def limit(check: str, name: str) -> float:
    """Return a limit of a check."""
    return checks()[check].limits[name]
