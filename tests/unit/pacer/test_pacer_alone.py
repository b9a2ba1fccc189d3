"""pacer is deployed, and can be installed, without the rest of this repository."""

import ast
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PACER = ROOT / "pacer"
ALLOWED = {"pacer", "uvloop", "hdrh", *sys.stdlib_module_names}


def imported(source: str) -> set[str]:
    """Top-level names of the modules that a source file imports."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").partition(".")[0])
    return found


@pytest.mark.parametrize("file", sorted(PACER.glob("*.py")), ids=lambda file: file.name)
def test_imports(file: Path) -> None:
    assert imported(file.read_text()) <= ALLOWED


def test_the_check_can_fail() -> None:
    assert not imported("from testbed.errors import TestbedError") <= ALLOWED


def test_what_installs_it_names_what_is_there() -> None:
    file = ROOT / "packaging" / "pacer" / "pyproject.toml"
    told = tomllib.loads(file.read_text())
    needed = (PACER / "requirements.in").read_text().splitlines()
    assert told["project"]["dependencies"] == [one for one in needed if not one.startswith("#")]
    (packed,) = told["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert (file.parent / packed).resolve() == PACER
    assert (file.parent / told["tool"]["hatch"]["version"]["path"]).resolve().parent == PACER
    for place in told["project"]["scripts"].values():
        module, _, function = place.partition(":")
        assert callable(getattr(import_module(module), function))
