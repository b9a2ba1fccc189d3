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
# pacer is a program of this project as well, and put on the hosts as one
ALLOWED = {("testbed/bundle.py", "pacer")}


def named_in(path):
    """Texts in a file's code that are the name of a tool."""
    tree = ast.parse(path.read_text())
    texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    return texts & TOOLS.keys()


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
        path.name for path in (ROOT / "testbed/tools").glob("*.py") if name in named_in(path)
    }
    assert place in (f"{name}.py", "wrk_report.py")  # which tells wrk and wrk2 apart
