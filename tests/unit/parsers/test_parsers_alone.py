"""The parsers can be installed without the rest of this repository."""

import ast
import json
import re
import shutil
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from testbed.tools import __main__ as program

ROOT = Path(__file__).resolve().parents[3]
PACKAGING = ROOT / "packaging" / "parsers"
TOLD = tomllib.loads((PACKAGING / "pyproject.toml").read_text())
TRIED = {"charset_normalizer", "lxml"}  # beautifulsoup4 goes without them
FIXTURE = ROOT / "tests/contract/parsers/fixtures/ab-404.txt"


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder with what the wheel holds, as the wheel holds it."""
    place = tmp_path_factory.mktemp("site")
    packed = TOLD["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    for source, target in packed.items():
        origin, copy = (PACKAGING / source).resolve(), place / target
        copy.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if origin.is_dir() else shutil.copy)(origin, copy)
    return place


def imports(folder):
    """Return the modules that the files of a folder import, as they are named there."""
    for file in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                yield from (one.name for one in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield node.module


def test_it_needs_what_it_holds_or_names(installed):
    found = set(imports(installed))
    own = {name for name in found if name.split(".")[0] == "testbed"}
    for name in own:
        place = installed / name.replace(".", "/")
        assert place.is_dir() or place.with_suffix(".py").is_file(), name
    others = {name.split(".")[0] for name in found - own} - set(sys.stdlib_module_names)
    come_along = {"pydantic_core", "referencing"}  # with pydantic, with jsonschema
    assert others - come_along == named() - {"beautifulsoup4"}  # soupsieve's own need


def named():
    """Return the names of the packages that are installed with the parsers."""
    return {re.split(r"[>=<]", one)[0] for one in TOLD["project"]["dependencies"]}


def come_with(names):
    """Return these packages and all that they name, and so on."""
    found, waiting = set(), list(names)
    while waiting:
        if (name := canonicalize_name(waiting.pop())) not in found:
            found.add(name)
            needs = map(Requirement, metadata.requires(name) or ())
            waiting += [one.name for one in needs if one.marker is None or one.marker.evaluate()]
    return found


def test_all_that_it_loads_comes_with_what_it_names(installed):
    """This environment has more packages than one of the parsers alone."""
    load = "import sys, testbed.tools.__main__ as _; print(*{m.split('.')[0] for m in sys.modules})"
    done = subprocess.run(
        [sys.executable, "-P", "-c", load], env={"PYTHONPATH": str(installed)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    packages, there = metadata.packages_distributions(), come_with(named())
    of_others = {
        module
        for module in done.stdout.split()
        if module in packages and not there & set(map(canonicalize_name, packages[module]))
    }
    assert of_others - {"testbed", "_distutils_hack"} <= TRIED  # setuptools loads the latter


def test_it_reads_a_file_by_itself(installed, tmp_path):
    done = subprocess.run(
        [sys.executable, "-P", "-m", "testbed.tools", str(FIXTURE), "--json"],
        cwd=tmp_path, env={"PYTHONPATH": str(installed)}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["tool"] == "ab"


def test_its_command_is_there_and_refuses_in_a_sentence(capsys):
    (place,) = TOLD["project"]["scripts"].values()
    assert place == f"{program.__name__}:{program.command.__name__}"
    assert program.main(["none.txt"]) == 2
    assert program.main([str(FIXTURE), "--tol=ab"]) == 2
    told = capsys.readouterr().err.splitlines()
    assert told[0] == "error: none.txt: no such file"
    assert "did you mean '--tool'?" in told[2]
