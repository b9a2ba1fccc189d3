"""Test published comparisons: workloads, verdicts, and a series that is killed and resumed."""

import json
import os
import signal

import pytest

from tests.lab.campaigns import PATIENCE_S, has_figures, records, wait_until
from tests.lab.faults import provoked

# Parts of each article that load all its apps. Together they use all services, wrk, ab, pacer, GET
# and POST, kept and closed connections, a delayed link and a ramp.
PARTS = {
    "movies": ("as_published", ["saturation"]),
    "records": ("as_published", ["remote"]),
    "pokemon": ("fair", ["debug"]),
}
KILLED = ("fair", ["list_500", "add"])  # the part of todo in which the series is killed


def options(mode, parts):
    mode_option = f"--{mode.replace('_', '-')}"
    return [mode_option, "--scale=small", "--trials=1", "--seed=1", f"--parts={','.join(parts)}"]


def campaigns(folder):
    """Return the campaign folders of a series, in order."""
    series = json.loads((folder / "series.json").read_text())
    assert series["ended_at"]
    return [folder / part["campaign"] for part in series["parts"]]


def judged(testbed, folder):
    """Return the verdicts of a series, as its command prints them."""
    return json.loads(testbed.run("python", "-m", "analysis", "verdicts", folder, "--json").stdout)


def check_runs(folder):
    """Assert that every run of the series has figures, right answers and the declared SQL."""
    for campaign in campaigns(folder):
        for run in records(campaign):
            assert has_figures(run), run
            assert all(check["ok"] for check in run["answers"])
            wrong = [f for f in run["findings"] if f["check"] in ("answer", "sql", "daemon")]
            assert wrong == []


@pytest.mark.parametrize("name", PARTS)
def test_a_workload_is_measured_with_right_answers_and_sql(verified, name):
    mode, parts = PARTS[name]
    verified.fab("run-article", name, *options(mode, parts))
    folder = (verified.results / "latest").resolve()
    check_runs(folder)
    assert judged(verified, folder)


def test_a_series_killed_in_the_middle_is_resumed_and_complete(verified):
    process = verified.start_fab("run-article", "todo", *options(*KILLED))
    latest = verified.results / "latest"
    second = "fair-add"
    wait_until(lambda: list(latest.glob(f"{second}/0*/run.json")), "a run of the second part")
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=PATIENCE_S)
    folder = latest.resolve()
    before = {path: path.read_text() for path in folder.glob("*/*/run.json")}
    verified.fab("run-article", "todo", f"--resume={latest}")
    first, second = campaigns(folder)
    assert [len(records(first)), len(records(second))] == [4, 2]
    assert all(path.read_text() == text for path, text in before.items())
    check_runs(folder)
    said = "nothing: it was killed"
    provoked("series killed", "SIGKILL in its second part; resumed", "interrupted", said)


def test_an_article_s_page_shows_its_verdicts(verified):
    folder = (verified.results / "latest").resolve()
    verified.run("python", "-m", "analysis", "report", folder)
    page = (folder / "report" / "index.html").read_text()
    assert "reproduced" in page
    assert "small" in page
