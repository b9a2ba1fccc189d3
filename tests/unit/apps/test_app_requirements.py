"""The apps' requirements: complete, and pinned to the last package."""

from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from tests.unit.apps import serving
from tests.unit.apps.serving import APPS
from tests.unit.locks import pins


def frozen(venv: Path) -> set[str]:
    """'name==version' of each package that is installed."""
    pins = (line.partition("==") for line in serving.pip(venv, "freeze").stdout.splitlines())
    return {f"{canonicalize_name(name)}=={version}" for name, _, version in pins}


@pytest.mark.parametrize("key", APPS)
def test_requirements_name_every_package_with_its_version(key: str) -> None:
    requirements = Path(APPS[key].folder) / str(APPS[key].spec.requirements)
    wanted = {pin.text for pin in pins(requirements) if pin.applies}
    venv = serving.make_venv(APPS[key])  # installed without looking for dependencies
    assert frozen(venv) == wanted
    check = serving.pip(venv, "check")
    assert check.returncode == 0, check.stdout
