"""Two versions of an app in one campaign: compared in pairs, with compare's words and codes."""

import json

import pytest

from analysis.__main__ import main
from testbed.errors import Exit
from testbed.model.campaign import CapacityResult, Version, Versions
from tests.unit.report import builder
from tests.unit.report.test_compare import GOODPUT, STEADY, runs, stored

__all__ = ["stored"]  # a fixture
BLOCKS = (1000.0, 1300.0, 800.0, 1100.0)  # how quick the host was in each block
NAMED = Versions(
    app="flask",
    app_title="Flask + Gunicorn",
    old=Version(app="flask_old", source="v1", commit="0123456789abcdef"),
    new=Version(app="flask_new", source="/home/me/flask", commit=None),
    differences=["changed file: views.py"],
)


@pytest.fixture
def both(stored, capsys):
    """Stores a campaign of both versions' goodputs; compares it; gives exit code and document."""

    def run(old, new, *options):
        records = [
            record
            for name, rates in (("flask_old", old), ("flask_new", new))
            for record in runs(rates, app=name, title=f"Flask {name}")
        ]
        records = [
            record.model_copy(update={"run_id": f"{n:03d}{record.run_id[3:]}"})
            for n, record in enumerate(records, start=1)
        ]
        folder = stored("ab", records, versions=NAMED, apps={"flask_old": "a", "flask_new": "b"})
        code = main(["compare", folder, "--json", *GOODPUT, *options])
        return code, json.loads(capsys.readouterr().out), folder

    return run


@pytest.mark.parametrize(
    ("factors", "verdict", "code"),
    [
        ((0.9, 0.91, 0.9, 0.89), "worse", Exit.WORSE),
        ((1.1, 1.11, 1.1, 1.09), "better", 0),
        ((1.0, 1.01, 1.0, 0.99), "same", 0),
        ((1.0, 1.3, 0.8, 1.0), "undecided", 0),
        ((0.5,), "undecided", Exit.NOT_VALID),
    ],
)
def test_the_new_version_is_judged_by_pairs(both, factors, verdict, code):
    """Blocks differ by half: without pairs, nothing could be told."""
    old = BLOCKS[: len(factors)]
    new = [rate * factor for rate, factor in zip(old, factors, strict=True)]
    status, document, _ = both(old, new)
    (cell,) = document["cells"]
    assert (status, cell["verdict"]) == (code, verdict)
    assert cell["app"] == "flask"
    assert document["together"]
    assert document["versions"]["old"]["commit"] == "0123456789abcdef"
    if len(factors) > 1:
        assert cell["ratio"]["interval_is"] == "95 % interval (t, 4 pairs of trials)"


def test_versions_are_named_with_what_differs(both, capsys):
    _, _, folder = both(STEADY, STEADY)
    main(["compare", folder, *GOODPUT])
    text = capsys.readouterr().out
    assert "flask, old: v1, commit 0123456789ab" in text
    assert "flask, new: /home/me/flask" in text
    assert "changed file: views.py" in text
    assert "in pairs of trials, for A and B were measured in one campaign" in text
    assert "Flask + Gunicorn" in text


def test_a_block_of_which_one_side_is_lost_is_left_out(both):
    _, document, _ = both(BLOCKS, [rate * 0.9 for rate in BLOCKS[:3]])
    (cell,) = document["cells"]
    assert "3 pairs" in cell["ratio"]["interval_is"]
    assert "1 trial not measured" in " ".join(cell["remarks"])


def test_a_campaign_without_versions_needs_another_one(stored, capsys):
    folder = stored("a", runs(STEADY))
    assert main(["compare", folder]) == Exit.BAD_INPUT
    assert "not a campaign of two versions of an app" in capsys.readouterr().err


def test_noise_between_campaigns_is_none_within_one(both, capsys):
    _, _, folder = both(STEADY, STEADY)
    assert main(["compare", folder, "--between=2"]) == Exit.BAD_INPUT
    assert "--between is for two campaigns" in capsys.readouterr().err


def test_searches_of_both_versions_are_compared(stored, capsys):
    answers, probes = [], []
    for app, low, high in (("flask_old", 1000, 1020), ("flask_new", 2000, 2040)):
        for trial in (1, 2):
            mine = [
                builder.run(len(probes) + n, app, "index", trial=trial, rate_rps=rate)
                for n, rate in enumerate((low, high), start=1)
            ]
            probes += mine
            answers.append(
                CapacityResult(
                    app=app, endpoint="index", variant="default", trial=trial, at_least_rps=low,
                    below_rps=high, runs=[probe.run_id for probe in mine],
                )
            )  # fmt: skip
    limits = {"from_rps": 1000, "to_rps": 8000, "p99_ms": 50, "errors_percent": 0.1}
    asked = {"trials": 2, "load": {"capacity": limits}}
    folder = stored("ab", probes, asked=asked, capacities=answers, versions=NAMED)
    assert main(["compare", folder, "--json"]) == 0
    (cell,) = json.loads(capsys.readouterr().out)["cells"]
    assert (cell["metric"], cell["verdict"]) == ("capacity_rps", "better")


@pytest.mark.parametrize(
    ("tool", "old_us", "new_us", "verdict"),
    [
        ("ab", 3000.0, 4000.0, "undecided"),  # 3.4 and 3.6 ms, perhaps
        ("ab", 0.0, 1000.0, "undecided"),
        ("ab", 30_000.0, 90_000.0, "worse"),
        ("ab", 600_000.0, 601_000.0, "same"),
        ("hey", 300.0, 400.0, "undecided"),
        ("hey", 3000.0, 4000.0, "worse"),
        ("pacer", 3000.0, 4000.0, "worse"),
        ("wrk", 3000.0, 4000.0, "undecided"),
        ("wrk", 3000.0, 90_000.0, "undecided"),
        ("wrk2", 3000.0, 4000.0, "worse"),
    ],
)
def test_what_a_tool_rounds_away_is_no_difference(stored, capsys, tool, old_us, new_us, verdict):
    """Trials that all print the same number of milliseconds seem not to scatter at all."""
    records = []
    for name, time_us in (("flask_old", old_us), ("flask_new", new_us)):
        figures = {"tool": tool, "max_us": time_us}
        figures |= dict.fromkeys(("mean_us", "p50_us", "p99_us"), time_us)
        records += runs([1000.0] * 5, app=name, figures=figures)
    records = [
        record.model_copy(update={"run_id": f"{number:03d}{record.run_id[3:]}"})
        for number, record in enumerate(records, start=1)
    ]
    folder = stored("ab", records, versions=NAMED, apps={"flask_old": "a", "flask_new": "b"})
    main(["compare", folder, "--json", "--metric=response_p99_us", "--metric=response_mean_us"])
    cells = json.loads(capsys.readouterr().out)["cells"]
    assert [cell["verdict"] for cell in cells] == [verdict] * 2
    if verdict == "undecided":
        why = (
            "wrk adds times of requests that were never sent" if tool == "wrk" else f"{tool} rounds"
        )
        assert all(why in str(cell["remarks"]) for cell in cells)
