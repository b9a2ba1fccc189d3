"""What runs cost: per answer, in tables, charts and comparisons, and of results without it."""

import csv
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis import charts, cost
from analysis.__main__ import main
from analysis.answers import answers
from analysis.columns import columns, shown_figures
from analysis.compare.rule import compare
from analysis.figures import BY_KEY, COSTS
from analysis.load import load
from analysis.measured import of_metric
from testbed.model.results import Cost
from testbed.model.tool_output import Distribution, Errors
from testbed.numbers import MISSING
from tests.unit.report import builder

WHOLE = Cost(
    app_ms_per_s=2000.0,
    services_ms_per_s={"postgresql": 500.0, "redis": 100.0},
    kernel_ms_per_s=400.0,
    of_groups=True,
    memory_rest_bytes=50e6,
    memory_peak_bytes=80e6,
    memory_worker_bytes=20e6,
)


def run(number, app="flask", *, of=WHOLE, goodput=1000.0, trial=1, **options):
    figures = builder.output(throughput_rps=goodput, goodput_rps=goodput)
    made = builder.run(number, app, "index", figures=figures, trial=trial, **options)
    return made.model_copy(update={"cost": of})


def told(record, key):
    span = cost.of_run(record, key)
    return None if span is None else span.value


def test_time_is_divided_by_correct_answers():
    found = {figure.key: told(run(1), figure.key) for figure in COSTS}
    assert found == pytest.approx(
        {
            "cpu_ms_per_answer": 3.0,
            "app_cpu_ms_per_answer": 2.0,
            "database_cpu_ms_per_answer": 0.5,
            "services_cpu_ms_per_answer": 0.1,
            "kernel_cpu_ms_per_answer": 0.4,
            "memory_rest_mb": 50,
            "memory_peak_mb": 80,
            "memory_worker_mb": 20,
        }
    )


@pytest.mark.parametrize(
    "lacking",
    [
        {"app_ms_per_s": None},
        {"kernel_ms_per_s": None},
        {"services_ms_per_s": {"postgresql": None}},
        {"services_ms_per_s": {"postgresql": 500.0, "redis": None}},
    ],
)
def test_a_sum_with_an_unknown_part_is_not_known(lacking):
    assert told(run(1, of=WHOLE.model_copy(update=lacking)), "cpu_ms_per_answer") is None


def test_a_workload_without_services_has_none_of_their_costs():
    bare = run(1, of=WHOLE.model_copy(update={"services_ms_per_s": {}}))
    assert told(bare, "cpu_ms_per_answer") == pytest.approx(2.4)
    assert told(bare, "database_cpu_ms_per_answer") is None
    assert told(bare, "services_cpu_ms_per_answer") is None


@pytest.mark.parametrize("goodput", [None, 0.0])
def test_without_a_correct_answer_there_is_no_cost_of_one(goodput):
    record = run(1, goodput=goodput)
    assert told(record, "cpu_ms_per_answer") is None
    assert told(record, "memory_peak_mb") == 80


def test_a_run_that_failed_or_is_of_earlier_versions_has_no_cost():
    assert all(told(builder.run(1, "flask", "index"), figure.key) is None for figure in COSTS)
    failed = run(1).model_copy(update={"output": None})
    assert told(failed, "cpu_ms_per_answer") is None


@settings(max_examples=30)
@given(st.integers(0, 900))
def test_where_goodput_has_bounds_so_has_the_cost(late):
    """wrk2 waits for every answer, so that its percentiles only bound how many were late."""
    figures = builder.output(
        tool="wrk2", requests=1000, throughput_rps=1000.0, goodput_rps=1000.0, duration_s=1.0,
        errors=Errors(timeout=late, status=100, read=0, write=0, connect=0),
    )  # fmt: skip
    slow = Distribution(mean=9e6, max=9e6, percentiles={"50": 4e6, "99": 8e6})
    record = run(1).model_copy(update={"output": figures.model_copy(update={"latency_us": slow})})
    span = cost.of_run(record, "app_cpu_ms_per_answer")
    assert span is None or 0 < span.low <= span.value <= span.high
    assert span is None or math.isfinite(span.value)


@pytest.fixture(scope="module")
def campaign(tmp_path_factory):
    cheap = WHOLE.model_copy(update={"app_ms_per_s": 1000.0})
    runs = [
        run(number, app, of=of, trial=trial, goodput=1000.0 + 7 * trial)
        for number, (app, of, trial) in enumerate(
            (app, of, trial)
            for trial in (1, 2, 3)
            for app, of in (("flask", WHOLE), ("django", cheap))
        )
    ]
    folder = tmp_path_factory.mktemp("c") / "costs"
    return builder.write(folder, builder.campaign(runs), runs, curves=False)


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """A campaign of an earlier version."""
    runs = [run(number, of=None, trial=number) for number in (1, 2, 3)]
    folder = tmp_path_factory.mktemp("c") / "bare"
    return builder.write(folder, builder.campaign(runs), runs, curves=False)


def test_tables_charts_and_files_have_it(campaign, capsys):
    assert main(["report", str(campaign)]) == 0
    printed = capsys.readouterr().out
    assert "CPU ms/answer" in printed
    assert "MB at peak" in printed
    page = (campaign / "report" / "index.html").read_text()
    assert "Cost against speed, index" in page
    assert "CPU ms/answer" in page
    assert (campaign / "report" / "charts" / "index-cost.svg").exists()
    with (campaign / "report" / "table.csv").open(newline="") as stream:
        row = next(row for row in csv.DictReader(stream) if row["app"] == "django")
    assert float(row["app_cpu_ms_per_answer"]) == pytest.approx(1000 / 1007)
    with (campaign / "report" / "summary.csv").open(newline="") as stream:
        row = next(row for row in csv.DictReader(stream) if row["app"] == "flask")
    assert float(row["memory_peak_mb_mean"]) == 80
    assert float(row["cpu_ms_per_answer_mean"]) == pytest.approx(3000 / 1014, rel=1e-3)


def test_the_answer_tells_cost_beside_speed_where_it_is_known(campaign, bare):
    (answer,) = answers(load(campaign))
    for row in answer.rows:
        assert list(row.figures)[2:] == ["CPU ms/answer", "MB at peak"]
        assert MISSING not in row.figures.values()
    (answer,) = answers(load(bare))
    assert [len(row.figures) for row in answer.rows] == [2]


def test_the_chart_says_of_what_the_cost_is_made(campaign):
    (_, drawn) = next(iter(charts.endpoint_charts(load(campaign), {})))
    chart = next(one for one in drawn if one.name == "index-cost")
    parts = "app 1.97, database 0.493, other services 0.099, kernel 0.394"
    assert f"Flask + Gunicorn: {parts}" in chart.caption
    assert chart.alt.startswith("Point chart. Cost against speed, index. Django")


def test_results_without_it_show_none_of_it(bare, capsys):
    assert main(["report", str(bare)]) == 0
    assert "CPU ms/answer" not in capsys.readouterr().out
    assert "Cost against speed" not in (bare / "report" / "index.html").read_text()
    loaded = load(bare)
    assert {figure.key for figure in COSTS} & {one.key for one in shown_figures(loaded)} == set()
    with (bare / "report" / "table.csv").open(newline="") as stream:
        row = next(csv.DictReader(stream))
    assert row["cpu_ms_per_answer"] == row["memory_peak_mb"] == ""


def test_one_run_without_it_has_a_dash(tmp_path):
    runs = [run(1, "flask"), run(2, "django", of=None)]
    about = builder.campaign(runs)
    loaded = load(builder.write(tmp_path / "mixed", about, runs, curves=False))
    column = next(one for one in columns(loaded) if one.title == "CPU ms/answer")
    assert [column.cell(one.record, loaded) for one in loaded.runs] == ["3.00", "\N{EM DASH}"]


def test_compare_knows_it_and_less_is_better(campaign, bare):
    loaded = load(campaign)
    cells = compare(loaded, loaded, ["cpu_ms_per_answer", "memory_peak_mb"], 5, None).cells
    assert {cell.metric.key for cell in cells} == {"cpu_ms_per_answer", "memory_peak_mb"}
    assert all(cell.ratio is None or cell.ratio.value == pytest.approx(1) for cell in cells)
    assert not BY_KEY["cpu_ms_per_answer"].more_is_better
    (cell, *_) = compare(load(bare), load(bare), ["cpu_ms_per_answer"], 5, None).cells
    assert cell.verdict == "no data"


def test_claims_know_it():
    assert of_metric(run(1), "cpu_ms_per_answer").value == pytest.approx(3)
    assert of_metric(run(1), "memory_peak_mb").value == 80
    assert of_metric(builder.run(1, "flask", "index"), "cpu_ms_per_answer") is None
