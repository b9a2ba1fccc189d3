"""A campaign's course, with runs that are made up in place of carried out."""

import io
import shutil
import subprocess
from types import SimpleNamespace

import pytest
from rich.console import Console

from testbed import store
from testbed.asked.plan import plan
from testbed.campaign import campaign, course, words
from testbed.model.campaign import Campaign
from testbed.model.experiment import Capacity
from testbed.model.results import CAMPAIGN_FILE, Failure
from testbed.progress import Progress
from tests.unit.report import builder

CAPACITY = Capacity(from_rps=100, to_rps=400, p99_ms=10, errors_percent=1, precision_percent=60)


@pytest.fixture
def capacity():
    return CAPACITY


@pytest.fixture
def search(experiment, capacity, small_catalogue, tmp_path, monkeypatch):
    """Begins, or goes on with, a search for the capacity of one app, which is 250/s.

    Takes the rates whose probes fail, and of each probe whether it is invalid; gives the rates
    probed, the outcome and the stored campaign.
    """
    load = experiment.load.model_copy(
        update={"mode": "capacity", "rate_rps": None, "capacity": capacity}
    )
    asked = experiment.model_copy(
        update={"load": load, "apps": ["first"], "endpoints": ["index"], "trials": 1}
    )
    runs = plan(asked, small_catalogue, seed=1)
    file = tmp_path / CAMPAIGN_FILE
    about = builder.campaign([], asked=asked.model_dump(mode="json"))
    store.write(file, about.model_copy(update={"runs": [run.run_id for run in runs]}))
    session = SimpleNamespace(
        experiment=asked, folder=tmp_path, progress=Progress(Console(file=io.StringIO()))
    )

    def carry_out(failing=(), invalid=()):
        probed = []

        def execute(_, planned):
            rate = planned.load.rate_rps
            probed.append(rate)
            failed = Failure(stage="start", message="no") if rate in failing else None
            spoilt = len(probed) <= len(invalid) and invalid[len(probed) - 1]
            p99_us = 9000.0 if rate <= 250 and not spoilt else 11_000.0
            figures = builder.output(p99_us=p99_us, throughput_rps=4000.0, goodput_rps=4000.0)
            record = builder.run(
                1, "first", "index", figures=None if failed else figures, failure=failed,
                rate_rps=rate, verdict="invalid" if spoilt else "valid",
            ).model_copy(update={"run_id": planned.run_id})  # fmt: skip
            store.write(tmp_path / planned.run_id / "run.json", record)
            return record

        monkeypatch.setattr(course, "execute", execute)
        outcome = campaign._carry_out(session, store.read(file, Campaign), runs, None)
        return probed, outcome, store.read(file, Campaign)

    carry_out.folder = tmp_path
    return carry_out


def test_a_search_ends_with_an_interval(search):
    probed, outcome, stored = search()
    assert probed[:3] == [100, 200, 400]
    (answer,) = stored.capacities
    assert answer.at_least_rps < 250 < answer.below_rps
    assert answer.at_least_rps < answer.capacity_rps < answer.below_rps
    assert answer.runs == [record.run_id for record in outcome.records]
    assert len(outcome.made) == len(outcome.records) == len(probed) == 4


# How many probes a search may make otherwise follows from its estimate
@pytest.mark.parametrize("capacity", [CAPACITY.model_copy(update={"most_probes": 3})])
def test_an_invalid_probe_does_not_steer_and_is_made_again(search):
    probed, outcome, stored = search(invalid=[False, True])
    assert probed == [100, 200, 200]
    ids = [record.run_id.rpartition("-r")[2] for record in outcome.records]
    assert ids == ["100", "200", "200-2"]
    (answer,) = stored.capacities
    assert answer.below_rps is None  # only the invalid one missed the objective


def test_a_search_ends_if_its_probes_are_invalid(search):
    probed, _, stored = search(invalid=[False, True, True])
    assert probed == [100, 200, 200]
    (answer,) = stored.capacities
    assert answer.at_least_rps <= 100
    assert (answer.capacity_rps, answer.below_rps) == (None, None)
    assert answer.ended == "invalid probes"


def test_a_search_that_knows_nothing_says_so(search):
    _, _, stored = search(invalid=[True, True])
    (answer,) = stored.capacities
    assert (answer.at_least_rps, answer.capacity_rps, answer.below_rps) == (None, None, None)
    assert "not known" in words.capacity_text(answer)


def test_resuming_comes_to_the_same_next_probe(search):
    whole, _, stored = search()
    for probed in range(1, len(whole)):
        for run_id in stored.runs[probed:]:
            shutil.rmtree(search.folder / run_id)
        again, _, resumed = search()
        assert again == whole[probed:]
        assert resumed.capacities == stored.capacities


def test_a_probe_that_failed_is_no_answer_and_is_repeated_by_resuming(search):
    probed, outcome, stored = search(failing={200})
    assert probed == [100, 200]
    assert stored.capacities == []
    assert campaign.exit_code([outcome], strict=False) == 4
    probed, outcome, stored = search()
    assert probed[:2] == [200, 400]
    assert len(stored.capacities) == 1
    assert (len(outcome.made), len(outcome.records)) == (3, 4)
    assert campaign.exit_code([outcome], strict=False) == 0


@pytest.mark.parametrize(
    ("verdict", "strict", "code"),
    [("valid", True, 0), ("doubtful", False, 0), ("doubtful", True, 5), ("invalid", True, 5)],
)
def test_strict_ends_with_an_error_unless_all_runs_are_valid(tmp_path, verdict, strict, code):
    runs = [builder.run(1, "first", "index"), builder.run(2, "first", "index", verdict=verdict)]
    assert campaign.exit_code([campaign.Outcome(tmp_path, runs)], strict=strict) == code


def test_generators_are_found_with_what_they_say_of_their_version(tmp_path, monkeypatch):
    (tmp_path / "bin").mkdir()
    for name, says in (("told-a", "echo ' a 1.0 '; echo more; exit 1"), ("silent-a", ":")):
        (tmp_path / "bin" / name).write_text(f"#!/bin/sh\n{says}\n")
        (tmp_path / "bin" / name).chmod(0o755)
    options = {"told-a": "-V", "silent-a": None, "absent-a": None, "absent-b": "-V"}
    table = {name: SimpleNamespace(version_option=option) for name, option in options.items()}
    monkeypatch.setattr(campaign, "GENERATORS", table)

    def run(command):
        return subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)

    remote = SimpleNamespace(facts=SimpleNamespace(testbed_prefix=tmp_path), run=run)
    assert campaign.available_generators(remote) == {"told-a": "a 1.0", "silent-a": None}
