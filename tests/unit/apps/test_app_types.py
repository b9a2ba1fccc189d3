"""The apps' own code, checked against the packages of their own environments."""

import fcntl
import subprocess
import sys

import pytest

from tests.unit.apps import serving
from tests.unit.apps.serving import APPS

CACHE = serving.REPOSITORY / ".cache" / "mypy"
# Django, asyncpg, Gunicorn and API-Hour come without types, so what is built on them is Any.
OPTIONS = [
    "--config-file=",
    "--strict",
    "--explicit-package-bases",
    "--allow-subclassing-any",
    "--allow-untyped-decorators",
    "--disable-error-code=import-untyped",
]


@pytest.mark.parametrize("key", APPS)
def test_types(key: str) -> None:
    python = serving.make_venv(APPS[key]) / "bin" / "python"
    # One cache for all, since most of it is about the standard library. One at a time writes it.
    CACHE.mkdir(parents=True, exist_ok=True)
    places = ["--python-executable", str(python), "--cache-dir", str(CACHE)]
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = subprocess.run(
            [sys.executable, "-m", "mypy", *OPTIONS, *places, "."],
            cwd=APPS[key].folder,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr
