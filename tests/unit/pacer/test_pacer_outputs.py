"""Files are written whole, and what cannot be written is refused before anything is sent."""

import os
from pathlib import Path

import pytest

from pacer.arguments import BadOption
from pacer.options import parse
from pacer.outputs import Unwritable, check_outputs, write

GOOD = ["--url", "http://127.0.0.1:1/", "--rate", "10", "--connections", "4", "--duration", "1"]


def test_files_are_replaced_and_links_followed(tmp_path: Path) -> None:
    file, link = tmp_path / "file", tmp_path / "link"
    link.symlink_to(file)
    for text in ("one", "two"):
        write(file, text)
        assert file.read_text() == text
    write(link, "three")
    assert link.is_symlink()
    assert file.read_text() == "three"
    write(Path("/dev/null"), "text")
    assert Path("/dev/null").is_char_device()
    assert sorted(tmp_path.iterdir()) == [file, link]


def test_trying_leaves_no_trace(tmp_path: Path) -> None:
    (tmp_path / "there").write_text("before")
    (tmp_path / "link").symlink_to("behind")
    os.mkfifo(tmp_path / "pipe")
    before = sorted(tmp_path.iterdir())
    names = ("there", "new", "link", "pipe")
    check_outputs([*(tmp_path / name for name in names), Path("/dev/null"), Path("/dev/null")])
    assert sorted(tmp_path.iterdir()) == before
    assert (tmp_path / "there").read_text() == "before"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "Is a directory"),
        ("none/file", "No such file"),
        ("file/below", "Not a directory"),
        ("circle", "."),
        ("n" * 300, "File name too long"),
        ("a\0b", "null"),
        ("/proc/none", "No such file"),  # as in a folder where nobody may write, root included
    ],
)
@pytest.mark.parametrize("option", ["--json", "--timeline", "--hdr", "--sample"])
def test_what_cannot_be_written(tmp_path: Path, option: str, name: str, reason: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "circle").symlink_to("circle")
    with pytest.raises(BadOption, match=rf"(?s)cannot write .*: .*{reason}"):
        parse([*GOOD, option, str(tmp_path / name)])


def test_two_files_of_one_name(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("file")
    with pytest.raises(Unwritable, match="another file of this run has that name"):
        check_outputs([tmp_path / "file", tmp_path / "link"])
