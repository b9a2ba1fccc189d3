"""What gave out first, where results are shown; results of before that was recorded."""

import pytest

from analysis import columns, tables
from analysis.__main__ import main
from analysis.answers import answers
from analysis.load import load
from testbed.campaign.words import summary
from testbed.model.gave_out import MEANINGS, GaveOut
from tests.unit.report import builder

TOLD = ("workers", "pool", "workers", "one_core")


@pytest.fixture
def folder(tmp_path):
    """Three trials of one app and one of another."""
    runs = []
    for number, what in enumerate(TOLD, start=1):
        app, trial = ("flask", number) if number < len(TOLD) else ("django", 1)
        found = GaveOut(what=what, sentence=f"seen <{number}>")
        made = builder.run(number, app, "index", trial=trial)
        runs.append(made.model_copy(update={"gave_out": found}))
    return builder.write(tmp_path / "new", builder.campaign(runs), runs)


def test_each_answer_run_and_cell_says_it(folder):
    campaign = load(folder)
    (answer,) = answers(campaign)
    assert {row.app: row.gave_out for row in answer.rows} == {
        "flask": "workers 2, pool 1",
        "django": "one core",
    }
    assert "Gave out first" in [column.title for column in columns.columns(campaign)]
    assert set(tables.runs_frame(campaign)["gave_out"]) == {"workers", "pool", "one core"}
    assert list(tables.summary_frame(campaign)["gave_out"]) == ["one core", "workers 2, pool 1"]


def test_the_report_tells_and_explains_it(folder):
    assert main(["report", str(folder)]) == 0
    page = (folder / "report" / "index.html").read_text()
    assert "workers 2, pool 1" in page
    assert "one core: seen &lt;4&gt;" in page
    assert all(meaning.split("'")[0] in page for meaning in MEANINGS.values())


def test_the_terminal_tells_it_of_each_run(folder):
    (first, *_) = load(folder).runs
    assert "gave out first: workers (seen <1>)" in summary(first.record)


def test_results_of_before_have_no_such_column(tmp_path):
    runs = builder.six_runs()
    campaign = load(builder.write(tmp_path / "old", builder.campaign(runs), runs))
    assert "Gave out first" not in [column.title for column in columns.columns(campaign)]
    assert "gave out" not in summary(runs[0])
    assert main(["report", str(tmp_path / "old")]) == 0
    assert "Gave out first" not in (tmp_path / "old" / "report" / "index.html").read_text()
