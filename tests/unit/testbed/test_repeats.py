"""An app against itself, in campaigns that are repeated: begun, gone on with, and refused."""

import subprocess
import sys

import pytest

from testbed.campaign import campaign, versions
from testbed.cli import comparing
from testbed.errors import Exit, Interrupted
from tests.unit.report import builder
from tests.unit.testbed.called import exit_code
from tests.unit.testbed.own_versions import SOUND


@pytest.fixture
def run_aa(own, capsys):
    """`fab run-aa EXPERIMENT --apps-path=own --app=catalogue`, in this process."""
    judged = []
    task = comparing.measuring_noise("any", lambda folder: judged.append(folder) or 0)

    def call(**given):
        options = {"apps_path": str(own), "app": "catalogue", "repeats": "3"} | given
        code = exit_code(task, str(own.parent / "experiment.yml"), **options)
        return code, *capsys.readouterr(), judged

    return call


def test_an_app_against_itself_is_repeated_in_campaigns_of_their_own(run_aa, own, deployed):
    seen = deployed["requests"]
    code, out, err, (folder,) = run_aa(seed="7", quiet=True)
    assert (code, err) == (0, "")
    assert "3 campaigns" in out
    assert [request.folder_name for request in seen] == ["repeat-1", "repeat-2", "repeat-3"]
    assert len({request.seed for request in seen}) == 3
    assert {request.parent for request in seen} == {folder}
    assert all(request.versions.differences == [] for request in seen)
    assert list(deployed["apps"]) == ["catalogue", "catalogue_new", "catalogue_old"]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"app": None}, "--app: missing"),
        ({"app": "katalog"}, "unknown app"),
        ({"repeats": "1"}, "--repeats: "),
        *(({"repeats": value}, "--repeats: ") for value in ("many", "", "inf", "2.5", "1001")),
        ({"repeats": "true"}, "--repeats: "),
        ({"repeats": "9" * 5000}, "--repeats: "),
        ({"apps": "catalogue"}, "--apps does not go with run-aa"),
        ({"resume": "results/x"}, "does not go with --apps-path"),
        ({"until": "3%"}, "--until does not go with run-aa"),
    ],
)
def test_what_cannot_be_repeated_is_one_sentence(run_aa, given, says):
    code, out, err, _ = run_aa(dry_run=True, **given)
    assert (code, out) == (Exit.BAD_INPUT, "")
    assert says in err


@pytest.fixture
def interrupted(run_aa, own, deployed, monkeypatch):
    """The folder of repeats of which the first was measured and the second was interrupted."""

    def begin(request, progress):
        deployed["requests"].append(request)
        number = len(deployed["requests"])
        about = builder.campaign(
            [], asked=request.experiment.model_dump(mode="json"), versions=request.versions,
            seed=request.seed, campaign=request.folder_name, experiment=request.name,
        )  # fmt: skip
        ended = about.ended_at if number == 1 else None
        folder = request.parent / request.folder_name
        builder.write(folder, about.model_copy(update={"ended_at": ended}), [])
        if number == 2:
            raise Interrupted("lost the server")
        return campaign.Outcome(folder, [])

    monkeypatch.setattr(versions.campaign, "run", begin)
    code, _, err, judged = run_aa(seed="7")
    assert (code, judged) == (Exit.RUN_INTERRUPTED, [])
    (folder,) = (own.parent / "results").iterdir()
    assert f"{folder.name} --repeats=3`" in "".join(err.split("\n"))
    return folder


def test_repeats_go_on_where_they_stopped(run_aa, deployed, interrupted, monkeypatch):
    resumed = []

    def resume(folder, hosts, progress, *, within):
        resumed.append((folder.name, within))
        return campaign.Outcome(folder, [])

    monkeypatch.setattr(versions.campaign, "resume", resume)
    begun, deployed["apps"] = list(deployed["requests"]), None
    options = {"apps_path": None, "app": None, "resume": str(interrupted)}
    code, out, err, judged = run_aa(**options)
    assert (code, err, judged) == (0, "", [interrupted])
    assert "3 campaigns" in out
    assert resumed == [("repeat-2", interrupted.name)]
    (made,) = deployed["requests"][2:]
    assert (made.folder_name, made.parent, made.name) == ("repeat-3", interrupted, begun[0].name)
    assert (made.experiment, made.versions) == (begun[0].experiment, begun[0].versions)
    assert made.seed not in {request.seed for request in begun}
    assert list(deployed["apps"]) == ["catalogue", "catalogue_new", "catalogue_old"]


def test_more_repeats_than_at_first_have_names_of_their_own(run_aa, deployed, interrupted):
    (interrupted / "repeat-2" / "campaign.json").unlink()
    (interrupted / "repeat-2").rmdir()
    run_aa(apps_path=None, app=None, resume=str(interrupted), repeats="11")
    names = [request.folder_name for request in deployed["requests"][2:]]
    assert names == [f"repeat-{number:02}" for number in range(2, 12)]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({}, "no campaign of an app against itself began here"),
        ({"app": "catalogue"}, "does not go with --app"),
        ({"seed": "1"}, "does not go with --seed"),
        ({"duration": "1"}, "does not go with --duration"),
        ({"dry_run": True}, "does not go with --dry-run"),
        ({"resume": "nowhere"}, "nowhere"),
    ],
)
def test_repeats_that_cannot_go_on_are_one_sentence(run_aa, deployed, tmp_path, given, says):
    (tmp_path / "repeat-x").mkdir()
    (tmp_path / "repeat-x" / "campaign.json").write_text("{}")
    options = {"apps_path": None, "app": None, "resume": str(tmp_path)} | given
    code, out, err, judged = run_aa(**options)
    assert (code, out, judged, deployed["requests"]) == (Exit.BAD_INPUT, "", [], [])
    assert says in err


def test_an_app_against_itself_needs_no_experiment(own):
    command = [sys.executable, "-m", "fabric", "run-aa", "--app=nothing", "--dry-run"]
    done = subprocess.run(
        command, cwd=SOUND.parents[3], capture_output=True, text=True, check=False
    )
    assert done.returncode == Exit.BAD_INPUT
    assert "unknown app of workload agents: 'nothing'" in done.stderr
