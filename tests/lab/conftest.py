"""The lab of the tests: its own name, so that a lab which a user has open is never touched."""

from collections.abc import Iterator

import pytest

from testbed.lab import control, names

TEST_LAB = "test"


@pytest.fixture(scope="session")
def lab() -> Iterator[names.LabNames]:
    """A lab that is up; taken down at the end, whatever happened."""
    try:
        control.up(TEST_LAB, print)
        yield names.lab(TEST_LAB)
    finally:
        control.down(TEST_LAB, print)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder carries the marker `lab`."""
    for item in items:
        if "tests/lab/" in item.nodeid:
            item.add_marker(pytest.mark.lab)
