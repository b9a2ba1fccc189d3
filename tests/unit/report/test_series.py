"""Reports and verdicts of a whole series: an article asked again."""

import json
import re
import shutil

import pytest

from analysis.__main__ import main
from testbed.model.results import Failure, Finding
from tests.unit.report import builder, series_builder


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A complete series with its report: folder and page."""
    folder = series_builder.write(
        tmp_path_factory.mktemp("s") / "series",
        {"rate": series_builder.rate_runs(), "users": series_builder.ramp_runs()},
    )
    assert main(["report", str(folder)]) == 0
    return folder, (folder / "report" / "index.html").read_text()


def verdicts(folder, capsys):
    """The verdicts by claim, by the command's JSON."""
    capsys.readouterr()
    assert main(["verdicts", str(folder), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    return document, {item["claim"]: item for item in document["verdicts"]}


def test_every_claim_gets_its_verdict(whole, capsys):
    document, found = verdicts(whole[0], capsys)
    assert {name: item["verdict"] for name, item in found.items()} == {
        "more": "reproduced",
        "less": "not reproduced",
        "no_errors": "reproduced",
        "slower_sooner": "reproduced",
    }
    assert document["complete"] is True
    assert all(item["scale"] == "small" for item in found.values())
    assert found["more"]["measured"]["value"] == pytest.approx(3992 / 1810)
    assert found["more"]["published"] == 2.22


def test_a_series_with_earlier_names_of_figures_gives_the_same_report(whole, tmp_path):
    folder, page = whole
    earlier = shutil.copytree(folder, tmp_path / "earlier")
    file = earlier / "series.json"
    text = file.read_text()
    assert '"response_mean_us"' in text
    file.write_text(text.replace('"response_mean_us"', '"latency_mean_us"'))
    assert main(["report", str(earlier)]) == 0
    assert (earlier / "report" / "index.html").read_text() == page


def test_a_ramps_ratio_is_as_wide_as_its_steps(whole, capsys):
    _, found = verdicts(whole[0], capsys)
    measured = found["slower_sooner"]["measured"]
    # Django after 50 and at the latest at 100 users, aiohttp after 100 and at the latest at 150
    assert (measured["low"], measured["high"]) == (pytest.approx(50 / 150), pytest.approx(1))


def test_the_page_has_verdicts_first_then_what_they_rest_on(whole):
    _, page = whole
    order = [page.index(f'id="{name}') for name in ("verdicts-as_published", "slips", "figures")]
    assert order == sorted(order)
    assert order[-1] < page.index('id="campaigns"') < page.index('id="rule"')
    for text in (
        "Totals were printed as rates.",
        "Versions are today&#39;s.",
        "printed: 53970",
        "By its rule.",
        "Small scale",
        "duration 6 in place of 300 s",
        "150 users (100 to 150)",
    ):
        assert text in page, text


def test_every_verdict_says_that_the_scale_was_small(whole):
    _, page = whole
    rows = re.findall(r'data-label="Verdict">.*?</td>', page)
    assert len(rows) == 4
    assert all("small scale" in row for row in rows)


def test_the_page_needs_only_the_reports_of_its_campaigns(whole):
    folder, page = whole
    targets = set(re.findall(r"""(?:src|href)\s*=\s*["']([^"']+)""", page))
    links = {target for target in targets if not target.startswith(("data:", "#"))}
    assert links == {"as_published-rate/index.html", "as_published-users/index.html"}
    assert all((folder / "report" / link).is_file() for link in links)


def test_ids_on_the_page_are_unique(whole):
    ids = re.findall(r'\sid="([^"]+)"', whole[1])
    assert len(ids) == len(set(ids))


def test_the_same_series_gives_the_same_page(whole, tmp_path):
    folder, page = whole
    assert main(["report", str(folder), "--out", str(tmp_path / "again")]) == 0
    assert (tmp_path / "again" / "index.html").read_text() == page


def test_a_ramps_own_report_shows_its_onsets_and_every_step(whole):
    page = (whole[0] / "report" / "as_published-users" / "index.html").read_text()
    assert "100 users (50 to 100)" in page
    assert "not reached up to 150 users" in page
    assert "chart-index-ramp" in page
    text = (whole[0] / "report" / "as_published-users" / "table.txt").read_text()
    assert "slow-down begins at 100 users (50 to 100), errors are not reached" in text


def test_the_terminal_names_reasons_and_scale(whole, capsys):
    capsys.readouterr()
    assert main(["verdicts", str(whole[0])]) == 0
    text = capsys.readouterr().out
    assert "Small scale" in text
    assert "3 reproduced, 1 not reproduced" in text
    assert (
        "slower_sooner: The 95 % interval (t, 3 pairs of trials), 0.333 to 1.00, lies within"
        in text
    )


def test_full_scale_says_nothing_of_a_small_one(tmp_path, capsys):
    folder = series_builder.write(
        tmp_path / "series", {"rate": series_builder.rate_runs()}, scale="full"
    )
    assert main(["verdicts", str(folder)]) == 0
    assert "mall scale" not in capsys.readouterr().out


def test_a_series_that_is_not_complete_is_shown_as_such(tmp_path, capsys):
    folder = series_builder.write(
        tmp_path / "series", {"rate": series_builder.rate_runs(), "users": []}, ended=False
    )
    document, found = verdicts(folder, capsys)
    assert document["complete"] is False
    assert found["slower_sooner"]["verdict"] == "no data"
    assert "users" in found["slower_sooner"]["reason"]
    assert main(["report", str(folder)]) == 0
    page = (folder / "report" / "index.html").read_text()
    assert "Not complete" in page
    assert "as_published/users: not measured" in page


def test_invalid_and_failed_runs_are_left_out_and_named(tmp_path, capsys):
    runs = series_builder.rate_runs()
    stolen = Finding(check="steal", verdict="invalid", sentence="30 % of the CPU was stolen")
    runs[0] = runs[0].model_copy(update={"verdict": "invalid", "findings": [stolen]})
    failure = Failure(stage="load", message="the daemon died")
    runs[2] = runs[2].model_copy(update={"failure": failure, "output": None, "verdict": "invalid"})
    folder = series_builder.write(tmp_path / "series", {"rate": runs})
    _, found = verdicts(folder, capsys)
    assert found["more"]["verdict"] == "undecided"
    assert found["more"]["of"]["trials"] == [3993]
    remarks = " ".join(found["more"]["remarks"])
    for text in ("1 of 3 trials counted", "30 % of the CPU was stolen", "the daemon died"):
        assert text in remarks
    assert "one trial tells nothing of spread" in found["more"]["measured"]["interval_is"]


def test_with_no_run_that_counts_there_is_no_data_on_a_claim_and_the_reason_says_why(
    tmp_path, capsys
):
    stolen = Finding(check="steal", verdict="invalid", sentence="30 % of the CPU was stolen")
    runs = [
        run.model_copy(update={"verdict": "invalid", "findings": [stolen]})
        if run.app == "django"
        else run
        for run in series_builder.rate_runs()
    ]
    folder = series_builder.write(tmp_path / "series", {"rate": runs})
    _, found = verdicts(folder, capsys)
    assert found["more"]["verdict"] == "no data"
    assert "30 % of the CPU was stolen" in found["more"]["reason"]
    assert found["more"]["measured"] is None
    assert found["no_errors"]["verdict"] == "reproduced"


def test_doubtful_runs_count_and_are_marked(tmp_path, capsys):
    lag = Finding(check="generator_lag", verdict="doubtful", sentence="the generator lagged")
    runs = [
        run.model_copy(update={"verdict": "doubtful", "findings": [lag]})
        for run in series_builder.rate_runs()
    ]
    folder = series_builder.write(tmp_path / "series", {"rate": runs})
    _, found = verdicts(folder, capsys)
    assert found["more"]["verdict"] == "reproduced"
    assert found["more"]["of"]["doubtful"] is True
    assert "The generator lagged (trials 1; 2; 3)" in " ".join(found["more"]["remarks"])


def test_trials_not_yet_measured_are_counted_as_missing(tmp_path, capsys):
    folder = series_builder.write(tmp_path / "series", {"rate": []}, ended=False)
    runs = series_builder.rate_runs()
    series_builder.write_campaign(folder / "as_published-rate", "rate", runs[:4], planned=runs)
    document, found = verdicts(folder, capsys)
    assert document["lacks"] == ["as_published/rate: 2 of 6 runs not measured"]
    assert "1 trial not measured" in " ".join(found["more"]["remarks"])


def test_a_metric_of_ramps_is_not_taken_from_a_single_load(tmp_path, capsys):
    folder = series_builder.write(
        tmp_path / "series", {"rate": series_builder.rate_runs(), "users": []}
    )
    series_builder.write_campaign(folder / "as_published-users", "rate", series_builder.rate_runs())
    _, found = verdicts(folder, capsys)
    assert found["slower_sooner"]["verdict"] == "no data"
    assert "of ramps, and only of them" in found["slower_sooner"]["reason"]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda text: text[:100], "not valid JSON"),
        (lambda text: text.replace('"schema_version": 1', '"schema_version": 9', 1), "not known"),
        (lambda text: text.replace('"seed"', '"sead"', 1), "sead"),
    ],
)
def test_a_damaged_series_is_told_in_one_message(tmp_path, capsys, damage, message):
    folder = series_builder.write(tmp_path / "series", {"rate": []})
    file = folder / "series.json"
    file.write_text(damage(file.read_text()))
    assert main(["verdicts", str(folder)]) == 2
    assert message in capsys.readouterr().err


def test_a_campaign_has_no_verdicts(tmp_path, capsys):
    runs = builder.six_runs()
    folder = builder.write(tmp_path / "campaign", builder.campaign(runs), runs, curves=False)
    assert main(["verdicts", str(folder)]) == 2
    assert "not a series" in capsys.readouterr().err


def test_a_series_has_no_single_table(tmp_path, capsys):
    folder = series_builder.write(tmp_path / "series", {"rate": []})
    assert main(["table", str(folder)]) == 2
    said = capsys.readouterr().err
    assert "a series of 1 campaigns" in said
    assert f"name one of them: {folder / 'as_published-rate'}" in said
