"""What each check wants, why, and how to mend it: checks.yml."""

from functools import lru_cache
from pathlib import Path
from typing import Literal

import yaml

from testbed.model.base import Model

CHECKS_FILE = Path(__file__).with_name("checks.yml")


class Check(Model):
    """The words and limits of one check."""

    title: str
    of: Literal["host", "machine"]  # machine: a container cannot change it from inside
    wanted: str
    why: str
    mend: str
    limits: dict[str, float] = {}


@lru_cache(maxsize=1)
def checks() -> dict[str, Check]:
    """All checks by name, in the order of checks.yml."""
    data = yaml.safe_load(CHECKS_FILE.read_text(encoding="utf-8"))
    return {name: Check.model_validate(item) for name, item in data.items()}


def limit(check: str, name: str) -> float:
    """A limit of a check."""
    return checks()[check].limits[name]
