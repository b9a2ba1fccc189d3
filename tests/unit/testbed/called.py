"""Call tasks of fab in this process, with campaigns that measure nothing."""

import contextlib

import pytest
from invoke.context import Context

from testbed.campaign import campaign
from testbed.errors import TestbedError
from testbed.hosts import inventory
from testbed.progress import Progress
from testbed.terminal import Terminal


def exit_code(task, *arguments, **options):
    """Return the exit code with which fab would end after the task."""
    try:
        task(Context(), *arguments, **options)
    except SystemExit as end:
        return end.code
    return 0


@pytest.fixture
def told():
    """The folders of the campaigns of which a task told what came out."""
    return []


@pytest.fixture
def requests(monkeypatch):
    """The campaigns that were to be carried out."""
    found = []

    def run(request, progress):
        found.append(request)
        return campaign.Outcome(request.results_folder / (request.folder_name or ""), [])

    monkeypatch.setattr(campaign, "run", run)
    monkeypatch.setattr(inventory, "load", lambda named: named)
    return found


@pytest.fixture
def gone_on(monkeypatch):
    """Go on with the campaign in a folder; returns the request with which that begins."""

    def call(folder):
        found = []

        def prepare(request, *rest):
            found.append(request)
            raise TestbedError("far enough")

        monkeypatch.setattr(campaign, "_prepare", prepare)
        monkeypatch.setattr(campaign, "held", lambda hosts: contextlib.nullcontext())
        with pytest.raises(TestbedError, match="far enough"):
            campaign.resume(folder, None, Progress(Terminal(), quiet=True))
        return found[0]

    return call
