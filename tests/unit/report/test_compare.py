"""Two campaigns side by side: the rule, what is never compared, and what a gate is told."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from analysis.__main__ import main
from analysis.compare import rule, show
from analysis.compared import command
from analysis.load import load
from analysis.pairs import unpaired
from analysis.ratio import Span
from analysis.trials import CellTrials
from testbed.errors import Exit, TestbedError
from testbed.model.campaign import CapacityResult
from testbed.model.results import Failure, Finding
from testbed.model.tool_output import Errors
from tests.unit.report import builder

STEADY = (1000.0, 1001.0, 1002.0)
MANY = (1400.0, 1401.0, 1402.0)
QUIET = ("--between=0",)  # nothing changes between campaigns; test_noise.py has other places
SHAKY = (700.0, 1000.0, 1300.0)


def runs(goodputs, app="flask", **other):
    """A cell's runs, one for each goodput."""
    figures = other.pop("figures", {})  # with every request answered, unless they say otherwise
    return [
        builder.run(
            trial,
            app,
            "index",
            trial=trial,
            figures=builder.output(
                throughput_rps=rate, goodput_rps=rate, **({"due": int(rate * 20)} | figures)
            ),
            **other,
        )
        for trial, rate in enumerate(goodputs, start=1)
    ]


@pytest.fixture
def stored(tmp_path):
    """Writes campaigns of the runs given; returns the folder's name for the command line."""

    def write(name, records, **about):
        planned = {"asked": {"trials": max(record.trial for record in records)}}
        campaign = builder.campaign(records, **(planned | about))
        return str(builder.write(tmp_path / name, campaign, records, curves=False))

    return write


@pytest.fixture
def compared(capsys):
    """Runs `compare --json` of a place without noise; returns the exit code and the document."""

    def run(a, b, *options, between=QUIET):
        code = main(["compare", a, b, "--json", *between, *options])
        text = capsys.readouterr().out
        return code, json.loads(text)

    return run


def verdicts(document):
    return {(cell["app"], cell["metric"]): cell["verdict"] for cell in document["cells"]}


GOODPUT = ("--metric", "goodput_rps")


@pytest.mark.parametrize(
    ("a", "b", "verdict", "code"),
    [
        (STEADY, MANY, "better", 0),
        (MANY, STEADY, "worse", Exit.WORSE),
        (STEADY, STEADY, "same", 0),
        (SHAKY, SHAKY, "undecided", 0),
        (STEADY, SHAKY, "undecided", 0),
        ((1000.0,), (500.0,), "undecided", Exit.NOT_VALID),
        ((1000.0,), (500.0, 501.0), "undecided", Exit.NOT_VALID),
        ((1000.0, 1002.0), (900.0, 902.0), "worse", Exit.WORSE),
    ],
)
def test_goodput_by_the_rule(stored, compared, a, b, verdict, code):
    status, document = compared(stored("a", runs(a)), stored("b", runs(b)), *GOODPUT)
    assert [cell["verdict"] for cell in document["cells"]] == [verdict]
    assert status == code


def test_of_response_times_less_is_better(stored, compared):
    slow, quick = (runs(STEADY, figures={"p99_us": p99}) for p99 in (9000.0, 4000.0))
    status, document = compared(stored("a", slow), stored("b", quick))
    assert verdicts(document) == {
        ("flask", "goodput_rps"): "same",
        ("flask", "response_p99_us"): "better",
    }
    assert status == 0


def test_the_tolerance_decides(stored, compared):
    a, b = stored("a", runs(STEADY)), stored("b", runs([920.0, 921.0, 922.0]))
    assert compared(a, b, *GOODPUT)[0] == Exit.WORSE
    assert compared(a, b, *GOODPUT, "--tolerance", "10")[0] == 0


def test_one_worse_cell_among_better_ones_is_worse(stored, compared):
    a = stored("a", [*runs(STEADY), *runs(MANY, app="django")])
    b = stored("b", [*runs(MANY), *runs(STEADY, app="django")])
    status, document = compared(a, b, *GOODPUT)
    assert list(verdicts(document).values()).count("worse") == 1
    assert status == Exit.WORSE


def test_zero_errors_are_the_same_and_some_are_worse(stored, compared):
    none, some = ({"errors": Errors(connect=0, read=n)} for n in (0, 7))
    a, b = stored("a", runs(STEADY, figures=none)), stored("b", runs(STEADY, figures=some))
    assert compared(a, a, "--metric", "errors_total")[1]["cells"][0]["reason"] == "Both are zero."
    status, document = compared(a, b, "--metric", "errors_total")
    assert status == Exit.WORSE
    assert document["cells"][0]["ratio"]["high"] is None  # infinite is no figure of JSON


def test_one_trial_decides_nothing_and_says_so(stored, compared, capsys):
    a, b = stored("a", runs([1000.0])), stored("b", runs([500.0]))
    _, document = compared(a, b, *GOODPUT)
    (cell,) = document["cells"]
    assert "One trial tells nothing of spread" in cell["reason"]
    assert cell["ratio"]["value"] == 0.5
    assert (cell["ratio"]["low"], cell["ratio"]["high"], cell["p_value"]) == (None, None, None)
    main(["compare", a, b, *QUIET])
    assert "One trial tells nothing of spread" in capsys.readouterr().out


def apps(cells):
    """The runs of several apps, from their goodputs."""
    records = [run for app, goodputs in cells.items() for run in runs(goodputs, app=app)]
    return [
        run.model_copy(update={"run_id": f"{n:03d}{run.run_id[3:]}"})
        for n, run in enumerate(records, start=1)
    ]


def test_what_is_worse_by_chance_among_many_cells_is_undecided(stored, compared):
    """Worse by itself (p < 0.05), but the p-value is six times as high among six cells."""
    before, after = (1000.0, 1030.0, 970.0), (860.0, 885.0, 830.0)
    rest = {f"app{n}": STEADY for n in range(5)}
    alone = [stored(f"{x}1", apps({"flask": y})) for x, y in (("a", before), ("b", after))]
    among = [stored(f"{x}6", apps({"flask": y} | rest)) for x, y in (("a", before), ("b", after))]
    status, document = compared(*alone, *GOODPUT)
    assert (status, document["cells"][0]["verdict"]) == (Exit.WORSE, "worse")
    assert document["cells"][0]["p_value"] == document["cells"][0]["p_value_holm"] < 0.05
    status, document = compared(*among, *GOODPUT)
    (cell,) = [cell for cell in document["cells"] if cell["app"] == "flask"]
    assert (status, cell["verdict"]) == (0, "undecided")
    assert cell["p_value_holm"] == pytest.approx(6 * cell["p_value"])
    assert "6 were compared" in cell["reason"]
    assert document["verdicts"] | {"same": 5, "undecided": 1} == document["verdicts"]


def test_cells_that_cannot_be_tested_do_not_weaken_the_others(stored, compared):
    a = stored("a", apps({"flask": STEADY, "django": (1000.0,)}))
    b = stored("b", apps({"flask": (900.0, 901.0, 902.0), "django": (1000.0,)}))
    status, document = compared(a, b, *GOODPUT)
    assert status == Exit.WORSE
    flask = next(cell for cell in document["cells"] if cell["app"] == "flask")
    assert flask["p_value_holm"] == flask["p_value"]


def test_a_response_time_that_is_only_a_bound_decides_nothing(stored, compared):
    # a third of the requests due were never answered, and took who knows how long
    lost = {"due": 30_000, "unanswered": 10_000}
    folder = stored("a", runs(STEADY, figures=lost))
    code, document = compared(folder, folder, "--metric", "response_p99_us")
    assert document["cells"][0]["a"]["lower_bound"]
    assert [cell["verdict"] for cell in document["cells"]] == ["undecided"]
    assert code == 0


@pytest.mark.parametrize(
    ("about", "other", "verdict", "said"),
    [
        ({"place": "metal"}, {}, "not comparable", "measured on a lab, B on real hosts"),
        ({"workload": "movies"}, {}, "not comparable", "workload"),
        ({}, {"calibration": True}, "not comparable", "calibration"),
        ({}, {"connections": 200}, "not comparable",
         "Another load was asked: connections 400 against 200"),
        ({}, {"verdict": "invalid"}, "no data", "no trial counts"),
        ({}, {"app": "django"}, "no data", "does not have it"),
    ],
)  # fmt: skip
def test_what_is_not_alike_is_not_compared(stored, compared, about, other, verdict, said):
    finding = Finding(check="steal", verdict="invalid", sentence="CPU stolen")
    findings = [finding] if other.get("verdict") else []
    b = stored("b", runs(STEADY, findings=findings, **other), **about)
    status, document = compared(stored("a", runs(STEADY)), b)
    assert {cell["verdict"] for cell in document["cells"]} == {verdict}
    assert all(cell["ratio"] is None for cell in document["cells"])
    assert any(said in cell["reason"] for cell in document["cells"])
    assert status == Exit.NOT_VALID


def test_failed_trials_are_left_out_and_said(stored, compared):
    failed = builder.run(3, "flask", "index", trial=3, verdict="invalid",
                         failure=Failure(stage="ready", message="no answer"))  # fmt: skip
    b = stored("b", [*runs(STEADY[:2]), failed])
    _, document = compared(stored("a", runs(STEADY)), b, *GOODPUT)
    (cell,) = document["cells"]
    assert (len(cell["b"]["trials"]), cell["b"]["trials_planned"]) == (2, 3)
    assert "no answer" in " ".join(cell["remarks"])
    assert cell["verdict"] == "same"


def test_steps_of_a_ramp_are_cells_of_their_own(stored, compared):
    def steps(name, **goodput):
        light = runs([goodput["light"]] * 3, connections=10)
        heavy = runs([goodput["heavy"]] * 3, connections=100)
        heavy = [r.model_copy(update={"run_id": f"9{r.run_id}"}) for r in heavy]
        return stored(name, [*light, *heavy])

    _, document = compared(steps("a", light=10.0, heavy=50.0), steps("b", light=10.0, heavy=90.0),
                           *GOODPUT)  # fmt: skip
    found = [(cell["load"]["connections"], cell["verdict"]) for cell in document["cells"]]
    assert found == [(10, "same"), (100, "better")]


@pytest.mark.parametrize(
    ("ends", "verdict"),
    [((2000, 2050), "better"), ((1000, 1040), "same"), ((900, 1100), "undecided"),
     ((400, 420), "worse"), ((2000, None), "better"), ((None, 500), "worse")],
)  # fmt: skip
def test_searches_are_compared_by_their_answers(stored, compared, ends, verdict):
    def search(name, at_least, below):
        rates = [rate for rate in (at_least, below) if rate]
        wanted = [(trial, rate) for trial in (1, 2) for rate in rates]
        probes = [
            builder.run(n, "flask", "index", trial=trial, rate_rps=rate)
            for n, (trial, rate) in enumerate(wanted, start=1)
        ]
        answers = [
            CapacityResult(
                app="flask", endpoint="index", variant="default", trial=trial,
                at_least_rps=at_least, below_rps=below,
                runs=[probe.run_id for probe in probes if probe.trial == trial],
            )
            for trial in (1, 2)
        ]  # fmt: skip
        limits = {"from_rps": 1000, "to_rps": 8000, "p99_ms": 50, "errors_percent": 0.1}
        return stored(
            name, probes, asked={"trials": 2, "load": {"capacity": limits}}, capacities=answers
        )

    _, document = compared(search("a", 1000, 1040), search("b", *ends))
    assert verdicts(document) == {("flask", "capacity_rps"): verdict}


def test_fitted_searches_are_compared_by_their_estimates(stored, compared):
    def search(name, *estimates):
        probes, answers = [], []
        for trial, found in enumerate(estimates, start=1):
            record = builder.run(trial, "flask", "index", trial=trial, rate_rps=found)
            probes.append(record)
            answers.append(
                CapacityResult(
                    app="flask", endpoint="index", variant="default", trial=trial,
                    at_least_rps=0.7 * found, capacity_rps=found, below_rps=1.4 * found,
                    ended="most probes made", runs=[record.run_id],
                )
            )  # fmt: skip
        limits = {"from_rps": 1000, "to_rps": 8000, "p99_ms": 50, "errors_percent": 0.1}
        return stored(
            name, probes, asked={"trials": 3, "load": {"capacity": limits}}, capacities=answers
        )

    _, document = compared(search("a", 1000, 1010, 990), search("b", 1300, 1310, 1290))
    assert verdicts(document) == {("flask", "capacity_rps"): "better"}


def test_what_differs_is_listed(stored, compared):
    def hosts(version):
        server = builder.host("server")
        packages = {f"agents-flask-{version * 12}:flask": f"{version}.0", "libc6": "2.36"}
        return [server.model_copy(update={"packages": packages, "kernel": f"6.{version}"})]

    set_a = {"workers": 16, "broker": "amqp://me:hush@host"}
    set_b = {"workers": 8, "broker": "amqp://me:word@host"}
    a = stored("a", runs(STEADY, settings=set_a), hosts=hosts("1"))
    b = stored("b", runs(STEADY, settings=set_b), hosts=hosts("2"),
               postgresql={"max_connections": "100", "shared_buffers": "4096MB"},
               testbed={"git_commit": "4567def", "python": "3.11.2"})  # fmt: skip
    _, document = compared(a, b)
    masked = "amqp://****@host"
    assert {one["what"]: (one["a"], one["b"]) for one in document["differences"]} == {
        "flask, variant default: broker": (masked, f"{masked}, with another user or password"),
        "flask, variant default: workers": ("16", "8"),
        "server: kernel": ("6.1", "6.2"),
        "server: package agents-flask:flask": ("1.0", "2.0"),
        "PostgreSQL: max_connections": ("600", "100"),
        "testbed: git_commit": ("0123abc", "4567def"),
    }


def test_records_from_before_a_login_was_a_setting_had_the_usual_one(stored, compared):
    asked = {"workers": 16, "database_auth": "md5", "database_socket": "tcp"}
    before = [run.model_copy(update={"postgresql": {}}) for run in runs(STEADY)]
    now = [run.model_copy(update={"postgresql": {}}) for run in runs(STEADY, settings=asked)]
    _, document = compared(stored("a", before), stored("b", now))
    assert {one["what"]: (one["a"], one["b"]) for one in document["differences"]} == {
        "flask, variant default: database_auth": ("scram-sha-256", "md5"),
    }


def test_like_campaigns_differ_in_nothing(stored, compared, capsys):
    folder = stored("a", runs(STEADY))
    assert compared(folder, folder)[1]["differences"] == []
    assert main(["compare", folder, folder, *QUIET]) == 0
    assert "Nothing that is recorded of the two campaigns differs" in capsys.readouterr().out


def test_the_table_shows_figures_ratio_and_verdict(stored, capsys):
    a, b = stored("a", runs(MANY)), stored("b", runs(STEADY))
    assert main(["compare", a, b, *QUIET]) == Exit.WORSE
    text = capsys.readouterr().out
    line = next(line for line in text.splitlines() if "Goodput" in line)
    assert all(part in line for part in ("1,401 (3)", "1,001 (3)", "0.714", "worse"))
    basis = "3 trials against 3, unpaired, and the noise between campaigns"
    assert f"Goodput/s: The 95 % interval (t, {basis}) of B/A" in text


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--metric", "speed"], "unknown metric 'speed'"),
        (["--tolerance", "-1"], "tolerance"),
        *((["--tolerance", value], "tolerance") for value in ("nan", "inf", "1e16", "1001")),
        *((["--wanted", value], "wanted") for value in ("nan", "inf", "-1", "1e16", "10001")),
        (["--metric", "capacity_rps"], "no search"),
    ],
)
def test_wrong_options_are_one_message(stored, capsys, options, said):
    folder = stored("a", runs(STEADY))
    assert main(["compare", folder, folder, *options]) == Exit.BAD_INPUT
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "says"),
    [(f"--tolerance={value}", f"tolerance {value} %") for value in ("-1", "1e+308", "1001")]
    + [(f"--wanted={value}", f"wanted difference {value} %") for value in ("-1", "5", "1e+308")],
)
def test_they_are_refused_before_anything_is_measured(option, says):
    with pytest.raises(TestbedError, match=re.escape(says)):
        command.check_options([option])


def test_what_a_comparison_could_have_shown_is_said(stored, compared, capsys):
    steady, shaky = stored("a", runs(STEADY)), stored("b", runs(SHAKY))
    for folder, least, most in ((steady, 1.05, 1.06), (shaky, 2, 20)):
        _, document = compared(folder, folder, *GOODPUT)
        assert least < document["cells"][0]["could_show_ratio"] < most
    main(["compare", steady, steady, *GOODPUT, *QUIET])
    assert "smallest difference that 4 of 5 such comparisons show: 5.4 %" in capsys.readouterr().out
    main(["compare", shaky, shaky, *GOODPUT, *QUIET])
    assert "such comparisons show: a factor of" in capsys.readouterr().out


def test_two_trials_do_not_tell_what_they_could_have_shown(stored, compared, capsys):
    folder = stored("a", runs(STEADY[:2]))
    assert compared(folder, folder, *GOODPUT)[1]["cells"][0]["could_show_ratio"] is None
    capsys.readouterr()
    main(["compare", folder, folder, *GOODPUT, *QUIET])
    said = "show is not known: that takes 3 trials a side, and there are 2."
    assert said in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("spans", "noise", "said"),
    [
        ([Span.exact(9), Span.exact(11), Span.exact(10)], None, "no number of trials tells how"),
        ([Span(10, 9, 12)] * 3, None, "only bounds are known, which more trials do not make"),
        ([Span.exact(0)] * 3, None, "there is no ratio of figures that are zero"),
    ],
)
def test_why_it_is_not_told_what_could_have_been_shown(stored, spans, noise, said):
    a = b = load(Path(stored("a", runs(STEADY))))
    found = rule.compare(a, b, ["goodput_rps"], 5, lambda *_: noise)
    sides = CellTrials("A", spans, 3), CellTrials("B", spans, 3)
    cell = replace(found.cells[0], ratio=unpaired(*sides), could_show=None)
    found = replace(found, cells=[cell], together="zero" in said)
    (line,) = show.could_show(found)
    assert said in line
