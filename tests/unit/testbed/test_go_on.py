"""Campaigns that go on with trials: the first ones, how many more, and what is refused."""

import io
from contextlib import nullcontext
from types import SimpleNamespace

import pytest
from rich.console import Console

from testbed import store
from testbed.asked import until
from testbed.asked.plan import plan
from testbed.campaign import campaign, course
from testbed.errors import TestbedError
from testbed.model.campaign import Campaign
from testbed.model.results import CAMPAIGN_FILE
from testbed.progress import Progress
from tests.unit.report import builder


def test_first_trials_are_six_or_more_and_even(experiment):
    for trials, first in ((1, 6), (6, 6), (7, 8), (10, 10)):
        asked = experiment.model_copy(update={"trials": trials})
        found, watched = until.settle(asked, 3, [], None)
        assert found.trials == watched.first_trials == first
        assert watched.most_trials == 30


def test_the_most_cannot_be_fewer_than_the_first(experiment):
    with pytest.raises(TestbedError, match="--most: 5 trials are fewer than the 6"):
        until.settle(experiment, 3, [], 5)


def test_searches_have_no_ratio_to_watch(experiment):
    load = experiment.load.model_copy(update={"capacity": object()})
    with pytest.raises(TestbedError, match="capacity search"):
        until.settle(experiment.model_copy(update={"load": load}), 3, [], None)


@pytest.mark.parametrize(
    ("a", "b", "compared"),
    [
        (("index", "flask", "few"), ("index", "django", "few"), True),
        (("index", "flask", "few"), ("index", "flask", "many"), True),
        (("index", "flask", "few"), ("index", "django", "many"), False),
        (("index", "flask", "few"), ("agents", "flask", "few"), False),
    ],
)
def test_two_apps_or_two_variants_have_a_ratio(a, b, compared):
    assert until.are_compared(a, b) == until.are_compared(b, a) == compared


def test_one_app_has_no_ratio(experiment, small_catalogue):
    one = experiment.model_copy(update={"apps": ["first"], "endpoints": ["index"]})
    asked, watched = until.settle(one, 3, [], None)
    with pytest.raises(TestbedError, match="no ratio to watch"):
        until.check(asked, watched, plan(asked, small_catalogue, 1), small_catalogue)


@pytest.fixture
def watching(experiment, small_catalogue, tmp_path, monkeypatch):
    """Carries out, or goes on with, a campaign whose first trials show that 10 are needed."""
    asked, watched = until.settle(experiment, 3, [], 20)
    runs = plan(asked, small_catalogue, seed=5)
    file = tmp_path / CAMPAIGN_FILE
    about = builder.campaign([], asked=asked.model_dump(mode="json"), seed=5, until=watched)
    store.write(file, about.model_copy(update={"runs": [run.run_id for run in runs]}))
    session = SimpleNamespace(
        experiment=asked, folder=tmp_path, progress=Progress(Console(file=io.StringIO())),
        catalogue=small_catalogue,
    )  # fmt: skip
    asked_when = []

    def needed(folder):
        asked_when.append(len(list(folder.glob("*/run.json"))))
        return 10

    watch = course.Watch(lambda _: None, needed, lambda _: "")

    def carry_out(stop_after=None):
        made = []

        def execute(_, planned):
            if len(made) == stop_after:
                raise TestbedError("lost")
            made.append(planned)
            record = builder.run(1, planned.app, planned.endpoint).model_copy(
                update={"run_id": planned.run_id, "trial": planned.trial}
            )
            store.write(tmp_path / planned.run_id / "run.json", record)
            return record

        monkeypatch.setattr(course, "execute", execute)
        ends = pytest.raises(TestbedError) if stop_after is not None else nullcontext()
        with ends:
            campaign._carry_out(session, store.read(file, Campaign), runs, None, watch)
        return made, store.read(file, Campaign), asked_when

    carry_out.cells = len(runs) // 6
    return carry_out


def test_as_many_trials_are_made_as_the_first_show_to_be_needed(watching):
    made, stored, asked_when = watching()
    assert asked_when == [6 * watching.cells]
    assert {run.trial for run in made} == set(range(1, 11))
    assert len(made) == 10 * watching.cells
    assert stored.runs == [run.run_id for run in made]
    assert stored.ended_at is not None


def test_an_interrupted_one_goes_on_where_it_was(watching):
    first, _, _ = watching(stop_after=7 * watching.cells)
    second, stored, asked_when = watching()
    assert asked_when == [6 * watching.cells, 7 * watching.cells]
    assert [run.run_id for run in [*first, *second]] == stored.runs
    assert len(stored.runs) == 10 * watching.cells


def test_orders_of_more_trials_begin_with_those_of_fewer(experiment, small_catalogue):
    few, many = (
        plan(experiment.model_copy(update={"trials": trials}), small_catalogue, 9)
        for trials in (6, 17)
    )
    assert many[: len(few)] == few
