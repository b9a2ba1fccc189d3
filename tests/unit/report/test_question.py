"""`python -m analysis question` on campaigns whose truth is known: answers, page, chart, words."""

import json
import math
from urllib.parse import unquote

import pytest

from analysis import evidence, html
from analysis.__main__ import main
from analysis.load import load
from testbed.errors import Exit
from testbed.model.results import Finding
from tests.unit.draws import same_dice
from tests.unit.report import builder, question_builder
from tests.unit.report.question_builder import POINTS, plan

__all__ = ["same_dice"]  # fixtures


def threads(point):
    """The capacity of a server whose 40 threads wait for the dependency."""
    return 1 / (1 / 1200 + point / 1000 / 40)


@pytest.fixture
def measured(tmp_path, same_dice):
    """Writes a campaign of stacks whose true capacities are given, and returns its folder."""

    def write(true, asked=None, sd=0.01, **other):
        def capacity(stack, point, trial):
            value = true(stack, point)
            return None if value is None else value * math.exp(same_dice.normal(0, sd))

        folder = tmp_path / f"question-{len(list(tmp_path.iterdir()))}"
        return question_builder.write(folder, asked or plan(), capacity, **other)

    return write


@pytest.fixture
def answered(measured, capsys):
    """Writes such a campaign; gives the exit code and the document that `question` prints."""

    def run(true, *options, **given):
        code = main(["question", str(measured(true, **given)), "--json", *options])
        return code, json.loads(capsys.readouterr().out)

    return run


def crossing(stack, point):
    """Tasks serve 800/s whatever the latency, threads more without any and less with much."""
    return threads(point) if stack == "threads" else 800.0


def test_the_crossover_lies_where_the_curves_cross(answered):
    code, said = answered(crossing)
    truth = next(ms for ms in range(200) if threads(ms) < 800)
    (capacity, cpu) = said["compared"]
    assert code == 0
    assert [one["verdict"] for one in capacity["points"]] == ["behind", "behind", "ahead", "ahead"]
    assert capacity["crossover"]["course"] == "rises"
    assert (capacity["crossover"]["above"], capacity["crossover"]["below"]) == (10, 50)
    assert 10 < truth < 50
    assert capacity["crossover"]["about"] == pytest.approx(truth, rel=0.4)
    assert cpu["crossover"]["course"] == "level"
    (first, second) = said["answers"]["upstream"]
    assert first["answer"].startswith("From somewhere between 10 and 50 ms of latency on (about ")
    assert first["answer"].endswith("Tasks serves more than Threads; below that, it serves less.")
    assert first["detail"].startswith("At 50 ms 1.")
    assert second["answer"] == (
        "No crossover within 0 to 200 ms: Tasks against Threads, both take as much CPU time per "
        "answer."
    )


def test_one_that_is_always_ahead_crosses_nowhere(answered):
    _, said = answered(lambda stack, point: 900.0 if stack == "tasks" else 600.0)
    assert said["compared"][0]["crossover"]["course"] == "ahead"
    assert "No crossover within 0 to 200 ms: Tasks serves more than Threads." in str(said)


def test_parallel_lines_that_scatter_cannot_be_told_apart(answered):
    _, said = answered(lambda stack, point: 900.0, sd=0.15, trials=3)
    words = {one["verdict"] for one in said["compared"][0]["points"]}
    assert words <= {"cannot be told apart", "level"}
    assert said["compared"][0]["crossover"]["course"] == "untold"
    assert (
        "Tasks and Threads cannot be told apart in how much they serve within 0 to 200 ms"
        in str(said)
    )


def test_points_of_few_trials_tell_together_what_none_tells_by_itself(answered):
    _, said = answered(lambda stack, point: 400.0 if stack == "tasks" else 900.0, sd=0.4, trials=3)
    (capacity, cpu) = said["compared"]
    assert {one["verdict"] for one in capacity["points"]} == {"cannot be told apart"}
    assert capacity["overall"]["verdict"] == "behind"
    ratio = capacity["overall"]["ratio"]
    assert ratio["low"] < 400 / 900 < ratio["high"] < 0.8
    assert cpu["overall"]["verdict"] == "level"
    first = said["answers"]["upstream"][0]
    assert first["answer"] == (
        "All latencies within 0 to 200 ms together, Tasks serves less than Threads; at no single "
        "one can they be told apart, so no crossover was seen."
    )
    assert first["detail"].startswith("All together 0.")


def test_of_one_trial_and_of_a_point_without_data_nothing_is_told_together(answered):
    _, said = answered(crossing, trials=1, sd=0)
    assert said["compared"][0]["overall"]["verdict"] == "cannot be told apart"
    _, said = answered(lambda stack, point: None if point == 50 else 900.0)
    assert said["compared"][0]["overall"] is None


def test_a_doubt_that_many_cells_share_is_told_once(answered):
    def lagged(stack, point, trial):
        of = f"the generator lagged: p99 {1000 + trial} us (limit 1000)"
        lag = [Finding(verdict="doubtful", check="generator_lag_p99_us", sentence=of)]
        few = [Finding(verdict="doubtful", check="samples", sentence="only 9 answers.")]
        return [*lag, *(few if (stack, point) == ("tasks", 50) else [])]

    _, said = answered(crossing, findings=lagged)
    lag, few = said["remarks"]
    assert lag == (
        "Counted, but doubtful, in 64 of 64 probes (all 8 cells): the generator lagged: p99 1001 "
        "to 1004 us (limit 1000)."
    )
    assert few == ("Counted, but doubtful, in 8 of 64 probes (Tasks, at 50 ms): only 9 answers.")


def test_one_trial_decides_nothing_and_has_the_interval_of_its_search(answered):
    _, said = answered(crossing, trials=1, sd=0)
    assert {one["verdict"] for one in said["compared"][0]["points"]} == {"cannot be told apart"}
    cell = said["cells"][1]["capacity_rps"]
    assert (cell["low"], cell["value"], cell["high"]) == (776, 800, 824)


@pytest.mark.parametrize(
    ("enough", "said"),
    [
        (1950.0, "have done? At 0 ms yes, and more (Tasks 0.4"),
        (800.0, "at 50 ms yes (Tasks "),
        (490.0, "at 50 ms no (Tasks 1.6"),
    ],
)
def test_it_is_said_whether_more_threads_would_have_done(answered, enough, said):
    asked = plan(("threads", "tasks", "more"), more_of={"more": "threads"})
    true = {"threads": 300.0, "tasks": 800.0, "more": enough}
    _, told = answered(lambda stack, point: true[stack], asked=asked)
    assert said in str(told["answers"])


def test_where_threads_gave_out_more_of_them_may_have_done(answered):
    def gave_out(stack, point, trial):
        return "workers" if (stack, point) == ("threads", 200.0) else "all_cores"

    _, said = answered(crossing, gave_out=gave_out)
    assert "More workers or threads of Threads may have done at 200 ms: there" in str(said)
    assert said["cells"][-2]["gave_out"] == "workers"
    asked = plan(("threads", "tasks", "more"), more_of={"more": "threads"})
    true = {"threads": 300.0, "tasks": 800.0, "more": 500.0}
    _, said = answered(lambda stack, point: true[stack], asked=asked, gave_out=gave_out)
    assert "may have done at" not in str(said)


def test_a_setting_is_said_to_bring_more_up_to_where_it_does(answered):
    asked = plan(("threads",), points=[1.0, 2.0, 4.0, 8.0], swept="workers")
    _, said = answered(lambda stack, point: min(point, 4) * 300.0, asked=asked)
    (capacity, *_) = said["answers"]["upstream"]
    assert "; 8 after 4 " in capacity["detail"]
    assert capacity["answer"] == (
        "Threads: with more workers it serves more up to workers = 4; beyond workers = 4, no step "
        "makes a difference of more than 5 %."
    )


def test_a_setting_of_which_more_is_not_always_better_is_said_to_be_so(answered):
    asked = plan(("threads",), points=[1.0, 2.0, 4.0], swept="workers")
    _, said = answered(lambda stack, point: {1.0: 600.0, 2.0: 300.0}.get(point, 900.0), asked=asked)
    (capacity, *_) = said["answers"]["upstream"]
    assert capacity["answer"] == (
        "Threads: more workers is not always better: after some values it serves more, after "
        "others it serves less."
    )


def test_values_without_an_order_are_each_compared_with_the_first(answered):
    asked = plan(("tasks",), points=["uvicorn", "granian"], swept="server")
    _, said = answered(lambda stack, point: {"uvicorn": 500.0}.get(point, 900.0), asked=asked)
    (step,) = said["steps"][0]["points"]
    assert (step["of"], step["to"], step["verdict"]) == ("granian", "uvicorn", "ahead")
    assert "Tasks: with granian it serves more than with uvicorn." in str(said["answers"])


def test_the_cpu_time_of_an_answer_is_that_of_the_highest_rate_within_the_capacity(answered):
    def cpu_ms(stack, point, trial):
        return 3.0 if stack == "threads" else 1.5

    _, said = answered(crossing, cpu_ms=cpu_ms)
    assert said["cells"][0]["cpu_ms_per_answer"]["value"] == pytest.approx(3)
    assert {one["verdict"] for one in said["compared"][1]["points"]} == {"ahead"}
    assert "0.500\N{MULTIPLICATION SIGN}" in said["answers"]["upstream"][1]["detail"]


def test_capacities_near_what_the_connections_carry_are_remarked(answered):
    _, said = answered(lambda stack, point: 18_000.0 if point == POINTS[-1] else 900.0)
    assert "Tasks, at 200 ms, upstream: the load's 4,000 connections carry 20,000/s" in str(
        said["remarks"]
    )


def test_a_stack_that_never_meets_the_objective_is_less_than_one_that_does(answered):
    _, said = answered(lambda stack, point: None if (stack, point) == ("threads", 200.0) else 900.0)
    last = said["compared"][0]["points"][-1]
    assert last["verdict"] in ("ahead", "cannot be told apart")
    assert said["cells"][-2]["capacity_rps"]["value"] is None


def test_the_page_answers_first_and_is_always_the_same(measured, capsys):
    folder = measured(crossing, asked=plan(scale="small"))
    written = []
    for _ in range(2):
        assert main(["question", str(folder)]) == 0
        found = sorted(path for path in (folder / "question").rglob("*") if path.is_file())
        written.append({path.name: path.read_bytes() for path in found})
    assert written[0] == written[1]
    assert {*written[0]} == {
        "answers.json", "index.html", "upstream-question.png", "upstream-question.svg",
    }  # fmt: skip
    page = written[0]["index.html"].decode()
    assert page.index("From somewhere between") < page.index("<table")
    assert "Small scale" in page
    assert "So it is." in page
    said = capsys.readouterr().out
    assert "Should we move to async?" in said
    assert "page: " in said


def test_the_report_leads_to_the_answer_once_it_is_written(measured, tmp_path):
    folder, out = measured(crossing), tmp_path / "a report"
    begun = load(folder)
    assert evidence.question_page(begun, out) is None
    page = html.page(begun, {"upstream": []}, {})
    assert "to answer a question: “Should we move to async?”" in page
    assert "python -m analysis question" in page
    (folder / "question").mkdir()
    (folder / "question" / "index.html").write_text("the answer")
    link = evidence.question_page(begun, out)
    assert (out / unquote(link)).resolve() == (folder / "question" / "index.html").resolve()
    assert f'<a href="{link}">The answer</a>' in html.page(
        begun, {"upstream": []}, {}, question_page=link
    )


def test_hostile_texts_do_no_harm(measured):
    asked = plan(title="<script>alert(1)</script>", decision="<img src=x onerror=alert(1)>")
    folder = measured(crossing, asked=asked)
    assert main(["question", str(folder)]) == 0
    page = (folder / "question" / "index.html").read_text()
    assert "<script" not in page
    assert "<img src=x" not in page


@pytest.mark.parametrize(
    "change",
    [
        {"baseline": "nobody"}, {"points": [0.0, 7.0]}, {"cells": []}, {"stacks": []},
    ],
)  # fmt: skip
def test_a_record_that_is_not_whole_is_refused_in_a_sentence(measured, capsys, change):
    folder = measured(crossing)
    path = folder / "campaign.json"
    about = json.loads(path.read_text())
    about["question"] |= change
    path.write_text(json.dumps(about))
    assert main(["question", str(folder)]) == Exit.BAD_INPUT
    said = capsys.readouterr().err
    assert "campaign.json" in said
    assert "Traceback" not in said


@pytest.mark.parametrize("endpoints", [5, None, True, "upstream", [["upstream"]], [{}, 1]])
def test_a_record_whose_endpoints_are_no_names_has_answers_or_none(answered, endpoints):
    asked = {"trials": 4, "endpoints": endpoints, "load": question_builder.LOAD}
    _, said = answered(crossing, asked_of=asked)
    assert said["cells"]


@pytest.mark.parametrize("key", ["app", "endpoint", "variant"])
def test_a_capacity_of_what_was_not_measured_does_not_count(measured, capsys, key):
    folder = measured(crossing, trials=2)
    path = folder / "campaign.json"
    about = json.loads(path.read_text())
    about["capacities"][0][key] = "another"
    path.write_text(json.dumps(about))
    assert main(["question", str(folder), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert "upstream, threads_0, trial 1" in str(said["remarks"])


@pytest.mark.parametrize("rate", [1e308, -1, "NaN"])
def test_a_capacity_that_cannot_be_is_refused(measured, capsys, rate):
    folder = measured(crossing)
    path = folder / "campaign.json"
    about = json.loads(path.read_text())
    about["capacities"][0]["capacity_rps"] = rate
    path.write_text(json.dumps(about))
    assert main(["question", str(folder)]) == Exit.BAD_INPUT
    assert "campaign.json" in capsys.readouterr().err


def test_other_campaigns_are_refused_in_a_sentence(tmp_path, capsys):
    records = [builder.run(1, "flask", "agents")]
    folder = builder.write(tmp_path / "other", builder.campaign(records), records)
    assert main(["question", str(folder)]) == Exit.BAD_INPUT
    assert "not a campaign of `fab run-question`" in capsys.readouterr().err


def test_a_campaign_without_any_answer_says_so(answered):
    code, said = answered(crossing, capacities=[])
    assert code == Exit.NOT_VALID
    assert {one["verdict"] for one in said["compared"][0]["points"]} == {"no data"}
    (answer,) = said["answers"]["upstream"]
    within = "in how much they serve within 0 to 200 ms"
    assert answer["answer"] == f"There are no data to compare Tasks with Threads {within}."
    assert any("Threads, at 0 ms" in remark for remark in said["remarks"])
