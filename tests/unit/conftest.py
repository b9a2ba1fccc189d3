"""For all unit tests: each test process reads the project's own apps once.

Their files do not change meanwhile, and to read all of them takes longer than most tests.
"""

import functools
from pathlib import Path
from typing import Any

from testbed.asked import catalogue

_read = catalogue.load
_own_apps = functools.cache(_read)


def _load(own: str | Path | None = None, **other: Any) -> catalogue.Catalogue:
    """As `catalogue.load`, which reads whatever else there is each time."""
    return _own_apps() if own is None and not other else _read(own, **other)


catalogue.load = _load
