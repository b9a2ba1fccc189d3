"""pacer is deployed without the rest of this repository."""

import ast
import sys
from pathlib import Path

import pytest

PACER = Path(__file__).resolve().parents[3] / "pacer"
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
