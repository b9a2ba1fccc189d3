"""`fab run-question`: its plan, what it hands to the campaign, how it goes on, what it refuses."""

import pytest

from testbed import store
from testbed.campaign import campaign
from testbed.cli import asking
from testbed.errors import Exit
from testbed.model.results import CAMPAIGN_FILE
from tests.unit.report import builder, question_builder
from tests.unit.testbed.called import exit_code
from tests.unit.testbed.test_questions import WORKERS


@pytest.fixture
def run_question(told, tmp_path, monkeypatch, capsys):
    """`fab run-question …` in this process: exit code, and what it printed."""
    monkeypatch.setenv(store.FOLDER_VARIABLE, str(tmp_path / "results"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "workers.yml").write_text(WORKERS)
    task = asking.asking("any", lambda folder: told.append(folder) or 0)

    def call(name="workers.yml", **given):
        code = exit_code(task, name, **given)
        printed = capsys.readouterr()
        return code, printed.out + printed.err

    return call


def test_the_plan_says_what_is_asked_and_for_how_long_and_touches_no_host(
    run_question, told, tmp_path
):
    code, said = run_question(dry_run=True)
    assert code == 0
    assert "at workers = 1, 2, 4" in said
    assert "sync (django_sync): As published." in said
    assert "threads: 8 at 1, 4 at 2, 2 at 4. Fewer in each, if there are more." in said
    assert "18 searches, each of " in said
    assert not told
    assert not (tmp_path / "results").exists()


def test_the_same_seed_gives_the_same_order(run_question):
    first, again, other = (run_question(dry_run=True, seed=seed)[1] for seed in ("3", "3", "4"))
    assert first == again != other


def test_the_campaign_has_the_question_and_its_answers_are_told(run_question, told, requests):
    code, _ = run_question(scale="small", trials="3", quiet=True)
    (request,) = requests
    assert code == 0
    assert set(request.experiment.variants) == {one.variant for one in request.question.cells}
    assert (request.experiment.trials, request.question.scale) == (3, "small")
    assert request.folder_name.endswith("-question-workers")
    assert told == [request.results_folder / request.folder_name]


def test_a_campaign_goes_on_with_the_question_that_it_was(gone_on, tmp_path):
    asked = question_builder.plan()
    experiment = campaign.experiments.load(campaign.experiments.find("saturation"))
    about = builder.campaign([], question=asked, asked=experiment.model_dump(mode="json"))
    store.write(tmp_path / "begun" / CAMPAIGN_FILE, about)
    assert gone_on(tmp_path / "begun").question == asked


def test_other_campaigns_are_not_gone_on_with(run_question, tmp_path):
    store.write(tmp_path / "other" / CAMPAIGN_FILE, builder.campaign([]))
    code, said = run_question(resume=str(tmp_path / "other"))
    assert code == Exit.BAD_INPUT
    assert "not a campaign of `fab run-question`" in said


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"stacks": ""}, "--stacks: no name given"),
        ({"stacks": "sync,sync"}, "--stacks: sync is named twice"),
        ({"stacks": "snyc"}, "did you mean 'sync'?"),
        ({"endpoints": "pgae"}, "unknown endpoint of this question: 'pgae'"),
        ({"points": "1,nan"}, "--points: 'nan'"),
        ({"points": "3"}, "workers.yml:19: stacks.sync.follows.threads.values: says no value"),
        ({"scale": "tiny"}, "--scale: "),
        ({"trials": "0"}, "--trials: "),
        ({"name": "asnyc"}, "unknown question 'asnyc'"),
        ({"name": "none.yml"}, "none.yml: no such file"),
        ({"resume": "results/x", "stacks": "sync"}, "it does not go with --stacks"),
        ({"resume": "results/x", "scale": "small"}, "it does not go with --scale"),
        ({"resume": "no/such/folder"}, "no/such/folder"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_a_sentence(run_question, told, given, said):
    code, printed = run_question(**({"dry_run": "resume" not in given} | given))
    assert code == Exit.BAD_INPUT
    assert said in printed
    assert "Traceback" not in printed
    assert not told


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("app: django_async,", "app: django_asnyc,", "workers.yml:20: stacks.async.app: unknown"),
        ("points: [4, 1, 2]", "points: [4, 4]", "workers.yml:22: scales.full.points: "),
        ("points: [4, 1, 2]", "points: [.inf]", "workers.yml:22: scales.full.points.0: "),
        ("baseline: sync", "baseline: snyc", "workers.yml:10: baseline: must be one of the stacks"),
        ("      threads:", "      thraeds:", "unknown setting of django_sync: 'thraeds'"),
        ("reason: It waits.", "raeson: It waits.", "stacks.async.raeson: unknown key; did you"),
    ],
)
def test_a_mistake_in_the_file_is_told_with_its_line(run_question, tmp_path, old, new, said):
    (tmp_path / "workers.yml").write_text(WORKERS.replace(old, new))
    code, printed = run_question(dry_run=True)
    assert code == Exit.BAD_INPUT
    assert said in printed
