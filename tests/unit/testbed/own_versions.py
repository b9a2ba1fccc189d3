"""An app of which there are two versions, and campaigns of them that measure nothing."""

import io
import shutil
import subprocess
from pathlib import Path

import pytest

from testbed import store
from testbed.asked import catalogue
from testbed.campaign import campaign, versions
from testbed.errors import Exit, TestbedError
from testbed.hosts import inventory

SOUND = Path(__file__).parents[1] / "bad_input" / "sound"


def git(folder, *words):
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", str(folder), *identity, *words], check=True, capture_output=True)


@pytest.fixture
def own(tmp_path, monkeypatch):
    """An apps folder in a git repository of two commits; in the second, the app has changed."""
    shutil.copytree(SOUND, tmp_path, dirs_exist_ok=True)
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "one")
    git(tmp_path, "tag", "v1")
    app = tmp_path / "own" / "shop" / "catalogue"
    (app / "service.py").write_text("print('two')\n")
    (app / "more.py").write_text("")
    declared = (app / "app.yml").read_text()
    (app / "app.yml").write_text(declared.replace("WORKERS, default: 4", "WORKERS, default: 8"))
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "two")
    monkeypatch.setenv(store.FOLDER_VARIABLE, str(tmp_path / "results"))
    return tmp_path / "own"


@pytest.fixture
def deployed(own, monkeypatch):
    """Deploys and measures nothing; gives what was to be deployed, and the campaign's request."""
    seen = {"requests": []}

    def play(name, place, *, ask_password, variables, options):
        seen["playbook"] = (name, ask_password, options)
        seen["apps"] = catalogue.load(variables["testbed_apps_path"]).apps_of("shop")
        if seen.get("fails"):
            raise TestbedError("ansible-playbook ended with an error", exit_code=Exit.NOT_READY)

    def run(request, progress):
        seen["request"] = request
        seen["requests"].append(request)
        (request.parent / request.folder_name).mkdir(exist_ok=True)
        (request.parent / request.folder_name / "campaign.json").write_text("{}")
        return campaign.Outcome(request.parent / request.folder_name, [])

    monkeypatch.setattr(versions.playbook, "play", play)
    monkeypatch.setattr(versions, "held", lambda *_, **__: io.StringIO())  # any context manager
    monkeypatch.setattr(versions.campaign, "run", run)
    monkeypatch.setattr(inventory, "load", lambda _: None)
    return seen
