"""Give bad input to the commands that users call; each must soon fail with exit code 2.

The error must be one sentence.
"""

import functools
import shutil
import signal
import sys
from pathlib import Path

import pytest
from invoke.context import Context
from refusals import Called

from testbed import bundle
from testbed.asked import catalogue
from testbed.cli import measuring

SOUND = Path(__file__).parent / "sound"
HANGS_AFTER_S = 600  # what draws examples takes some seconds; a busy machine takes far longer


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Copy the sound files: an experiment, an apps folder `own`, and the `apps` of a small project.

    The real apps of the project are not used, because it would take long to read them each time.
    """
    shutil.copytree(SOUND, tmp_path, dirs_exist_ok=True)
    load = functools.partial(catalogue.load, project=tmp_path / "apps")
    monkeypatch.setattr(catalogue, "load", load)
    monkeypatch.setattr(bundle, "ARCHIVES", tmp_path / "archives")
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    yield tmp_path
    for number, handler in handlers.items():  # the tasks replaced them
        signal.signal(number, handler)


@pytest.fixture(autouse=True)
def _ends():
    """Make a test fail if it hangs."""

    def give_up(*_):
        raise TimeoutError("this hangs")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(HANGS_AFTER_S)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def fab_run(place, capsys):
    """`fab run EXPERIMENT --apps-path=own --dry-run`, in this process."""
    task = measuring.measuring_any("any")

    def call(experiment=None, **given):
        options = {"apps_path": str(place / "own"), "dry_run": True} | given
        options = {name: value for name, value in options.items() if value is not None}
        experiment = place / "experiment.yml" if experiment is None else experiment
        code = 0
        try:
            task(Context(), str(experiment), **options)
        except SystemExit as end:
            code = end.code
        return Called(code, capsys)

    return call


@pytest.fixture
def pack(place, capsys, monkeypatch):
    """`python -m testbed.bundle work shop --apps-path own`, as site.yml calls it."""

    def call(own=None):
        own = place / "own" if own is None else own
        monkeypatch.setattr(sys, "argv", ["bundle", "--apps-path", str(own), "work"])
        return Called(bundle.main(), capsys)

    return call
