"""Results that were edited, cut off or lost: named, never counted, and never a traceback."""

import base64
import json
import os
import shutil
import zlib

import pytest
from hdrh.histogram import HdrHistogram
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analysis.__main__ import main
from analysis.load import load
from testbed import seal, store
from testbed.errors import TestbedError
from testbed.model.campaign import Campaign
from testbed.model.results import RunRecord
from tests.unit.report import builder

COMMANDS = ("table", "compare", "reparse")
DAMAGES = {
    "empty": lambda text: b"",
    "cut": lambda text: text[: len(text) // 2],
    "binary": lambda text: bytes(range(256)) * 20,
    "nul": lambda text: b"\0" * 100,
    "not UTF-8": lambda text: b"\xff\xfe" + text,
    "list": lambda text: b"[1, 2]",
    "null": lambda text: b"null",
    "deep": lambda text: b"[" * 100_000,
    "deep value": lambda text: b'{"schema_version": 1, "asked": ' + b"[" * 300 + b"]" * 300 + b"}",
    "long number": lambda text: b'{"schema_version": ' + b"9" * 5000 + b"}",
    "infinite": lambda text: b'{"schema_version": 1e999}',
    "NaN": lambda text: b'{"schema_version": NaN}',
    "half a character": lambda text: b'{"schema_version": 1, "title": "\\ud800"}',
    "of the future": lambda text: b'{"schema_version": 2}',
    "csv of nothing": lambda text: b",,,\n,,,\n",
}  # fmt: skip


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A campaign as a run leaves it: with digests."""
    runs = [builder.run(number, "flask", "index", trial=number) for number in (1, 2, 3)]
    folder = builder.write(tmp_path_factory.mktemp("c") / "c", builder.campaign(runs), runs)
    for record in runs:
        own = folder / record.run_id
        (own / "raw" / "pacer.json").write_text('{"tool": "pacer"}\n')
        files = {"files": seal.files_of(own)}
        store.write(own / "run.json", record.model_copy(update=files))
    store.write(folder / "campaign.json", builder.campaign(runs))
    return folder


@pytest.fixture
def campaign(whole, tmp_path):
    return shutil.copytree(whole, tmp_path / "c")


def said(capsys, command, folder):
    """A command's exit code and all that it said."""
    code = main([command, str(folder), *([str(folder)] if command == "compare" else [])])
    told = capsys.readouterr()
    assert "Traceback" not in told.out + told.err
    return code, told.out + told.err


def test_what_was_not_touched_says_nothing(campaign, capsys):
    code, told = said(capsys, "table", campaign)
    assert code == 0
    assert "edited" not in told
    assert not any(run.edited for run in load(campaign).runs)
    stored = store.read(campaign / "campaign.json", Campaign)
    assert len(store.finished_runs(campaign, stored)) == 3


def test_results_without_digests_say_nothing(tmp_path):
    runs = [builder.run(1, "flask", "index")]
    folder = builder.write(tmp_path / "old", builder.campaign(runs), runs)
    (run,) = load(folder).runs
    assert run.edited == []
    assert run.record.verdict == "valid"


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", ["campaign.json", "001-flask-index-default-t1/run.json"])
def test_a_document_that_cannot_be_read_is_refused_by_name(campaign, capsys, name, damage, command):
    path = campaign / name
    path.write_bytes(DAMAGES[damage](path.read_bytes()))
    code, told = said(capsys, command, campaign)
    assert code == 2
    assert name in told.replace("\n", "")
    with pytest.raises(TestbedError, match=path.name):
        store.read(path, Campaign if name == "campaign.json" else RunRecord)


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize(
    "name", ["raw/pacer.json", "timeline.csv", "latency.hdr", "telemetry-server.csv"]
)
def test_a_file_of_a_run_that_was_edited_makes_it_invalid(campaign, capsys, name, damage):
    path = campaign / "002-flask-index-default-t2" / name
    path.write_bytes(DAMAGES[damage](path.read_bytes()))
    for command in COMMANDS:
        _, told = said(capsys, command, campaign)
        assert path.name in told
    found = {run.record.trial: run for run in load(campaign).runs}
    assert {trial: run.record.verdict for trial, run in found.items()} == {
        1: "valid", 2: "invalid", 3: "valid",
    }  # fmt: skip
    stored = store.read(campaign / "campaign.json", Campaign)
    with pytest.raises(TestbedError, match=f"{path.name} was "):
        store.finished_runs(campaign, stored)


@pytest.mark.parametrize("how", ["missing", "link", "folder", "pipe"])
def test_what_is_no_file_any_more_is_named(campaign, how):
    path = campaign / "002-flask-index-default-t2" / "timeline.csv"
    path.unlink()
    if how == "link":
        path.symlink_to("latency.hdr")
    elif how == "folder":
        path.mkdir()
    elif how == "pipe":
        os.mkfifo(path)
    (edited,) = load(campaign).runs[1].edited
    assert "timeline.csv is " in edited


def _sparse(path):
    path.touch()
    os.truncate(path, 3 << 30)


NO_FILES = {
    "a pipe": (os.mkfifo, "a pipe (FIFO)"),
    "a folder": (os.mkdir, "a folder"),
    "a device": (lambda path: path.symlink_to("/dev/zero"), "a device"),
    "too large": (_sparse, "3,221,225,472"),
}


@pytest.mark.parametrize("sealed", [True, False])
@pytest.mark.parametrize("what", NO_FILES)
@pytest.mark.parametrize("name", ["timeline.csv", "latency.hdr", "telemetry-client.csv"])
def test_what_cannot_be_read_into_memory_is_noted(whole, tmp_path, name, what, sealed):
    runs = [builder.run(1, "flask", "index")]
    folder = (
        shutil.copytree(whole, tmp_path / "c") if sealed
        else builder.write(tmp_path / "c", builder.campaign(runs), runs)
    )  # fmt: skip
    path = folder / "001-flask-index-default-t1" / name
    path.unlink()
    make, says = NO_FILES[what]
    make(path)
    run = load(folder).runs[0]
    (note,) = run.notes
    assert note.startswith(f"{name} could not be read: {says}")
    assert bool(run.edited) == sealed


def _bomb(path):
    """A histogram log whose one interval unpacks to 200 MB."""
    histogram = HdrHistogram(1, 3_600_000_000, 3)
    histogram.record_value(5)
    whole = base64.b64decode(histogram.encode())
    packed = zlib.compress(zlib.decompress(whole[8:]) + bytes(200 << 20))
    interval = base64.b64encode(whole[:4] + len(packed).to_bytes(4, "big") + packed)
    path.write_bytes(b"#[Histogram log format version 1.2]\n0.0,1.0,1.0," + interval + b"\n")


@pytest.mark.parametrize(
    ("name", "make", "says"),
    [
        ("timeline.csv", lambda path: path.write_text(f"{',' * 10**6}\n" * 2), "1,000 columns"),
        ("timeline.csv", lambda path: path.write_text(f"a\n{',' * 10**6}\n"), "1,000 columns"),
        ("latency.hdr", _bomb, "an interval of more than 1,048,576 bytes"),
    ],
)
def test_what_would_grow_without_end_is_noted(campaign, name, make, says):
    make(campaign / "001-flask-index-default-t1" / name)
    (note,) = load(campaign).runs[0].notes
    assert note.startswith(f"{name} could not be read: ")
    assert says in note


@pytest.mark.parametrize("what", NO_FILES)
@pytest.mark.parametrize("name", ["campaign.json", "001-flask-index-default-t1/run.json"])
def test_a_document_that_is_no_file_is_refused_at_once(campaign, capsys, name, what):
    (campaign / name).unlink()
    NO_FILES[what][0](campaign / name)
    for command in COMMANDS:
        code, told = said(capsys, command, campaign)
        assert code == 2
        assert name.rpartition("/")[2] in told.replace("\n", "")


def test_a_raw_output_that_is_too_large_is_not_read_again(tmp_path, capsys):
    runs = [builder.run(1, "flask", "index"), builder.run(2, "flask", "index", trial=2)]
    folder = builder.write(tmp_path / "c", builder.campaign(runs), runs)
    raw = folder / runs[0].run_id / "raw"
    raw.mkdir(exist_ok=True)
    NO_FILES["too large"][0](raw / "pacer.json")
    code, told = said(capsys, "reparse", folder)
    assert code == 0
    assert "001-flask-index-default-t1: not readable" in told
    assert "raw/pacer.json: is too large: 3,221,225,472 bytes" in told
    assert "002-flask-index-default-t2: no raw output" in told


COMMANDS_OF_FOLDERS = ("report", "table", "reparse", "verdicts")
NO_FOLDERS = [
    ("/dev/null", "/dev/null: is a device, not a folder"),
    ("", "'': an empty name"),
    ("nowhere", "nowhere: no such folder"),
    ("file", "file: is a file, not a folder"),
    ("file/x", "file/x: no such folder"),
    ("pipe", "pipe: is a pipe (FIFO), not a folder"),
    ("a\nb\tc\x1b[2J", r"a\nb\tc\x1b[2J: no such folder"),
]


@pytest.mark.parametrize(("name", "says"), NO_FOLDERS, ids=range(len(NO_FOLDERS)))
def test_what_is_no_folder_is_named(campaign, tmp_path, capsys, monkeypatch, name, says):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "pipe")
    calls = [[command, name] for command in COMMANDS_OF_FOLDERS]
    for arguments in (*calls, ["compare", name, name], ["compare", str(campaign), name]):
        assert main(arguments) == 2
        assert capsys.readouterr().err.startswith(f"error: {says}\n  -> ")


def test_an_empty_name_to_write_to_is_refused_too(campaign, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["report", str(campaign), "--out="]) == 2
    assert "'': an empty name" in capsys.readouterr().err
    assert not (tmp_path / "index.html").exists()


def test_names_of_folders_are_shown_on_one_line(campaign, tmp_path, capsys):
    odd = campaign.rename(tmp_path / "a\nb\tc\x1b[2J")
    run = odd / "001-flask-index-default-t1"
    shutil.copytree(run, odd / "stray\nb")
    (run / "timeline.csv").write_text("x")
    (run / "raw" / "pacer.json").unlink()
    for arguments in (["report", str(odd)], ["table", str(odd)], ["reparse", str(odd)]):
        assert main(arguments) == 0
        told = capsys.readouterr().out
        assert not {"b", "b\tc\\x1b[2J"} & {*told.split("\n")}
        assert "\nb" not in told
    (odd / "campaign.json").write_text("{")
    assert main(["table", str(odd)]) == 2
    assert r"a\nb\tc\x1b[2J/campaign.json: not valid JSON" in capsys.readouterr().err


def test_an_edited_figure_is_found_however_the_file_is_laid_out(campaign):
    path = campaign / "001-flask-index-default-t1" / "run.json"
    record = json.loads(path.read_text())
    path.write_text(json.dumps(dict(reversed(record.items())), indent=7))
    assert load(campaign).runs[0].edited == []
    record["output"]["goodput_rps"] += 1
    path.write_text(json.dumps(record))
    (edited,) = load(campaign).runs[0].edited
    assert "run.json was edited" in edited
    del record["digest"]
    path.write_text(json.dumps(record))
    (edited,) = load(campaign).runs[0].edited
    assert "run.json has lost its digest" in edited


def test_an_edited_campaign_makes_all_its_runs_invalid(campaign):
    path = campaign / "campaign.json"
    path.write_text(path.read_text().replace('"seed": 20150225', '"seed": 1'))
    for run in load(campaign).runs:
        assert run.record.verdict == "invalid"
    with pytest.raises(TestbedError, match="campaign.json was edited"):
        store.read(path, Campaign)


def test_reparse_stores_nothing_of_an_edited_run(campaign, capsys):
    folder = campaign / "002-flask-index-default-t2"
    (folder / "raw" / "pacer.json").write_text("{}")
    before = (folder / "run.json").read_bytes()
    main(["reparse", str(campaign), "--write"])
    assert f"{folder.name}: edited" in capsys.readouterr().out
    assert (folder / "run.json").read_bytes() == before


@pytest.fixture(scope="module")
def one_run(whole, tmp_path_factory):
    """A place for copies of the campaign, and the paths of all its files."""
    names = sorted(p.relative_to(whole).as_posix() for p in whole.rglob("*") if p.is_file())
    return tmp_path_factory.mktemp("copies"), names


@settings(
    max_examples=100,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_whatever_is_changed_in_a_file_is_found_or_refused(whole, one_run, data):
    place, names = one_run
    name = data.draw(st.sampled_from(names))
    before = (whole / name).read_bytes()
    start = data.draw(st.integers(0, len(before) - 1))
    end = start + data.draw(st.integers(0, 40))
    after = before[:start] + data.draw(st.binary(max_size=40)) + before[end:]
    folder = shutil.copytree(whole, place / "c", dirs_exist_ok=True)
    (folder / name).write_bytes(after)
    try:
        found = any(run.edited for run in load(folder).runs)
    except TestbedError as error:
        found = "c/" in error.message
    sealed = name.rpartition("/")[2] in ("run.json", "campaign.json")
    assert found or after == before or (sealed and json.loads(after) == json.loads(before))
