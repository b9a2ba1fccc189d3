"""The lab of the tests. It has its own name, so that a lab of the user is never touched.

$TESTBED_TEST_LAB gives it another name than 'test'. With $TESTBED_KEEP_LAB it stays up afterwards.
"""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from testbed.lab import control, host, names
from tests.lab.campaigns import PATIENCE_S, Testbed

LINK_TRIES = 10
OWN_APPS = Path(__file__).with_name("own_apps")
# Files that take more than five minutes each, the longest first
LONGEST = (
    "bare_metal",
    "faults_runs",
    "workloads_measured",
    "validity_provoked",
    "own_suite",
    "own_apps_deployed",
    "versions_measured",
    "faults_link",
    "campaigns",
)
# Each of several processes of pytest (gw0, gw1…) has a lab of its own
PROCESS = os.environ.get("PYTEST_XDIST_WORKER", "").removeprefix("gw")
TEST_LAB = os.environ.get("TESTBED_TEST_LAB", "test") + PROCESS


@pytest.fixture(scope="session")
def lab() -> Iterator[names.LabNames]:
    """A lab that is up, and is taken down at the end, whatever happens."""
    try:
        control.up(TEST_LAB, print)
        yield names.lab(TEST_LAB)
    finally:
        if "TESTBED_KEEP_LAB" not in os.environ:
            control.down(TEST_LAB, print)


@pytest.fixture(scope="session")
def ssh(lab: names.LabNames) -> Callable[..., str]:
    """A function that runs a command line on a host as root, and returns what it printed."""

    def run(role: str, *words: str, check: bool = True) -> str:
        one = lab.server if role == "server" else lab.client
        line = host.ssh_command(lab, one, *words)
        done = subprocess.run(line, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
        assert not check or done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
        return (done.stdout if check else done.stdout + done.stderr).strip()

    return run


@pytest.fixture(scope="session")
def provisioned(lab: names.LabNames, tmp_path_factory: pytest.TempPathFactory) -> Testbed:
    """The lab with everything that site.yml puts on it for the usual workloads, and its results."""
    testbed = Testbed(lab.name, tmp_path_factory.mktemp("results"))
    testbed.run("ansible-playbook", "site.yml")
    return testbed


@pytest.fixture(scope="session")
def verified(provisioned: Testbed) -> Testbed:
    """The provisioned lab with a verified link. A disturbed machine may need several tries."""
    for _ in range(LINK_TRIES):
        done = provisioned.fab("link", "--duration=3", check=False)
        if done.returncode == 0:
            return provisioned
    raise AssertionError(done.stdout + done.stderr)


@pytest.fixture(autouse=True)
def nothing_goes_on() -> Iterator[None]:
    """End what a failed test leaves running, so that the next one finds the hosts free."""
    yield
    Testbed.end_started()


@pytest.fixture(scope="module")
def own(verified: Testbed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of own apps, copied and deployed; afterwards the hosts are as before."""
    folder = tmp_path_factory.mktemp("elsewhere") / "own"
    shutil.copytree(OWN_APPS, folder)
    verified.deploy("-e", f"testbed_apps_path={folder}")
    yield folder
    verified.deploy()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test in this folder as `lab`, and put the longest files first.

    Otherwise one process would still run them when the others have nothing more to do.
    """
    for item in items:
        if "tests/lab/" in item.nodeid:
            item.add_marker(pytest.mark.lab)
    places = {f"test_{name}.py": place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.name, len(places)))
