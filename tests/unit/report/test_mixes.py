"""Figures of each part of a mix, on runs whose every request is known."""

import io

import builder
import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from hdrh.histogram import HdrHistogram

from analysis import mixes, report
from analysis.groups import groups
from analysis.load import load
from testbed.model.tool_output import Distribution, Errors, RequestFigures
from tests.unit.draws import dice, seed

__all__ = ["dice", "seed"]  # fixtures
WEIGHTS = {"item": 80.0, "page": 10.0, "upstream": 9.0, "cpu": 1.0}
MEDIANS_US = {"item": 1_000, "page": 8_000, "upstream": 30_000, "cpu": 90_000}
RATE_RPS, DURATION_S = 500.0, 20.0


def times(values: np.ndarray) -> Distribution:
    """Return what a generator prints of times, which are exact here."""
    if not len(values):
        return Distribution()
    ordered = np.sort(values)
    ranks = {p: max(1, int(np.ceil(len(ordered) * float(p) / 100))) for p in ("50", "90", "99")}
    return Distribution(
        mean=float(ordered.mean()),
        min=float(ordered[0]),
        max=float(ordered[-1]),
        percentiles={p: float(ordered[rank - 1]) for p, rank in ranks.items()},
    )


def of_part(correct: np.ndarray, failed: int) -> RequestFigures:
    """Return the figures of a part with these times of correct answers, and so many wrong ones."""
    return RequestFigures(
        due=len(correct) + failed,
        requests=len(correct) + failed,
        correct=len(correct),
        warmup_requests=0,
        throughput_rps=(len(correct) + failed) / DURATION_S,
        goodput_rps=len(correct) / DURATION_S,
        errors=Errors(connect=0, read=0, write=0, timeout=0, status=failed, wrong_body=0),
        latency_us=times(correct),
        correct_us=times(correct),
        failed_us=Distribution(),
        unsent=0,
        unanswered=0,
    )


@pytest.fixture
def written(dice, tmp_path):
    """A campaign of two apps with three trials of a mix, and the truth: the times of each part.

    It is another one at each run: figures must be those of the truth whatever this is.
    """
    truth, runs = {}, []
    for trial in (1, 2, 3):
        for app in ("django", "flask"):
            shares = dice.multinomial(
                int(RATE_RPS * DURATION_S), [w / 100 for w in WEIGHTS.values()]
            )
            counts = dict(zip(WEIGHTS, map(int, shares), strict=True))
            failed = {part: int(dice.binomial(counts[part], 0.001)) for part in WEIGHTS}
            drawn = {
                part: MEDIANS_US[part] * dice.lognormal(0, 0.3, counts[part] - failed[part])
                for part in WEIGHTS
            }
            truth[app, trial] = (drawn, failed)
            every = np.concatenate(list(drawn.values()))
            figures = builder.output(
                rate_rps=RATE_RPS,
                throughput_rps=RATE_RPS,
                goodput_rps=len(every) / DURATION_S,
                correct=len(every),
                errors=Errors(status=sum(failed.values()), wrong_body=0),
            )
            parts = {part: of_part(drawn[part], failed[part]) for part in WEIGHTS}
            changes = {"latency_us": times(every), "correct_us": times(every), "by_request": parts}
            record = builder.run(
                len(runs) + 1,
                app,
                "front",
                trial=trial,
                figures=figures.model_copy(update=changes),
                rate_rps=RATE_RPS,
            )
            runs.append(record.model_copy(update={"weights": WEIGHTS, "requests_seed": 17}))
    about = builder.campaign(runs, asked={"endpoints": ["front"], "trials": 3})
    return builder.write(tmp_path / "campaign", about, runs, curves=False), truth


@pytest.fixture
def measured(written):
    folder, truth = written
    return load(folder), truth


def test_each_part_has_the_figures_of_its_own_requests(measured):
    campaign, truth = measured
    found = {(row.part, row.group.app): row for row in mixes.rows(campaign, "front")}
    assert list(dict.fromkeys(part for part, _ in found)) == list(WEIGHTS)
    assert len(found) == 8
    for (part, app), row in found.items():
        drawn = [truth[app, trial][0][part] for trial in (1, 2, 3)]
        wrong = sum(truth[app, trial][1][part] for trial in (1, 2, 3))
        goodput = row.group.summary("goodput_rps")
        assert goodput.mean == pytest.approx(sum(map(len, drawn)) / 3 / DURATION_S)
        assert row.asked_percent == WEIGHTS[part]
        answered = 100 * (sum(map(len, drawn)) + wrong) / (3 * RATE_RPS * DURATION_S)
        assert row.answered_percent == pytest.approx(answered)
        # Wrong answers count as slower than all correct ones; bounds hold the truth
        every = np.sort(np.concatenate(drawn))
        for key, percent in (("response_p50_us", 50), ("response_p99_us", 99)):
            rank = int(np.ceil((len(every) + wrong) * percent / 100))
            exact = every[rank - 1] if rank <= len(every) else np.inf
            summary = row.group.summary(key)
            low, high = summary.bounds or (summary.mean, summary.mean)
            assert low <= exact * (1 + 1e-9)
            assert high >= exact * (1 - 1e-9)


def histogram_log(drawn: dict[str, np.ndarray]) -> str:
    """Return pacer's log of these times, as if a tenth of them had come in each of ten seconds."""
    lines = [
        "#[Histogram log format version 1.2]",
        "#[StartTime: 1772443805.120 (seconds since epoch)]",
        '"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"',
    ]
    for second in range(10):
        of_second = {f"correct:{part}": times[second::10] for part, times in drawn.items()}
        for tag, times_us in (
            {"correct": np.concatenate([*of_second.values()])} | of_second
        ).items():
            interval = HdrHistogram(1, 3_600_000_000, 3)
            for time_us in times_us:
                interval.record_value(int(time_us))
            if len(times_us):
                top_ms, counts = times_us.max() / 1000, interval.encode().decode()
                lines.append(f"Tag={tag},{second:.3f},1.000,{top_ms:.3f},{counts}")
    return "\n".join(lines) + "\n"


def test_with_histograms_the_percentiles_of_each_part_are_known(written):
    folder, truth = written
    for trial, app in ((trial, app) for trial in (1, 2, 3) for app in ("django", "flask")):
        (run,) = folder.glob(f"*-{app}-front-default-t{trial}")
        (run / "latency.hdr").write_text(histogram_log(truth[app, trial][0]))
    for row in mixes.rows(load(folder), "front"):
        trials = [truth[row.group.app, trial] for trial in (1, 2, 3)]
        every = np.sort(np.concatenate([drawn[row.part] for drawn, _ in trials]))
        wrong = sum(failed[row.part] for _, failed in trials)
        for key, percent in (("response_p50_us", 50), ("response_p99_us", 99)):
            summary = row.group.summary(key)
            rank = int(np.ceil((len(every) + wrong) * percent / 100))
            if rank <= len(every):
                assert summary.bounds is None
                assert summary.mean == pytest.approx(every[rank - 1], rel=0.002, abs=1)
                assert "bootstrap" in summary.interval_is


def test_a_mix_is_one_endpoint_and_its_parts_are_none(measured):
    campaign, _ = measured
    (group, other) = groups(campaign, "front")
    assert {one.endpoint for one in (group, other)} == {"front"}
    assert groups(campaign, "item") == []
    assert mixes.mixes(campaign) == ["front"]


def test_the_parts_are_in_the_report_and_add_up(measured, tmp_path):
    campaign, truth = measured
    out = tmp_path / "report"
    report.write(campaign, out)
    table = pd.read_csv(out / "parts.csv")
    whole = pd.read_csv(out / "table.csv").set_index("run_id").sort_index()
    assert len(table) == 6 * 4
    assert set(table["endpoint"]) == {"front"}
    by_run = table.groupby("run_id")
    assert (by_run["requests"].sum() == whole["requests"]).all()
    assert (by_run["errors_status"].sum() == whole["errors_status"]).all()
    assert np.allclose(by_run["goodput_rps"].sum(), whole["goodput_rps"])
    assert np.allclose(by_run["asked_rate_rps"].sum(), RATE_RPS)
    assert np.allclose(by_run["answered_percent"].sum(), 100)
    one = table.set_index(["app", "trial", "part"]).loc[("flask", 2, "page")]
    drawn, failed = truth["flask", 2]
    assert one["requests"] == len(drawn["page"]) + failed["page"]
    assert one["response_p50_us"] <= np.median(drawn["page"]) * 1.05
    page = BeautifulSoup((out / "index.html").read_text(), "html.parser")
    told = page.select_one("[aria-label='Parts of front'] tbody").select("tr")
    assert [row.select_one("th").text for row in told] == [p for p in WEIGHTS for _ in (1, 2)]
    assert "item 80 %, page 10 %, upstream 9.0 %, cpu 1.0 % (seed 17)" in page.text
    text = (out / "table.txt").read_text()
    assert "Parts of front, trials together" in text


def test_a_report_without_a_mix_tells_of_none(tmp_path):
    runs = builder.six_runs()
    folder = builder.write(tmp_path / "campaign", builder.campaign(runs), runs, curves=False)
    report.write(load(folder), tmp_path / "report")
    assert not (tmp_path / "report" / "parts.csv").exists()
    assert "Parts of" not in (tmp_path / "report" / "index.html").read_text()


def test_the_rows_of_a_ramp_s_parts_tell_the_load_of_the_mix(tmp_path):
    runs = []
    for number, rate_rps in enumerate((500.0, 1000.0), start=1):
        figures = builder.output(by_request={"item": of_part(np.full(10, 500.0), 0)})
        run = builder.run(number, "flask", "front", figures=figures, rate_rps=rate_rps)
        runs.append(run.model_copy(update={"weights": {"item": 1.0, "cpu": 3.0}}))
    about = builder.campaign(runs, asked={"endpoints": ["front"]})
    found = mixes.rows(load(builder.write(tmp_path / "c", about, runs, curves=False)), "front")
    assert [row.group.label.partition("/s")[0] for row in found] == [
        f"Flask + Gunicorn, {rate}" for rate in ("500", "1,000") * 2
    ]
    assert {row.group.first.load.rate_rps for row in found if row.part == "cpu"} == {375, 750}


def test_a_part_that_was_never_asked_and_a_failed_run_have_no_figures(tmp_path):
    none = of_part(np.array([]), 0)
    figures = builder.output(by_request={"item": of_part(np.full(10, 500.0), 0), "cpu": none})
    runs = [
        builder.run(1, "flask", "front", figures=figures.model_copy(update={"requests": 10})),
        builder.run(
            2,
            "flask",
            "front",
            trial=2,
            failure=builder.Failure(stage="check", message="wrong answer"),
            verdict="invalid",
        ),
    ]
    runs = [run.model_copy(update={"weights": {"item": 999.0, "cpu": 1.0}}) for run in runs]
    about = builder.campaign(runs, asked={"endpoints": ["front"]})
    folder = builder.write(tmp_path / "campaign", about, runs, curves=False)
    campaign = load(folder)
    item, cpu = mixes.rows(campaign, "front")
    assert (item.answered_percent, cpu.answered_percent) == (100, 0)
    assert cpu.group.summary("response_p50_us") is None
    assert cpu.group.summary("goodput_rps").mean == 0
    report.write(campaign, tmp_path / "report")
    table = pd.read_csv(io.StringIO((tmp_path / "report" / "parts.csv").read_text()))
    assert table["verdict"].tolist() == ["valid", "failed"] * 2
    assert table["response_p50_us"].isna().tolist() == [False, True, True, True]
