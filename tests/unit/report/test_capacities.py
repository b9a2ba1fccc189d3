"""Capacity answers in the report: every search, its probes, and what trials say together."""

import csv

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis import capacities
from analysis.__main__ import main
from analysis.load import load
from testbed.model.campaign import CapacityResult
from testbed.model.results import Finding
from tests.unit.report import builder

OBJECTIVE = {
    "from_rps": 1000,
    "to_rps": 8000,
    "p99_ms": 50,
    "errors_percent": 0.1,
    "precision_percent": 5,
}
ASKED = {"trials": 2, "apps": ["flask"], "endpoints": ["index"], "load": {"capacity": OBJECTIVE}}


def probe(number, rate, trial, **other):
    figures = builder.output(rate_rps=rate, throughput_rps=rate, goodput_rps=rate)
    return builder.run(
        number, "flask", "index", trial=trial, rate_rps=rate, figures=figures, **other
    )


def result(trial, at_least, below, runs):
    return CapacityResult(
        app="flask",
        endpoint="index",
        variant="default",
        trial=trial,
        at_least_rps=at_least,
        below_rps=below,
        runs=[run.run_id for run in runs],
    )


def searched(tmp_path, answers):
    """A campaign of searches: answers as (at least, below, verdict of the probe that missed)."""
    runs, results = [], []
    for trial, (at_least, below, verdict) in enumerate(answers, start=1):
        ends = [(at_least, "valid"), (below, verdict)]
        probes = [
            probe(len(runs) + n, rate, trial, verdict=word)
            for n, (rate, word) in enumerate(ends, start=1)
            if rate is not None
        ]
        runs += probes
        results.append(result(trial, at_least, below, probes))
    about = builder.campaign(runs, asked=ASKED, capacities=results)
    return builder.write(tmp_path / "campaign", about, runs, curves=False)


def test_every_search_is_a_row_and_the_trials_stand_together(tmp_path, capsys):
    folder = searched(tmp_path, [(2000.0, 2090.0, "valid"), (1900.0, 1980.0, "doubtful")])
    assert main(["report", str(folder)]) == 0
    text, page = capsys.readouterr().out, (folder / "report" / "index.html").read_text()
    assert "p99 of response time at most 50 ms" in text
    for shown in ("1,900 to 2,000", "1,980 to 2,090", "all 2"):
        assert shown in text
        assert shown in page
    assert 'href="#run-001-flask-index-default-t1"' in page
    with (folder / "report" / "capacities.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["trial"], row["at_least_rps"], row["below_rps"]) for row in rows] == [
        ("1", "2000.0", "2090.0"),
        ("2", "1900.0", "1980.0"),
    ]
    assert [row["verdict"] for row in rows] == ["valid", "doubtful"]
    assert rows[0]["objective_p99_ms"] == "50.0"
    assert rows[0]["probes"] == "001-flask-index-default-t1 002-flask-index-default-t1"


@pytest.mark.parametrize(
    ("checks", "grows_at", "standing"),
    [
        (["response_steady"], 2090.0, "valid"),  # overload is why it missed
        (["response_steady"], 2000.0, "doubtful"),  # it may have met the objective as a short run
        (["response_steady", "steal"], 2090.0, "doubtful"),
    ],
)
def test_a_queue_that_grows_is_no_doubt_about_a_probe_that_missed(checks, grows_at, standing):
    found = [Finding(check=check, verdict="doubtful", sentence="s") for check in checks]
    probes = [
        probe(number, rate, 1, verdict="doubtful", findings=found)
        if rate == grows_at
        else probe(number, rate, 1)
        for number, rate in enumerate((2000.0, 2090.0), start=1)
    ]
    answer = capacities.SearchAnswer(result(1, 2000.0, 2090.0, probes), probes)
    assert answer.standing == standing


@pytest.mark.parametrize(
    ("others", "standing"), [([], "valid"), ([("steal", "doubtful")], "doubtful"),
                             ([("steal", "invalid")], "invalid")],
)  # fmt: skip
def test_not_one_correct_answer_is_why_a_probe_missed(others, standing):
    found = [
        Finding(check=check, verdict=verdict, sentence="s")
        for check, verdict in [("no_good_answer", "invalid"), *others]
    ]
    probes = [probe(1, 2000.0, 1), probe(2, 2090.0, 1, verdict="invalid", findings=found)]
    assert capacities.SearchAnswer(result(1, 2000.0, 2090.0, probes), probes).standing == standing


def fitted(tmp_path, trials, verdict="valid"):
    """A campaign of fitted searches: of each trial, its rates and the answer's three figures."""
    runs, results = [], []
    for trial, (rates, low, estimate, high) in enumerate(trials, start=1):
        probes = [
            probe(len(runs) + n, rate, trial, verdict=verdict if n == len(rates) else "valid")
            for n, rate in enumerate(rates, start=1)
        ]
        runs += probes
        found = {"at_least_rps": low, "capacity_rps": estimate, "below_rps": high}
        changes = found | {"ended": "most probes made"}
        results.append(result(trial, low, high, probes).model_copy(update=changes))
    about = builder.campaign(runs, asked=ASKED, capacities=results)
    return builder.write(tmp_path / "campaign", about, runs, curves=False)


def test_a_fitted_answer_has_a_rate_an_interval_and_a_chart(tmp_path, capsys):
    trials = [([1000, 2000, 1500], 1400.0, 1610.0, 1850.0), ([1000, 2000], 1100.0, 1490.0, 1900.0)]
    folder = fitted(tmp_path, trials, verdict="invalid")
    assert main(["report", str(folder)]) == 0
    text, page = capsys.readouterr().out, (folder / "report" / "index.html").read_text()
    for shown in ("1,610", "1,850", "1,490 to 1,610", "most probes made"):
        assert shown in text
        assert shown in page
    assert "Against the rate, index" in page
    assert (folder / "report" / "charts" / "index-capacity.png").is_file()
    with (folder / "report" / "capacities.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["capacity_rps"] for row in rows] == ["1610.0", "1490.0"]
    assert [row["verdict"] for row in rows] == ["valid", "valid"]  # invalid probes do not count


def test_a_search_without_an_answer_has_a_chart_too(tmp_path):
    trials = [([1000], None, None, 700.0), ([1000], 990.0, None, None), ([1000], None, None, None)]
    folder = fitted(tmp_path, trials, verdict="doubtful")
    assert main(["report", str(folder)]) == 0
    assert (folder / "report" / "charts" / "index-capacity.png").is_file()
    with (folder / "report" / "capacities.csv").open(newline="") as stream:
        assert [row["verdict"] for row in csv.DictReader(stream)] == ["doubtful"] * 3


def test_an_end_that_was_not_found_is_told_and_never_a_figure(tmp_path, capsys):
    folder = searched(tmp_path, [(None, 1000.0, "valid"), (8000.0, None, "valid")])
    assert main(["report", str(folder)]) == 0
    text = capsys.readouterr().out
    assert "none met in 1 of 2 trials" in text
    assert "none missed in 1 of 2 trials" in text
    with (folder / "report" / "capacities.csv").open(newline="") as stream:
        first, second = csv.DictReader(stream)
    assert first["at_least_rps"] == second["below_rps"] == ""


def test_a_search_that_was_cut_off_is_named(tmp_path, capsys):
    runs = [probe(1, 1000.0, 1)]
    about = builder.campaign(runs, asked=ASKED)
    folder = builder.write(tmp_path / "campaign", about, runs, curves=False)
    assert main(["report", str(folder)]) == 0
    assert "No answer yet: flask, index, default, trial 1" in capsys.readouterr().out
    assert "without an answer: flask" in (folder / "report" / "index.html").read_text()
    assert not (folder / "report" / "capacities.csv").exists()


def test_no_capacity_where_none_was_asked(tmp_path):
    runs = [builder.run(1, "flask", "index")]
    folder = builder.write(tmp_path / "campaign", builder.campaign(runs), runs, curves=False)
    assert not capacities.searched(load(folder))


@given(
    st.lists(
        st.tuples(st.none() | st.floats(1, 1e6), st.none() | st.floats(1, 1e6)),
        min_size=1,
        max_size=6,
    )
)
def test_the_range_holds_every_trial(ends):
    answers = [
        capacities.SearchAnswer(result(number, at_least, below, []), [])
        for number, (at_least, below) in enumerate(ends)
    ]
    row = capacities.Searches("flask", "Flask", "index", "default", "", answers)
    known = [at_least for at_least, _ in ends if at_least is not None]
    assert row.at_least == sorted(known)
    assert (capacities.NONE_MET in row.at_least_text) == (len(known) < len(ends))


@pytest.mark.parametrize("load_asked", [{}, {"capacity": {"p99_ms": 5}}, {"capacity": None}])
def test_an_objective_that_cannot_be_read_is_said_so(tmp_path, load_asked):
    runs = [probe(1, 1000.0, 1)]
    about = builder.campaign(
        runs, asked={"load": load_asked}, capacities=[result(1, 1000.0, None, runs)]
    )
    folder = builder.write(tmp_path / "campaign", about, runs, curves=False)
    assert capacities.objective(load(folder)) == "not recorded"
    assert main(["report", str(folder)]) == 0


def test_probes_are_drawn_by_their_rates_and_in_no_other_chart(tmp_path):
    folder = searched(tmp_path, [(2000.0, 2090.0, "valid"), (1900.0, 1980.0, "valid")])
    assert main(["report", str(folder)]) == 0
    drawn = {path.stem for path in (folder / "report" / "charts").iterdir()}
    assert {name for name in drawn if name.startswith("index-")} == {"index-capacity"}


def test_without_an_answer_probes_are_drawn_like_other_runs(tmp_path):
    runs = [probe(1, 2000, 1), probe(2, 4000, 1)]
    about = builder.campaign(runs, asked=ASKED)
    folder = builder.write(tmp_path / "campaign", about, runs, curves=False)
    assert main(["report", str(folder)]) == 0
    drawn = {path.stem for path in (folder / "report" / "charts").iterdir()}
    assert "index-requests" in drawn
    assert "index-capacity" not in drawn
