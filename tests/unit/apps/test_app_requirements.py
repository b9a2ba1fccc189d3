"""The apps' requirements: complete, and pinned to the last package."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.unit.apps import serving
from tests.unit.apps.serving import AGENTS


def pip(venv: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the environment's pip."""
    command = [str(venv / "bin/pip"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def names(lines: list[str]) -> set[str]:
    """'name==version' of each line, in the one spelling that PyPI knows a name by."""
    pins = (line.partition("#")[0].strip() for line in lines)
    return {re.sub(r"[-_.]+(?=.*==)", "-", pin).lower() for pin in pins}


@pytest.mark.parametrize("app", AGENTS)
def test_requirements_name_every_package_with_its_version(app: str) -> None:
    requirements = Path(AGENTS[app].folder) / str(AGENTS[app].spec.requirements)
    lines = requirements.read_text().splitlines()
    venv = serving.make_venv(AGENTS[app])  # installed without looking for dependencies
    assert names(pip(venv, "freeze").stdout.splitlines()) == names(lines)
    check = pip(venv, "check")
    assert check.returncode == 0, check.stdout
