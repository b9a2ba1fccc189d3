"""The apps' requirements: complete, and pinned to the last package."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.unit.apps import serving
from tests.unit.apps.serving import APPS


def pip(venv: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the environment's pip."""
    command = [str(venv / "bin/pip"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def names(lines: list[str]) -> set[str]:
    """'name==version' of each line, in the one spelling that PyPI knows a name by."""
    pins = (line.partition("#")[0].strip() for line in lines)
    return {re.sub(r"[-_.]+(?=.*==)", "-", pin).lower() for pin in pins}


@pytest.mark.parametrize("key", APPS)
def test_requirements_name_every_package_with_its_version(key: str) -> None:
    requirements = Path(APPS[key].folder) / str(APPS[key].spec.requirements)
    lines = requirements.read_text().splitlines()
    venv = serving.make_venv(APPS[key])  # installed without looking for dependencies
    assert names(pip(venv, "freeze").stdout.splitlines()) == names(lines)
    check = pip(venv, "check")
    assert check.returncode == 0, check.stdout
