"""Tidy tables: every column is of its model, figures are those of the run, texts stay harmless."""

import csv

import pandas as pd
import pytest

from analysis.__main__ import main
from analysis.export import command
from analysis.export.frames import ROWS, dtypes, frame
from analysis.export.rows import TABLES
from analysis.figures import FIGURES
from analysis.load import load
from testbed.errors import Exit
from testbed.model.results import Failure, Finding
from tests.unit.report import builder


@pytest.fixture
def folder(tmp_path):
    """A campaign of three trials, a failed run, one with a finding, and curves."""
    late = Finding(check="generator_late", verdict="doubtful", sentence="=late by 7 ms")
    failure = Failure(stage="ready", message="died")
    records = [
        *(builder.run(n, "flask", "index", trial=n, title="=cmd()") for n in (1, 2, 3)),
        builder.run(4, "django", "index", findings=[late], verdict="doubtful"),
        builder.run(5, "aiohttp_api_hour", "index", failure=failure),
    ]
    return builder.write(tmp_path / "a", builder.campaign(records), records)


def read(path):
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_every_table_is_described_and_filled():
    assert set(ROWS) == set(TABLES)
    for model in TABLES.values():
        assert all(field.description for field in model.model_fields.values())
        assert dtypes(model)["campaign"] == "string"


def test_csv_files_have_a_row_for_each_thing(folder, capsys):
    assert main(["export", str(folder), "--csv"]) == 0
    out = folder / "export"
    assert "runs.csv: 5 rows" in capsys.readouterr().out.replace("\n", "")
    assert sorted(path.stem for path in out.iterdir()) == [
        "cells", "findings", "runs", "seconds", "trials",
    ]  # fmt: skip
    for path in out.iterdir():
        assert list(read(path)[0]) == list(TABLES[path.stem].model_fields)
    runs = read(out / "runs.csv")
    assert [run["counts"] for run in runs] == ["True"] * 4 + ["False"]
    assert runs[4]["requests"] == ""
    assert len(read(out / "trials.csv")) == 5 * len(FIGURES)
    assert len(read(out / "cells.csv")) == 3 * len(FIGURES)


def test_no_cell_is_a_formula(folder):
    main(["export", str(folder), "--csv"])
    found = read(folder / "export" / "findings.csv")
    assert [one["sentence"] for one in found if one["check"] == "generator_late"] == [
        "'=late by 7 ms"
    ]
    assert read(folder / "export" / "runs.csv")[0]["app_title"] == "'=cmd()"


def test_figures_are_those_of_the_runs(folder):
    loaded = load(folder)
    trials = frame("trials", [loaded])
    goodput = trials[(trials.figure == "goodput_rps") & (trials.app == "flask")]
    assert list(goodput.value) == [3998.2] * 3
    assert trials[trials.app == "aiohttp_api_hour"].value.isna().all()
    cells = frame("cells", [loaded])
    assert cells[(cells.app == "flask") & (cells.figure == "goodput_rps")].value.item() == (
        pytest.approx(3998.2)
    )
    seconds = frame("seconds", [loaded])
    assert set(seconds.phase) <= {"warmup", "measured", "drain"}
    of_first = seconds[seconds.run_id == loaded.runs[0].record.run_id]
    assert len(of_first) == len(loaded.runs[0].timeline)


def test_several_campaigns_share_tables_and_types_never_change(folder):
    loaded = load(folder)
    both = frame("runs", [loaded, loaded])
    assert len(both) == 2 * len(loaded.runs)
    for name, model in TABLES.items():
        for campaigns in ([loaded], []):
            made = frame(name, campaigns)
            assert {key: str(kind) for key, kind in made.dtypes.items()} == dtypes(model)


def test_only_the_tables_asked_for(folder, tmp_path):
    out = tmp_path / "out"
    assert main(["export", str(folder), "--csv", "--table", "parts", "--out", str(out)]) == 0
    (only,) = out.iterdir()
    assert only.read_text() == ",".join(TABLES["parts"].model_fields) + "\n"


def test_parquet_without_pyarrow_is_one_sentence(folder, monkeypatch, capsys):
    monkeypatch.setattr(command, "find_spec", lambda name: None)
    assert main(["export", str(folder), "--parquet"]) == Exit.NOT_READY
    error = capsys.readouterr().err
    assert error.startswith("error: Parquet is written by pyarrow, which is not installed\n  -> ")
    assert not (folder / "export").exists()


def test_parquet_is_written_by_pyarrow(folder, monkeypatch, tmp_path):
    """What pyarrow makes of it is pyarrow's; here, that it is asked for each table."""
    asked = []
    monkeypatch.setattr(command, "find_spec", lambda name: True)
    monkeypatch.setattr(
        pd.DataFrame, "to_parquet", lambda self, path, **how: asked.append((path.name, how))
    )
    command.export([load(folder)], tmp_path / "p", "parquet", ["runs", "cells"])
    how = {"engine": "pyarrow", "index": False}
    assert asked == [("runs.parquet", how), ("cells.parquet", how)]
