import pytest

from testbed import store
from testbed.errors import TestbedError
from testbed.model.link import LinkRecord
from testbed.model.results import RunRecord
from tests.unit.report import builder
from tests.unit.testbed.sound_run import LOAD

LINK = builder.link()


def test_what_is_written_is_read_back(tmp_path):
    path = tmp_path / "new" / "x.json"
    store.write(path, LINK)
    found = store.read(path, LinkRecord)
    assert found.digest is not None
    assert found.model_copy(update={"digest": None}) == LINK
    assert [item.name for item in path.parent.iterdir()] == ["x.json"]


def test_a_file_that_does_not_fit_is_told_by_key(tmp_path):
    path = tmp_path / "x.json"
    path.write_text('{"schema_version": 1, "floor_mbit_per_s": "fast"}')
    with pytest.raises(TestbedError, match=r"x\.json: measured_at: Field required"):
        store.read(path, LinkRecord)


def test_a_place_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(TestbedError, match="cannot write .*file"):
        store.write(tmp_path / "file" / "x.json", LINK)


NAMED = ("campaign", "workload", "app", "app_title", "endpoint", "variant", "url")
UNKNOWN = ("generator_version", "command", "unit", "sql", "output", "failure")


def finished(folder, number, rows):
    """A finished run's folder."""
    record = dict.fromkeys(NAMED, "x") | dict.fromkeys(UNKNOWN)
    record |= {"schema_version": 1, "run_id": f"{number:03d}-a", "trial": 1, "calibration": False}
    record |= {"settings": {}, "phases_s": {}, "answers": [], "findings": [], "verdict": "valid"}
    record |= {"started_at": "2026-01-01T00:00:00Z", "ended_at": "2026-01-01T00:00:09Z"}
    record |= {"load": LOAD, "rows": rows}
    path = folder / record["run_id"] / "run.json"
    store.write(path, RunRecord.model_validate(record))


def test_the_first_run_that_found_a_database_is_what_others_are_compared_with(tmp_path):
    assert store.first_rows(tmp_path) is None
    finished(tmp_path, 3, {"t": 3})
    finished(tmp_path, 1, None)
    assert store.first_rows(tmp_path) == {"t": 3}
    finished(tmp_path, 2, {"t": 2})
    assert store.first_rows(tmp_path) == {"t": 2}


def test_latest_leads_to_the_newest_campaign(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        store.point_latest(tmp_path / name)
    assert (tmp_path / "latest").resolve() == tmp_path / "two"
