"""Check the lock files: packages have version and hashes, and no declared dependency is missing."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.unit.locks import pins

ROOT = Path(__file__).resolve().parents[2]
DECLARED = [*ROOT.glob("apps/*/*/requirements.in"), *ROOT.glob("tests/lab/own_suite/rows/*/*.in")]
OF_APPS = sorted(path.with_suffix(".txt") for path in DECLARED)
OWN = [ROOT / "requirements.lock", ROOT / "requirements-dev.lock"]
LOCKS = [*OWN, ROOT / "pacer" / "requirements.txt", *OF_APPS]


def names(lock):
    return {canonicalize_name(pin.requirement.name) for pin in pins(lock)}


def declared(lock):
    """What the lock was made from."""
    if lock not in OWN:
        lines = lock.with_suffix(".in").read_text().splitlines()
        texts = [line for line in lines if line and not line.startswith("#")]
    else:
        project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
        texts = project["dependencies"]
        if "dev" in lock.name:
            texts = texts + project["optional-dependencies"]["dev"]
    return {canonicalize_name(Requirement(text).name) for text in texts}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_package_has_its_version_and_hashes(lock):
    for pin in pins(lock):
        assert re.fullmatch(r"==[\w.!+]+", str(pin.requirement.specifier)), pin.text
        assert pin.hashes, pin.text
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", one) for one in pin.hashes)
    assert declared(lock) <= names(lock)
    assert "://" not in lock.read_text()  # where packages come from is each machine's own matter


def test_the_lock_for_tests_holds_all_of_the_other():
    own, dev = ({(pin.text, pin.hashes) for pin in pins(lock)} for lock in OWN)
    assert own <= dev
