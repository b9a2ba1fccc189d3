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
# The files that take longest, first. Those that deploy other workloads follow each other, as a file
# that needs the usual ones has to put them back
FIRST = (
    "bare_metal",
    "workloads_measured",
    "own_suite",
    "own_apps_deployed",
    "versions_measured",
    "what_is_gone",
    "faults_runs",
    "validity_provoked",
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
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the lab's results."""
    return tmp_path_factory.mktemp("results")


@pytest.fixture(scope="session")
def site(lab: names.LabNames, results: Path) -> Testbed:
    """The lab with all that site.yml puts on it, and its results; any workloads may be deployed."""
    testbed = Testbed(lab.name, results)
    testbed.provision()
    return testbed


@pytest.fixture(scope="session")
def linked(site: Testbed) -> Testbed:
    """The lab with a verified link; any workloads may be deployed.

    A disturbed machine may need several tries.
    """
    for _ in range(LINK_TRIES):
        done = site.fab("link", "--duration=3", check=False)
        if done.returncode == 0:
            return site
    raise AssertionError(done.stdout + done.stderr)


@pytest.fixture(scope="module")
def provisioned(site: Testbed) -> Testbed:
    """The lab with all that site.yml puts on it for the usual workloads, and its results."""
    site.put_back()
    return site


@pytest.fixture(scope="module")
def verified(linked: Testbed, provisioned: Testbed) -> Testbed:
    """The provisioned lab with a verified link."""
    assert linked is provisioned
    return provisioned


@pytest.fixture(autouse=True)
def nothing_goes_on() -> Iterator[None]:
    """End what a failed test leaves running, so that the next one finds the hosts free."""
    yield
    Testbed.end_started()


@pytest.fixture(scope="module")
def own(linked: Testbed, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of own apps, copied and deployed."""
    folder = tmp_path_factory.mktemp("elsewhere") / "own"
    shutil.copytree(OWN_APPS, folder)
    linked.deploy("-e", f"testbed_apps_path={folder}")
    return folder


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test in this folder as `lab`, and sort the files as FIRST says.

    Otherwise one process would still run them when the others have nothing more to do.
    """
    for item in items:
        if "tests/lab/" in item.nodeid:
            item.add_marker(pytest.mark.lab)
    places = {f"test_{name}.py": place for place, name in enumerate(FIRST)}
    items.sort(key=lambda item: places.get(item.path.name, len(places)))
