"""Check that the findings which lab tests attribute to their machine are names of checks."""

from testbed.validity import CHECKS
from tests.lab.campaigns import OF_THIS_MACHINE


def test_findings_about_the_machine_are_checks():
    assert {check.__name__ for check in CHECKS} >= OF_THIS_MACHINE
