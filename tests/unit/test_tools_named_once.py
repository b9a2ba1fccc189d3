"""Check that only its own file names a measuring tool; others use the table of testbed/tools/."""

import ast
import re
from operator import attrgetter
from pathlib import Path

import pytest

from testbed.tools.table import TOOLS

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted(
    path
    for path in [*(ROOT / "testbed").rglob("*.py"), *(ROOT / "analysis").rglob("*.py")]
    if path.parent != ROOT / "testbed" / "tools"
)
ALLOWED = {
    # pacer is a program of this project as well, which the hosts have with its probe
    ("testbed/bundle.py", "pacer"),
    ("testbed/campaign/campaign.py", "pacer"),  # as a folder whose code a resume compares
    ("testbed/run/asking.py", "pacer"),
    # `fab run-ab` measures the versions A and B of an app
    ("analysis/compare/noise.py", "ab"),
    ("analysis/compare/show.py", "ab"),
    ("testbed/asked/versions.py", "ab"),
    ("testbed/called.py", "ab"),
    ("testbed/campaign/versions.py", "ab"),
}


def texts_in(path):
    """Texts in a file's code; docstrings do not count."""
    tree = ast.parse(path.read_text())
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose
    }


def named_in(path):
    """Names of tools that are words of a text in a file's code."""
    return {word for text in texts_in(path) for word in re.findall(r"\w+", text)} & TOOLS.keys()


@pytest.mark.parametrize(
    "path", [*SOURCES, ROOT / "fabfile.py"], ids=lambda path: str(path.relative_to(ROOT))
)
def test_no_other_file_names_a_tool(path):
    place = str(path.relative_to(ROOT))
    assert {name for name in named_in(path) if (place, name) not in ALLOWED} == set()


@pytest.mark.parametrize(
    "path", sorted((ROOT / "analysis/templates").iterdir()), ids=attrgetter("name")
)
def test_no_page_names_a_tool(path):
    assert set(re.findall(r"\w+", path.read_text())) & TOOLS.keys() == set()


@pytest.mark.parametrize("name", TOOLS)
def test_a_tool_is_named_in_one_file_of_its_own(name):
    (place,) = {
        path.name for path in (ROOT / "testbed/tools").glob("*.py") if name in texts_in(path)
    }
    assert place in (f"{name}.py", "wrk_report.py")  # which tells wrk and wrk2 apart
