"""docs/reliability.md names the faults that lab tests provoke, as they saw them, and no others.

After a fault was added, run the lab tests, then `python -m tests.lab.faults` to write the page.
"""

import ast
import re
from pathlib import Path

import pytest

from tests.lab import faults

NOTING = ("provoked", "provoked_in")
LAB_TESTS = sorted(Path(faults.__file__).parent.glob("test_*.py"))


def literals(node, tree):
    """The texts that the first argument of a call may be; a parameter's are its decorator's."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return {node.value}
    if isinstance(node, ast.IfExp):
        return literals(node.body, tree) | literals(node.orelse, tree)
    if isinstance(node, ast.Name):
        for call in (one for one in ast.walk(tree) if isinstance(one, ast.Call)):
            if ast.unparse(call.func) == "pytest.mark.parametrize" and len(call.args) > 1:
                names = ast.literal_eval(call.args[0])
                names = [names] if isinstance(names, str) else list(names)
                if node.id in names and isinstance(call.args[1], ast.List):
                    place = names.index(node.id)
                    rows = [row.elts if len(names) > 1 else [row] for row in call.args[1].elts]
                    return set().union(*(literals(row[place], tree) for row in rows))
    raise AssertionError(f"line {node.lineno}: a fault's name must be a literal")


def provoked(path):
    """The faults that a file's calls of `provoked` and `provoked_in` note."""
    names = []
    for part in ast.parse(path.read_text()).body:  # a parameter is its own function's
        calls = (node for node in ast.walk(part) if isinstance(node, ast.Call))
        noted = [call for call in calls if ast.unparse(call.func).split(".")[-1] in NOTING]
        names += [name for call in noted for name in literals(call.args[0], part)]
    return names


def on_page():
    """The faults that the page's table names, with their outcomes."""
    _, _, rest = faults.PAGE.read_text().partition(faults.BEGIN)
    rows = rest.partition(faults.END)[0].splitlines()[2:]
    cells = ([cell.strip() for cell in re.split(r"(?<!\\)\|", row)] for row in rows)
    return {row[1]: row[3] for row in cells}


def test_the_page_names_the_faults_that_are_provoked():
    names = [name for path in LAB_TESTS for name in provoked(path)]
    assert len(names) == len(set(names)), "two tests note the same fault"
    assert set(on_page()) == set(names)


def test_no_disturbed_run_counts_as_valid():
    assert on_page()
    assert "valid" not in on_page().values()


@pytest.mark.parametrize(
    ("call", "names"),
    [
        ("provoked('a', h, o, s)", ["a"]),
        ("faults.provoked_in('a', h, run, c)", ["a"]),
        ("provoked_in('a' if x else 'b', h, run, c)", ["a", "b"]),
        ("@pytest.mark.parametrize('f', ['a', 'b'])\ndef t(f): provoked(f, h, o, s)", ["a", "b"]),
        (
            "@pytest.mark.parametrize(('n', 'f'), [(1, 'a'), (2, 'b')])\ndef t(f): provoked(f, h)",
            ["a", "b"],
        ),
    ],
)
def test_names_are_found_in_calls(tmp_path, call, names):
    (tmp_path / "test_x.py").write_text(call)
    assert sorted(provoked(tmp_path / "test_x.py")) == names


def test_a_name_that_is_made_up_as_it_goes_is_refused(tmp_path):
    (tmp_path / "test_x.py").write_text("provoked(f'fault {n}', h, o, s)")
    with pytest.raises(AssertionError, match="must be a literal"):
        provoked(tmp_path / "test_x.py")
