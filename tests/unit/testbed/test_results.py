import pytest

from testbed import results
from testbed.errors import TestbedError
from testbed.model.results import LinkDirection

WAY = LinkDirection(source="client", target="server", mbit_per_s=941)


def test_what_is_written_is_read_back(tmp_path):
    path = tmp_path / "new" / "x.json"
    results.write(path, WAY)
    assert results.read(path, LinkDirection) == WAY
    assert [item.name for item in path.parent.iterdir()] == ["x.json"]


def test_a_file_that_does_not_fit_is_told_by_key(tmp_path):
    path = tmp_path / "x.json"
    path.write_text('{"source": "client", "target": "server", "mbit_per_s": "fast"}')
    with pytest.raises(TestbedError, match=r"x\.json: mbit_per_s: "):
        results.read(path, LinkDirection)


def test_a_place_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(TestbedError, match="cannot write .*file"):
        results.write(tmp_path / "file" / "x.json", WAY)


def test_latest_leads_to_the_newest_campaign(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        results.point_latest(tmp_path / name)
    assert (tmp_path / "latest").resolve() == tmp_path / "two"
