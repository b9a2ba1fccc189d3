from collections import Counter

import pytest
from pydantic import ValidationError

from testbed.asked import catalogue
from testbed.asked.plan import left_out, plan, workers
from testbed.errors import TestbedError
from testbed.model.catalogue import App
from testbed.model.experiment import Variant


def cells(runs):
    return [(run.app, run.endpoint, run.variant) for run in runs]


def test_every_cell_once_a_trial_in_an_order_of_its_own(experiment, small_catalogue):
    runs = plan(experiment, small_catalogue, seed=1)
    assert [run.trial for run in runs] == [1] * 3 + [2] * 3 + [3] * 3
    assert set(Counter(cells(runs)).values()) == {3}
    assert ("first", "extra", "default") not in cells(runs)
    orders = {tuple(cells(plan(experiment, small_catalogue, seed))) for seed in range(8)}
    assert len(orders) > 1


def test_the_same_seed_gives_the_same_plan(experiment, small_catalogue):
    assert plan(experiment, small_catalogue, 7) == plan(experiment, small_catalogue, 7)


def test_run_ids_number_the_plan(experiment, small_catalogue):
    runs = plan(experiment, small_catalogue, seed=1)
    assert [run.run_id[:4] for run in runs] == [f"{n:03d}-" for n in range(1, 10)]
    assert runs[0].run_id == f"001-{runs[0].app}-{runs[0].endpoint}-default-t1"


def test_a_variant_changes_only_what_it_names(experiment, small_catalogue):
    variants = {"default": Variant(), "few": Variant(apps=["first"], settings={"workers": 2})}
    varied = experiment.model_copy(update={"variants": variants, "trials": 1})
    settings = {
        (r.app, r.endpoint, r.variant): r.settings for r in plan(varied, small_catalogue, 1)
    }
    assert settings[("first", "index", "few")] == {"workers": 2, "mode": "sync"}
    assert settings[("first", "index", "default")] == {"workers": 16, "mode": "sync"}
    assert ("second", "index", "few") not in settings


def test_workers_are_compared_within_endpoint_and_variant(experiment, small_catalogue):
    variants = {
        "default": Variant(),
        "odd": Variant(app_settings={"first": {"workers": 3}}),
        "alone": Variant(apps=["second"], settings={"workers": 1}),
    }
    varied = experiment.model_copy(update={"variants": variants})
    assert workers(plan(varied, small_catalogue, 1), small_catalogue.apps_of("work")) == {
        ("index", "default"): {"first": 16, "second": 16},
        ("index", "odd"): {"first": 3, "second": 16},
        ("index", "alone"): {"second": 1},
        ("extra", "default"): {"second": 16},
        ("extra", "odd"): {"second": 16},
        ("extra", "alone"): {"second": 1},
    }


def test_apps_without_that_setting_have_no_known_workers(experiment, small_catalogue):
    runs = plan(experiment, small_catalogue, 1)
    unknown = [run.model_copy(update={"settings": {"mode": "sync"}}) for run in runs]
    assert workers(unknown, small_catalogue.apps_of("work")) == {}


def test_the_setting_that_counts_workers_is_declared(small_catalogue):
    app = small_catalogue.apps_of("work")["first"].spec.model_dump()
    setting = app["settings"].pop("workers")
    processes = app | {
        "serve": "/bin/run",
        "settings": {"processes": setting | {"role": "workers"}},
    }
    assert App(**processes).workers_of({"processes": 5}) == 5
    assert App(**app | {"serve": "/bin/run"}).workers_of({"mode": "sync"}) is None
    with pytest.raises(ValidationError, match="only one setting has role: workers, not a and b"):
        App(
            **app
            | {
                "settings": {
                    "a": setting | {"role": "workers"},
                    "b": setting | {"role": "workers", "env": "B"},
                }
            }
        )
    with pytest.raises(ValidationError, match="workers must be from 1 to 1,024"):
        App(**app | {"settings": {"processes": setting | {"role": "workers", "default": 0}}})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"apps": ["frist"]}, "unknown app of workload work: 'frist'.*did you mean 'first'"),
        ({"endpoints": ["idx"]}, "unknown endpoint of workload work: 'idx'"),
        ({"apps": ["first"], "endpoints": ["extra"]}, "there is nothing to run"),
        (
            {"apps": ["second", "first"], "endpoints": ["extra"]},
            "first has nothing to run: it serves no extra.*choose what it serves: index",
        ),
        (
            {"apps": ["first", "second"], "variants": {"v": Variant(apps=["second"])}},
            "first has nothing to run: no variant is for it",
        ),
        ({"variants": {"v": Variant(settings={"workrs": 1})}}, "'workrs'.*did you mean 'workers'"),
        ({"variants": {"v": Variant(settings={"mode": "x"})}}, "mode cannot be 'x'.*sync, async"),
        (
            {"variants": {"v": Variant(settings={"workers": "many"})}},
            "workers must be from 1 to 1,024",
        ),
    ],
)
def test_what_is_not_known_is_refused(experiment, small_catalogue, changes, message):
    with pytest.raises(TestbedError, match=f"(?s){message}"):
        plan(experiment.model_copy(update=changes), small_catalogue, 1)


def test_what_an_app_is_left_out_of_is_said(experiment, small_catalogue):
    said = ["first serves no extra: it is left out there"]
    assert left_out(experiment, plan(experiment, small_catalogue, 1)) == said
    named = experiment.model_copy(update={"apps": ["second"]})
    assert left_out(named, plan(named, small_catalogue, 1)) == []


def _asking(apps_folder, keys):
    """The catalogue, its endpoint `index` with further keys; every app's path uses {id}."""
    file = apps_folder / "work" / "workload.yml"
    told = file.read_text().replace("index: {", f"index: {{{keys}, ", 1)
    file.write_text(told)
    for app in apps_folder.glob("work/*/app.yml"):
        path = '"/index/{id}"' if "draw" in keys else "/index"
        app.write_text(app.read_text().replace("index: /index", f"index: {path}"))
    return catalogue.load(project=apps_folder)


def _by(experiment, generator):
    load = experiment.load.model_copy(update={"generator": generator})
    return experiment.model_copy(update={"load": load})


def test_what_is_drawn_is_asked_by_a_generator_that_draws(experiment, apps_folder):
    known = _asking(apps_folder, "draw: {id: {from: 1, to: 9}}")
    runs = plan(experiment, known, 1)
    assert {(run.endpoint, run.load.generator) for run in runs} == {
        ("index", "pacer"),
        ("extra", "auto"),
    }
    sentence = "endpoint index draws its values: wrk2 asks one request again and again: take pacer"
    with pytest.raises(TestbedError, match=sentence):
        plan(_by(experiment, "wrk2"), known, 1)


def test_a_method_is_asked_by_a_generator_that_can(experiment, apps_folder):
    known = _asking(apps_folder, "method: DELETE")
    assert {run.load.generator for run in plan(experiment, known, 1)} == {"auto"}
    head = (apps_folder / "work" / "workload.yml").read_text()
    head = head.replace("method: DELETE", "method: HEAD").replace("{json_file: index.json}", "{}")
    (apps_folder / "work" / "workload.yml").write_text(head)
    known = catalogue.load(project=apps_folder)
    by_pacer = [run for run in plan(experiment, known, 1) if run.load.generator == "pacer"]
    assert {run.endpoint for run in by_pacer} == {"index"}
    with pytest.raises(
        TestbedError, match="endpoint index: wrk2 cannot ask with HEAD: take pacer$"
    ):
        plan(_by(experiment, "wrk2"), known, 1)
