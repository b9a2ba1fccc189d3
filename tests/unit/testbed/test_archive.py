"""Archives of campaigns: the same bytes each time, whole when unpacked, and nothing else."""

import gzip
import io
import json
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.__main__ import main
from testbed import archive
from testbed.errors import Exit, TestbedError
from testbed.model.campaign import Campaign
from tests.unit.report import builder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    records = [builder.run(n, "flask", "index", trial=n) for n in (1, 2)]
    made = builder.write(tmp_path_factory.mktemp("r") / "a", builder.campaign(records), records)
    (made / "report").mkdir()
    (made / "report" / "index.html").write_text("made again")
    (made / ".partial-003").mkdir()
    (made / ".partial-003" / "x").write_text("unfinished")
    return made


@pytest.fixture(scope="module")
def packed(folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("p") / "a.tar.gz"
    archive.pack(folder, campaign(folder), out)
    return out


def campaign(folder):
    return Campaign.model_validate_json((folder / "campaign.json").read_text())


def entries(packed):
    """The names and contents of an archive, in order."""
    with tarfile.open(packed) as tar:
        return [(one.name, tar.extractfile(one).read()) for one in tar]


def written(path, entries, kind=tarfile.REGTYPE, form=tarfile.USTAR_FORMAT, **more):
    """An archive of these entries; the last is of `kind`."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=form) as tar:
        for number, (name, content) in enumerate(entries):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            if number == len(entries) - 1:
                entry.type = kind
                for key, value in more.items():
                    setattr(entry, key, value)
            tar.addfile(entry, io.BytesIO(content))
    path.write_bytes(gzip.compress(plain.getvalue(), mtime=0))
    return path


def relisted(found, **changes):
    """The entries with other files in their list."""
    manifest = json.loads(found[0][1])
    manifest["files"] |= changes
    return [("manifest.json", json.dumps(manifest).encode()), *found[1:]]


def refused(path, tmp_path):
    into = tmp_path / "out" / "campaign"
    with pytest.raises(TestbedError) as caught:
        archive.unpack(path, into)
    assert caught.value.exit_code == Exit.BAD_INPUT
    assert str(path) in str(caught.value)
    assert not into.exists()
    assert not into.parent.exists() or list(into.parent.iterdir()) == []
    return str(caught.value)


def test_what_was_measured_comes_back_and_what_follows_from_it_is_left_out(
    folder, packed, tmp_path
):
    manifest = archive.unpack(packed, tmp_path / "b")
    there = {str(p.relative_to(tmp_path / "b")) for p in (tmp_path / "b").rglob("*") if p.is_file()}
    here = {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}
    assert there - {"manifest.json"} == {
        name for name in here if not name.startswith(("report/", ".partial"))
    }
    assert set(manifest.files) == there - {"manifest.json"}
    assert all((tmp_path / "b" / n).read_bytes() == (folder / n).read_bytes()
               for n in manifest.files)  # fmt: skip


def test_the_same_folder_gives_the_same_bytes_also_when_it_was_unpacked(folder, packed, tmp_path):
    archive.unpack(packed, tmp_path / "b")
    for source in (folder, tmp_path / "b"):
        archive.pack(source, campaign(folder), tmp_path / "again.tar.gz")
        assert (tmp_path / "again.tar.gz").read_bytes() == packed.read_bytes()


@pytest.mark.parametrize(
    "name",
    ["../x", "/etc/x", "a/../../x", "a/./x", ".ssh/x", "a//x", "a\\..\\x", "", "a\nb", "x" * 101,
     "C:x", "a/.x", "campaign.json/x"],
)  # fmt: skip
def test_no_name_leads_out_of_the_folder_or_into_a_file(name, packed, tmp_path):
    found = relisted(entries(packed), **{name: {"sha256": "0" * 64, "bytes": 0}})
    path = written(tmp_path / "x.tar.gz", found)
    assert "which no campaign has" in refused(path, tmp_path)


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE,
                                  tarfile.CHRTYPE, tarfile.DIRTYPE])  # fmt: skip
def test_only_plain_files_are_taken(kind, packed, tmp_path):
    found = [*entries(packed), ("link", b"")]
    path = written(tmp_path / "x.tar.gz", found, kind, linkname="/etc/passwd")
    assert "is no plain file" in refused(path, tmp_path)


def test_a_file_that_is_not_listed_missing_changed_or_there_twice_is_told(packed, tmp_path):
    found = entries(packed)
    path = tmp_path / "x.tar.gz"
    assert "not in its list" in refused(written(path, [*found, ("x", b"1")]), tmp_path)
    assert "there twice" in refused(written(path, [*found, found[-1]]), tmp_path)
    assert "is missing" in refused(written(path, found[:-1]), tmp_path)
    name, content = found[-1]
    other = bytes([content[0] ^ 1]) + content[1:]
    assert "was changed" in refused(written(path, [*found[:-1], (name, other)]), tmp_path)
    assert "another size" in refused(written(path, [*found[:-1], (name, content + b"1")]), tmp_path)
    assert "does not begin" in refused(written(path, found[1:]), tmp_path)
    huge = relisted(found, huge={"sha256": "0" * 64, "bytes": 1 << 40})
    assert "at most" in refused(written(path, huge), tmp_path)


@given(st.data())
def test_a_damaged_archive_is_one_sentence_or_whole(packed, tmp_path_factory, data):
    content = bytearray(packed.read_bytes())
    at = data.draw(st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        content[at] ^= 1 << data.draw(st.integers(0, 7))
    else:
        del content[at:]
    folder = tmp_path_factory.mktemp("d")
    (folder / "x.tar.gz").write_bytes(content)
    try:
        archive.unpack(folder / "x.tar.gz", folder / "out" / "a")
    except TestbedError:
        assert list((folder / "out").glob("*")) == []


def test_names_that_extend_tar_are_not_read(packed, tmp_path):
    found = [*entries(packed), ("ä" * 90, b"")]
    path = written(tmp_path / "x.tar.gz", found, form=tarfile.PAX_FORMAT)
    assert "is no plain file" in refused(path, tmp_path)


def test_what_is_no_archive_or_is_there_already_is_told(folder, packed, tmp_path):
    assert "cannot be unpacked" in refused(folder / "campaign.json", tmp_path)
    assert "no such file" in refused(tmp_path / "nowhere.tar.gz", tmp_path)
    with pytest.raises(TestbedError, match="exists already"):
        archive.unpack(packed, folder)


def test_the_command_writes_beside_the_folder_and_refuses_what_was_edited(tmp_path, capsys):
    records = [builder.run(1, "flask", "index")]
    made = builder.write(tmp_path / "a", builder.campaign(records), records, curves=False)
    (made / "apps").mkdir()
    for name in ("none", "secret"):
        (made / "apps" / name).write_text("" if name == "none" else "-i https://me:word@host/")
    assert main(["bundle", str(made)]) == 0
    told = capsys.readouterr().out.replace("\n", "")
    assert "a.tar.gz: 4 files" in told
    assert "user or password in apps/secret." in told
    assert archive.read_manifest(tmp_path / "a.tar.gz").campaign == builder.NAME
    (made / "link").symlink_to("/etc/passwd")
    assert main(["bundle", str(made)]) == Exit.BAD_INPUT
    assert "no plain file" in capsys.readouterr().err
