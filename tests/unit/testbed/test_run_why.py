"""`fab run-why`: its plan, what it hands to the campaign, how it goes on, and what it refuses."""

import pytest

from bench.why import factorial_of
from testbed import store
from testbed.campaign import campaign
from testbed.cli import explaining
from testbed.errors import Exit
from testbed.model.results import CAMPAIGN_FILE
from tests.unit.report import builder
from tests.unit.testbed.called import exit_code

BOTH = {"app": "aiohttp_api_hour", "against": "django"}


@pytest.fixture
def run_why(told, tmp_path, monkeypatch, capsys):
    """`fab run-why saturation …` in this process: exit code, and what it printed."""
    monkeypatch.setenv(store.FOLDER_VARIABLE, str(tmp_path / "results"))
    task = explaining.measuring_why("any", lambda folder: told.append(folder) or 0)

    def call(name="saturation", **given):
        code = exit_code(task, name, **given)
        printed = capsys.readouterr()
        return code, printed.out + printed.err

    return call


def test_the_plan_names_factors_and_cells_and_touches_no_host(run_why, told, tmp_path):
    code, said = run_why(**BOTH, factors="keepalive,pool", dry_run=True, endpoints="agents")
    assert code == 0
    assert "keepalive: kept against closed" in said
    assert "a full factorial: 8 combinations, 8 of them to be measured" in said
    assert "32 runs" in said
    assert said.count("-t1\n") == 8
    assert not told
    assert not (tmp_path / "results").exists()


def test_the_campaign_has_the_factorial_and_its_shares_are_told(run_why, told, requests):
    code, _ = run_why(**BOTH, factors="pool", trials="3", quiet=True)
    (request,) = requests
    assert code == 0
    assert [factor.name for factor in request.why.factors] == ["pool"]
    assert set(request.experiment.variants) == {cell.variant for cell in request.why.cells}
    assert request.experiment.trials == 4
    assert request.folder_name.endswith("-why-saturation")
    assert told == [request.results_folder / request.folder_name]


def test_a_plan_says_that_an_odd_number_of_trials_is_raised(run_why):
    _, odd = run_why(**BOTH, factors="pool", trials="3", dry_run=True)
    _, even = run_why(**BOTH, factors="pool", trials="4", dry_run=True)
    assert "4 trials in place of 3" in odd
    assert "in place of" not in even


def test_a_campaign_goes_on_as_the_factorial_that_it_was(gone_on, tmp_path):
    why = factorial_of(["pool"])
    asked = campaign.experiments.load(campaign.experiments.find("saturation"))
    about = builder.campaign([], why=why, asked=asked.model_dump(mode="json"))
    store.write(tmp_path / "begun" / CAMPAIGN_FILE, about)
    assert gone_on(tmp_path / "begun").why == why


def test_other_campaigns_are_not_gone_on_with(run_why, tmp_path):
    store.write(tmp_path / "other" / CAMPAIGN_FILE, builder.campaign([]))
    code, said = run_why(resume=str(tmp_path / "other"))
    assert code == Exit.BAD_INPUT
    assert "not a campaign of `fab run-why`" in said


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "--app and --against: missing"),
        ({"app": "django"}, "--against: missing"),
        ({"app": "django", "against": "django"}, "name the same app"),
        (BOTH | {"factors": ""}, "--factors: no name given"),
        (BOTH | {"factors": "pool,pool"}, "--factors: pool is named twice"),
        (BOTH | {"factors": "threads=4,threads=8"}, "threads is named twice"),
        (BOTH | {"factors": "speed"}, "unknown factor"),
        (BOTH | {"apps": "django"}, "--apps does not go with run-why"),
        (BOTH | {"until": "3%"}, "--until does not go with run-why"),
        (BOTH | {"resume": "results/x"}, "does not go with --app and --against"),
        (BOTH | {"endpoints": "agents_with_orm"}, "serve none of the experiment's endpoints both"),
        ({"resume": "no/such/folder"}, "no/such/folder"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_a_sentence(run_why, told, given, said):
    code, printed = run_why(**given)
    assert code == Exit.BAD_INPUT
    assert said in printed
    assert "Traceback" not in printed
    assert not told
