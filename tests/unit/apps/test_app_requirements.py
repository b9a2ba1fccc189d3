"""The apps' requirements: complete, and pinned to the last package."""

from importlib import metadata
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from tests.unit.apps import serving
from tests.unit.apps.serving import APPS
from tests.unit.locks import pins


def installed(venv: Path) -> set[str]:
    """'name==version' of each package in an environment."""
    found = metadata.distributions(path=[str(one) for one in venv.glob("lib/*/site-packages")])
    return {f"{canonicalize_name(one.name)}=={one.version}" for one in found}


@pytest.mark.parametrize("key", APPS)
def test_requirements_name_every_package_with_its_version(key: str) -> None:
    requirements = serving.requirements_of(APPS[key])
    wanted = {pin.text for pin in pins(requirements) if pin.applies}
    venv = serving.make_venv(APPS[key])  # installed without looking for dependencies
    assert installed(venv) == wanted
    serving.run(serving.uv(venv / "bin/python", "check"))
