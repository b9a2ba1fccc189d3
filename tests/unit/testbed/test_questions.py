"""Question files: the searches that they become, and how each mistake is told when planning."""

import dataclasses

import pytest
import yaml
from pydantic import ValidationError

from testbed.asked import catalogue, questions
from testbed.asked.plan import plan
from testbed.errors import TestbedError
from testbed.model.question import LatencyRule, QuestionFile

APPS = catalogue.load()
# A question over a setting, of a workload that asks no other service
WORKERS = """
schema_version: 1
title: How many workers?
decision: More, or fewer.
workload: pokemon
endpoints: [page]
sweep: {setting: workers}
objective: {p99_ms: 100, errors_percent: 0.1}
search: {from_rps: 50, to_rps: 2000, connections: 100, threads: 2, timeout_s: 5}
baseline: sync
stacks:
  sync:
    app: django_sync
    reason: As published.
    settings: {worker_class: gthread}
    follows:
      threads:
        reason: Fewer in each, if there are more.
        values: {"1": 8, "2": 4, "4": 2}
  async: {app: django_async, title: Async views, reason: It waits.}
scales:
  full: {points: [4, 1, 2], trials: 3, duration_s: 20, warmup_s: 5}
  small: {points: [1, 4], trials: 2, duration_s: 3, warmup_s: 1, most_probes: 6, stacks: [sync]}
"""


def changed(*changes):
    """The question above with these keys changed: a path and a value each; None removes the key."""
    data = yaml.safe_load(WORKERS)
    for path, value in changes:
        *parents, key = path.split("/")
        inner = data
        for parent in parents:
            inner = inner[parent]
        if value is None:
            del inner[key]
        else:
            inner[key] = value
    return data


def planned(data=None, **asked):
    question = QuestionFile.model_validate(yaml.safe_load(WORKERS) if data is None else data)
    asked = questions.Choice(**({"scale": "full"} | asked))
    return questions.planned("workers", question, asked, APPS)


@pytest.mark.parametrize("name", questions.names())
@pytest.mark.parametrize("scale", ["full", "small"])
def test_every_question_here_can_be_planned(name, scale):
    question = questions.load(questions.find(name))
    asked = questions.Choice(scale=scale)
    experiment, found = questions.planned(name, question, asked, APPS)
    runs = plan(experiment, APPS, 7)
    endpoints = len(experiment.endpoints)
    assert len(runs) == endpoints * len(found.cells) * experiment.trials
    assert {run.variant for run in runs} == {cell.variant for cell in found.cells}
    assert all(stack.reason for stack in found.stacks)


def test_each_stack_at_each_point_is_searched_with_its_settings():
    experiment, found = planned()
    assert found.points == [1, 2, 4]
    assert [stack.title for stack in found.stacks] == ["Django sync view", "Async views"]
    runs = {run.variant: run.settings for run in plan(experiment, APPS, 0)}
    assert {name: (of["workers"], of.get("threads")) for name, of in runs.items()} == {
        "sync_1": (1, 8), "sync_2": (2, 4), "sync_4": (4, 2),
        "async_1": (1, None), "async_2": (2, None), "async_4": (4, None),
    }  # fmt: skip
    assert experiment.load.capacity.p99_ms == 100
    assert experiment.load.mode == "capacity"
    assert found.cell("sync", 2).settings == {"worker_class": "gthread", "threads": 4, "workers": 2}


def test_a_scale_has_its_own_points_trials_and_stacks():
    experiment, found = planned(scale="small")
    assert (found.points, [one.name for one in found.stacks]) == ([1, 4], ["sync"])
    assert (experiment.trials, experiment.load.duration_s) == (2, 3)
    assert experiment.load.capacity.most_probes == 6


def test_the_command_line_chooses_stacks_points_endpoints_and_trials():
    experiment, found = planned(stacks=["async", "sync"], points=["2", "1"], trials=7)
    assert (found.points, experiment.trials) == ([1, 2], 7)
    assert found.baseline == "sync"
    assert [stack.name for stack in found.stacks] == ["async", "sync"]


def test_without_the_baseline_the_first_stack_is_compared_with():
    assert planned(stacks=["async"])[1].baseline == "async"


def test_an_app_of_the_workload_is_a_stack_as_it_is():
    _, found = planned(stacks=["sync", "django_async"])
    stack = found.stack("django_async")
    assert (stack.app, stack.title, stack.reason) == (
        "django_async", APPS.apps_of("pokemon")["django_async"].spec.title, questions.AS_IT_IS,
    )  # fmt: skip
    assert found.cell("django_async", 2).settings == {"workers": 2}


def test_a_rule_gives_as_many_as_keep_the_cpu_busy_while_others_wait():
    rule = LatencyRule(work_ms=2.5, least=4, most=100)
    assert [rule.value(ms) for ms in (0, 10, 50, 200, 1000)] == [4, 5, 21, 81, 100]
    assert LatencyRule(work_ms=2.5, headroom=2, most=100).value(10) == 10
    # 9.999999999999998 + 1 without a guard
    assert LatencyRule(work_ms=0.1, most=100).value(0.9) == 10


def asked_async(*changes, **asked):
    """The project's question about async, with these keys changed, at small scale."""
    path = questions.find("async")
    data = yaml.safe_load(path.read_text())
    for key, value in changes:
        data[key] = value
    question = QuestionFile.model_validate(data)
    return questions.planned(
        "async", question, questions.Choice(**({"scale": "small"} | asked)), APPS
    )


def test_the_latency_is_the_variants_and_threads_follow_it():
    experiment, found = asked_async(stacks=["django_wsgi", "fastapi"])
    runs = {run.variant: run for run in plan(experiment, APPS, 0)}
    assert found.of_latency
    stacks, points = ("django_wsgi", "fastapi"), (0, 50, 200)
    assert {name: run.upstream.latency_ms for name, run in runs.items()} == {
        f"{stack}_{point}ms": point for stack in stacks for point in points
    }
    threads = [runs[f"django_wsgi_{point}ms"].settings["threads"] for point in (0, 50, 200)]
    assert threads == [8, 21, 81]
    assert found.distribution == "constant"


def test_a_log_normal_latency_has_the_points_as_medians_and_none_at_0():
    experiment, found = asked_async(("sweep", {"distribution": "lognormal", "sigma": 0.3}))
    latencies = {
        run.upstream.latency_ms: (run.upstream.distribution, run.upstream.sigma)
        for run in plan(experiment, APPS, 0)
    }
    assert latencies == {0: ("constant", 0), 50: ("lognormal", 0.3), 200: ("lognormal", 0.3)}
    assert found.distribution == "log-normal, sigma 0.3"


@pytest.mark.parametrize(
    ("changes", "asked"),
    [
        ([], {"points": ["0", "500"]}),
        ([("objective", {"p99_ms": 150, "errors_percent": 1})], {}),
        ([("sweep", {"distribution": "lognormal", "sigma": 0.5})], {}),
    ],
)
def test_an_objective_that_the_other_service_alone_exceeds_is_refused(changes, asked):
    with pytest.raises(TestbedError, match="so that no rate can have a p99 of") as error:
        asked_async(*changes, **asked)
    assert error.value.place == ("objective", "p99_ms")


def test_a_question_that_no_measurement_could_answer_is_refused():
    search = yaml.safe_load((questions.QUESTIONS / "async.yml").read_text())["search"]
    for key, value, said in (
        ("timeout_s", 0.3, "requests time out after 300 ms"),
        ("connections", 19, "19 connections cannot ask from_rps, 100 requests per second"),
    ):
        with pytest.raises(TestbedError, match=said) as error:
            asked_async(("search", search | {key: value}))
        assert error.value.place == ("search", key)


def test_points_that_hardly_differ_have_names_of_their_own():
    experiment, _ = asked_async(points=["10.00001", "10.00002"], stacks=["fastapi"])
    assert list(experiment.variants) == ["fastapi_10_00001ms", "fastapi_10_00002ms"]


def test_points_that_differ_in_no_character_of_a_name_are_told():
    data = changed(
        ("sweep", {"setting": "worker_class"}),
        ("stacks/sync/settings", {}),
        ("stacks/sync/follows", {}),
        ("stacks/async", None),
    )
    question = QuestionFile.model_validate(data)
    app = APPS.apps_of("pokemon")["django_sync"]
    classes = app.spec.settings["worker_class"].model_copy(update={"choices": ["a-b", "a.b"]})
    spec = app.spec.model_copy(update={"settings": app.spec.settings | {"worker_class": classes}})
    known = app.model_copy(update={"spec": spec})
    apps = dataclasses.replace(APPS, apps=[known])
    asked = questions.Choice("full", points=["a-b", "a.b"])
    with pytest.raises(TestbedError, match="'a-b' and 'a.b' differ only in characters"):
        questions.planned("classes", question, asked, apps)


def test_the_stack_with_more_is_known_only_beside_the_one_without():
    _, both = asked_async()
    assert both.stack("django_threads").more_of == "django_wsgi"
    _, alone = asked_async(stacks=["django_threads", "fastapi"])
    assert (alone.stack("django_threads").more_of, alone.baseline) == (None, "django_threads")


@pytest.mark.parametrize(
    ("changes", "asked", "said", "place"),
    [
        ([("stacks/sync/app", "django_snyc")], {}, "unknown app", ("stacks", "sync", "app")),
        ([("endpoints", ["pgae"])], {}, "unknown endpoint", ("endpoints",)),
        ([("workload", "pokmon")], {}, "unknown workload", ("workload",)),
        ([], {"stacks": ["snyc"]}, "unknown stack, or app of workload pokemon: 'snyc'", ()),
        ([], {"endpoints": ["pgae"]}, "unknown endpoint of this question: 'pgae'", ()),
        ([], {"points": ["1", "1.0"]}, "--points: '1.0': is named twice", ()),
        ([], {"points": ["nan"]}, "--points: 'nan'", ()),
        (
            [], {"points": ["1_0"]}, "says no value of threads at 1_0",
            ("stacks", "sync", "follows", "threads", "values"),
        ),
        ([], {"points": ["inf"]}, "--points: 'inf'", ()),
        ([], {"points": ["-1"]}, "--points: '-1': must be a finite number", ()),
        ([], {"points": ["1.5"]}, "--points: '1.5': a setting is a text or a whole number", ()),
        (
            [], {"points": ["8"]}, "says no value of threads at 8",
            ("stacks", "sync", "follows", "threads", "values"),
        ),
        (
            [("stacks/sync/follows/thraeds", {"reason": "x", "values": {"1": 1, "2": 1, "4": 1}})],
            {}, "unknown setting of django_sync: 'thraeds'",
            ("stacks", "sync", "follows", "thraeds", "values", "1"),
        ),
        (
            [("stacks/async/settings", {"threads": 4})], {}, "unknown setting of django_async:",
            ("stacks", "async", "settings", "threads"),
        ),
        (
            [("stacks/sync/settings/worker_class", "eventlet")], {}, "cannot be 'eventlet'",
            ("stacks", "sync", "settings", "worker_class"),
        ),
        (
            [], {"points": ["0"], "stacks": ["async"]},
            "--points: setting workers of django_async cannot be 0", (),
        ),
        (
            [("scales/full/points", [0]), ("stacks/sync/follows", None)], {},
            "setting workers of django_sync cannot be 0", ("scales", "full", "points"),
        ),
        ([], {"points": ["1000001"]}, "--points: '1000001': must be a finite number", ()),
        (
            [], {"points": [str(number) for number in range(1, 22)]},
            "--points: 21 points; 20 can be asked about", (),
        ),
        ([("sweep/setting", "wrokers")], {}, "unknown setting", ("sweep", "setting")),
        ([("upstream_ms", 20)], {}, "asks no other service", ("upstream_ms",)),
        (
            [("sweep", {}), ("stacks/sync/follows", None)], {}, "asks no other service", ("sweep",),
        ),
        (
            [("stacks", {"a" * 31: {"app": "django_sync", "reason": "x"}}), ("baseline", "a" * 31),
             ("scales/small/stacks", None)],
            {}, "longer than 31 characters", ("stacks", "a" * 31),
        ),
        ([("search/from_rps", 0.001)], {}, "its load is not sound", ("scales", "full")),
        ([("scales/small", None)], {"scale": "small"}, "has no scale small", ()),
    ],
)  # fmt: skip
def test_a_mistake_is_one_sentence_with_its_place(changes, asked, said, place):
    with pytest.raises(TestbedError) as error:
        planned(changed(*changes), **asked)
    assert said in error.value.message
    assert "\n" not in error.value.message
    assert error.value.place == place


def test_an_app_that_lacks_an_endpoint_is_named():
    data = changed(
        ("workload", "agents"), ("endpoints", ["agents_with_orm"]),
        ("stacks", {"flask": {"app": "flask", "reason": "x"}}), ("baseline", "flask"),
        ("scales/small/stacks", None),
    )  # fmt: skip
    with pytest.raises(TestbedError) as error:
        planned(data)
    assert error.value.message == "flask serves no agents_with_orm"
    assert error.value.place == ("stacks", "flask", "app")


RULE = {"reason": "x", "rule": {"work_ms": 2, "most": 9}}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ([("baseline", "snyc")], "must be one of the stacks: sync, async"),
        ([("scales/full/points", [1, 2, 1.0])], "named twice"),
        ([("scales/full/points", [1, float("inf")])], "must be a finite number"),
        ([("scales/full/points", [1, float("nan")])], "must be a finite number"),
        ([("scales/full/points", [True])], "must be a number or a text"),
        ([("scales/full/points", [-1])], "must be a finite number"),
        ([("scales/full/points", [1.5])], "a setting is a text or a whole number"),
        ([("scales/full/points", [])], "at least 1"),
        ([("scales/small/stacks", ["snyc"])], "one of the question's stacks: sync, async"),
        ([("scales/small/endpoints", ["pgae"])], "one of the question's endpoints: page"),
        ([("stacks/sync/settings/workers", 4)], "is what the question sweeps"),
        ([("stacks/sync/settings/threads", 4)], "stands in settings, too"),
        ([("stacks/sync/follows/workers", RULE)], "is what the question sweeps"),
        ([("stacks/sync/follows/threads", RULE)], "a rule follows a latency"),
        ([("stacks/sync/follows/threads/values", {})], "give a rule, or values"),
        ([("stacks/sync/more_of", "sync")], "must be another of the stacks: async"),
        (
            [("stacks/sync/more_of", "async"), ("stacks/async/more_of", "sync")],
            "async is itself one with more of sync",
        ),
        ([("sweep/setting", "upstream")], "leave it out to sweep the latency"),
        (
            [
                (
                    "stacks/sync/follows/threads",
                    {"reason": "x", "rule": {"work_ms": 1e-9, "most": 9}},
                )
            ],
            "greater than or equal to 0.001",
        ),
        ([("sweep/distribution", "lognormal")], "the distribution is that of a latency"),
        ([("sweep", {"distribution": "lognormal"})], "sigma belongs to the distribution"),
        ([("sweep", {}), ("upstream_ms", 5)], "the latency is swept"),
        ([("sweep", {}), ("scales/full/points", ["fast"])], "a latency is a number"),
        ([("sweep", {}), ("scales/full/points", [0, 1e-9])], "a latency is 0, or 0.001 ms"),
        ([("search/threads", 200)], "more threads than connections"),
        ([("search/from_rps", 5000)], "is more than to_rps"),
        ([("scales", {"tiny": {}})], "full"),
        ([("stacks", {})], "at least 1"),
        ([("stacks/async/app", None)], "required"),
    ],
)
def test_a_file_that_does_not_fit_together_is_refused(changes, said):
    with pytest.raises(ValidationError) as error:
        QuestionFile.model_validate(changed(*changes))
    assert said in str(error.value)
