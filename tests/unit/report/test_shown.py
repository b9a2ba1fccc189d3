"""What the report must not keep to itself: settings, SQL, the link's delay, lower bounds."""

import base64
import csv
import hashlib
import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.__main__ import main
from analysis.histogram import LatencyCurve
from testbed.model.link import LinkDelay, RoundTrip
from testbed.model.results import Finding, SqlSeen
from testbed.model.tool_output import Errors, ToolOutput
from tests.unit.report import builder

AT_LEAST = "\N{GREATER-THAN OR EQUAL TO}"


def reported(tmp_path, runs, curves=False, **about):
    """Write a campaign and its report; the page, table.txt and table.csv's rows."""
    folder = tmp_path / "campaign"
    builder.write(folder, builder.campaign(runs, **about), runs, curves=curves)
    assert main(["report", str(folder)]) == 0
    report = folder / "report"
    with (report / "table.csv").open(newline="") as stream:
        return (
            (report / "index.html").read_text(),
            (report / "table.txt").read_text(),
            list(csv.DictReader(stream)),
        )


def test_settings_that_differ_stand_in_every_table(tmp_path):
    runs = [
        builder.run(1, "flask", "index", settings={"workers": 2, "pool": 0}),
        builder.run(2, "flask", "index", variant="pooled", settings={"workers": 2, "pool": 10}),
    ]
    page, text, rows = reported(tmp_path, runs)
    assert [(row["variant"], row["settings"]) for row in rows] == [
        ("default", "pool=0"),
        ("pooled", "pool=10"),
    ]
    assert rows[1]["all_settings"] == "pool=10, workers=2"
    line = next(line for line in text.splitlines() if "pooled" in line)
    assert "pool=10" in line
    assert '<td data-label="Settings" class="text">pool=10</td>' in page
    assert '<th scope="col">Variant</th>' in page


def test_settings_that_the_default_variant_sets_are_shown_too(tmp_path):
    asked = {"variants": {"default": {"apps": None, "settings": {"workers": "2 per cpu"}}}}
    runs = [builder.run(1, "flask", "index", settings={"workers": 4, "pool": 0})]
    _, text, rows = reported(tmp_path, runs, asked=asked)
    assert rows[0]["settings"] == "workers=4"
    assert "workers=4" in text


def test_settings_of_one_app_of_a_variant_are_shown(tmp_path):
    threaded = {"settings": {"workers": 4}, "app_settings": {"django": {"worker_class": "gthread"}}}
    runs = [
        builder.run(
            1, "django", "index", variant="equal",
            settings={"workers": 4, "worker_class": "gthread", "debug": 0},
        ),
        builder.run(2, "flask", "index", variant="equal", settings={"workers": 4, "debug": 0}),
    ]  # fmt: skip
    _, text, rows = reported(tmp_path, runs, asked={"variants": {"equal": threaded}})
    assert {row["app"]: row["settings"] for row in rows} == {
        "django": "worker_class=gthread, workers=4",
        "flask": "workers=4",
    }
    assert "worker_class=gthread, workers=4" in text


@pytest.mark.parametrize(
    ("drift_percent", "cell"), [(0.0, "none"), (47.2, "47 %"), (None, "\N{EM DASH}")]
)
def test_whether_throughput_still_drifted_is_shown(tmp_path, drift_percent, cell):
    drifted = {"drift_percent": drift_percent}
    runs = [
        builder.run(1, "flask", "index").model_copy(update=drifted),
        builder.run(2, "django", "index").model_copy(update={"drift_percent": 12.0}),
    ]
    page, text, rows = reported(tmp_path, runs)
    told = {row["app"]: row["drift_percent"] for row in rows}
    assert told == {"flask": "" if drift_percent is None else str(drift_percent), "django": "12.0"}
    assert "Drift" in text
    line = next(line for line in text.splitlines() if line.startswith("Flask") and cell in line)
    assert line
    assert f"<dt>Drift of the throughput</dt><dd>{cell}" in page
    assert "Drift of p50" not in text


@pytest.mark.parametrize(
    ("drift_percent", "cell"), [(0.0, "none"), (155.1, "155 %"), (-57.2, "-57 %")]
)
def test_whether_response_times_drifted_is_shown(tmp_path, drift_percent, cell):
    drifted = {"response_drift_percent": drift_percent}
    run = builder.run(1, "flask", "index").model_copy(update=drifted)
    page, text, rows = reported(tmp_path, [run])
    assert rows[0]["response_drift_percent"] == str(drift_percent)
    assert "Drift of p50" in text
    assert any(line.startswith("Flask") and cell in line for line in text.splitlines())
    assert f"<dt>Drift of the median response time</dt><dd>{cell}" in page


def test_no_column_for_settings_where_nothing_was_varied(tmp_path):
    page, text, _ = reported(tmp_path, [builder.run(1, "flask", "index")])
    assert "Settings" not in text
    assert '<th scope="col">Settings</th>' not in page


def test_sql_is_shown_with_its_kind_calls_and_calls_per_request(tmp_path):
    seen = [
        SqlSeen(text="SELECT $1", calls=5, calls_per_request=0.01, kind="housekeeping"),
        SqlSeen(text="SELECT * FROM a <b>", calls=1234, calls_per_request=1.0, kind="declared"),
        SqlSeen(text="DROP TABLE a", calls=1, calls_per_request=None, kind="unexpected"),
    ]
    run = builder.run(1, "flask", "index").model_copy(update={"sql": seen})
    page, _, _ = reported(tmp_path, [run])
    table = page[page.index("SQL seen during the load") :]
    assert "1 unexpected, 1 housekeeping, 1 declared" in table
    assert re.search(r"<details open>\s*<summary>SQL seen", page)  # what is wrong is not hidden
    order = [table.index(text) for text in ("DROP TABLE a", "SELECT $1", "SELECT * FROM a &lt;b")]
    assert order == sorted(order)
    assert '1,234</td><td class="number">1</td>' in table


@pytest.mark.parametrize(("seen", "words"), [(None, "not observed"), ([], "saw none")])
def test_sql_not_observed_is_not_the_same_as_none_seen(tmp_path, seen, words):
    run = builder.run(1, "flask", "index").model_copy(update={"sql": seen})
    page, _, _ = reported(tmp_path, [run])
    assert words in page


def test_delay_of_the_link_and_connections_not_kept_alive_are_told(tmp_path):
    measured = RoundTrip(min=44.9, mean=45.2, max=46.0, samples=20)
    delay = LinkDelay(asked_ms=45, round_trip_ms=measured, by="netem")
    page, text, rows = reported(
        tmp_path, [builder.run(1, "flask", "index", keepalive=False)], link_delay=delay
    )
    assert "asked 45 ms, measured 45.2 ms" in text
    assert "Round trip of the link" in page
    for shown in (text, page):
        assert "a connection for each request (no keep-alive)" in shown
    assert (rows[0]["keepalive"], rows[0]["link_delay_ms"]) == ("False", "45.0")


def overloaded(number, share_answered, **other):
    """A run of which only a share of the requests due was answered."""
    figures = builder.output(throughput_rps=4000 * share_answered)
    remark = Finding(check="censored", verdict="valid", sentence="many were never answered")
    return builder.run(number, "flask", "index", figures=figures, findings=[remark], **other)


def test_every_response_time_of_a_censored_run_is_a_lower_bound(tmp_path):
    page, text, rows = reported(
        tmp_path, [overloaded(1, 0.6), builder.run(2, "django", "index")], curves=True
    )
    line = next(line for line in text.splitlines() if "Flask" in line)
    assert line.count(AT_LEAST) == 4  # mean, p50, p99, max; neither rates nor counts
    assert AT_LEAST not in next(line for line in text.splitlines() if "Django" in line)
    assert "never answered have no response time" in text  # the footnote
    captions = re.findall(r'<(?:figcaption|p class="reading")>(.*?)</', page, re.DOTALL)
    assert any(f"{AT_LEAST} and an arrow" in caption for caption in captions)
    assert any("with a triangle" in caption for caption in captions)
    # In the chart's text for those who cannot see it; the p99 lies beyond all answers
    assert f"p99 {AT_LEAST} 31.0 ms" in page
    assert [row["response_is_lower_bound"] for row in rows] == ["False", "True"]  # by app


def test_trials_together_are_marked_if_one_of_them_is(tmp_path):
    runs = [overloaded(1, 0.6, trial=1), builder.run(2, "flask", "index", trial=2)]
    page, _, _ = reported(tmp_path, runs)
    summary = page[page.index('<table class="summary sortable">') :]
    assert AT_LEAST in summary[: summary.index("</table>")]


@given(answered=st.integers(0, 1000), due=st.integers(1, 1000))
def test_percentiles_of_the_requests_due(answered, due):
    curve = LatencyCurve(answered, [0.0, 0.5, 0.99], [1.0, 2.0, 3.0])
    output = builder.output().model_copy(update={"requests": answered, "due": due})
    scaled = curve.of_due(builder.run(1, "flask", "index").load, output)
    assert scaled.values_us == curve.values_us
    assert scaled.fractions[-1] <= min(0.99, answered / due)
    assert scaled.fractions == sorted(scaled.fractions)


def test_failed_answers_of_a_closed_loop_lie_beyond_its_curve_too():
    curve = LatencyCurve(400, [0.0, 0.5, 0.99], [1.0, 2.0, 3.0], correct=True)
    closed = builder.run(1, "flask", "index", rate_rps=None, mode="saturation", generator="pacer")
    output = ToolOutput(
        tool="pacer", requests=700, correct=400, errors=Errors(status=300, read=100)
    )
    assert curve.of_due(closed.load, output).fractions == [0.0, 0.25, 0.495]


HOSTILE = "</style><script>alert(1)</script><img src=x onerror=alert(2)>'\""


def test_a_title_is_text_wherever_it_stands(tmp_path):
    run = builder.run(1, "flask", "index").model_copy(update={"app_title": HOSTILE})
    page, _, rows = reported(tmp_path, [run], title=HOSTILE, description=HOSTILE)
    assert "&lt;script&gt;" in page
    assert page.count("<script") == 1  # the page's own
    assert page.count("onerror=alert(2)>") == 0
    assert rows[0]["app_title"] == HOSTILE


def test_the_page_allows_nothing_but_its_own_style_script_and_pictures(tmp_path):
    page, _, _ = reported(tmp_path, [builder.run(1, "flask", "index")], curves=True)
    digests = {}
    for kind in ("style", "script"):
        (text,) = re.findall(rf"<{kind}>(.*?)</{kind}>", page, re.DOTALL)
        digests[kind] = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    assert set(html.unescape(policy).split("; ")) == {
        "default-src 'none'",
        f"style-src 'sha256-{digests['style']}'",
        f"script-src 'sha256-{digests['script']}'",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
    }
    assert not re.findall(r"<script |\sstyle=|\son\w+=", page)
    assert all(source.startswith("data:") for source in re.findall(r'src="([^"]*)"', page))


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "=cmd|' /C x'!A0"]
)
def test_no_text_is_a_formula_to_a_spreadsheet(tmp_path, text):
    run = builder.run(1, "flask", "index")
    run = run.model_copy(update={"app_title": text, "drift_percent": -3.5})
    _, _, (row,) = reported(tmp_path, [run])
    assert row["app_title"] == "'" + text.replace("\r", " ")
    assert row["drift_percent"] == "-3.5"


@pytest.mark.parametrize(
    ("lengths", "said"),
    [
        ((5.0, 5.0), "no run was tested for whether throughput or response times rose or fell"),
        ((5.0, 8.0, 60.0), "no run of less than 10 s was tested for whether"),
        ((10.0, 60.0), None),
    ],
)
def test_runs_that_were_too_short_for_a_trend_are_told_once(tmp_path, lengths, said):
    runs = []
    for number, length in enumerate(lengths, start=1):
        run = builder.run(number, "flask", "index", trial=number)
        load = run.load.model_copy(update={"duration_s": length})
        runs.append(run.model_copy(update={"load": load}))
    page, text, _ = reported(tmp_path, runs)
    for shown in (page, " ".join(text.split())):
        assert shown.count(said or "rose or fell over it") == (said is not None)
