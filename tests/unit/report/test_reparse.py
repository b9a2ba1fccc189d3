"""Raw outputs read again: what differs is said, stored only when asked, and nothing is judged."""

import json
from pathlib import Path

import pytest

from analysis.__main__ import main
from testbed.errors import Exit
from testbed.model.results import Failure, RunRecord
from testbed.tools import parse
from tests.unit.report import builder, series_builder

FIXTURES = Path(__file__).parents[2] / "contract" / "parsers" / "fixtures"
CAPTURE = FIXTURES / "wrk-latency.txt"


@pytest.fixture
def campaign(tmp_path):
    """A campaign of wrk runs with their raw outputs: as stored, changed, gone, cut, failed."""
    text = CAPTURE.read_text()
    figures = parse(text, "wrk")
    old = figures.model_copy(update={"goodput_rps": 1.0})
    load = {"generator": "wrk", "mode": "saturation", "rate_rps": None}
    failure = Failure(stage="load", message="the generator failed")
    runs = [
        builder.run(1, "flask", "index", figures=figures, **load),
        builder.run(2, "flask", "index", trial=2, figures=old, verdict="doubtful", **load),
        builder.run(3, "flask", "index", trial=3, figures=figures, **load),
        builder.run(4, "flask", "index", trial=4, figures=figures, **load),
        builder.run(5, "flask", "index", trial=5, failure=failure, verdict="invalid", **load),
    ]
    folder = builder.write(tmp_path / "c", builder.campaign(runs), runs, curves=False)
    for run, raw in zip(runs, (text, text, None, "no such file\n", text), strict=True):
        if raw is not None:
            (folder / run.run_id / "raw" / "generator.txt").write_text(raw)
    return folder, runs


def run_json(folder, run):
    return folder / run.run_id / "run.json"


def test_every_run_says_what_differs(campaign, capsys):
    folder, runs = campaign
    before = [run_json(folder, run).read_bytes() for run in runs]
    assert main(["reparse", str(folder)]) == 0
    out = capsys.readouterr().out
    states = dict(line.split(": ", 1) for line in out.splitlines() if line.startswith("00"))
    assert list(states.values()) == [
        "same", "differs", "no raw output", "not readable", "failed run",
    ]  # fmt: skip
    assert "goodput_rps: 1.0 -> " in out
    assert "raw/generator.txt:1: " in out
    assert "not judged anew" in out
    assert [run_json(folder, run).read_bytes() for run in runs] == before


def test_with_write_only_the_figures_change(campaign, capsys):
    folder, runs = campaign
    before = [run_json(folder, run).read_bytes() for run in runs]
    assert main(["reparse", str(folder), "--write"]) == 0
    after = [run_json(folder, run).read_bytes() for run in runs]
    assert [one == other for one, other in zip(before, after, strict=True)] == [
        True, False, True, True, True,
    ]  # fmt: skip
    stored = RunRecord.model_validate(json.loads(after[1]))
    assert stored.output == parse(CAPTURE.read_text(), "wrk")
    kept = {"output": runs[1].output, "digest": None}
    assert stored.model_copy(update=kept) == runs[1]
    assert not list(folder.rglob("*.tmp"))
    capsys.readouterr()
    assert main(["reparse", str(folder)]) == 0
    assert "5 runs: no figures differ" in capsys.readouterr().out


def test_the_file_that_is_read_is_the_generators_own(tmp_path, capsys):
    text = (FIXTURES / "pacer-plain.txt").read_text()
    run = builder.run(1, "flask", "index", figures=parse(text, "pacer"))
    folder = builder.write(tmp_path / "c", builder.campaign([run]), [run], curves=False)
    (folder / run.run_id / "raw" / "pacer.json").write_text(text)
    assert main(["reparse", str(folder)]) == 0
    assert f"{run.run_id}: same" in capsys.readouterr().out


def test_a_series_is_refused_with_the_names_of_its_campaigns(tmp_path, capsys):
    folder = series_builder.write(tmp_path / "s", {"rate": [], "users": []})
    assert main(["reparse", str(folder)]) == Exit.BAD_INPUT
    said = "".join(capsys.readouterr().err.split())
    assert "aseriesof2campaigns" in said
    assert "as_published-rate" in said
    assert "as_published-users" in said
