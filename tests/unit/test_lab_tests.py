"""Check what lab tests take for granted: names of checks, and names of test files."""

from collections import Counter
from pathlib import Path

from testbed.validity import CHECKS
from tests.lab.campaigns import OF_THIS_MACHINE
from tests.lab.conftest import FIRST

TESTS = Path(__file__).resolve().parents[1]


def test_findings_about_the_machine_are_checks():
    assert {check.__name__ for check in CHECKS} >= OF_THIS_MACHINE


def test_no_two_files_of_tests_have_one_name():
    """Plain `pytest` imports them by their names, and would take only the first of two."""
    counts = Counter(path.name for path in TESTS.rglob("test_*.py"))
    assert {name for name, count in counts.items() if count > 1} == set()


def test_the_longest_files_are_there():
    assert {f"test_{name}.py" for name in FIRST} <= {path.name for path in TESTS.glob("lab/*.py")}
