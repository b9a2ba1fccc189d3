"""A campaign's course, with runs that are made up in place of carried out."""

import io
import subprocess
from types import SimpleNamespace

import pytest
from rich.console import Console

from testbed import store
from testbed.asked.plan import plan
from testbed.campaign import campaign
from testbed.model.experiment import Capacity
from testbed.model.results import CAMPAIGN_FILE, Campaign, Failure
from testbed.progress import Progress
from tests.unit.report import builder

CAPACITY = Capacity(from_rps=100, to_rps=400, p99_ms=10, errors_percent=0, precision_percent=60)


@pytest.fixture
def search(experiment, small_catalogue, tmp_path, monkeypatch):
    """Begins, or goes on with, a search for the capacity of one app, which is 250/s.

    Takes the rates whose probes fail; gives the rates probed, the outcome and the stored campaign.
    """
    load = experiment.load.model_copy(
        update={"mode": "capacity", "rate_rps": None, "capacity": CAPACITY}
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

    def carry_out(failing=()):
        probed = []

        def execute(_, planned):
            rate = planned.load.rate_rps
            probed.append(rate)
            failed = Failure(stage="start", message="no") if rate in failing else None
            figures = builder.output(p99_us=9000.0 if rate <= 250 else 11_000.0)
            record = builder.run(
                1, "first", "index", figures=None if failed else figures, failure=failed,
                rate_rps=rate,
            ).model_copy(update={"run_id": planned.run_id})  # fmt: skip
            store.write(tmp_path / planned.run_id / "run.json", record)
            return record

        monkeypatch.setattr(campaign, "execute", execute)
        outcome = campaign._carry_out(session, store.read(file, Campaign), runs, None)
        return probed, outcome, store.read(file, Campaign)

    return carry_out


def test_a_search_ends_with_a_bracket(search):
    probed, outcome, stored = search()
    assert probed == [100, 200, 400, 300]
    (answer,) = stored.capacities
    assert (answer.at_least_rps, answer.below_rps) == (200, 300)
    assert len(outcome.made) == len(outcome.records) == 4


def test_a_probe_that_failed_is_no_answer_and_is_repeated_by_resuming(search):
    probed, outcome, stored = search(failing={200})
    assert probed == [100, 200]
    assert stored.capacities == []
    assert campaign.exit_code([outcome], strict=False) == 4
    probed, outcome, stored = search()
    assert probed == [200, 400, 300]
    assert [answer.at_least_rps for answer in stored.capacities] == [200]
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
