"""Read what the checks find (checks.yml) and their limits (limits.yml, with reason and source)."""

import re
from functools import lru_cache
from pathlib import Path

import yaml

from testbed.model.base import Model
from testbed.model.results import Finding, Verdict

CHECKS_FILE = Path(__file__).with_name("checks.yml")
LIMITS_FILE = Path(__file__).with_name("limits.yml")
_VALUE = re.compile(r"\{value:(\.[0-9]f)\}")


class Limit(Model):
    """One limit with its reason. A value at or beyond a bound gets the verdict of that bound."""

    remark: float | None = None  # a result worth naming, which is not a fault of the run
    doubtful: float | None
    invalid: float | None
    unit: str
    reason: str
    source: str


class Explained(Model):
    """One check in words."""

    finds: str
    measured_by: str
    limits: list[str] = []


def explained() -> dict[str, Explained]:
    """Return all checks by name, in the order of checks.yml."""
    data = yaml.safe_load(CHECKS_FILE.read_text(encoding="utf-8"))
    return {name: Explained.model_validate(item) for name, item in data.items()}


@lru_cache(maxsize=1)
def limits() -> dict[str, Limit]:
    """Return all limits by name."""
    data = yaml.safe_load(LIMITS_FILE.read_text(encoding="utf-8"))
    return {name: Limit.model_validate(item) for name, item in data.items()}


def found(verdict: Verdict, sentence: str) -> Finding:
    """Return a finding. `judge` adds the name of its check."""
    return Finding(check="", verdict=verdict, sentence=sentence)


def beyond(name: str, value: float | None, sentence: str) -> list[Finding]:
    """Return a finding if `value` is at or beyond a limit; otherwise an empty list.

    In `sentence`, {value:.1f} stands for the value, and all other braces for themselves: hosts and
    users may have given some of its text. A value that is not known (None) is not judged.
    """
    if value is None:
        return []
    limit = limits()[name]
    bounds: list[tuple[Verdict, float | None]] = [
        ("invalid", limit.invalid),
        ("doubtful", limit.doubtful),
        ("valid", limit.remark),
    ]
    for verdict, bound in bounds:
        if bound is not None and value >= bound:
            text = _VALUE.sub(lambda place: format(value, place[1]), sentence)
            return [found(verdict, f"{text} (limit {bound:g}): {limit.reason}")]
    return []
