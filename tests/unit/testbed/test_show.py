"""What people are told of a campaign."""

from pathlib import Path

from testbed.campaign.campaign import Outcome
from testbed.cli.show import outcome_text, series_text
from testbed.model.results import Failure
from tests.unit.report import builder

FOLDER = Path("results/x")
RUNS = [builder.run(number, "flask", "index", duration_s=20, warmup_s=3) for number in (1, 2, 3)]
FAILED = builder.run(4, "flask", "index", failure=Failure(stage="start", message="no"))


def test_the_harness_cost_is_told():
    told = outcome_text(Outcome(FOLDER, RUNS, RUNS, 81))
    assert "measured 60 s of 81 s; beside load and warm-up, 4.0 s a run" in told


def test_of_a_resumed_campaign_the_cost_is_that_of_the_runs_made_now():
    told = outcome_text(Outcome(FOLDER, RUNS, RUNS[2:], 27))
    assert "3 runs: 3 valid" in told
    assert "measured 20 s of 27 s; beside load and warm-up, 4.0 s a run" in told


def test_a_failed_run_measured_nothing():
    assert "measured 0 s of 9 s" in outcome_text(Outcome(FOLDER, [FAILED], [FAILED], 9))


def test_of_a_series_what_was_finished_before_costs_nothing():
    told = series_text(FOLDER, [Outcome(FOLDER, RUNS), Outcome(FOLDER, RUNS, RUNS, 81)])
    assert "6 runs: 6 valid" in told
    assert "measured 60 s of 81 s; beside load and warm-up, 4.0 s a run" in told
