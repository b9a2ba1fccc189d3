"""What people are told of a campaign."""

import re
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from testbed.asked import capacity, catalogue
from testbed.asked.plan import plan
from testbed.campaign.campaign import Outcome
from testbed.cli.show import minutes_text, outcome_text, plan_text, series_text
from testbed.model.experiment import Capacity, Experiment, Variant
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


def planned(**load):
    shared = {"connections": 10, "threads": 1, "duration_s": 20, "warmup_s": 6, "timeout_s": 5}
    question = {"title": "t", "description": "d", "schema_version": 1, "workload": "agents"}
    one = {"apps": ["flask", "django"], "endpoints": ["index"], "trials": 3}
    return Experiment.model_validate({**question, **one, "load": shared | load})


def told_plan(experiment):
    return plan_text(experiment, plan(experiment, catalogue.load(), 1))


def test_a_plan_of_searches_tells_how_long_they_take_at_most():
    limits = {"from_rps": 200, "to_rps": 5000, "p99_ms": 50, "errors_percent": 0.1}
    told = told_plan(planned(mode="capacity", capacity=limits | {"most_probes": 8}))
    assert told.endswith(
        "6 searches, each of 8 such runs at most: about 26 min if all take as many"
    )
    told = told_plan(planned(mode="constant_rate", rate_rps=10))
    assert told.endswith("6 runs, about 3 min")


def test_a_plan_has_each_app_s_settings_once_and_fits_a_terminal():
    shared = {"apps": ["flask", "django"], "app_settings": {}}
    experiment = planned(mode="constant_rate", rate_rps=10).model_copy(
        update={
            "variants": {
                "default": Variant.model_validate(shared),
                "pool": Variant.model_validate(shared | {"settings": {"database_access": "pool"}}),
            }
        }
    )
    told = told_plan(experiment)
    assert max(map(len, told.splitlines())) <= 80
    assert told.count("worker_class=") == 2  # one for each app
    assert "    variant pool: database_access=pool\n" in told
    assert len(re.findall(r"^  \d\d\d-\S+$", told, re.MULTILINE)) == 12
    assert told.endswith("12 runs, about 7 min")


@given(st.integers(0, 10_000_000))
def test_no_duration_has_sixty_minutes(duration_s):
    hours, minutes = re.fullmatch(r"(?:(\d+) h )?(\d+) min", minutes_text(duration_s)).groups()
    assert int(minutes) < (60 if hours else 120)
    assert abs(int(hours or 0) * 3600 + int(minutes) * 60 - duration_s) <= 30


@given(
    from_rps=st.integers(1, 5000), factor=st.floats(1, 100), share=st.floats(0.004, 1.2),
    precision=st.floats(0.5, 50),
)  # fmt: skip
def test_no_search_makes_more_probes_than_the_plan_tells(from_rps, factor, share, precision):
    limits = Capacity(
        from_rps=from_rps, to_rps=from_rps * factor, p99_ms=50, errors_percent=0.1,
        precision_percent=precision,
    )  # fmt: skip
    assert capacity.most_probes(limits, from_rps * factor * share) <= capacity.longest(limits)
