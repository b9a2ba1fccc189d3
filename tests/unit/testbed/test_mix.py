"""A mix asks several endpoints of a workload by their weights."""

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sound_run import RUN, SEEN, judge_in, output

from testbed.asked import catalogue, requests
from testbed.asked.answers import Answer
from testbed.asked.order import seed_of_requests
from testbed.asked.plan import plan
from testbed.errors import TestbedError
from testbed.model.catalogue import Workload
from testbed.model.endpoint import Endpoint, Statement
from testbed.model.tool_output import Errors, RequestFigures
from testbed.validity import sql

FRONT = "  front: {description: all together, mix: {index: 80, extra: 20}}\n"


@pytest.fixture
def mixed_folder(apps_folder):
    """The small catalogue, with a mix of both endpoints, of which app `first` serves only one."""
    file = apps_folder / "work" / "workload.yml"
    file.write_text(file.read_text() + FRONT)
    return apps_folder


def load_from(folder):
    return catalogue.load(project=folder)


def asked(experiment, **changes):
    """Return the experiment with the mix alone, by `generator: auto`, and other changes."""
    load = {**experiment.load.model_dump(), **changes.pop("load", {})}
    data = {**experiment.model_dump(), "endpoints": ["front"], "load": load, **changes}
    return type(experiment).model_validate(data)


# --- declared


def test_a_mix_asks_its_parts_by_their_weights(mixed_folder):
    workload = load_from(mixed_folder).workload("work")
    assert list(workload.parts("front")) == ["index", "extra"]
    assert workload.weights("front") == {"index": 80, "extra": 20}
    assert workload.parts("extra") == {"extra": workload.endpoints["extra"]}
    assert workload.weights("extra") == {"extra": 1}


@pytest.mark.parametrize(
    ("mix", "sentence"),
    [
        ("{index: 80, extr: 20}", "endpoints.front.mix.extr: no endpoint of this workload has that"
         " name; did you mean 'extra'?"),
        ("{index: 80, front: 20}", "endpoints.front.mix.front: is a mix itself"),
        ("{index: 80, extra: 0}", "endpoints.front.mix.extra: Input should be greater than 0"),
        ("{index: 80, extra: -1}", "endpoints.front.mix.extra: Input should be greater than 0"),
        ("{index: 80, extra: .inf}", "endpoints.front.mix.extra: Input should be a finite number"),
        ("{index: 80, extra: true}", "endpoints.front.mix.extra: Input should be a valid number"),
        ("{index: 80, extra: '20'}", "endpoints.front.mix.extra: Input should be a valid number"),
        ("{index: 80, Extra: 20}", "endpoints.front.mix.Extra: must be a name"),
        ("{}", "endpoints.front.mix: Dictionary should have at least 1 item"),
        ("[index, extra]", "endpoints.front.mix: Input should be a valid dictionary"),
        ("{index: 1}, method: POST", "endpoints.front: beside mix there is no method"),
        ("{index: 1}, expect: {status: 204}", "endpoints.front: beside mix there is no expect"),
    ],
)  # fmt: skip
def test_a_mix_that_cannot_be_asked_is_refused_with_its_line(mixed_folder, mix, sentence):
    file = mixed_folder / "work" / "workload.yml"
    file.write_text(file.read_text().replace("{index: 80, extra: 20}", mix))
    with pytest.raises(TestbedError, match=rf"workload.yml:7: {re.escape(sentence)}"):
        load_from(mixed_folder)


def test_a_misspelt_mix_is_named(mixed_folder):
    file = mixed_folder / "work" / "workload.yml"
    file.write_text(file.read_text().replace("mix:", "mixx:"))
    with pytest.raises(
        TestbedError, match=r"endpoints.front.mixx: unknown key; did you mean 'mix'"
    ):
        load_from(mixed_folder)


def test_an_app_has_no_path_for_a_mix(mixed_folder):
    file = mixed_folder / "work" / "second" / "app.yml"
    file.write_text(file.read_text().replace("extra: /extra", "extra: /extra, front: /"))
    with pytest.raises(TestbedError, match=r"app.yml:8: endpoints.front: is a mix, which has no"):
        load_from(mixed_folder)


# --- planned


def test_an_app_that_lacks_a_part_is_left_out_as_with_any_endpoint(mixed_folder, experiment):
    runs = plan(asked(experiment), load_from(mixed_folder), 1)
    assert {(run.app, run.endpoint) for run in runs} == {("second", "front")}


def test_an_app_that_is_named_must_serve_all_parts(mixed_folder, experiment):
    named = asked(experiment, apps=["first", "second"])
    with pytest.raises(TestbedError, match=r"first serves no extra, which the mix front"):
        plan(named, load_from(mixed_folder), 1)


def test_where_no_app_serves_all_parts_the_missing_ones_are_named(mixed_folder, experiment):
    file = mixed_folder / "work" / "second" / "app.yml"
    file.write_text(file.read_text().replace("index: /index, ", ""))
    with pytest.raises(TestbedError, match=r"first serves no extra"):
        plan(asked(experiment), load_from(mixed_folder), 1)


SATURATION = {"mode": "saturation", "rate_rps": None}
RAMP = {"mode": "ramp", "rate_rps": None, "ramp": {"of": "connections", "steps": [4, 8]}}
USERS = {"mode": "ramp", "rate_rps": None}
USERS |= {"ramp": {"of": "users", "steps": [10, 20], "think_s": 1}}
SEARCH = {"mode": "capacity", "rate_rps": None}
SEARCH |= {"capacity": {"from_rps": 10, "to_rps": 99, "p99_ms": 50, "errors_percent": 1}}


@pytest.mark.parametrize("load", [{}, SATURATION, RAMP, USERS, SEARCH])
def test_a_mix_is_asked_by_a_generator_that_can(mixed_folder, experiment, load):
    both = asked(experiment, endpoints=["front", "index"], load=load)
    runs = plan(both, load_from(mixed_folder), 1)
    assert {run.load.generator for run in runs if run.endpoint == "front"} == {"pacer"}
    alone = plan(asked(experiment, endpoints=["index"], load=load), load_from(mixed_folder), 1)
    assert {run.load.generator for run in runs if run.endpoint == "index"} == {
        run.load.generator for run in alone
    }


@pytest.mark.parametrize("one", ["wrk2", "h2load"])
def test_a_generator_that_asks_one_thing_is_refused(mixed_folder, experiment, one):
    load = {"generator": one, **({} if one == "wrk2" else SATURATION)}
    sentence = f"endpoint front is a mix of several: {one} asks one request again and again: take p"
    with pytest.raises(TestbedError, match=sentence) as caught:
        plan(asked(experiment, load=load), load_from(mixed_folder), 1)
    assert caught.value.place == ("load", "generator")


# --- asked


def part(name="item", weight=80.0, body=b"{}", **endpoint):
    spec = Endpoint.model_validate({"description": "d", "expect": {}, **endpoint})
    return lambda folder: requests.Part(
        name, weight, f"/{name}", spec, folder, Answer(200, "text/plain", body, 0.001)
    )


def test_the_file_says_what_is_asked_and_what_the_answers_are(tmp_path):
    (tmp_path / "new.json").write_text('{"name": "{id}"}')
    made = requests.document(
        [
            part()(tmp_path),
            part("new", 20, b"", method="POST", send={"file": "new.json"},
                 expect={"status": 201, "content_type": None})(tmp_path),
            part("clock", 0.5, expect={"varies": True, "html": [{"selector": "p", "count": 1}]})(
                tmp_path
            ),
        ]
    )  # fmt: skip
    item, new, clock = json.loads(made)["requests"]
    digest = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    assert item == {
        "name": "item",
        "weight": 80,
        "method": "GET",
        "path": "/item",
        "expect": {"status": [200], "length": 2, "sha256": digest},
    }
    assert new["headers"] == {"Content-Type": "application/json"}
    assert new["body"] == '{{"name": "{{id}}"}}'
    assert new["expect"]["status"] == [201]
    assert clock["expect"] == {"status": [200]}


@given(st.integers(0, 2**53), st.integers(1, 99), st.integers(1, 99))
def test_all_apps_and_variants_are_asked_the_same(seed, trial, other):
    one = seed_of_requests(seed, "front", f"003-flask-front-default-t{trial}-r200")
    assert one == seed_of_requests(seed, "front", f"017-django-front-few-t{trial}-r200")
    if trial != other:
        assert one != seed_of_requests(seed, "front", f"003-flask-front-default-t{other}-r200")


# --- its SQL

ITEM = Statement(texts=["SELECT * FROM item WHERE id = $1", "select item"])
PAGE = [Statement(texts=["select  item;"], calls_per_request=20), Statement(texts=["select user"])]
WEIGHTS = {"item": 80.0, "page": 20.0}


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 1000))
def test_a_statement_is_called_as_often_as_each_part_was_answered(items, pages, unclear):
    found = sql.declared(
        {"item": [ITEM], "page": PAGE, "cpu": []},
        {"item": sql.Answered(items, unclear), "page": sql.Answered(pages, 0)},
    )
    item, user = sorted(found, key=lambda one: one.texts[0])
    assert item.texts == ["SELECT * FROM item WHERE id = $1", "select item"]
    assert item.least_calls == items + 20 * pages
    assert item.most_calls == items + 20 * pages + unclear
    assert item.calls_per_request == 20
    assert (user.least_calls, user.most_calls) == (pages, pages)


def of_part(answered, warmed=0, **changes):
    return RequestFigures(
        requests=answered, correct=answered, warmup_requests=warmed, unanswered=0, **changes
    )


@settings(max_examples=20)
@given(st.data())
def test_the_sql_of_a_mix_is_judged_by_what_was_really_answered(tmp_path_factory, data):
    """Answers of any number pass with their calls; a tenth more or less of them does not."""
    answered = {name: data.draw(st.integers(0, 30_000), name) for name in WEIGHTS}
    warmed = {name: data.draw(st.integers(0, 3000), f"{name}, warm-up") for name in WEIGHTS}
    whole = {name: answered[name] + warmed[name] for name in WEIGHTS}
    right = {"select item": whole["item"] + 20 * whole["page"], "select user": whole["page"]}
    judged = judge_in(tmp_path_factory.mktemp("run"))
    figures = output(
        requests=sum(answered.values()),
        warmup_requests=sum(warmed.values()),
        by_request={name: of_part(answered[name], warmed[name]) for name in WEIGHTS},
    )

    def of_sql(calls):
        seen = [
            SEEN.model_copy(update={"text": text, "calls": count}) for text, count in calls.items()
        ]
        found = judged(
            output=figures, sql=seen, weights=WEIGHTS, statements={"item": [ITEM], "page": PAGE}
        )
        return [verdict for check, verdict, _ in found if check == "sql"]

    assert of_sql(right) == []
    # Of each connection a request may be under way at either end: 10 of them, 20 calls for a page
    for text, slack in (("select item", 20 * 2 * 10), ("select user", 2 * 10)):
        too_few = int(0.9 * right[text])
        assert of_sql(right | {text: too_few}) == (["invalid"] if right[text] else [])
        too_many = int(1.11 * right[text]) + slack + 1
        assert of_sql(right | {text: too_many}) == ["invalid"]


def test_requests_of_a_part_that_failed_may_have_reached_their_query(tmp_path):
    judged = judge_in(tmp_path)
    figures = output(
        requests=1100,
        by_request={"item": of_part(1000), "page": of_part(100, errors=Errors(timeout=50))},
    )
    for calls, verdicts in ((1000 + 20 * 150, []), (1000 + 20 * 200, ["invalid"])):
        seen = [
            SEEN.model_copy(update={"text": "select item", "calls": calls}),
            SEEN.model_copy(update={"text": "select user", "calls": 100}),
        ]
        found = judged(
            output=figures, sql=seen, weights=WEIGHTS, statements={"item": [ITEM], "page": PAGE},
            load=RUN.load.model_copy(update={"connections": 1}),
        )  # fmt: skip
        assert [verdict for check, verdict, _ in found if check == "sql"] == verdicts


def test_a_part_that_fails_is_not_lost_among_the_others(tmp_path):
    """One request of a thousand is to `page`, and all of these fail; none of the others does."""
    judged = judge_in(tmp_path)

    def of_page(page, **changes):
        parts = {"item": of_part(5994), "page": page}
        figures = output(correct=5994, by_request=parts, **changes)
        found = judged(output=figures, weights={"item": 999.0, "page": 1.0}, sql=[], statements={})
        return {(check, verdict, sentence.partition(" (")[0]) for check, verdict, sentence in found}

    wrong = of_part(6, errors=Errors(wrong_body=6)).model_copy(update={"correct": 0})
    found = of_page(wrong, errors=Errors(wrong_body=6))
    assert ("no_good_answer", "invalid", "not one request to page was answered correctly") in found
    another = "had another body than the verified one"
    assert {
        ("answer", "doubtful", f"0.1 % of the answers during the load {another}"),
        ("answer", "invalid", f"100 % of the answers to page during the load {another}"),
        ("failed_answers", "valid", "100.0 % of the answers to page were errors"),
    } <= found
    lost = of_part(0, errors=Errors(timeout=6))
    assert ("no_good_answer", "invalid") in {one[:2] for one in of_page(lost)}
    never_asked = of_part(0)
    assert of_page(never_asked) == set()


def test_without_the_figures_of_its_parts_the_sql_of_a_mix_is_not_judged(tmp_path):
    found = judge_in(tmp_path)(weights=WEIGHTS, statements={"item": [ITEM], "page": PAGE}, sql=[])
    assert [verdict for check, verdict, _ in found if check == "sql"] == ["doubtful"]


def test_the_workload_of_a_mix_needs_no_file_of_its_own():
    assert Workload.model_validate(
        {
            "schema_version": 1,
            "title": "t",
            "description": "d",
            "endpoints": {
                "one": {"description": "d", "expect": {"content_type": None}},
                "all": {"description": "d", "mix": {"one": 1}},
            },
        }
    ).parts("all")
