"""Reports of made-up campaigns: what is shown, what is marked, and that nothing is dropped."""

import csv
import json
import re

import pytest

from analysis.__main__ import main
from analysis.charts import latency, requests
from analysis.groups import groups
from analysis.load import load
from testbed.model.results import Failure, Finding
from tests.unit.report import builder


def report(folder):
    """Write the report; the page's HTML."""
    assert main(["report", str(folder)]) == 0
    return (folder / "report" / "index.html").read_text()


def rows(folder):
    with (folder / "report" / "table.csv").open(newline="") as stream:
        return {row["run_id"]: row for row in csv.DictReader(stream)}


@pytest.fixture(scope="module")
def six(tmp_path_factory):
    """A campaign of six runs, with its report: folder and page."""
    runs = builder.six_runs()
    folder = builder.write(tmp_path_factory.mktemp("c") / "six", builder.campaign(runs), runs)
    return folder, report(folder)


def made(tmp_path, runs, **options):
    return builder.write(tmp_path / "campaign", builder.campaign(runs), runs, **options)


def test_six_runs_with_tables_and_charts(six):
    folder, page = six
    table = rows(folder)
    assert len(table) == 6
    django = table["004-django-agents-default-t1"]
    assert (django["throughput_rps"], django["goodput_rps"]) == ("278.0", "270.0")
    assert (django["errors_timeout"], django["errors_total"]) == ("37000", "37480")
    charts = {path.stem for path in (folder / "report" / "charts").glob("*.png")}
    for endpoint in ("index", "agents"):
        assert {f"{endpoint}-{kind}" for kind in ("requests", "errors", "latency")} <= charts
    for title in builder.TITLES.values():
        assert title in page


def test_the_page_needs_nothing_else(six):
    folder, page = six
    found = re.findall(r"""(src|href|url)\s*[=(]\s*["']?([^"'\s)>]+)""", page)
    loads = [target for kind, target in found if kind != "href"]
    links = {target for kind, target in found if kind == "href"}
    assert loads
    assert all(target.startswith(("data:", "#")) for target in loads), loads
    # What is only led to lies in the results folder
    beside = {link for link in links if not link.startswith(("data:", "#"))}
    assert beside
    assert all((folder / "report" / link).resolve().is_relative_to(folder) for link in beside)
    assert all((folder / "report" / link).is_file() for link in beside), beside


def test_the_same_results_give_the_same_report(six):
    folder, page = six
    assert main(["report", str(folder), "--out", str(folder / "again")]) == 0
    assert (folder / "again" / "index.html").read_text() == page


def test_a_failed_run_is_shown_with_its_reason(tmp_path):
    failure = Failure(stage="check", message="wrong answer: it says hello")
    runs = [
        builder.run(1, "flask", "index"),
        builder.run(2, "django", "index", failure=failure, verdict="invalid"),
    ]
    folder = made(tmp_path, runs)
    page = report(folder)
    assert "wrong answer: it says hello" in page
    row = rows(folder)["002-django-index-default-t1"]
    assert row["verdict"] == "failed"
    assert row["throughput_rps"] == row["errors_total"] == ""


def test_earlier_attempts_are_remarks_with_where_each_ended(tmp_path, capsys):
    ended = [
        Failure(stage="check", message="wrong answer: it says hello"),
        Failure(stage="load", message="the SSH session was lost", interrupted=True),
    ]
    run = builder.run(1, "flask", "index").model_copy(update={"earlier_failures": ended})
    folder = made(tmp_path, [run])
    told = report(folder), capsys.readouterr().out, rows(folder)[run.run_id]["reasons"]
    for text in told:
        assert "earlier attempt 1 failed at" in text
        assert "earlier attempt 2 was interrupted at" in text
    assert rows(folder)[run.run_id]["verdict"] == "valid"


def test_invalid_and_doubtful_runs_come_with_their_sentences(tmp_path):
    finding = Finding(check="steal", verdict="invalid", sentence="server: 30.0 % CPU stolen")
    folder = made(
        tmp_path, [builder.run(1, "flask", "index", verdict="invalid", findings=[finding])]
    )
    page = report(folder)
    assert page.count("server: 30.0 % CPU stolen") >= 2  # under validity, and in the run's fold
    assert rows(folder)["001-flask-index-default-t1"]["verdict"] == "invalid"


def test_a_remark_marks_percentiles_that_are_lower_bounds(tmp_path, capsys):
    remark = Finding(check="censored", verdict="valid", sentence="50.0 % were never answered")
    folder = made(tmp_path, [builder.run(1, "flask", "index", findings=[remark])])
    assert "Remark: 50.0 % were never answered" in report(folder)
    text = capsys.readouterr().out
    assert "\N{GREATER-THAN OR EQUAL TO} 9.00" in text
    assert rows(folder)["001-flask-index-default-t1"]["verdict"] == "valid"


def test_what_was_not_obtained_is_a_dash_and_never_zero(tmp_path, capsys):
    figures = builder.output(throughput_rps=None, goodput_rps=None, p99_us=None)
    folder = made(tmp_path, [builder.run(1, "flask", "index", figures=figures)], curves=False)
    report(folder)
    line = next(line for line in capsys.readouterr().out.splitlines() if "Flask" in line)
    assert line.count("\N{EM DASH}") == 3
    row = rows(folder)["001-flask-index-default-t1"]
    assert row["throughput_rps"] == row["goodput_rps"] == row["response_p99_us"] == ""


def test_a_calibration_is_marked(tmp_path):
    run = builder.run(1, "flask", "index", calibration=True, generator="wrk")
    assert "alibration" in report(made(tmp_path, [run]))


def test_trials_are_all_shown_with_an_interval(tmp_path):
    runs = [
        builder.run(
            trial,
            "flask",
            "index",
            trial=trial,
            figures=builder.output(throughput_rps=rate, goodput_rps=rate),
        )
        for trial, rate in ((1, 100.0), (2, 110.0), (3, 120.0))
    ]
    folder = made(tmp_path, runs)
    page = report(folder)
    assert len(rows(folder)) == 3
    assert "95 % interval of the mean over trials by Student" in page
    with (folder / "report" / "summary.csv").open(newline="") as stream:
        (summary,) = csv.DictReader(stream)
    ends = [float(summary[f"goodput_rps_mean_ci95_{end}"]) for end in ("low", "high")]
    assert ends == pytest.approx([110 - 24.84, 110 + 24.84], abs=0.01)  # 4.303 * 10 / sqrt(3)


def test_an_axis_reaches_the_ends_of_the_intervals(tmp_path):
    runs = [
        builder.run(trial, "flask", "index", trial=trial, rate_rps=None,
                    figures=builder.output(rate_rps=None, throughput_rps=rate, goodput_rps=rate,
                                           p99_us=10 * rate))
        for trial, rate in ((1, 1000.0), (2, 2000.0), (3, 3000.0))
    ]  # fmt: skip
    campaign = load(made(tmp_path, runs))
    members = groups(campaign, "index")
    assert requests.draw(campaign, "index", members).figure.axes[0].get_xlim()[1] > 4484
    assert latency.draw(campaign, "index", members).figure.axes[0].get_xlim()[1] > 44.84


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: (folder / "campaign.json").unlink(), "campaign.json"),
        (lambda folder: (folder / "campaign.json").write_text("{"), "campaign.json"),
        (
            lambda folder: (folder / "campaign.json").write_text(
                json.dumps(
                    json.loads((folder / "campaign.json").read_text()) | {"schema_version": 99}
                )
            ),
            "99",
        ),
        (
            lambda folder: (folder / "001-flask-index-default-t1" / "run.json").write_text("[]"),
            "run.json",
        ),
    ],
)
def test_damaged_results_are_told_in_one_message(tmp_path, capsys, damage, message):
    folder = made(tmp_path, [builder.run(1, "flask", "index")], curves=False)
    damage(folder)
    assert main(["report", str(folder)]) == 2
    assert message in capsys.readouterr().err


def test_a_count_that_cannot_be_reckoned_with_is_refused(tmp_path, capsys):
    folder = made(tmp_path, [builder.run(1, "flask", "index")], curves=False)
    file = folder / "001-flask-index-default-t1" / "run.json"
    file.write_text(file.read_text().replace('"connect": 0', f'"connect": {"9" * 400}', 1))
    assert main(["table", str(folder)]) == 2
    assert f"{file}: not valid JSON" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["table", "report", "verdicts", "reparse"])
def test_a_folder_that_cannot_be_asked_for_is_said(command, capsys):
    assert main([command, "x" * 300]) == 2
    assert capsys.readouterr().err.endswith(": cannot be read: File name too long\n")


def test_no_such_folder(tmp_path, capsys):
    assert main(["report", str(tmp_path / "nowhere")]) == 2
    assert "nowhere" in capsys.readouterr().err
